import ArgumentParser
import Detection

/// Which rules a command is about.
struct RuleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What %NAME% stands for in values with the modifier 'expand'. May be repeated.", valueName: "NAME=VALUE,…"))
    var placeholder: [String] = []

    func placeholders() throws -> [String: [String]] {
        var placeholders: [String: [String]] = [:]
        for text in placeholder {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--placeholder '\(text)' is not NAME=VALUE,….") }
            placeholders[parts[0], default: []] += parts[1].split(separator: ",").map(String.init)
        }
        return placeholders
    }

    /// The rules of these files; of none, the ones that come with cardea.
    ///
    /// Where a file's correlation counts a rule that only cardea's own have, they are loaded beside it.
    func load(_ paths: [String]) throws -> LoadedRules {
        guard !paths.isEmpty else { return LoadedRules(set: try RuleSet.builtIn(), files: RuleSet.builtInFiles) }
        let files = try RuleFiles.read(paths)
        do { return LoadedRules(set: try together(files), files: files) } catch let errors as RuleErrors {
            throw Failure(errors.description, hint: "`cardea rules lint` says more about each file.")
        }
    }

    /// A rule with the id of one of cardea's own stands in its place.
    /// - Throws: `RuleErrors`.
    func together(_ files: [RuleFiles.File]) throws -> RuleSet {
        let placeholders = try placeholders()
        do { return try RuleSet(files: files, placeholders: placeholders) } catch {
            guard error.errors.allSatisfy({ $0.code == .reference }),
                let joined = try? RuleSet(files: files, beneath: RuleSet.builtInFiles, placeholders: placeholders)
            else { throw error }
            return joined
        }
    }
}

/// Rules, and which of them a command is about: others are there to be counted.
struct LoadedRules {
    let set: RuleSet
    /// Of the rules and correlations that the named files hold.
    let ids: Set<String>

    init(set: RuleSet, files: [RuleFiles.File]) {
        let names = Set(files.map(\.name))
        self.set = set
        ids = Set((set.correlations.map(\.metadata) + set.rules.map(\.metadata)).filter { names.contains($0.file) }.map(\.id))
    }
}
