import AuditEvents
public import TransparencyLog

/// Which witnesses must have signed a checkpoint (C2SP tlog-policy): `log VKEY`, `witness NAME VKEY`, `group NAME any|all|K NAME…`,
/// `quorum NAME|none`, a line each; `#` begins a comment.
public struct WitnessPolicy: Sendable {
    public private(set) var logs: [NoteVerifier] = []
    private var witnesses: [String: NoteVerifier] = [:]
    private var groups: [String: (count: Int, members: [String])] = [:]
    private var quorum: String?

    /// - Throws: `NoteError` with `.malformed`, naming the line.
    public init(_ text: String) throws(NoteError) {
        var number = 0
        for line in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false) {
            number += 1
            func wrong(_ what: String) -> NoteError { NoteError(.malformed, "line \(number) of the policy: \(what)") }
            let words = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
                .split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map(String.init)
            guard let verb = words.first else { continue }
            switch verb {
            case "log":
                guard words.count >= 2 else { throw wrong("a log has a vkey") }
                logs.append(try NoteVerifier(words[1]))
            case "witness":
                guard words.count >= 3 else { throw wrong("a witness has a name and a vkey") }
                try declare(words[1], wrong)
                witnesses[words[1]] = try NoteVerifier(words[2])
            case "group":
                guard words.count >= 4 else { throw wrong("a group has a name, a number and members") }
                try declare(words[1], wrong)
                let members = Array(words[3...])
                guard Set(members).count == members.count, members.allSatisfy({ witnesses[$0] != nil || groups[$0] != nil }) else {
                    throw wrong("a group's members are known before it, each once")
                }
                guard let count = words[2] == "any" ? 1 : words[2] == "all" ? members.count : Int(words[2]),
                    (1...members.count).contains(count)
                else {
                    throw wrong("a group needs any, all or a number of its members")
                }
                groups[words[1]] = (count, members)
            case "quorum":
                guard words.count == 2, quorum == nil, words[1] == "none" || witnesses[words[1]] != nil || groups[words[1]] != nil else {
                    throw wrong("there is one quorum, and it is known before it")
                }
                quorum = words[1]
            default: throw wrong("'\(verb)' is not log, witness, group or quorum")
            }
        }
        guard quorum != nil else { throw NoteError(.malformed, "the policy has no quorum") }
    }

    private func declare(_ name: String, _ wrong: (String) -> NoteError) throws(NoteError) {
        guard witnesses[name] == nil, groups[name] == nil, name != "none" else { throw wrong("'\(name)' is there twice") }
    }

    /// What the witnesses' signatures of a checkpoint allow to claim; nil where none is asked for.
    ///
    /// - Throws: `PackageFinding`: `.tampered` for a signature that does not hold, `.incomplete` where the quorum did not sign.
    func tier(_ note: SignedNote, _ place: String) throws(PackageFinding) -> PackageVerifier.Tier? {
        guard let quorum, quorum != "none" else { return nil }
        var times: [String: UInt64] = [:]
        for (name, key) in witnesses {
            for signature in note.signatures where signature.keyID == key.id && signature.name.utf8.elementsEqual(key.name.utf8) {
                guard key.verifies(signature.bytes, of: note.text) else {
                    throw PackageFinding(.tampered, place, "the signature of the witness \(name) does not hold")
                }
                times[name] = key.algorithm == .cosignature ? NoteVerifier.time(of: signature.bytes) ?? 0 : 0
            }
        }
        guard let time = reached(quorum, times) else {
            throw PackageFinding(.incomplete, place, "the witnesses of the policy's quorum did not sign it")
        }
        let names = times.keys.sorted().joined(separator: ", ")
        return .tamperEvident(since: Timestamp(microseconds: Int64(clamping: time) * 1_000_000).description, by: names)
    }

    /// When so many had signed that the quorum was reached.
    private func reached(_ name: String, _ times: [String: UInt64]) -> UInt64? {
        if witnesses[name] != nil { return times[name] }
        guard let group = groups[name] else { return nil }
        let reached = group.members.compactMap { self.reached($0, times) }.sorted()
        return reached.count >= group.count ? reached[group.count - 1] : nil
    }
}
