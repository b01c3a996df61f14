import AuditEvents
import Testing

@testable import ExampleAPI

@Suite struct PasswordTests {
    @Test("PBKDF2 gives what RFC 7914 §11 says")
    func vectors() {
        func hex(_ password: String, _ salt: String, _ iterations: Int, _ length: Int) -> String {
            Hexadecimal.encode(
                PBKDF2.derive(password: Array(password.utf8), salt: Array(salt.utf8), iterations: iterations, length: length))
        }
        #expect(
            hex("passwd", "salt", 1, 64)
                == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        )
        #expect(
            hex("Password", "NaCl", 80_000, 64)
                == "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
        )
        // A key longer than a block, an empty salt, an empty key, a length that is no multiple: against Python's hashlib.
        #expect(hex(String(repeating: "k", count: 65), "", 3, 20) == "3ff12ae140e48533fc9fe9eead6b00705c314d3a")
        #expect(hex("", "salt", 2, 33) == "62384466264daadc4144018c6bd864648272b34da8980d31521ffcce92ae003bbf")
    }

    @Test("a password is verified by its hash, and nothing by none")
    func verify() async throws {
        let passwords = PBKDF2Passwords(iterations: 10)
        let hash = try await passwords.hash("correct horse")
        #expect(hash.hasPrefix("$pbkdf2-sha256$i=10$"))
        #expect(!hash.contains("horse"))
        #expect(try await passwords.hash("correct horse") != hash)
        #expect(try await passwords.verify("correct horse", against: hash))
        #expect(try await !passwords.verify("correct hors", against: hash))
        #expect(try await !passwords.verify("", against: hash))
        #expect(try await !passwords.verify("correct horse", against: nil))
        for broken in ["", "plain", "$pbkdf2-sha256$i=0$00$00", "$pbkdf2-sha256$i=1$0$00", "$scrypt$i=1$00$00", "$pbkdf2-sha256$i=1$00$"] {
            #expect(try await !passwords.verify("correct horse", against: broken))
        }
        // The parameters are in the hash: another default still verifies.
        #expect(try await PBKDF2Passwords(iterations: 99).verify("correct horse", against: hash))
    }

    @Test("a name that is only canonically equivalent is another account")
    func unicode() async throws {
        let users = UserDirectory(passwords: PBKDF2Passwords(iterations: 1))
        try await users.add(username: "ren\u{e9}", password: "x", roles: [])
        #expect(users.account("ren\u{e9}") != nil)
        #expect(users.account("rene\u{301}") == nil)
    }
}
