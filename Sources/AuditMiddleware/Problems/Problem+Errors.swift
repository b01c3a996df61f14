import AuditEvents
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

extension Problem {
    /// The one place where an error becomes a response: what it says of itself when it is meant for clients, a bare 500 when not.
    ///
    /// Its text goes into no event; of an unknown error the name of its type does.
    static func response(to error: any Error, request: Request, context: some AuditedRequestContext) -> Response {
        switch error {
        case let problem as Problem: return problem.response()
        case let error as HTTPError:
            return Problem(
                error.status, detail: error.status.code < 500 ? error.body : nil,
                headers: error.headers.without([.contentType, .contentLength])
            ).response()
        case is NIOTooManyBytesError: return Problem(.contentTooLarge).response()
        case is SinkRefusal: return Problem.unrecordable(retryAfterSeconds: context.audit.retryAfterSeconds).response()
        case is CancellationError where Task.isCancelled || context.audit.clientIsGone:
            context.audit.update { $0.reason = "client_closed" }
            return Problem(.internalServerError).response()
        case is IOError where context.audit.clientIsGone, is ChannelError where context.audit.clientIsGone:
            // The body could not be read to its end, for whoever sent it left.
            context.audit.update { $0.reason = "client_closed" }
            return Problem(.internalServerError).response()
        case let error as any HTTPResponseError:
            // An error with a response of its own is taken at its word, and its status alone where it fails to make one.
            return (try? error.response(from: request, context: context)) ?? Problem(error.status).response()
        case let error as any StorageFailure where error.isTransient:
            let type = String(describing: Swift.type(of: error))
            context.audit.update {
                $0.reason = "storage_unavailable"
                $0.details["error_type"] = .string(RequestFacts.bounded(type, to: 128))
            }
            context.logger.warning("storage unavailable", metadata: ["error.type": "\(type)"])
            return Problem(.serviceUnavailable, detail: "This cannot be answered at present. Try again.", headers: [.retryAfter: "1"])
                .response()
        default:
            let type = String(describing: Swift.type(of: error))
            context.audit.update {
                $0.reason = "unhandled_error"
                $0.details["error_type"] = .string(RequestFacts.bounded(type, to: 128))
            }
            context.logger.error("unhandled error", metadata: ["error.type": "\(type)"])
            return Problem(.internalServerError).response()
        }
    }
}

extension HTTPFields {
    fileprivate func without(_ names: [HTTPField.Name]) -> HTTPFields {
        HTTPFields(filter { !names.contains($0.name) })
    }
}
