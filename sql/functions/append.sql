-- Stores a batch of one shard's events; returns how many were not known yet. The arrays run in parallel, one element an event.
--
-- It waits for nobody: no lock, no counter, no notification. Rows go in by id, so that two batches with the same events cannot deadlock; an id
-- that is known is passed over, so that a retry stores nothing twice. The id must encode the time (RFC 9562, version 7, rand_a = fraction of
-- the millisecond, of which other makers of ids use values beyond 999 µs), and no time may be more than 10 minutes ahead.
create or replace function audit.append(
    shard integer, ids uuid[], times timestamptz[], tenants text[], sources text[], types text[], outcomes text[], reasons text[],
    severities smallint[], actor_kinds text[], privileged boolean[], sensitivities text[], methods text[], routes text[], statuses smallint[],
    durations bigint[], bodies jsonb[], salts bytea[], body_hashes bytea[], actors text[], client_ips inet[], sessions text[], tokens text[]
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    stored integer;
    wrong text;
begin
    if current_setting('audit.sealing', true) = 'on' then
        raise exception 'append in a sealing transaction' using errcode = 'active_sql_transaction';
    end if;
    select e.id::text into wrong
    from unnest(ids, times) e(id, time),
        lateral (select ('x' || translate(left(e.id::text, 18), '-', ''))::bit(64)::bigint as high offset 0) h
    where e.time > clock_timestamp() + interval '10 minutes'
        or (h.high >> 12) & 15 <> 7 or substr(e.id::text, 20, 1) not in ('8', '9', 'a', 'b')
        or (h.high >> 16) * 1000 + least(((h.high & 4095) * 1000 + 4095) >> 12, 999)
            is distinct from round(date_part('epoch', e.time) * 1000000)::bigint
    limit 1;
    if found then
        raise exception 'the event % does not carry its time in its id, or is more than 10 minutes ahead', wrong
            using errcode = 'check_violation';
    end if;
    select u.tenant into wrong
    from (select distinct u.tenant from unnest(tenants) u(tenant)) u
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
        select append.shard, e.*
        from unnest(
            ids, times, tenants, sources, types, outcomes, reasons, severities, actor_kinds, append.privileged, sensitivities, methods,
            routes, statuses, durations, bodies, salts, body_hashes, actors, client_ips, sessions, tokens
        ) e(id)
        order by e.id;
        get diagnostics stored = row_count;
    exception when unique_violation then
        insert into audit.event (
            shard, id, time, tenant, source, type, outcome, reason, severity, actor_kind, privileged, sensitivity, method, route, status,
            duration_us, body, salt, body_hash, actor, client_ip, session, token)
        select append.shard, e.*
        from unnest(
            ids, times, tenants, sources, types, outcomes, reasons, severities, actor_kinds, append.privileged, sensitivities, methods,
            routes, statuses, durations, bodies, salts, body_hashes, actors, client_ips, sessions, tokens
        ) e(id)
        order by e.id
        on conflict do nothing;
        get diagnostics stored = row_count;
    end;
    return stored;
end
$$;
