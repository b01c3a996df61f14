-- Sets how many days of events are kept, of one tenant or (empty) of all that have no setting of their own; null days: for ever. Leaves the event.
create or replace function audit.set_retention(
    tenant text, days integer, actor text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    known constant text := coalesce((select t.tenant from audit.tenant t where t.tenant = set_retention.tenant), 'default');
begin
    if days is null then
        delete from audit.retention r where r.tenant = set_retention.tenant;
    else
        insert into audit.retention (tenant, keep_days, set_by, set_at) values (tenant, days, actor, at_time)
        on conflict on constraint retention_pkey do update
        set keep_days = excluded.keep_days, set_by = excluded.set_by, set_at = excluded.set_at;
    end if;
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_retention_set', null, 3::smallint, event, at_time, body, salt, body_hash, actor);
end
$$;

-- What a partition holds, by tenant.
create or replace function audit.partition_tenants(partition regclass)
returns table (shard integer, tenant text, events bigint, first_time timestamptz, last_time timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from audit.partition p where p.name = partition) then
        raise exception '% is no partition of the record', partition using errcode = 'undefined_table';
    end if;
    return query execute format(
        'select e.shard, e.tenant, count(*), min(e.time), max(e.time) from %s e group by 1, 2 order by 2', partition);
end
$$;

-- By shard, what of the log a partition holds; `unsealed` events have no index yet.
create or replace function audit.partition_shards(partition regclass)
returns table (shard integer, events bigint, unsealed bigint, first_index bigint, last_index bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from audit.partition p where p.name = partition) then
        raise exception '% is no partition of the record', partition using errcode = 'undefined_table';
    end if;
    return query execute format(
        'select e.shard, count(*), count(*) filter (where l.index is null), min(l.index), max(l.index)
        from %s e left join audit.log l on l.shard = e.shard and l.id = e.id group by 1 order by 1', partition);
end
$$;

-- Why a partition may not go, a line each; none: it may. `plan` asks, and dropping asks again.
create or replace function audit.partition_blocks(partition regclass) returns table (cause text, what text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    part audit.partition;
begin
    select * into part from audit.partition p where p.name = partition;
    if not found then
        raise exception '% is no partition of the record', partition using errcode = 'undefined_table';
    end if;
    if part.upper_bound > now() then
        return query select 'window', 'it is not over yet';
        return;
    end if;
    return query
    select 'window', case
        when coalesce(r.keep_days, d.keep_days) is null then format('tenant %s keeps its events for ever', t.tenant)
        else format('tenant %s keeps %s days, until %s', t.tenant, coalesce(r.keep_days, d.keep_days),
            to_char(part.upper_bound + make_interval(days => coalesce(r.keep_days, d.keep_days)), 'YYYY-MM-DD')) end
    from audit.partition_tenants(partition) t
    left join audit.retention r on r.tenant = t.tenant
    left join audit.retention d on d.tenant = ''
    where coalesce(part.upper_bound + make_interval(days => coalesce(r.keep_days, d.keep_days)) > now(), true);
    if not found and not exists (select from audit.partition_tenants(partition))
        and coalesce(part.upper_bound + make_interval(days => (select max(r.keep_days) from audit.retention r)) > now(), true)
    then
        return query select 'window', 'it is empty, and younger than the longest window';
    end if;
    return query
    select 'hold', format('legal hold %s', h.name)
    from audit.hold h
    where h.released_at is null and (h.since is null or h.since < part.upper_bound) and (h.until is null or h.until >= part.lower_bound)
        and (h.tenant is null or exists (select from audit.partition_tenants(partition) t where t.tenant = h.tenant));
    return query
    select 'work', case
        when s.unsealed > 0 then format('%s events of shard %s have no index yet', s.unsealed, s.shard)
        when c.name is null then format('no worker has folded shard %s', s.shard)
        else format('%s has folded shard %s up to %s, it goes to %s', c.name, s.shard, c.next_index, s.last_index) end
    from audit.partition_shards(partition) s
    left join lateral (
        select c.name, c.next_index from audit.checkpoint c where c.shard = s.shard order by c.next_index, c.name limit 1) c on true
    where s.unsealed > 0 or coalesce(c.next_index, 0) <= s.last_index;
    -- Without its leaf an event that was dropped could never be proved.
    return query
    select 'work', format('the tree of shard %s has %s leaves, the partition goes to %s', s.shard, coalesce(t.size, 0), s.last_index)
    from audit.partition_shards(partition) s
    left join audit.tree t on t.shard = s.shard
    where s.unsealed = 0 and coalesce(t.size, 0) <= s.last_index;
end
$$;

-- Takes a partition off the record, as the first half of dropping it: nothing waits for it but for a moment. Writes down what it held, and leaves the
-- event behind. Gives the number under which audit.drop_detached drops it; raises 55P03 where somebody reads or writes just now.
create or replace function audit.detach_partition(
    partition regclass, tenant text, actor text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    part audit.partition;
    blocked text;
    new_id bigint;
begin
    perform pg_advisory_xact_lock_shared(hashtext('audit.hold'));
    -- As whoever makes partitions: neither sees the other half done.
    perform pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
    select * into part from audit.partition p where p.name = partition;
    if not found then
        raise exception '% is no partition of the record', partition using errcode = 'undefined_table';
    end if;
    perform set_config('lock_timeout', '500ms', true);
    -- No event comes in between what is looked at here and the end.
    execute format('lock table %s in share row exclusive mode', partition);
    select string_agg(b.what, '; ') into blocked from audit.partition_blocks(partition) b;
    if blocked is not null then
        raise exception 'the partition % stays: %', partition, blocked using errcode = 'object_in_use';
    end if;
    insert into audit.dropped_partition (name, lower_bound, upper_bound, events, bytes, shards, dropped_by)
    select partition::text, part.lower_bound, part.upper_bound, coalesce(sum(s.events), 0), pg_total_relation_size(partition),
        coalesce(jsonb_agg(jsonb_build_object(
            'shard', s.shard, 'events', s.events, 'first_index', s.first_index, 'last_index', s.last_index) order by s.shard)
            filter (where s.shard is not null), '[]'), actor
    from audit.partition_shards(partition) s
    returning id into new_id;
    perform audit.append_own(
        audit.shard_of(tenant), tenant, 'audit_partition_dropped', null, 3::smallint, event, at_time, body, salt, body_hash, actor);
    -- Last: until here appends go on.
    execute format('alter table audit.event detach partition %s', partition);
    execute format('alter table %s rename to dropped_%s', partition, new_id);
    perform set_config('lock_timeout', '0', true);
    return new_id;
end
$$;

-- Drops what was detached; gives how many there were. One that a killed process left is dropped with the next.
create or replace function audit.drop_detached() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    gone record;
    n integer := 0;
begin
    for gone in select d.id from audit.dropped_partition d where d.dropped_at is null order by d.id for update loop
        execute format('drop table if exists audit.dropped_%s', gone.id);
        update audit.dropped_partition d set dropped_at = clock_timestamp() where d.id = gone.id;
        n := n + 1;
    end loop;
    return n;
end
$$;
