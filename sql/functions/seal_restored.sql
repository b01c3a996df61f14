-- The first seal after a dump was restored into another cluster, whose transaction ids start anew: whatever has no index yet gets one, by id,
-- and from then on seal also looks into the log, since an old id may lie ahead of the new cluster's. Called by seal under the head's lock.
create or replace function audit.seal_restored(shard integer, out sealed integer, out next_index bigint)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    head audit.head;
    now_visible pg_snapshot;
    at timestamptz;
begin
    select * into head from audit.head h where h.shard = seal_restored.shard;
    at := greatest(head.sealed_at, clock_timestamp());
    with visible as materialized (
        select pg_current_snapshot() as snapshot
    ), fresh as materialized (
        select e.id, e.time, row_number() over (order by e.id) as place
        from audit.event e
        where e.shard = seal_restored.shard
            and not exists (select from audit.log l where l.shard = seal_restored.shard and l.id = e.id)
    ), placed as (
        insert into audit.log (shard, index, id, time, sealed_at)
        select seal_restored.shard, head.next_index + f.place - 1, f.id, f.time, at
        from fresh f
    )
    select (select v.snapshot from visible v), (select count(*) from fresh) into now_visible, seal_restored.sealed;
    next_index := head.next_index + sealed;
    update audit.head h set
        next_index = seal_restored.next_index,
        sealed_at = case when seal_restored.sealed > 0 then at else h.sealed_at end,
        sealed = now_visible, draining = null, cursor_tx = null, cursor_id = null, restored = true,
        system_identifier = (select c.system_identifier from pg_control_system() c)
    where h.shard = seal_restored.shard;
    if sealed > 0 then
        perform pg_notify('audit_sealed', seal_restored.shard::text);
    end if;
end
$$;
