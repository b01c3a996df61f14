-- Sends deliveries once more, from their first attempt on, and leaves the event behind; gives how many there were.
create or replace function audit.replay_deliveries(
    ids uuid[], actor text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    replayed bigint;
begin
    update audit.delivery d
    set state = 'pending', attempts = 0, due_at = clock_timestamp(), finished_at = null, status = null, detail = null
    where d.id = any (ids) and d.state <> 'pending';
    get diagnostics replayed = row_count;
    if replayed > 0 then
        perform audit.append_own(
            audit.shard_of('default'), 'default', 'audit_delivery_replayed', null, 1::smallint, event, at_time, body, salt, body_hash, actor);
    end if;
    return replayed;
end
$$;
