-- Stores a batch of one shard's events; returns how many were not known yet. The arrays run in parallel, one element an event.
--
-- It waits for nobody: no lock, no counter, no notification. Rows go in by id, so that two batches with the same events cannot deadlock; an id
-- that is known is passed over, so that a retry stores nothing twice. The id must encode the time (RFC 9562, version 7, rand_a = fraction of
-- the millisecond), and no time may be more than 10 minutes ahead.
create or replace function audit.append(
    shard integer, ids uuid[], times timestamptz[], tenants text[], sources text[], types text[], outcomes text[], reasons text[],
    severities smallint[], actor_kinds text[], privileged boolean[], sensitivities text[], methods text[], routes text[], statuses smallint[],
    durations bigint[], bodies jsonb[], salts bytea[], body_hashes bytea[], actors text[], client_ips inet[], sessions text[], tokens text[]
) returns integer
language plpgsql security definer set search_path = '' as $$
declare
    stored integer;
    wrong text;
begin
    if current_setting('audit.sealing', true) = 'on' then
        raise exception 'append in a sealing transaction' using errcode = 'active_sql_transaction';
    end if;
    -- The 64 leading bits of an id, and a time's microseconds since 2000 as PostgreSQL sends them: integers, for numeric costs more than the row.
    select e.id::text into wrong
    from unnest(ids, times) e(id, time),
        lateral (select ('x' || left(encode(uuid_send(e.id), 'hex'), 16))::bit(64)::bigint as bits offset 0) h
    where e.time > clock_timestamp() + interval '10 minutes'
        or (h.bits >> 12) & 15 <> 7
        or ((h.bits >> 16) & 281474976710655) * 1000 + (((h.bits & 4095) * 1000 + 4095) >> 12)
            <> ('x' || encode(timestamptz_send(e.time), 'hex'))::bit(64)::bigint + 946684800000000
    limit 1;
    if found then
        raise exception 'the event % does not carry its time in its id, or is more than 10 minutes ahead', wrong
            using errcode = 'check_violation';
    end if;
    select t.tenant into wrong
    from (select distinct u.tenant from unnest(tenants) u(tenant)) t
    where audit.shard_of(t.tenant) is distinct from append.shard
    limit 1;
    if found then
        raise exception 'the tenant % is not in shard %', wrong, append.shard using errcode = 'check_violation';
    end if;
    insert into audit.event (
        shard, id, time, tenant, source, type, outcome, reason, severity, actor_kind, privileged, sensitivity, method, route, status,
        duration_us, body, salt, body_hash, actor, client_ip, session, token)
    select append.shard, e.*
    from unnest(
        ids, times, tenants, sources, types, outcomes, reasons, severities, actor_kinds, append.privileged, sensitivities, methods, routes,
        statuses, durations, bodies, salts, body_hashes, actors, client_ips, sessions, tokens
    ) e(id)
    order by e.id
    on conflict do nothing;
    get diagnostics stored = row_count;
    return stored;
end
$$;
