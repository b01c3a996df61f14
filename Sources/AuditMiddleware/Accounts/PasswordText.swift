import Foundation

/// Passwords as text: the same typed on two keyboards is the same password.
enum PasswordText {
    /// Normalisation form C (NIST SP 800-63B-4 §3.1.1.2, RFC 8265 §4.2.2).
    static func normalized(_ password: String) -> String {
        password.utf8.allSatisfy { $0 < 0x80 } ? password : password.precomposedStringWithCanonicalMapping
    }

    /// For comparison with lists of words: compatibility forms and case folded away.
    static func folded(_ text: String) -> String {
        (text.utf8.allSatisfy { $0 < 0x80 } ? text : text.precomposedStringWithCompatibilityMapping).lowercased()
    }
}
