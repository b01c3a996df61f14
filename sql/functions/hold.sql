-- Sets a legal hold and leaves the event behind.
create or replace function audit.set_hold(
    name text, reason text, subject text, tenant text, since timestamptz, until timestamptz, actor text, event uuid, at_time timestamptz,
    body jsonb, salt bytea, body_hash bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    known text := coalesce((select t.tenant from audit.tenant t where t.tenant = set_hold.tenant), 'default');
begin
    if coalesce(reason, '') = '' or coalesce(actor, '') = '' or subject = '' then
        raise exception 'a hold needs a reason and who sets it' using errcode = 'check_violation';
    end if;
    -- No erasure or drop is under way while it comes into being.
    perform pg_advisory_xact_lock(hashtext('audit.hold'));
    insert into audit.hold (name, reason, subject, subject_fingerprint, tenant, since, until, set_by, set_at)
    values (name, reason, subject, audit.fingerprint(subject), tenant, since, until, actor, at_time);
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_hold_set', null, 3::smallint, event, at_time, body, salt, body_hash, actor);
end
$$;

-- Releases a legal hold and leaves the event behind; gives whether there was one.
create or replace function audit.release_hold(
    name text, reason text, actor text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    known text;
begin
    if coalesce(reason, '') = '' or coalesce(actor, '') = '' then
        raise exception 'a release needs a reason and who does it' using errcode = 'check_violation';
    end if;
    update audit.hold h set released_at = at_time, released_by = actor, release_reason = release_hold.reason
    where h.name = release_hold.name and h.released_at is null
    returning coalesce((select t.tenant from audit.tenant t where t.tenant = h.tenant), 'default') into known;
    if not found then
        return false;
    end if;
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_hold_released', null, 3::smallint, event, at_time, body, salt, body_hash, actor);
    return true;
end
$$;
