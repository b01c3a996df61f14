-- Ends a silence before its time and leaves the event behind; false where there is none that has not ended.
create or replace function audit.expire_silence(
    id text, actor text, tenant text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    -- No tenant comes into being by being silenced.
    known text := coalesce((select t.tenant from audit.tenant t where t.tenant = expire_silence.tenant), 'default');
begin
    update audit.silence s set ends_at = at_time, expired_by = expire_silence.actor
    where s.id = expire_silence.id and s.ends_at > at_time;
    if not found then
        return false;
    end if;
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_alert_silence_expired', null, 1::smallint, event, at_time, body, salt, body_hash, actor);
    return true;
end
$$;
