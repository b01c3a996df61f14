import AuditEvents
import Testing

@Suite("fingerprints")
struct FingerprinterTests {
    let fingerprinter = Fingerprinter(key: Array(0..<32))

    @Test("equal secrets give equal text, by purpose and by key")
    func equal() {
        let one = fingerprinter.fingerprint("secret", purpose: .token)
        #expect(one == Fingerprinter(key: Array(0..<32)).fingerprint("secret", purpose: .token))
        #expect(one != fingerprinter.fingerprint("secret", purpose: .session))
        #expect(one != fingerprinter.fingerprint("Secret", purpose: .token))
        #expect(one != Fingerprinter(key: Array(1..<33)).fingerprint("secret", purpose: .token))
        #expect(fingerprinter.mac(Array("secret".utf8), purpose: .token).count == 32)
    }

    @Test("they have a shape that nothing else has")
    func shape() {
        for secret in ["", "x", String(repeating: "é", count: 1000)] {
            #expect(Fingerprinter.isFingerprint(fingerprinter.fingerprint(secret, purpose: .tokenIdentifier)))
        }
        let hex = String(repeating: "0a", count: 16)
        #expect(Fingerprinter.isFingerprint("fp_" + hex))
        for other in ["fp_" + hex.uppercased(), "fp_" + hex + "0", "fp-" + hex, hex, "fp_hunter2", "", " fp_" + hex.dropLast()] {
            #expect(!Fingerprinter.isFingerprint(other), "\(other)")
        }
    }
}
