import Testing

@testable import Alerting

@Suite("The life of an alert")
struct AlertLifeTests {
    typealias Act = AlertLife.Act
    typealias Finding = AlertLife.Finding

    static let acts: [Act] = [.acknowledge, .assign(to: "bob"), .assign(to: "eve"), .resolve, .markFalsePositive, .reopen, .note]
    static let findings: [Finding] = [.hits, .idle, .absorbed(active: true), .absorbed(active: false), .mergedAway]

    /// Every life that any sequence of acts and findings leads to.
    static let reachable: Set<AlertLife> = {
        var known: Set<AlertLife> = [AlertLife()]
        var fresh = known
        while !fresh.isEmpty {
            var next: Set<AlertLife> = []
            for life in fresh {
                for act in acts {
                    var after = life
                    if (try? after.apply(act, by: "ann")) != nil { next.insert(after) }
                }
                for finding in findings {
                    var after = life
                    _ = after.take(finding)
                    next.insert(after)
                }
            }
            fresh = next.subtracting(known)
            known.formUnion(fresh)
        }
        return known
    }()

    private func after(_ steps: String) throws -> AlertLife {
        var life = AlertLife()
        for step in steps.split(separator: " ") {
            switch step {
            case "ack": _ = try life.apply(.acknowledge, by: "ann")
            case "assign": _ = try life.apply(.assign(to: "bob"), by: "ann")
            case "resolve": _ = try life.apply(.resolve, by: "ann")
            case "false": _ = try life.apply(.markFalsePositive, by: "ann")
            case "reopen": _ = try life.apply(.reopen, by: "ann")
            case "hits": _ = life.take(.hits)
            case "idle": _ = life.take(.idle)
            case "absorb": _ = life.take(.absorbed(active: true))
            default: _ = life.take(.mergedAway)
            }
        }
        return life
    }

    @Test(
        "what a person may do in each state, and what comes of it; - is refused",
        arguments: [
            // steps, acknowledge, assign, resolve, false positive, reopen
            ("", "acknowledged assigned resolved false_positive -"),
            ("ack", "- assigned resolved false_positive -"),
            ("assign", "- - resolved false_positive -"),
            ("ack assign", "- - resolved false_positive -"),
            ("resolve", "- - - false_positive reopened"),
            ("ack resolve", "- - - false_positive reopened"),
            ("false", "- - - - reopened"),
            ("resolve false", "- - - - reopened"),
            ("resolve reopen", "acknowledged assigned resolved false_positive -"),
            ("idle", "resolved assigned resolved false_positive reopened"),
            ("ack idle", "- assigned resolved false_positive reopened"),
            ("assign idle", "- assigned resolved false_positive reopened"),
            ("idle ack", "- assigned resolved false_positive reopened"),
            ("resolve idle", "- - - false_positive reopened"),
            ("merge", "- - - - -"),
            ("resolve merge", "- - - - -"),
        ])
    func table(steps: String, expected: String) throws {
        let acts: [Act] = [.acknowledge, .assign(to: "bob"), .resolve, .markFalsePositive, .reopen]
        let results = try acts.map { act in
            var life = try after(steps)
            let before = life
            do {
                let change = try life.apply(act, by: "cleo")
                #expect(change.from == before.state && change.to == life.state && change.cause == nil)
                return life.state.rawValue
            } catch let error as AlertingError {
                #expect(error.code == .transition && error.message.contains(before.state.rawValue))
                #expect(life == before, "what is refused changes nothing")
                return "-"
            }
        }
        #expect(results.joined(separator: " ") == expected, "after '\(steps)'")
    }

    @Test(
        "what detection finds, in each state",
        arguments: [
            // steps, hits, idle, absorbed
            ("", "open resolved open"), ("ack", "acknowledged resolved acknowledged"), ("assign", "assigned resolved assigned"),
            ("resolve", "reopened resolved reopened"), ("false", "false_positive false_positive reopened"),
            ("resolve reopen", "reopened resolved reopened"), ("idle", "open resolved open"),
            ("ack idle", "acknowledged resolved acknowledged"),
            ("assign idle", "assigned resolved assigned"), ("idle ack", "open resolved open"),
            ("resolve reopen idle", "reopened resolved reopened"),
            ("merge", "merged merged merged"),
        ])
    func findings(steps: String, expected: String) throws {
        let findings: [Finding] = [.hits, .idle, .absorbed(active: true)]
        let results = try findings.map { finding in
            var life = try after(steps)
            let before = life
            let change = life.take(finding)
            #expect((change == nil) == (life.state == before.state), "a change of state is told, nothing else is")
            if let change { #expect(change.from == before.state && change.to == life.state && change.cause != nil) }
            return life.state.rawValue
        }
        #expect(results.joined(separator: " ") == expected, "after '\(steps)'")
    }

    @Test("in every life that can come about, the state and what goes with it agree")
    func invariants() {
        #expect(Set(Self.reachable.map(\.state)) == Set(AlertState.allCases))
        #expect(Self.reachable.count < 300)
        for life in Self.reachable {
            #expect((life.closing != nil) == (life.state == .resolved || life.state == .falsePositive), "\(life)")
            if case .idle(let earlier) = life.closing { #expect(earlier.isActive && life.isIdle && life.state == .resolved, "\(life)") }
            if life.state == .assigned { #expect(life.assignee != nil && life.acknowledgedBy != nil, "\(life)") }
            if life.state == .acknowledged { #expect(life.acknowledgedBy != nil, "\(life)") }
            if life.state == .open { #expect(life.acknowledgedBy == nil || life.closing == nil, "\(life)") }
            if life.state.isActive { #expect(!life.isSettled, "\(life)") }
            if life.state == .merged { #expect(life.isSettled) }
        }
    }

    @Test("from every life but a merged one a person can end and can reopen; a merged one is at its end")
    func reachable() {
        for life in Self.reachable {
            for act in Self.acts {
                var after = life
                let isRefused = (try? after.apply(act, by: "ann")) == nil
                if life.state == .merged { #expect(isRefused) }
                if act == .note { #expect(isRefused == (life.state == .merged) && after == life) }
                if act == .reopen { #expect(isRefused == (life.state.isActive || life.state == .merged)) }
                if act == .resolve, life.state.isActive { #expect(!isRefused && after.isSettled) }
            }
            for finding in Self.findings {
                var after = life
                _ = after.take(finding)
                let once = after
                if finding != .mergedAway, finding != .hits {
                    #expect(after.take(finding) == nil && after == once, "\(finding) twice is once")
                }
            }
        }
    }

    @Test("a late event undoes what being idle did, so that a life without it is the same")
    func idleIsUndone() {
        for life in Self.reachable where !life.isIdle && life.state.isActive {
            var after = life
            _ = after.take(.idle)
            #expect(!after.state.isActive)
            _ = after.take(.hits)
            #expect(after == life)
        }
    }

    @Test("an idle alert is seen to until somebody has seen it; then it is settled")
    func seen() throws {
        #expect(try after("idle").isSettled == false)
        #expect(try after("idle ack").isSettled)
        #expect(try after("ack idle").isSettled)
        #expect(try after("resolve hits idle").isSettled == false, "a new person must look")
        #expect(try after("resolve hits").acknowledgedBy == nil)
    }
}
