import AuditEvents
import HTTPTypes
import Hummingbird
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct PolicyTests {
    static let table: PermissionTable = ["editor": ["books:write"], "admin": ["users:read", "books:write"]]

    static func subject(_ principal: Principal?, user: String? = nil) -> PolicySubject {
        var parameters = Parameters()
        if let user { parameters["user"] = Substring(user) }
        return PolicySubject(
            principal: principal, permissions: table, parameters: parameters,
            head: .init(method: .get, scheme: nil, authority: nil, path: "/"))
    }

    static let ann = Principal(id: "ann", roles: ["editor"], scopes: ["books:read"])

    @Test(
        "a policy holds, fails, or is unknown of nobody",
        arguments: [
            (Policy.anyone, true, true), (.authenticated, true, false), (.not(.authenticated), false, true), (.not(.anyone), false, false),
            (.role("editor"), true, false), (.role("Editor"), false, false), (.not(.role("editor")), false, false),
            // What is unknown of nobody is so negated as well.
            (.not(.role("guest")), true, false), (.not(.not(.role("guest"))), false, false), (.not(.owner(of: "user")), false, false),
            (.scope("books:read"), true, false), (.scope("books:rea"), false, false), (.permission("books:write"), true, false),
            (.permission("users:read"), false, false), (.permission("editor"), false, false), (.owner(of: "user"), true, false),
            (.owner(of: "id"), false, false), (.allOf(.role("editor"), .scope("books:read")), true, false),
            (.allOf(.role("editor"), .scope("x")), false, false), (.anyOf(.role("admin"), .role("editor")), true, false),
            (.anyOf(.role("admin"), .role("root")), false, false), (.anyOf(.role("admin"), .anyone), true, true),
            (.not(.anyOf(.role("admin"), .role("root"))), true, false), (.not(.allOf(.role("editor"), .role("admin"))), true, false),
            // A policy of nothing permits nothing, and neither does its negation.
            (.allOf([]), false, false), (.anyOf([]), false, false), (.not(.allOf([])), false, false), (.not(.anyOf([])), false, false),
            (.allOf(.not(.role("guest")), .anyone), true, false), (.anyOf(.not(.role("guest")), .not(.authenticated)), true, true),
        ])
    func decisions(_ policy: Policy, _ ann: Bool, _ nobody: Bool) async throws {
        #expect((try await policy.decision(for: Self.subject(Self.ann, user: "ann")) == .allowed) == ann)
        #expect((try await policy.decision(for: Self.subject(nil, user: "ann")) == .allowed) == nobody)
        #expect(policy.admitsNobody == nobody)
    }

    @Test("names and owners are compared by bytes: what only looks alike is another")
    func bytes() async throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        let principal = Principal(id: composed, roles: [composed], scopes: [composed])
        for policy in [Policy.role(decomposed), .scope(decomposed), .permission("p"), .owner(of: "user")] {
            var subject = Self.subject(principal, user: decomposed)
            subject.permissions = [decomposed: ["p"]]
            #expect(try await policy.decision(for: subject) != .allowed, "\(policy)")
        }
        for policy in [Policy.role(composed), .scope(composed), .permission("p"), .owner(of: "user")] {
            var subject = Self.subject(principal, user: composed)
            subject.permissions = [composed: ["p"]]
            #expect(try await policy.decision(for: subject) == .allowed, "\(policy)")
        }
        #expect(try await Policy.owner(of: "user").decision(for: Self.subject(Principal(id: ""), user: "")) != .allowed)
        #expect(try await Policy.owner(of: "user").decision(for: Self.subject(Principal(id: "a b"), user: "a%20b")) != .allowed)
    }

    @Test(
        "a denial names the leaves that are missing, a reason, and the scopes that would do",
        arguments: [
            (Policy.role("admin"), ["role:admin"], "missing_role", []),
            (.scope("books:write"), ["scope:books:write"], "missing_scope", ["books:write"]),
            (.permission("users:read"), ["permission:users:read"], "missing_permission", []),
            (.owner(of: "id"), ["owner(id)"], "not_owner", []),
            (.not(.role("editor")), ["not(role:editor)"], "excluded", []), (.not(.authenticated), ["not(authenticated)"], "excluded", []),
            (.anyOf(.role("admin"), .role("root")), ["role:admin", "role:root"], "missing_role", []),
            (.anyOf(.role("admin"), .scope("w")), ["role:admin", "scope:w"], "policy_denied", ["w"]),
            (.allOf(.role("editor"), .scope("w"), .role("admin")), ["scope:w"], "missing_scope", ["w"]),
            // All scopes that are needed, held or not; none where a scope is not what is missing.
            (.allOf(.scope("books:read"), .scope("w")), ["scope:w"], "missing_scope", ["books:read", "w"]),
            (.allOf(.scope("books:read"), .role("admin")), ["role:admin"], "missing_role", []),
            (.anyOf(.allOf(.scope("a"), .scope("b")), .scope("c")), ["scope:a", "scope:c"], "missing_scope", ["a", "b"]),
            (.anyOf([]), ["anyOf()"], "policy_denied", []),
        ])
    func denials(_ policy: Policy, _ missing: [String], _ reason: String, _ scopes: [String]) async throws {
        #expect(
            try await policy.decision(for: Self.subject(Self.ann))
                == .denied(PolicyDenial(missing: missing, reason: reason, scopes: scopes)))
    }

    @Test("checks are asked in order, once, only where they decide, and a failing one permits nothing")
    func checks() async throws {
        struct Away: Error {}
        let asked = Mutex<[String]>([])
        @Sendable func check(_ name: String, _ answer: Bool?) -> Policy {
            .check(name) { _ in
                asked.withLock { $0.append(name) }
                guard let answer else { throw Away() }
                return answer
            }
        }
        func decide(_ policy: Policy, _ principal: Principal? = Self.ann) async throws -> (PolicyDecision, [String]) {
            asked.withLock { $0 = [] }
            return (try await policy.decision(for: Self.subject(principal)), asked.withLock { $0 })
        }
        let both = try await decide(.allOf(check("a", true), check("b", false), check("c", true)))
        #expect(both.0 == .denied(PolicyDenial(missing: ["check(b)"], reason: "check_failed", scopes: [])) && both.1 == ["a", "b"])
        let spared = try await decide(.anyOf(.role("editor"), check("a", false)))
        #expect(spared.0 == .allowed && spared.1.isEmpty)
        let unasked = try await decide(.allOf(.role("editor"), check("a", true)), nil)
        #expect(unasked.0 != .allowed && unasked.1.isEmpty)
        let same = check("same", true)
        let twice = try await decide(.allOf(same, .anyOf(.role("x"), same), .not(.not(same))))
        #expect(twice.0 == .allowed && twice.1 == ["same"])
        await #expect(throws: Away.self) { try await decide(.anyOf(check("a", nil), .role("editor"))) }
        await #expect(throws: Away.self) { try await decide(.not(check("a", nil))) }
        #expect(try await decide(check("office", true), nil).0 == .allowed)
        #expect(!check("office", true).admitsNobody)
    }

    @Test("generated policies are judged as three-valued logic does, and a denial always names what is missing")
    func generated() async throws {
        var random = SplitMix(state: 7)
        func tree(_ depth: Int) -> Policy {
            switch Int.random(in: 0..<(depth == 0 ? 6 : 9), using: &random) {
            case 0: .anyone
            case 1: .authenticated
            case 2: .role("editor")
            case 3: .role("admin")
            case 4: .scope("books:read")
            case 5: .owner(of: "user")
            case 6: .allOf((0..<Int.random(in: 1...3, using: &random)).map { _ in tree(depth - 1) })
            case 7: .anyOf((0..<Int.random(in: 1...3, using: &random)).map { _ in tree(depth - 1) })
            default: .not(tree(depth - 1))
            }
        }
        /// By the book, without any short cut: 1 holds, 0 fails, ½ unknown.
        func value(_ policy: Policy, _ leaf: (Policy) -> Double) -> Double {
            switch policy.node {
            case .all(let policies): policies.map { value($0, leaf) }.min() ?? 0.5
            case .any(let policies): policies.map { value($0, leaf) }.max() ?? 0.5
            case .not(let policy): 1 - value(policy, leaf)
            default: leaf(policy)
            }
        }
        let known: Set = ["anyone", "authenticated", "role:editor", "scope:books:read", "owner(user)"]
        for _ in 0..<2_000 {
            let policy = tree(4)
            let ann = try await policy.decision(for: Self.subject(Self.ann, user: "ann"))
            #expect((ann == .allowed) == (value(policy) { known.contains($0.description) ? 1 : 0 } == 1), "\(policy)")
            if case .denied(let denial) = ann { #expect(!denial.missing.isEmpty) }
            let nobody = value(policy) { $0.description == "anyone" ? 1 : $0.description == "authenticated" ? 0 : 0.5 }
            let decision = try await policy.decision(for: Self.subject(nil, user: "ann"))
            // The short cut in allOf may call a failure unknown, and its negation with it: stricter, never laxer.
            if decision == .allowed { #expect(nobody == 1, "\(policy)") }
        }
    }

    @Test("a permission table is data")
    func table() throws {
        let table = try #require(PermissionTable(json: ["editor": ["books:write"], "reader": []]))
        #expect(table.gives("books:write", to: ["reader", "editor"]))
        #expect(!table.gives("books:write", to: ["reader"]))
        #expect(!table.gives("books:write", to: []))
        for json: JSONObject in [["editor": "books:write"], ["editor": [1]], ["editor": [["books:write"]]]] {
            #expect(PermissionTable(json: json) == nil)
        }
        #expect(PermissionTable([("a", ["x"]), ("a", ["y"])]).gives("x", to: ["a"]))
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
