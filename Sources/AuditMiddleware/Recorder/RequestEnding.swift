/// How a request ended, as far as it can be known here.
enum RequestEnding: Sendable {
    /// A response was given, whole; the bytes are of its body.
    case response(Int, bytes: Int)
    /// The client left before it had the response, or in the middle of it.
    case clientClosed
    case clientClosedWithin(Int, bytes: Int)
    /// The handler failed while it was writing the body.
    case cut(Int, bytes: Int)
    /// The body was no HTTP.
    case malformed
}
