-- The holds that keep a subject of a tenant from being erased.
create or replace function audit.holds_on(subject text, tenant text) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.name from audit.hold h
    where h.released_at is null and (h.tenant is null or h.tenant = holds_on.tenant)
        and (h.subject_fingerprint is null or h.subject_fingerprint = audit.fingerprint(holds_on.subject))
    order by h.name
$$;

-- Begins to erase a subject, or gives the erasure that is under way. Refuses where a hold is on it.
create or replace function audit.begin_erasure(subject text, tenant text, reason text, actor text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    mark constant text := audit.fingerprint(subject);
    held text;
    found_id bigint;
begin
    if coalesce(subject, '') = '' or coalesce(reason, '') = '' or coalesce(actor, '') = '' then
        raise exception 'an erasure needs a subject, a reason and who does it' using errcode = 'check_violation';
    end if;
    perform pg_advisory_xact_lock(hashtext('audit.hold'));
    select string_agg(h, ', ') into held from audit.holds_on(subject, tenant) h;
    if held is not null then
        raise exception 'legal hold: %', held using errcode = 'object_in_use';
    end if;
    select e.id into found_id from audit.erasure e
    where e.tenant = begin_erasure.tenant and e.subject = mark and e.state <> 'done';
    if found then
        return found_id;
    end if;
    insert into audit.erasure (shard, tenant, subject, reason, actor)
    select t.shard, t.tenant, mark, replace(begin_erasure.reason, begin_erasure.subject, mark), begin_erasure.actor
    from audit.tenant t where t.tenant = begin_erasure.tenant
    returning id into found_id;
    if not found then
        raise exception 'there is no tenant %', begin_erasure.tenant using errcode = 'no_data_found';
    end if;
    insert into audit.erasure_value (erasure, kind, digest, value)
    values (found_id, 'subject', sha256(convert_to(begin_erasure.subject, 'UTF8')), begin_erasure.subject);
    return found_id;
end
$$;
