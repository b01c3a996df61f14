import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Synchronization

/// The shop's books: anybody signed in reads them, editors add to them.
struct BookRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    final class Shelf: Sendable {
        static let capacity = 10_000
        let books = Mutex<[(title: String, author: String)]>([
            ("The Cuckoo's Egg", "Clifford Stoll"), ("Secrets and Lies", "Bruce Schneier"), ("Security Engineering", "Ross Anderson"),
        ])
    }

    let shelf = Shelf()

    private static let text = JSONSchema.string(length: 1...200)
    private static let newBook = JSONSchema.object(["title": text, "author": text]).named("NewBook")
    private static let book = JSONSchema.object(["id": .integer(minimum: 1), "title": text, "author": text]).named("Book")

    func add(to routes: AuditedRouter<Context>) {
        routes.get("books", policy: .authenticated, APIOperation("All books", gives: [.ok: .json(.array(of: Self.book))])) { _, _ in
            Response.json(.array(shelf.books.withLock { $0 }.enumerated().map { Self.json($0.offset + 1, $0.element) }))
        }
        routes.get(
            "books/:id", policy: .authenticated,
            APIOperation(
                "One book", parameters: [.path("id", .integer(minimum: 1))], gives: [.ok: .json(Self.book)], fails: [.notFound]),
            use: get)
        routes.post(
            "books", policy: .permission("books:write"),
            APIOperation(
                "Adds a book", takes: Self.newBook, gives: [.created: .json(Self.book, headers: "Location")],
                fails: [.unprocessableContent]),
            use: post)
    }

    @Sendable func get(_ request: Request, _ context: Context) throws -> Response {
        let books = shelf.books.withLock { $0 }
        guard let text = context.parameters.get("id"), let id = Int(text), String(id) == text, books.indices.contains(id - 1) else {
            throw Problem(.notFound, detail: "There is no such book.")
        }
        return Response.json(Self.json(id, books[id - 1]))
    }

    @Sendable func post(_ request: Request, _ context: Context) async throws -> Response {
        let body = try await request.jsonObject()
        guard let title = body["title"]?.string, (1...200).contains(title.unicodeScalars.count), let author = body["author"]?.string,
            (1...200).contains(author.unicodeScalars.count)
        else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_book", severity: .low)
            throw Problem(.unprocessableContent, detail: "title and author (1 to 200 characters each) are required.")
        }
        let id = shelf.books.withLock { books -> Int? in
            guard books.count < Shelf.capacity else { return nil }
            books.append((title, author))
            return books.count
        }
        guard let id else { throw Problem(.serviceUnavailable, detail: "The shelf is full.") }
        context.audit.update { $0.target = "book:\(id)" }
        return .json(Self.json(id, (title, author)), status: .created, headers: [.location: "/books/\(id)"])
    }

    private static func json(_ id: Int, _ book: (title: String, author: String)) -> JSONValue {
        ["id": .int(Int64(id)), "title": .string(book.title), "author": .string(book.author)]
    }
}
