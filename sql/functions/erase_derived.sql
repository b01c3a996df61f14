-- What was made of a subject's events, in one transaction of its erasure: rows of the views, the state of detection, the groups of alerts.
--
-- Locks in the order in which a worker's batch and a switch of generations take them: checkpoints, then rows. The shard's lease is taken away
-- first, so that a worker's next batch is refused and it reads again what it remembered.
create or replace function audit.erase_clear(e audit.erasure) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    generation record;
    n bigint;
    rows_gone bigint := 0;
    states_gone bigint;
    alerts_changed bigint;
begin
    perform 1 from audit.checkpoint c where c.shard = e.shard order by c.name, c.generation for update;
    update audit.lease l set owner = null, token = l.token + 1, expires_at = '-infinity' where l.shard = e.shard;
    for generation in
        select p.name, format('%I.%I', 'audit_view_' || p.name || '_' || p.generation, p.name) as tables
        from audit.projection p where p.name not in ('detection', 'request_summary') order by p.name, p.generation
    loop
        if to_regclass(generation.tables) is null then
            continue;
        end if;
        execute format(
            'with v as materialized (select kind, value from audit.erasure_value where erasure = $1)
            delete from %s t where t.shard = $2 and t.tenant = $3 and (%s)',
            generation.tables, audit.view_condition(generation.name))
        using e.id, e.shard, e.tenant;
        get diagnostics n = row_count;
        rows_gone := rows_gone + n;
    end loop;

    -- Alerts about nobody else: every event that they hold was emptied here.
    insert into audit.erasure_alert (erasure, shard, alert)
    select e.id, a.shard, a.id
    from audit.alert a
    where a.shard = e.shard and a.tenant = e.tenant
        and exists (
            select from audit.alert_event ae join audit.erased_event x on x.shard = ae.shard and x.id = ae.event
            where ae.shard = a.shard and ae.alert = a.id and x.erasure = e.id)
        and not exists (
            select from audit.alert_event ae
            where ae.shard = a.shard and ae.alert = a.id
                and not exists (select from audit.erased_event x where x.shard = ae.shard and x.id = ae.event))
    on conflict do nothing;

    delete from audit.detection_state d
    using (
        select case when octet_length(g.bytes) < 128 then set_byte('\x00', 0, octet_length(g.bytes))
            else set_byte(set_byte('\x0000', 0, octet_length(g.bytes) & 127 | 128), 1, octet_length(g.bytes) >> 7 & 127) end || g.bytes as stored
        from (
            select convert_to(v.value, 'UTF8') as bytes from audit.erasure_value v where v.erasure = e.id
            union
            select convert_to(m.value, 'UTF8') from audit.erasure_alert ea
            join audit.alert a on a.shard = ea.shard and a.id = ea.alert
            cross join lateral jsonb_each_text(a.group_by) m
            where ea.erasure = e.id and m.value <> ''
        ) g
    ) g
    where d.shard = e.shard and d.tenant = e.tenant and d.kind = 'group' and position(g.stored in d.value) > 0;
    get diagnostics states_gone = row_count;

    update audit.alert a set group_by = r.group_by
    from (
        select a.shard, a.id, jsonb_object_agg(m.key, case
            when ea.alert is null then audit.redact_json(e.id, m.value)
            when jsonb_typeof(m.value) = 'string' and m.value <> '""' and m.value #>> '{}' !~ '^fp_[0-9a-f]{32}$'
                then to_jsonb(audit.fingerprint(m.value #>> '{}'))
            else m.value end) as group_by
        from audit.alert a
        left join audit.erasure_alert ea on ea.erasure = e.id and ea.shard = a.shard and ea.alert = a.id
        cross join lateral jsonb_each(a.group_by) m
        where a.shard = e.shard and a.tenant = e.tenant
            and (ea.alert is not null or audit.redact_json(e.id, a.group_by) <> a.group_by)
        group by a.shard, a.id
    ) r
    where a.shard = r.shard and a.id = r.id and a.group_by <> r.group_by;
    get diagnostics alerts_changed = row_count;

    update audit.erasure x set
        state = 'telling', cursor_time = '-infinity', cursor_id = null,
        cleared = x.cleared || jsonb_build_object('view_rows', rows_gone, 'detection_groups', states_gone, 'alerts', alerts_changed)
    where x.id = e.id;
end
$$;

-- Which rows `t` of a view name a subject whose values are in `v`.
create or replace function audit.view_condition(view text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    -- A key that is cut ends in "…" and sixteen digits.
    same constant text := '(%1$s in (select value from v where kind in (%2$s)) or %1$s like ''%%…________________'' and exists (
        select from v where kind in (%2$s) and octet_length(value) > 512 and starts_with(value, left(%1$s, length(%1$s) - 17))))';
    any_of constant text := '%1$s && array(select value from v where kind in (%2$s))';
    people constant text := '''subject'', ''actor''';
begin
    return case view
        when 'failed_login' then
            't.kind = ''account'' and ' || format(same, 't.subject', people)
            || ' or t.kind = ''address'' and ' || format(same, 't.subject', '''ip''')
        when 'suspicious_token' then
            format(same, 't.token', '''token''') || ' or ' || format(any_of, 't.addresses', '''ip''')
            || ' or ' || format(any_of, 't.agents', '''agent''')
        when 'rate_limit_violation' then
            format(same, 't.client', people || ', ''ip''') || ' or ' || format(same, 't.route', '''path''')
        when 'session' then
            format(same, 't.session', '''session''') || ' or ' || format(same, 't.actor', people)
            || ' or ' || format(any_of, 't.addresses', '''ip''')
    end;
end
$$;

-- What was told about a subject: notes and names at alerts, deliveries, silences, switches, events set aside. Values become fingerprints.
create or replace function audit.erase_told(e audit.erasure) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    notes bigint;
    people bigint;
    deliveries bigint;
    silences bigint;
    others bigint;
    n bigint;
begin
    update audit.alert_change c set
        reason = audit.redact(e.id, c.reason), assignee = audit.redact(e.id, c.assignee), actor = audit.redact(e.id, c.actor)
    from audit.alert a
    where a.shard = c.shard and a.id = c.alert and a.shard = e.shard and a.tenant = e.tenant
        and audit.names_subject(e.id, concat_ws(' ', c.reason, c.assignee, c.actor));
    get diagnostics notes = row_count;
    update audit.alert a set
        acknowledged_by = audit.redact(e.id, a.acknowledged_by), assignee = audit.redact(e.id, a.assignee),
        closed_by = audit.redact(e.id, a.closed_by)
    where a.shard = e.shard and a.tenant = e.tenant
        and audit.names_subject(e.id, concat_ws(' ', a.acknowledged_by, a.assignee, a.closed_by));
    get diagnostics people = row_count;
    update audit.delivery d set
        payload = audit.redact_card(e.id, d.payload)
            -- Of an alert about nobody else the group as the alert has it now.
            || case when ea.alert is null or not d.payload ? 'group' then '{}' else jsonb_build_object('group', a.group_by) end,
        detail = audit.redact(e.id, d.detail)
    from audit.alert a
    left join audit.erasure_alert ea on ea.erasure = e.id and ea.shard = a.shard and ea.alert = a.id
    where a.shard = d.shard and a.id = d.alert and a.shard = e.shard and a.tenant = e.tenant
        and (ea.alert is not null or audit.redact_card(e.id, d.payload) <> d.payload or audit.names_subject(e.id, d.detail));
    get diagnostics deliveries = row_count;
    update audit.silence s set
        matchers = array(select audit.redact(e.id, m.value) from unnest(s.matchers) with ordinality m(value, place) order by m.place),
        author = audit.redact(e.id, s.author), comment = audit.redact(e.id, s.comment), expired_by = audit.redact(e.id, s.expired_by)
    where audit.names_subject(e.id, concat_ws(' ', array_to_string(s.matchers, ' '), s.author, s.comment, s.expired_by));
    get diagnostics silences = row_count;
    update audit.rule_switch r set actor = audit.redact(e.id, r.actor), reason = audit.redact(e.id, r.reason)
    where audit.names_subject(e.id, concat_ws(' ', r.actor, r.reason));
    get diagnostics others = row_count;
    update audit.quarantine q set reason = audit.redact(e.id, q.reason)
    where q.shard = e.shard and audit.names_subject(e.id, q.reason);
    get diagnostics n = row_count;
    others := others + n;
    update audit.hold h set
        subject = case when audit.names_subject(e.id, h.subject) then null else h.subject end,
        reason = audit.redact(e.id, h.reason), release_reason = audit.redact(e.id, h.release_reason),
        set_by = audit.redact(e.id, h.set_by), released_by = audit.redact(e.id, h.released_by)
    where h.released_at is not null
        and audit.names_subject(e.id, concat_ws(' ', h.subject, h.reason, h.release_reason, h.set_by, h.released_by));
    get diagnostics n = row_count;
    others := others + n;
    update audit.erasure x set
        reason = audit.redact(e.id, x.reason),
        cleared = x.cleared || jsonb_build_object(
            'notes', notes + people, 'deliveries', deliveries, 'silences', silences, 'others', others)
    where x.id = e.id;
end
$$;
