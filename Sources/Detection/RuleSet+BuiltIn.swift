extension RuleSet {
    /// The rule files that the binary carries: one line for each file in `Rules`.
    public static var builtInFiles: [(name: String, yaml: [UInt8])] {
        [
            ("brute_force_account.yml", PackageResources.brute_force_account_yml),
            ("brute_force_address.yml", PackageResources.brute_force_address_yml),
            ("failed_login.yml", PackageResources.failed_login_yml),
            ("password_spray_address.yml", PackageResources.password_spray_address_yml),
            ("rate_limit_burst.yml", PackageResources.rate_limit_burst_yml),
            ("scanning.yml", PackageResources.scanning_yml),
        ]
    }

    /// The pack that comes with Cardea.
    public static func builtIn() throws(RuleErrors) -> RuleSet { try RuleSet(files: builtInFiles) }
}
