import AuditEvents

extension EventLogConformance {
    func storesOnce() async throws {
        let tenant = tenant()
        let batch = try events(20, tenant: tenant)
        try expect(try await log.append(batch) == 20, "20 new events were not counted as new")
        try expect(try await log.append(batch) == 0, "known events were counted as new")
        let mixed = try Array(batch.prefix(5)) + events(3, tenant: tenant)
        try expect(try await log.append(mixed) == 3, "a batch of 5 known and 3 new events did not store 3")
        _ = try await log.seal(try await log.shard(of: tenant))
        try expect(try await log.append(batch) == 0, "events known and sealed were counted as new")
        _ = try await log.seal(try await log.shard(of: tenant))
        let ids = try await sealed(tenant).map(\.event.id)
        try expect(ids.count == 23 && Set(ids).count == 23, "\(ids.count) events were sealed instead of 23")
    }

    func storesOnceWithinABatch() async throws {
        let tenant = tenant()
        let batch = try events(10, tenant: tenant)
        try expect(try await log.append(batch + batch.reversed()) == 10, "a batch with each event twice did not store 10")
        _ = try await log.seal(try await log.shard(of: tenant))
        try expect(try await sealed(tenant).count == 10, "duplicates of one batch were sealed")
    }

    func indexIsContiguous() async throws {
        let tenant = tenant()
        let shard = try await log.shard(of: tenant)
        for _ in 0..<3 {
            let before = try await log.nextIndex(shard: shard)
            _ = try await log.append(try events(7, tenant: tenant))
            let count = try await log.seal(shard)
            let after = try await log.nextIndex(shard: shard)
            try expect(after >= before + 7, "the next index did not grow by what was sealed")
            try expect(count <= 7 || after > before, "more was sealed than the index tells")
        }
        let all = try await log.read(shard: shard, from: 0, limit: .max >> 1)
        try expect(all.map(\.index) == Array(0..<Int64(all.count)), "the index has gaps")
        try expect(all.allSatisfy { $0.shard == shard }, "an event tells another shard")
    }

    func indexIsImmutable() async throws {
        let tenant = tenant()
        let shard = try await log.shard(of: tenant)
        _ = try await log.append(try events(11, tenant: tenant))
        _ = try await log.seal(shard)
        let next = try await log.nextIndex(shard: shard)
        let first = try await log.read(shard: shard, from: 0, limit: Int(next))
        _ = try await log.append(try events(5, tenant: tenant))
        _ = try await log.seal(shard)
        try expect(try await log.read(shard: shard, from: 0, limit: Int(next)) == first, "the sealed past changed")
    }

    func nothingBeforeTheSeal() async throws {
        let tenant = tenant()
        _ = try await log.append(try events(4, tenant: tenant))
        _ = try await log.seal(try await log.shard(of: tenant))
        let late = try events(1, tenant: tenant)
        _ = try await log.append(late)
        let before = try await sealed(tenant).map(\.event.id)
        _ = try await log.seal(try await log.shard(of: tenant))
        let after = try await sealed(tenant).map(\.event.id)
        try expect(Set(before).isSubset(of: Set(after)) && after.contains(late[0].header.id), "sealing lost an event")
    }

    func idleSeal() async throws {
        let tenant = tenant()
        let shard = try await log.shard(of: tenant)
        _ = try await log.append(try events(3, tenant: tenant))
        _ = try await log.seal(shard)
        let next = try await log.nextIndex(shard: shard)
        _ = try await log.seal(shard)
        try expect(try await log.nextIndex(shard: shard) >= next, "the next index went back")
        try expect(try await sealed(tenant).count == 3, "sealing again sealed again")
    }

    func readsByRanges() async throws {
        let tenant = tenant()
        let shard = try await log.shard(of: tenant)
        _ = try await log.append(try events(53, tenant: tenant))
        _ = try await log.seal(shard)
        let end = try await log.nextIndex(shard: shard)
        let whole = try await log.read(shard: shard, from: 0, limit: Int(end))
        for step in [1, 7, 50] {
            var pieces: [SealedEvent] = []
            var from: Int64 = max(0, end - 60)
            while from < end {
                let piece = try await log.read(shard: shard, from: from, limit: min(step, Int(end - from)))
                try expect(piece.count == min(step, Int(end - from)), "a range of \(step) came short")
                pieces += piece
                from += Int64(step)
            }
            try expect(pieces == Array(whole.suffix(pieces.count)), "ranges of \(step) differ from the whole")
        }
    }

    func readsBehindTheEnd() async throws {
        let shard = try await log.shard(of: tenant())
        try expect(try await log.read(shard: shard, from: 1 << 40, limit: 10).isEmpty, "something lies behind the end")
    }

    func sealTimesAreMonotone() async throws {
        let tenant = tenant()
        for _ in 0..<5 {
            _ = try await log.append(try events(2, tenant: tenant))
            _ = try await log.seal(try await log.shard(of: tenant))
        }
        let times = try await sealed(tenant).map(\.sealedAt)
        try expect(times.count == 10 && times == times.sorted(), "sealed_at goes back")
    }

    func tenantsKeepTheirShard() async throws {
        let shards = try await log.shards()
        for number in 0..<12 {
            let tenant = tenant("keeps-\(number)")
            let shard = try await log.shard(of: tenant)
            try expect(shards.contains(shard), "shard \(shard) is not among \(shards)")
            _ = try await log.append(try events(2, tenant: tenant))
            for shard in shards { _ = try await log.seal(shard) }
            try expect(try await log.shard(of: tenant) == shard, "a tenant moved")
            try expect(try await sealed(tenant).count == 2, "a tenant's events are not in its shard")
        }
    }

