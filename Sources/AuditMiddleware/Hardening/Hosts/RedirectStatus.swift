public import HTTPTypes

/// How a client is sent elsewhere; both keep method and body.
public struct RedirectStatus: Sendable, Hashable {
    public let status: HTTPResponse.Status

    /// 308, to be remembered.
    public static let permanent = RedirectStatus(status: .permanentRedirect)
    /// 307, as Starlette does: for trying it out.
    public static let temporary = RedirectStatus(status: .temporaryRedirect)
}
