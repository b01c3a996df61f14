-- Stores a batch of one shard's events; returns how many were not known yet. The arrays run in parallel, one element an event.
--
-- It waits for nobody: no lock, no counter, no notification. Rows go in by id, so that two batches with the same events cannot deadlock; an id
-- that is known is passed over, so that a retry stores nothing twice. The id must encode the time (RFC 9562, version 7, rand_a = fraction of
-- the millisecond, of which other makers of ids use values beyond 999 µs), and no time may be more than 10 minutes ahead.
--
-- Elements are taken by subscript, under a generic plan: PL/pgSQL has taken the arrays apart, so that each costs a pointer, where unnest of 22
-- arrays writes as many tuplestores, and a custom plan would flatten the arrays into constants first.
create or replace function audit.append(
    shard integer, ids uuid[], times timestamptz[], tenants text[], sources text[], types text[], outcomes text[], reasons text[],
    severities smallint[], actor_kinds text[], privileged boolean[], sensitivities text[], methods text[], routes text[], statuses smallint[],
    durations bigint[], bodies jsonb[], salts bytea[], body_hashes bytea[], actors text[], client_ips inet[], sessions text[], tokens text[]
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    count constant integer := cardinality(ids);
    latest constant timestamptz := clock_timestamp() + interval '10 minutes';
    stored integer;
    wrong text;
begin
    if current_setting('audit.sealing', true) = 'on' then
        raise exception 'append in a sealing transaction' using errcode = 'active_sql_transaction';
    end if;
    if not count = all (array[
        cardinality(times), cardinality(tenants), cardinality(sources), cardinality(types), cardinality(outcomes), cardinality(reasons),
        cardinality(severities), cardinality(actor_kinds), cardinality(append.privileged), cardinality(sensitivities), cardinality(methods),
        cardinality(routes), cardinality(statuses), cardinality(durations), cardinality(bodies), cardinality(salts),
        cardinality(body_hashes), cardinality(actors), cardinality(client_ips), cardinality(sessions), cardinality(tokens)])
    then
        raise exception 'the arrays are not of one length' using errcode = 'array_subscript_error';
    end if;
    select ids[e.i]::text into wrong
    from (
        select i, ('x' || encode(uuid_send(ids[i]), 'hex'))::bit(64)::bigint as high from generate_series(1, count) i offset 0
    ) e
    where times[e.i] > latest
        or (e.high >> 12) & 15 <> 7 or get_byte(uuid_send(ids[e.i]), 8) >> 6 <> 2
        or (e.high >> 16) * 1000 + least(((e.high & 4095) * 1000 + 4095) >> 12, 999)
            is distinct from round(date_part('epoch', times[e.i]) * 1000000)::bigint
    limit 1;
    if found then
        raise exception 'the event % does not carry its time in its id, or is more than 10 minutes ahead', wrong
            using errcode = 'check_violation';
    end if;
    -- All but always there is one tenant, which array_remove finds out at once.
    select u.tenant into wrong
    from (select tenants[1] where count > 0 union select unnest(array_remove(tenants, tenants[1]))) u(tenant)
    where not exists (select from audit.tenant t where t.tenant = u.tenant and t.shard = append.shard)
    limit 1;
    if found then
        raise exception 'the tenant % is not in shard %', wrong, append.shard using errcode = 'check_violation';
    end if;
    -- New events are the rule, and "on conflict" makes each of them half as dear again: it is for batches with known events alone.
    begin
        insert into audit.event (
            shard, id, time, tenant, source, type, outcome, reason, severity, actor_kind, privileged, sensitivity, method, route, status,
            duration_us, body, salt, body_hash, actor, client_ip, session, token)
        select
            append.shard, ids[i], times[i], tenants[i], sources[i], types[i], outcomes[i], reasons[i], severities[i], actor_kinds[i],
            append.privileged[i], sensitivities[i], methods[i], routes[i], statuses[i], durations[i], bodies[i], salts[i], body_hashes[i],
            actors[i], client_ips[i], sessions[i], tokens[i]
        from (select i from generate_series(1, count) i order by ids[i]) e;
        get diagnostics stored = row_count;
    exception when unique_violation then
        insert into audit.event (
            shard, id, time, tenant, source, type, outcome, reason, severity, actor_kind, privileged, sensitivity, method, route, status,
            duration_us, body, salt, body_hash, actor, client_ip, session, token)
        select
            append.shard, ids[i], times[i], tenants[i], sources[i], types[i], outcomes[i], reasons[i], severities[i], actor_kinds[i],
            append.privileged[i], sensitivities[i], methods[i], routes[i], statuses[i], durations[i], bodies[i], salts[i], body_hashes[i],
            actors[i], client_ips[i], sessions[i], tokens[i]
        from (select i from generate_series(1, count) i order by ids[i]) e
        on conflict do nothing;
        get diagnostics stored = row_count;
    end;
    return stored;
end
$$;
