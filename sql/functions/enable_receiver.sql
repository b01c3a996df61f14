-- Takes a receiver that wanted nothing any more into use again, and leaves the event behind; gives whether it was disabled.
create or replace function audit.enable_receiver(
    name text, actor text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from audit.receiver r where r.name = enable_receiver.name;
    if not found then
        return false;
    end if;
    perform audit.append_own(
        audit.shard_of('default'), 'default', 'audit_receiver_enabled', null, 1::smallint, event, at_time, body, salt, body_hash, actor);
    return true;
end
$$;
