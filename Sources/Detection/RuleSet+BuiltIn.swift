extension RuleSet {
    /// The rule files that the binary carries: one line for each file in `Rules`.
    public static var builtInFiles: [(name: String, yaml: [UInt8])] {
        [
            ("account_enumeration.yml", PackageResources.account_enumeration_yml),
            ("administration_out_of_hours.yml", PackageResources.administration_out_of_hours_yml),
            ("authorization_failures.yml", PackageResources.authorization_failures_yml),
            ("brute_force_account.yml", PackageResources.brute_force_account_yml),
            ("brute_force_address.yml", PackageResources.brute_force_address_yml),
            ("connection_probing.yml", PackageResources.connection_probing_yml),
            ("credential_stuffing.yml", PackageResources.credential_stuffing_yml),
            ("cross_site_scripting.yml", PackageResources.cross_site_scripting_yml),
            ("distributed_guessing.yml", PackageResources.distributed_guessing_yml),
            ("dormant_account.yml", PackageResources.dormant_account_yml),
            ("exploit_attempt.yml", PackageResources.exploit_attempt_yml),
            ("failed_login.yml", PackageResources.failed_login_yml),
            ("first_seen.yml", PackageResources.first_seen_yml),
            ("forged_token.yml", PackageResources.forged_token_yml),
            ("http_brute_force.yml", PackageResources.http_brute_force_yml),
            ("impossible_travel.yml", PackageResources.impossible_travel_yml),
            ("login_success.yml", PackageResources.login_success_yml),
            ("mfa_fatigue.yml", PackageResources.mfa_fatigue_yml),
            ("one_time_code.yml", PackageResources.one_time_code_yml),
            ("open_proxy.yml", PackageResources.open_proxy_yml),
            ("password_spray_address.yml", PackageResources.password_spray_address_yml),
            ("password_spray_distributed.yml", PackageResources.password_spray_distributed_yml),
            ("path_traversal.yml", PackageResources.path_traversal_yml),
            ("privilege.yml", PackageResources.privilege_yml),
            ("rate_limit_burst.yml", PackageResources.rate_limit_burst_yml),
            ("record_tampering.yml", PackageResources.record_tampering_yml),
            ("remote_file_inclusion.yml", PackageResources.remote_file_inclusion_yml),
            ("scanner_agent.yml", PackageResources.scanner_agent_yml),
            ("scanning.yml", PackageResources.scanning_yml),
            ("sensitive_files.yml", PackageResources.sensitive_files_yml),
            ("session_shared.yml", PackageResources.session_shared_yml),
            ("slow_brute_force.yml", PackageResources.slow_brute_force_yml),
            ("sql_injection.yml", PackageResources.sql_injection_yml),
            ("success_after_failures.yml", PackageResources.success_after_failures_yml),
            ("token_misuse.yml", PackageResources.token_misuse_yml),
            ("web_probing.yml", PackageResources.web_probing_yml),
            ("web_shell.yml", PackageResources.web_shell_yml),
        ]
    }

    /// The pack that comes with Cardea.
    public static func builtIn() throws(RuleErrors) -> RuleSet { try RuleSet(files: builtInFiles) }
}
