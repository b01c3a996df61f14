import HTTPTypes
import HummingbirdCore

/// What came of a policy.
public enum PolicyDecision: Sendable, Hashable {
    case allowed
    case denied(PolicyDenial)
}

/// Why somebody is not let in.
public struct PolicyDenial: Sendable, Hashable {
    /// The leaves that would have to hold, as text: the first one missing of an `allOf`, every alternative of an `anyOf`.
    public var missing: [String]
    /// A short code: `missing_role`, `missing_scope`, `missing_permission`, `not_owner`, `check_failed`, `excluded`, `not_authenticated`;
    /// `policy_denied` for alternatives of several kinds.
    public var reason: String
    /// The scopes of a credential that would do (RFC 6750 §3.1), where a scope is what is missing.
    public var scopes: [String]
}

extension Policy {
    /// Whether `subject` is let in, and if not, why.
    /// - Throws: what a check throws. That is no permission.
    public func decision(for subject: PolicySubject) async throws -> PolicyDecision {
        var evaluation = PolicyEvaluation(subject: subject)
        while true {
            do throws(PolicyEvaluation.Unanswered) {
                return try evaluation.decision(on: self)
            } catch {
                evaluation.answers[ObjectIdentifier(error.check)] = try await error.check.holds(subject)
            }
        }
    }

    /// Whether nobody is let in whatever the checks say.
    var admitsNobody: Bool {
        var evaluation = PolicyEvaluation(
            subject: PolicySubject(principal: nil, head: .init(method: .get, scheme: nil, authority: nil, path: nil)))
        evaluation.unanswered = .unknown
        return (try? evaluation.truth(of: self)) == .holds
    }
}

/// The judgement of a policy for one subject: pure, with the answers to checks given.
struct PolicyEvaluation {
    /// Kleene's three values.
    enum Truth { case holds, fails, unknown }

    /// The check whose answer is needed next.
    struct Unanswered: Error { let check: PolicyCheck }

    let subject: PolicySubject
    var answers: [ObjectIdentifier: Bool] = [:]
    /// What a check without an answer is taken for; nil asks for the answer.
    var unanswered: Truth?

    init(subject: PolicySubject) { self.subject = subject }

    func decision(on policy: Policy) throws(Unanswered) -> PolicyDecision {
        guard try truth(of: policy) != .holds else { return .allowed }
        var settled = self
        settled.unanswered = .unknown
        let missing = settled.missing(in: policy)
        let reasons = Set(missing.map(Self.reason))
        var scopes: [String] = []
        if reasons.contains("missing_scope") { for scope in Self.scopes(policy) where !scopes.contains(scope) { scopes.append(scope) } }
        return .denied(
            PolicyDenial(
                missing: missing.map(\.description), reason: reasons.count == 1 ? reasons.first ?? "policy_denied" : "policy_denied",
                scopes: scopes))
    }

    func truth(of policy: Policy) throws(Unanswered) -> Truth {
        switch policy.node {
        case .anyone: return .holds
        case .authenticated: return subject.principal == nil ? .fails : .holds
        case .role(let name): return ofPrincipal { Self.contains($0.roles, name) }
        case .scope(let name): return ofPrincipal { Self.contains($0.scopes, name) }
        case .permission(let name): return ofPrincipal { subject.permissions.gives(name, to: $0.roles) }
        case .owner(let parameter):
            return ofPrincipal { principal in
                subject.parameters[parameter[...]].map { !$0.isEmpty && $0.utf8.elementsEqual(principal.id.utf8) } ?? false
            }
        case .check(let check):
            if let answer = answers[ObjectIdentifier(check)] { return answer ? .holds : .fails }
            guard let unanswered else { throw Unanswered(check: check) }
            return unanswered
        case .all(let policies):
            // Ending at what is unknown spares the checks behind it; a later failure would deny just as well.
            for policy in policies {
                let truth = try truth(of: policy)
                if truth != .holds { return truth }
            }
            return policies.isEmpty ? .unknown : .holds
        case .any(let policies):
            var isUnknown = policies.isEmpty
            for policy in policies {
                switch try truth(of: policy) {
                case .holds: return .holds
                case .unknown: isUnknown = true
                case .fails: continue
                }
            }
            return isUnknown ? .unknown : .fails
        case .not(let policy):
            switch try truth(of: policy) {
            case .holds: return .fails
            case .fails: return .holds
            case .unknown: return .unknown
            }
        }
    }

    private func ofPrincipal(_ holds: (Principal) -> Bool) -> Truth {
        guard let principal = subject.principal else { return .unknown }
        return holds(principal) ? .holds : .fails
    }

    private static func contains(_ names: Set<String>, _ name: String) -> Bool {
        // The set's own comparison folds canonically equivalent names: it can only rule out.
        names.contains(name) && names.contains { $0.utf8.elementsEqual(name.utf8) }
    }

    private func missing(in policy: Policy) -> [Policy] {
        switch policy.node {
        case .all(let policies) where !policies.isEmpty:
            return policies.first { (try? truth(of: $0)) != .holds }.map { missing(in: $0) } ?? []
        case .any(let policies) where !policies.isEmpty: return policies.flatMap { missing(in: $0) }
        default: return [policy]
        }
    }

    private static func reason(_ leaf: Policy) -> String {
        switch leaf.node {
        case .role: "missing_role"
        case .scope: "missing_scope"
        case .permission: "missing_permission"
        case .owner: "not_owner"
        case .check: "check_failed"
        case .not: "excluded"
        case .authenticated: "not_authenticated"
        case .anyone, .all, .any: "policy_denied"
        }
    }

    /// The scopes of the first way in that scopes are part of.
    private static func scopes(_ policy: Policy) -> [String] {
        switch policy.node {
        case .scope(let name): [name]
        case .all(let policies): policies.flatMap(scopes)
        case .any(let policies): policies.lazy.map(scopes).first { !$0.isEmpty } ?? []
        default: []
        }
    }
}
