import AuditEvents
import Foundation
import Testing

@testable import Compliance

@Suite("Events as OCSF")
struct OCSFEventTests {
    @Test("every event says what its class asks of it, with a body and without", arguments: OCSFSamples.types)
    func required(type: EventType) throws {
        for event in OCSFSamples.events(of: type) {
            let json = OCSFEvent.json(event)
            let (classID, activity) = (try #require(json["class_uid"]?.int), try #require(json["activity_id"]?.int))
            #expect(json["type_uid"] == .int(classID * 100 + activity))
            #expect(json["time"] == .int(event.time.microseconds / 1000))
            #expect(json["metadata"]?.object?["uid"] == .string(event.id.description))
            switch classID {
            case 3001: #expect(json["user"] != nil)
            case 3002: #expect(json["user"] != nil && json["service"] != nil)
            case 3003, 3005: #expect(json["user"] != nil && json["privileges"]?.array != nil)
            case 4002: #expect(json["http_request"] != nil)
            case 6002: #expect(json["app"] != nil)
            case 6003: #expect(json["actor"] != nil && json["api"]?.object?["operation"] != nil && json["src_endpoint"] != nil)
            default: #expect(classID == 0)
            }
        }
    }

    @Test("the status is that of the outcome")
    func status() {
        let expected: [Outcome: JSONValue] = [.success: 1, .failure: 2, .denied: 2, .error: 2, .unknown: 0]
        for outcome in Outcome.allCases {
            let json = OCSFEvent.json(OCSFSamples.event(.loginFailure, outcome, body: EventBody()))
            #expect(json["status_id"] == expected[outcome] && json["status_detail"] == .string(outcome.rawValue))
        }
    }

    @Test("of an event without a body nobody is made up")
    func erased() {
        let json = OCSFEvent.json(OCSFSamples.event(.loginFailure, .failure, body: EventBody()))
        #expect(json["user"] == ["uid": "unknown", "type": "User", "type_id": 1])
        #expect(json["src_endpoint"] == nil && json["session"] == nil)
        let request = OCSFEvent.json(OCSFSamples.event(.authorizationFailure, .denied, body: EventBody()))
        #expect(request["src_endpoint"] == ["name": "unknown"])
    }

    @Test("what was done decides the activity")
    func activities() {
        func type(_ type: EventType, _ details: JSONObject, reason: String? = nil) -> JSONValue? {
            var event = OCSFSamples.event(type, .success, body: EventBody(details: details))
            event.header.reason = reason
            return OCSFEvent.json(event)["type_uid"]
        }
        #expect(type(.userUpdated, ["change": "disabled"]) == 300_105)
        #expect(type(.userUpdated, ["change": "second_factor_added"]) == 300_110)
        #expect(type(.authorizationChange, ["roles": ["a", "b"], "former_roles": ["a"]]) == 300_501)
        #expect(type(.authorizationChange, ["roles": ["a"], "former_roles": ["a", "b"]]) == 300_502)
        #expect(type(.authorizationChange, ["roles": ["a"], "former_roles": ["b"]]) == 300_599)
        #expect(type(.authorizationChange, [:]) == 300_500)
        #expect(type(.sessionRenewed, [:], reason: "privilege_change") == 300_301)
        #expect(type(.sessionRenewed, [:]) == 300_205)
        #expect(type(EventType("something_else"), [:]) == 99)
    }

    @Test("factors, and whether there were several")
    func factors() {
        func json(_ factor: String) -> JSONObject {
            OCSFEvent.json(OCSFSamples.event(.loginSuccess, .success, body: EventBody(details: ["factor": .string(factor)])))
        }
        #expect(json("password")["is_mfa"] == false)
        #expect(json("password+totp")["is_mfa"] == true)
        #expect(json("password+totp")["auth_factors"]?.array?.count == 2)
        #expect(json("oauth:google")["auth_protocol_id"] == 6)
    }

    @Test(
        "the lines that scripts/ocsf.sh has the schema judge",
        .enabled(if: ProcessInfo.processInfo.environment["CARDEA_OCSF_LINES"] != nil))
    func lines() throws {
        let path = try #require(ProcessInfo.processInfo.environment["CARDEA_OCSF_LINES"])
        var out = Data()
        for event in OCSFSamples.types.flatMap(OCSFSamples.events) {
            out.append(contentsOf: CanonicalJSON.encode(.object(OCSFEvent.json(event))))
            out.append(0x0a)
        }
        try out.write(to: URL(filePath: path))
    }
}
