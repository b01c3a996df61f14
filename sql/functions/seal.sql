-- Gives the events of a shard that became visible since the last call their indexes, at most `most` of them.
--
-- Between the snapshot s1 of the last seal and s2 of this one, what became visible has a transaction that is in progress in s1, or begins
-- after s1, and is complete in s2. So a slow transaction delays itself alone and nothing is skipped. What is left over `most` keeps s2 and a
-- cursor for the next call. An idle call takes no lock and writes nothing.
--
-- Runs alone in its transaction, in READ COMMITTED, on a primary: a snapshot does not show the transaction's own rows.
create or replace function audit.seal(shard integer, most integer default 50000, out sealed integer, out next_index bigint, out more boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    head audit.head;
    now_visible pg_snapshot;
    running xid8[];
    last_tx xid8;
    last_id uuid;
    at timestamptz;
begin
    if pg_is_in_recovery() then
        raise exception 'only a primary can seal' using errcode = 'read_only_sql_transaction';
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'seal needs READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;
    if pg_current_xact_id_if_assigned() is not null then
        raise exception 'seal must be alone in its transaction, before it writes' using errcode = 'active_sql_transaction';
    end if;
    if most is null or most < 1 then
        raise exception 'seal needs room for one event at least' using errcode = 'invalid_parameter_value';
    end if;
    perform set_config('audit.sealing', 'on', true);

    select * into head from audit.head h where h.shard = seal.shard;
    if not found then
        raise exception 'there is no shard %', seal.shard using errcode = 'no_data_found';
    end if;
    next_index := head.next_index;
    sealed := 0;
    more := false;
    if head.draining is null and head.system_identifier = (select c.system_identifier from pg_control_system() c) then
        running := array(select pg_snapshot_xip(head.sealed));
        -- What lies beyond the present snapshot came with a dump of another cluster, and has its index.
        if not exists (select from audit.event e where e.shard = seal.shard and e.tx >= pg_snapshot_xmax(head.sealed)
                and e.tx < pg_snapshot_xmax(pg_current_snapshot()))
            and not exists (select from audit.event e where e.shard = seal.shard and e.tx = any (running))
        then
            return;
        end if;
    end if;

    select * into head from audit.head h where h.shard = seal.shard for update;
    if head.system_identifier <> (select c.system_identifier from pg_control_system() c) then
        select s.sealed, s.next_index into seal.sealed, seal.next_index from audit.seal_restored(seal.shard) s;
        return;
    end if;
    select coalesce(head.draining, pg_current_snapshot()) into now_visible;
    running := array(select x from pg_snapshot_xip(head.sealed) x where head.cursor_tx is null or x >= head.cursor_tx);
    at := greatest(head.sealed_at, clock_timestamp());

    with fresh as materialized (
        select e.tx, e.id, e.time
        from (
            select e.tx, e.id, e.time from audit.event e
            where e.shard = seal.shard and e.tx = any (running) and e.tx < pg_snapshot_xmax(now_visible)
            union all
            select e.tx, e.id, e.time from audit.event e
            where e.shard = seal.shard
                and e.tx >= greatest(pg_snapshot_xmax(head.sealed), head.cursor_tx)
                and e.tx < pg_snapshot_xmax(now_visible)
        ) e
        where pg_visible_in_snapshot(e.tx, now_visible)
            and (head.cursor_tx is null or (e.tx, e.id) > (head.cursor_tx, head.cursor_id))
            and (not head.restored or not exists (select from audit.log l where l.shard = seal.shard and l.id = e.id))
        order by e.tx, e.id
        limit most
    ), numbered as (
        select f.*, row_number() over (order by f.tx, f.id) as place from fresh f
    ), placed as (
        insert into audit.log (shard, index, id, time, sealed_at)
        select seal.shard, head.next_index + n.place - 1, n.id, n.time, at from numbered n
    )
    select n.place, n.tx, n.id into seal.sealed, last_tx, last_id from numbered n order by n.place desc limit 1;

    sealed := coalesce(sealed, 0);
    more := sealed = most;
    next_index := head.next_index + sealed;
    update audit.head h set
        next_index = seal.next_index,
        sealed_at = case when seal.sealed > 0 then at else h.sealed_at end,
        sealed = case when more then h.sealed else now_visible end,
        draining = case when more then now_visible end,
        cursor_tx = case when more then last_tx end,
        cursor_id = case when more then last_id end
    where h.shard = seal.shard;
    if sealed > 0 then
        perform pg_notify('audit_sealed', seal.shard::text);
    end if;
end
$$;
