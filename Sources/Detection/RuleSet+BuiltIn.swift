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
            ("administration_out_of_hours.yml", PackageResources.administration_out_of_hours_yml),
            ("credential_stuffing.yml", PackageResources.credential_stuffing_yml),
            ("distributed_guessing.yml", PackageResources.distributed_guessing_yml),
            ("dormant_account.yml", PackageResources.dormant_account_yml),
            ("first_seen.yml", PackageResources.first_seen_yml),
            ("impossible_travel.yml", PackageResources.impossible_travel_yml),
            ("login_success.yml", PackageResources.login_success_yml),
            ("mfa_fatigue.yml", PackageResources.mfa_fatigue_yml),
            ("password_spray_distributed.yml", PackageResources.password_spray_distributed_yml),
            ("session_shared.yml", PackageResources.session_shared_yml),
            ("slow_brute_force.yml", PackageResources.slow_brute_force_yml),
            ("success_after_failures.yml", PackageResources.success_after_failures_yml),
        ]
    }

    /// The pack that comes with Cardea.
    public static func builtIn() throws(RuleErrors) -> RuleSet { try RuleSet(files: builtInFiles) }
}