    func roundTrip() async throws {
        let tenant = tenant()
        let header = EventHeader(
            id: EventID(time: Timestamp(microseconds: Timestamp.now().microseconds - 5)), tenant: tenant, source: "büro\r\n\u{1b}[31m",
            type: .authorizationFailure, outcome: .denied, reason: "not_owner", severity: .high, actorKind: .service, privileged: true,
            sensitivity: .restricted, method: "PATCH", route: "/users/{id}", status: 403, durationMicroseconds: 1_234_567)
        let body = EventBody(
            actor: .init(id: "42", name: "Zoë \"q\" \\ \t"), client: .init(ip: "2001:db8::1", port: 443, userAgent: "agent\u{1b}]0;x\u{7}"),
            target: "user/7", requestID: "r-1", path: "/users/7",
            details: ["n": 9_007_199_254_740_991, "d": 0.1, "list": [1, .null, true], "o": ["é": "e\u{301}"]])
        _ = try await log.append([try encode(AuditEvent(header: header, body: body))])
        _ = try await log.seal(try await log.shard(of: tenant))
        let found = try await sealed(tenant).first?.event
        try expect(found?.header == header, "the header came back as \(String(describing: found?.header))")
        try expect(
            found.map { CanonicalJSON.encode(.object($0.body.json)) } == CanonicalJSON.encode(.object(body.json)),
            "the body came back as \(String(describing: found?.body))")
    }

    func secretsStayOut() async throws {
        let tenant = tenant()
        let secret = "hunter2-correct-horse"
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
        let body = EventBody(
            session: "raw-session-\(secret)", token: .init(fingerprint: jwt), path: "/x?token=\(jwt)",
            details: [
                "password": .string(secret), "headers": ["Authorization": .string("Bearer \(jwt)"), "Cookie": .string("sid=\(secret)")],
            ])
        let encoded = try events(1, tenant: tenant, body: body)
        try expect(!String(decoding: encoded[0].body, as: UTF8.self).contains(secret), "a secret was encoded")
        _ = try await log.append(encoded)
        _ = try await log.seal(try await log.shard(of: tenant))
        let text = try await sealed(tenant).map { String(decoding: CanonicalJSON.encode(.object($0.event.json)), as: UTF8.self) }.joined()
        try expect(text.contains("[redacted:"), "nothing tells that something was redacted")
        try expect(!text.contains(secret) && !text.contains("dozjgNryP4J3jVmNHl0w5N"), "a secret came back")
    }

    func oversizedBodiesAreCut() async throws {
        let tenant = tenant()
        let body = EventBody(path: "/", details: ["blob": .string(String(repeating: "é ", count: 400_000))])
        _ = try await log.append(try events(1, tenant: tenant, body: body))
        _ = try await log.seal(try await log.shard(of: tenant))
        let found = try await sealed(tenant)
        try expect(found.count == 1, "an oversized event was dropped")
        let text = CanonicalJSON.encode(.object(found[0].event.body.json))
        try expect(text.count <= EventEncoder.maximumBodyBytes + 64, "its body has \(text.count) bytes")
        try expect(found[0].event.body.details["truncated"]?.object?["bytes"] != nil, "its body has no mark")
    }

    func futureIsRefused() async throws {
        let tenant = tenant()
        var batch = try events(2, tenant: tenant)
        let ahead = EventID(time: Timestamp.now().advanced(bySeconds: 1200))
        do {
            _ = try encode(AuditEvent(header: EventHeader(id: ahead, tenant: tenant, source: "s", type: .loginFailure, outcome: .denied)))
            throw Failure(description: "the encoder took a time 20 minutes ahead")
        } catch is SinkRefusal {}
        // Past the encoder, as another program would.
        batch[1].header.id = ahead
        do {
            _ = try await log.append(batch)
            throw Failure(description: "the log took a time 20 minutes ahead")
        } catch let failure as Failure {
            throw failure
        } catch {}
        _ = try await log.seal(try await log.shard(of: tenant))
        try expect(try await sealed(tenant).isEmpty, "a refused batch left something behind")
    }

    func oldTimes() async throws {
        let tenant = tenant()
        let times = [
            Timestamp(microseconds: 0), Timestamp(microseconds: 999_999),
            Timestamp(year: 2000, month: 2, day: 29, hour: 23, minute: 59, second: 59),
            Timestamp(year: 2015, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999),
        ].compactMap { $0 }
        let batch = try times.reversed().map { time in
            try encode(
                AuditEvent(header: EventHeader(id: EventID(time: time), tenant: tenant, source: "s", type: .loginFailure, outcome: .denied))
            )
        }
        try expect(try await log.append(batch) == times.count, "old events were not stored")
        _ = try await log.seal(try await log.shard(of: tenant))
        try expect(Set(try await sealed(tenant).map(\.event.time)) == Set(times), "old times were changed")
    }

    func concurrentBatches() async throws {
        let tenant = tenant()
        let all = try events(200, tenant: tenant)
        let stored = try await withThrowingTaskGroup(of: Int.self) { [log] group in
            for writer in 0..<8 {
                // Each overlaps with its neighbours, and comes in an order of its own.
                let part = Array(all[(writer * 20)..<(writer * 20 + 60)]).shuffled()
                group.addTask { try await log.append(part) }
            }
            return try await group.reduce(0, +)
        }
        try expect(stored == 200, "\(stored) of 200 events were counted as new")
        _ = try await log.seal(try await log.shard(of: tenant))
        let ids = try await sealed(tenant).map(\.event.id)
        try expect(ids.count == 200 && Set(ids) == Set(all.map(\.header.id)), "\(ids.count) events were sealed instead of 200")
    }

    func emptyBatch() async throws {
        try expect(try await log.append([]) == 0, "an empty batch stored something")
    }
}
