import HTTPTypes
import HummingbirdCore

/// By whose word a request is taken to have come over TLS. Exactly one.
///
/// The two that believe a header field are safe only where no client can reach the port but through the proxy that writes the field.
public struct SchemeTrust: Sendable, Hashable {
    private enum Model { case connection, tls, forwardedProto, forwarded }
    private let model: Model

    /// The server's own: `https` on HTTP/2 over TLS. Its HTTP/1 channel says `http` whether there is TLS beneath or not.
    public static let connection = SchemeTrust(model: .connection)
    /// Every request: the port is one of TLS, or the proxy lets nothing else through.
    public static let tls = SchemeTrust(model: .tls)
    /// The last element of the last `X-Forwarded-Proto`: that of the nearest proxy, whatever the client put before it.
    public static let xForwardedProto = SchemeTrust(model: .forwardedProto)
    /// The `proto` of the last element of the last `Forwarded` (RFC 7239).
    public static let forwarded = SchemeTrust(model: .forwarded)

    func isSecure(_ request: Request) -> Bool {
        switch model {
        case .connection: return request.head.scheme?[...].utf8.equalsIgnoringCase("https") ?? false
        case .tls: return true
        case .forwardedProto:
            guard let list = SchemeTrust.last(SchemeTrust.xForwardedProtoName, in: request.headers) else { return false }
            let element = list.utf8.lastIndex(of: UInt8(ascii: ",")).map { list[list.utf8.index(after: $0)...] } ?? list[...]
            return element.utf8.trimmingOptionalSpace.equalsIgnoringCase("https")
        case .forwarded:
            guard let list = SchemeTrust.last(SchemeTrust.forwardedName, in: request.headers) else { return false }
            return SchemeTrust.protocolOfLastElement(list[...].utf8)?.equalsIgnoringCase("https") ?? false
        }
    }

    /// The value of the last field of this name; nil also for one too long to be honest.
    private static func last(_ name: HTTPField.Name, in headers: HTTPFields) -> String? {
        guard let field = headers.last(where: { $0.name == name }), field.value.utf8.count <= 2048 else { return nil }
        return field.value
    }

    /// Nil where there is none, more than one, or where quotes do not close.
    private static func protocolOfLastElement(_ list: Substring.UTF8View) -> Substring.UTF8View? {
        var (found, count, quoted, start) = (list[list.endIndex...], 0, false, list.startIndex)
        func end(_ pair: Substring.UTF8View) {
            let pair = pair.trimmingOptionalSpace
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].equalsIgnoringCase("proto") else { return }
            found = pair[pair.index(after: equals)...]
            count += 1
        }
        var index = list.startIndex
        while index < list.endIndex {
            switch list[index] {
            case UInt8(ascii: "\""): quoted.toggle()
            case UInt8(ascii: "\\") where quoted: return nil
            case UInt8(ascii: ";") where !quoted, UInt8(ascii: ",") where !quoted:
                end(list[start..<index])
                start = list.index(after: index)
                if list[index] == UInt8(ascii: ",") { count = 0 }
            default: break
            }
            index = list.index(after: index)
        }
        end(list[start...])
        guard !quoted, count == 1 else { return nil }
        if found.first == UInt8(ascii: "\""), found.last == UInt8(ascii: "\""), found.count >= 2 { found = found.dropFirst().dropLast() }
        return found
    }

    private static let xForwardedProtoName = HTTPField.Name("X-Forwarded-Proto") ?? .via
    private static let forwardedName = HTTPField.Name("Forwarded") ?? .via
}
