import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine with this build, with databases of its own that are dropped afterwards.",
        discussion:
            "Figures of a debug build say little: swift build -c release. Compare ratios within one run; times drift on a shared machine.",
        subcommands: [
            BenchAppend.self, BenchOrder.self, BenchPipeline.self, BenchDetect.self, BenchKeys.self, BenchAlerts.self, BenchLoad.self,
            BenchCheck.self,
            BenchServe.self,
        ])
}
