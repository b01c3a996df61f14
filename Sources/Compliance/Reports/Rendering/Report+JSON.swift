public import AuditEvents

extension Report {
    /// The report as JSON; `CanonicalJSON` gives the same bytes for the same report.
    public var json: JSONObject {
        [
            "form": "cardea-report/1", "framework": .string(framework.rawValue), "title": .string(framework.title),
            "period": [
                "since": .string(period.since.description), "until": .string(period.until.description), "zone": .string(period.zone),
                "tenants": .array(period.tenants.map(JSONValue.string)),
            ],
            "sections": .array(sections.map { .object($0.json(framework)) }), "limits": .array(Report.limits.map(JSONValue.string)),
        ]
    }
}

extension ReportSection {
    func json(_ framework: ReportFramework) -> JSONObject {
        var json: JSONObject = [
            "id": .string(topic.id), "title": .string(topic.title), "controls": .array(topic.controls(framework).map(JSONValue.string)),
            "population": .string(population), "query": .string(query), "count": .int(count), "tables": .array(tables.map(\.json)),
            "charts": .array(
                charts.map { chart in
                    [
                        "title": .string(chart.title),
                        "bars": .array(chart.bars.map { ["label": .string($0.label), "value": .int($0.value)] }),
                    ]
                }),
            "exceptions": .array(
                exceptions.map { exceptions in ["total": .int(exceptions.total), "listed": exceptions.table.json] }),
            "limits": .array(limits.map(JSONValue.string)),
        ]
        if let criterion { json["criterion"] = ["text": .string(criterion.text), "met": .bool(criterion.isMet)] }
        return json
    }
}

extension ReportTable {
    var json: JSONValue {
        [
            "title": .string(title), "columns": .array(columns.map(JSONValue.string)),
            "rows": .array(rows.map { .array($0.map(\.json)) }),
        ]
    }
}
