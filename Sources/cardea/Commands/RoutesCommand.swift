import ArgumentParser
import AuditEvents
import AuditMiddleware
import ExampleAPI

struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "List the example API's routes: who may use each, and with which credentials.",
        discussion: "Needs no database. The same list, with what each route takes and gives, is the API's own GET /openapi.json.")

    @OptionGroup var output: OutputOptions

    func run() throws {
        var printer = RowPrinter(
            output.output,
            columns: [.init("method"), .init("path"), .init("policy"), .init("schemes"), .init("privileged"), .init("limits")])
        printer.print(try ExampleAPI.routes().routes.map(\.json))
        printer.finish()
    }
}
