/// A class of the Open Cybersecurity Schema Framework 1.8.0 with the activities that Cardea uses of it (schema.ocsf.io/1.8.0/classes).
package struct OCSFClass: Sendable, Hashable {
    package let uid: Int64
    package let name: String
    package let category: Category
    /// The captions of `activity_id`. 0 is "Unknown" and 99 "Other" in every class.
    let activities: [Int64: String]

    package struct Category: Sendable, Hashable {
        let uid: Int64
        let name: String?

        static let uncategorized = Category(uid: 0, name: nil)
        static let findings = Category(uid: 2, name: "Findings")
        static let identity = Category(uid: 3, name: "Identity & Access Management")
        static let network = Category(uid: 4, name: "Network Activity")
        static let application = Category(uid: 6, name: "Application Activity")
    }

    /// The version of the schema, which every event names.
    package static let version = "1.8.0"

    package static let base = OCSFClass(uid: 0, name: "Base Event", category: .uncategorized, activities: [:])
    package static let detectionFinding = OCSFClass(
        uid: 2004, name: "Detection Finding", category: .findings, activities: [1: "Create", 2: "Update", 3: "Close"])
    package static let accountChange = OCSFClass(
        uid: 3001, name: "Account Change", category: .identity,
        activities: [
            1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete", 7: "Attach Policy",
            8: "Detach Policy", 9: "Lock", 10: "MFA Factor Enable", 11: "MFA Factor Disable", 12: "Unlock",
        ])
    package static let authentication = OCSFClass(
        uid: 3002, name: "Authentication", category: .identity,
        activities: [
            1: "Logon", 2: "Logoff", 3: "Authentication Ticket", 4: "Service Ticket Request", 5: "Service Ticket Renew", 6: "Preauth",
            7: "Account Switch",
        ])
    package static let authorizeSession = OCSFClass(
        uid: 3003, name: "Authorize Session", category: .identity, activities: [1: "Assign Privileges", 2: "Assign Groups"])
    package static let userAccess = OCSFClass(
        uid: 3005, name: "User Access Management", category: .identity, activities: [1: "Assign Privileges", 2: "Revoke Privileges"])
    package static let httpActivity = OCSFClass(
        uid: 4002, name: "HTTP Activity", category: .network,
        activities: [
            1: "Connect", 2: "Delete", 3: "Get", 4: "Head", 5: "Options", 6: "Post", 7: "Put", 8: "Trace", 9: "Patch",
        ])
    package static let applicationLifecycle = OCSFClass(
        uid: 6002, name: "Application Lifecycle", category: .application,
        activities: [
            1: "Install", 2: "Remove", 3: "Start", 4: "Stop", 5: "Restart", 6: "Enable", 7: "Disable", 8: "Update",
        ])
    package static let apiActivity = OCSFClass(
        uid: 6003, name: "API Activity", category: .application, activities: [1: "Create", 2: "Read", 3: "Update", 4: "Delete"])

    /// What an event of the class is about: an activity of the class, 0 where it is not known, or one of Cardea's own (99) by its name.
    package struct Activity: Sendable, Hashable {
        let id: Int64
        let name: String?

        package init(_ id: Int64) { (self.id, name) = (id, nil) }
        private init(other name: String) { (id, self.name) = (99, name) }

        package static let unknown = Activity(0)
        /// An activity that the schema has no number for.
        package static func other(_ name: String) -> Activity { Activity(other: name) }
    }

    /// The members that every event of every class has: what it is, when it was, how severe, and who says so.
    ///
    /// - Parameters:
    ///   - severity: `severity_id`.
    ///   - uid: the event's own id.
    package func envelope(_ activity: Activity, time: Timestamp, severity: Int64, uid: String, tenant: String) -> JSONObject {
        let caption = activity.name ?? activities[activity.id] ?? (activity.id == 0 ? "Unknown" : "Other")
        var json: JSONObject = [
            "activity_id": .int(activity.id), "activity_name": .string(caption), "category_uid": .int(category.uid),
            "class_name": .string(name), "class_uid": .int(self.uid),
            "metadata": [
                "version": .string(OCSFClass.version), "uid": .string(uid), "tenant_uid": .string(tenant),
                "product": ["name": "Cardea", "vendor_name": "Cardea"],
            ],
            "severity_id": .int(severity), "time": OCSFClass.milliseconds(time), "type_name": .string("\(name): \(caption)"),
            "type_uid": .int(self.uid * 100 + activity.id),
        ]
        json["category_name"] = category.name.map(JSONValue.string)
        return json
    }

    /// The schema's `timestamp_t`.
    package static func milliseconds(_ time: Timestamp) -> JSONValue { .int(time.microseconds / 1000) }
}
