import Foundation
import Testing

@testable import AuditMiddleware

@Suite struct PasswordPolicyTests {
    @Test("length, not composition, is what counts; each code point is one")
    func lengths() {
        let policy = PasswordPolicy(minimumLength: 15)
        for good in [
            "plain words, long enough", "alllowercaseletters", "éèêëàâäôöùûüïîç", "пароль из нескольких слов", "🦊🐢🦉🐙🐳🦀🐌🐝🦋🐞🦔🐊🦩🦚🦜",
            String(repeating: "long enough ", count: 80), "  spaces count too  x",
        ] {
            #expect(policy.violation(of: good, username: "ann") == nil, "\(good)")
        }
        for short in ["", "a", "fourteen chars", "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}"] {
            #expect(policy.violation(of: short, username: "ann")?.code == "too_short", "\(short)")
        }
        #expect(PasswordPolicy(minimumLength: 1).minimumLength == 8)
        #expect(policy.violation(of: String(repeating: "lang ", count: 205), username: "ann")?.code == "too_long")
        #expect(policy.violation(of: String(repeating: "x", count: 10_000_000), username: "ann")?.code == "too_long")
    }

    @Test(
        "what guessers try first is refused, whatever its case or width",
        arguments: [
            "password", "PASSWORD", "Password123", "ｐａｓｓｗｏｒｄ", "12345678", "123456789", "qwertyuiop", "QwErTyUiOp", "iloveyou",
            "letmein123",
            "aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababab", "abcdefghijklmnop", "zyxwvutsrqponm", "11111111", "🦊🦊🦊🦊🦊🦊🦊🦊",
            "correcthorsebatterystaple", "trustno1!", "welcome2024", "contraseña", "contrasen\u{303}a",
        ])
    func common(_ password: String) {
        #expect(PasswordPolicy(minimumLength: 8).violation(of: password, username: "ann")?.code == "common")
    }

    @Test("what is made of the names of account and service is refused")
    func context() {
        let policy = PasswordPolicy(minimumLength: 8, contextWords: ["Bookshop"])
        for (password, username) in [
            ("bookshop", "ann"), ("BookShop1", "ann"), ("bookshopbookshop", "ann"), ("annabelle", "annabelle"),
            ("annabelle1234", "annabelle"),
            ("annabellebookshop!", "annabelle"), ("annabelle99", "annabelle@example.org"), ("ANNABELLE@example", "annabelle@example.org"),
        ] {
            #expect(policy.violation(of: password, username: username)?.code == "contextual", "\(password)")
        }
        #expect(policy.violation(of: "a bookshop of annabelle's own", username: "annabelle") == nil)
        #expect(policy.violation(of: "something quite else", username: "an") == nil)
    }

    @Test(
        "what cannot be typed is refused",
        arguments: [
            "a good password\0", "a good\u{7}password", "a good password\r\n", "a good password\u{85}", "a good password\u{2028}",
            "a good password\u{FFFD}", "a good \u{FEFF}password", "a good password\u{1B}[0m", "a good password\u{E000A}x\u{0378}",
        ])
    func controls(_ password: String) {
        #expect(PasswordPolicy(minimumLength: 8).violation(of: password, username: "ann")?.code == "not_text")
    }

    @Test("a file adds to the list; one that is no list is refused")
    func file() throws {
        let path = NSTemporaryDirectory() + "common-\(UInt64.random(in: 0 ..< .max)).txt"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("first of the file\r\nSecond Of The File\n\n".utf8).write(to: URL(fileURLWithPath: path))
        let common = try CommonPasswords(file: path)
        #expect(common.count == CommonPasswords.builtIn.count + 2)
        for password in ["first of the file", "second of the file", "SECOND of the file", "password"] {
            #expect(PasswordPolicy(minimumLength: 8, common: common).violation(of: password, username: "x")?.code == "common")
        }
        try Data([0xff, 0xfe, 10]).write(to: URL(fileURLWithPath: path))
        #expect(throws: (any Error).self) { try CommonPasswords(file: path) }
        #expect(throws: (any Error).self) { try CommonPasswords(file: path + ".none") }
    }

    @Test("a user name has one form")
    func usernames() {
        for (typed, name) in [
            ("ann", "ann"), ("Ann", "ann"), ("ANN", "ann"), ("a", "a"), ("0", "0"), ("ann.b_c-d+e@Example.ORG", "ann.b_c-d+e@example.org"),
            (String(repeating: "x", count: 64), String(repeating: "x", count: 64)),
        ] {
            #expect(Username(typed)?.description == name)
        }
    }

    @Test(
        "what could be taken for another name is no name",
        arguments: [
            "", " ", "ann ", " ann", "a nn", "ann\0", "\0", "ann\n", "ann\r", "ann\t", "аnn", "ａnn", "ann\u{301}", "a\u{200B}nn",
            "a\u{200D}nn", "ann\u{202E}",
            "\u{212A}ate", "ſam", "ınk", "İnk", "ﬁn", "①", "²", "ß", "é", "e\u{301}", ".ann", "_ann", "-ann", "+ann", "@ann", "ann/../bob",
            "ann'", "ann\"",
            "ann;", "ann:pw", "ann,bob", "ann%00", "ann\\", "<ann>", "ann|bob", "ann`", "ann$", "ann&", "ann*", "ann(", "ann=1", "ann?",
            "ann#", "ann!", "ann~",
            "\u{FEFF}ann", "\u{FFFD}", "🦊", String(repeating: "x", count: 65), String(repeating: "x", count: 100_000), "ann\u{AD}",
            "\u{E0061}nn",
        ])
    func noUsernames(_ typed: String) {
        #expect(Username(typed) == nil)
    }
}
