/// The SQL that the binary carries: what `cardea migrate` brings into a database.
public enum Schema {
    /// A step that runs once, in order.
    public struct Migration: Sendable {
        public let version: Int
        public let name: String
        public let sql: String
    }

    /// A function, view or privilege: applied again whenever its text has changed.
    public struct Object: Sendable {
        public let name: String
        public let sql: String
    }

    /// The tables. Append here; never change one that has shipped.
    public static let migrations: [Migration] = [
        Migration(version: 1, name: "record", sql: text(PackageResources._001_record_sql)),
        Migration(version: 2, name: "rate_limits", sql: text(PackageResources._002_rate_limits_sql)),
        Migration(version: 3, name: "sessions", sql: text(PackageResources._003_sessions_sql)),
        Migration(version: 4, name: "accounts", sql: text(PackageResources._004_accounts_sql)),
        Migration(version: 5, name: "dpop", sql: text(PackageResources._005_dpop_sql)),
        Migration(version: 6, name: "alert_life_cycle", sql: text(PackageResources._006_alert_life_cycle_sql)),
        Migration(version: 7, name: "rule_switches", sql: text(PackageResources._007_rule_switches_sql)),
        Migration(version: 8, name: "delivery", sql: text(PackageResources._008_delivery_sql)),
        Migration(version: 9, name: "quarantine", sql: text(PackageResources._009_quarantine_sql)),
        Migration(version: 10, name: "proof", sql: text(PackageResources._010_proof_sql)),
        Migration(version: 12, name: "personal_data", sql: text(PackageResources._012_personal_data_sql)),
    ]

    /// The newest version that this binary knows.
    public static var version: Int { migrations.last?.version ?? 0 }

    /// In the order in which they build on one another; privileges last, and always applied.
    public static let objects: [Object] = [
        Object(name: "functions/refuse_change", sql: text(PackageResources.refuse_change_sql)),
        Object(name: "functions/refuse_header_change", sql: text(PackageResources.refuse_header_change_sql)),
        Object(name: "functions/protect", sql: text(PackageResources.protect_sql)),
        Object(name: "functions/partition", sql: text(PackageResources.partition_sql)),
        Object(name: "functions/ensure_partitions", sql: text(PackageResources.ensure_partitions_sql)),
        Object(name: "functions/shard_of", sql: text(PackageResources.shard_of_sql)),
        Object(name: "functions/deployment_key", sql: text(PackageResources.deployment_key_sql)),
        Object(name: "functions/add_shards", sql: text(PackageResources.add_shards_sql)),
        Object(name: "functions/append", sql: text(PackageResources.append_sql)),
        Object(name: "functions/append_own", sql: text(PackageResources.append_own_sql)),
        Object(name: "functions/change_alert", sql: text(PackageResources.change_alert_sql)),
        Object(name: "functions/create_silence", sql: text(PackageResources.create_silence_sql)),
        Object(name: "functions/expire_silence", sql: text(PackageResources.expire_silence_sql)),
        Object(name: "functions/switch_rule", sql: text(PackageResources.switch_rule_sql)),
        Object(name: "functions/quiet", sql: text(PackageResources.quiet_sql)),
        Object(name: "functions/replay_deliveries", sql: text(PackageResources.replay_deliveries_sql)),
        Object(name: "functions/enable_receiver", sql: text(PackageResources.enable_receiver_sql)),
        Object(name: "functions/fingerprint", sql: text(PackageResources.fingerprint_sql)),
        Object(name: "functions/names", sql: text(PackageResources.names_sql)),
        Object(name: "functions/begin_erasure", sql: text(PackageResources.begin_erasure_sql)),
        Object(name: "functions/erase", sql: text(PackageResources.erase_sql)),
        Object(name: "functions/erase_derived", sql: text(PackageResources.erase_derived_sql)),
        Object(name: "functions/finish_erasure", sql: text(PackageResources.finish_erasure_sql)),
        Object(name: "functions/hold", sql: text(PackageResources.hold_sql)),
        Object(name: "functions/retention", sql: text(PackageResources.retention_sql)),
        Object(name: "functions/seal_restored", sql: text(PackageResources.seal_restored_sql)),
        Object(name: "functions/seal", sql: text(PackageResources.seal_sql)),
        Object(name: "functions/extend_tree", sql: text(PackageResources.extend_tree_sql)),
        Object(name: "functions/keep_checkpoint", sql: text(PackageResources.keep_checkpoint_sql)),
        Object(name: "functions/keep_cosignature", sql: text(PackageResources.keep_cosignature_sql)),
        Object(name: "functions/keep_verification", sql: text(PackageResources.keep_verification_sql)),
        Object(name: "functions/log_name", sql: text(PackageResources.log_name_sql)),
        Object(name: "functions/record_reading", sql: text(PackageResources.record_reading_sql)),
        Object(name: "functions/change_key", sql: text(PackageResources.change_key_sql)),
        Object(name: "functions/forget_rate_limits", sql: text(PackageResources.forget_rate_limits_sql)),
        Object(name: "functions/take_rate_limits", sql: text(PackageResources.take_rate_limits_sql)),
        Object(name: "functions/claim_proof", sql: text(PackageResources.claim_proof_sql)),
        Object(name: "functions/begin_session", sql: text(PackageResources.begin_session_sql)),
        Object(name: "functions/begin_token_family", sql: text(PackageResources.begin_token_family_sql)),
        Object(name: "functions/lockout_failed", sql: text(PackageResources.lockout_failed_sql)),
        Object(name: "functions/lockout_settled", sql: text(PackageResources.lockout_settled_sql)),
        Object(name: "functions/begin_sign_in", sql: text(PackageResources.begin_sign_in_sql)),
        Object(name: "functions/end_sign_in", sql: text(PackageResources.end_sign_in_sql)),
    ]

    public static let privileges = Object(name: "privileges/roles", sql: text(PackageResources.roles_sql))

    /// The tables of each view, made in the schema of a generation.
    public static let views: [String: String] = [
        "failed_login": text(PackageResources.failed_login_sql),
        "suspicious_token": text(PackageResources.suspicious_token_sql),
        "rate_limit_violation": text(PackageResources.rate_limit_violation_sql),
        "session": text(PackageResources.session_sql),
        "request_summary": text(PackageResources.request_summary_sql),
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
