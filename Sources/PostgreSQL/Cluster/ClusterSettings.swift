/// The configuration files of a private server, written anew at each start.
struct ClusterSettings: Sendable {
    /// Settings beside our own; the last of two with one name is in force.
    var extra: [(name: String, value: String)] = []

    func serverConfiguration(socketFolder: String, log: String) -> String {
        var settings: [(name: String, value: String)] = [
            ("listen_addresses", ""), ("port", "\(ClusterLayout.port)"), ("unix_socket_directories", "\"\(socketFolder)\""),
            ("unix_socket_permissions", "0700"), ("max_connections", "100"), ("shared_buffers", "128MB"), ("max_wal_size", "2GB"),
            ("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("jit", "off"), ("timezone", "UTC"),
            ("lc_messages", "C"),
            // The log stays small by itself: a file for each day of the week, emptied after a week, and no client's errors, which
            // the client gets anyway and which may quote what was stored.
            ("logging_collector", "on"), ("log_directory", log), ("log_filename", "server-%u.log"), ("log_truncate_on_rotation", "on"),
            ("log_rotation_age", "1d"), ("log_rotation_size", "0"), ("log_timezone", "UTC"), ("log_min_messages", "log"),
            ("log_min_error_statement", "panic"), ("log_error_verbosity", "terse"), ("log_checkpoints", "off"),
            ("log_line_prefix", "%m [%p] "),
        ]
        settings += extra
        return settings.map { "\($0.name) = '\(Self.escaped($0.value))'\n" }.joined()
    }

    /// Only the socket, and there only the owner of the server and root, whom the kernel names.
    static let clientAuthentication = "local all all peer map=cardea\n"

    static func userMap(owner: String) -> String {
        ["root", owner].map { "cardea \"\($0)\" \(ClusterLayout.superuser)\n" }.joined()
    }

    private static func escaped(_ value: String) -> String {
        String(decoding: value.utf8.flatMap { $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\\") ? [$0, $0] : [$0] }, as: UTF8.self)
    }
}
