-- Makes a public key known under which checkpoints are signed, or says that it signs no more, and leaves the event behind; false where nothing
-- changed. A deployment may be given its name with its first key, and never again: signed checkpoints carry it.
create or replace function audit.change_key(
    key bytea, retire boolean, name text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea, actor text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table audit.log_key in share row exclusive mode;
    if name is not null and name is distinct from audit.log_name() then
        if exists (select from audit.log_key) then
            raise exception 'the deployment is named % already, and has signed under that name', audit.log_name()
                using errcode = 'check_violation';
        end if;
        update audit.deployment d set name = change_key.name;
    end if;
    if retire then
        update audit.log_key k set retired_at = at_time where k.key = change_key.key and k.retired_at is null;
    else
        insert into audit.log_key (key) values (key) on conflict do nothing;
    end if;
    if not found then
        return false;
    end if;
    perform audit.append_own(
        audit.shard_of('default'), 'default', case when retire then 'audit_key_retired' else 'audit_key_added' end, null, 3::smallint, event,
        at_time, body, salt, body_hash, actor);
    return true;
end
$$;
