-- Ends an erasure that has gone through all its steps: what named the subject is forgotten, and an event says what was done.
create or replace function audit.finish_erasure(
    erasure bigint, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea, event_actor text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    e audit.erasure;
begin
    select * into e from audit.erasure x where x.id = finish_erasure.erasure for update;
    if not found or e.state not in ('telling', 'elsewhere') or e.cursor_time <> 'infinity' then
        raise exception 'the erasure % has not come to its end', erasure using errcode = 'object_not_in_prerequisite_state';
    end if;
    if audit.body_names_subject(e.id, jsonb_build_object('details', body -> 'details')) then
        raise exception 'the event names the subject' using errcode = 'check_violation';
    end if;
    delete from audit.erasure_value v where v.erasure = e.id;
    delete from audit.erasure_alert a where a.erasure = e.id;
    update audit.erasure x set state = 'done', finished_at = clock_timestamp(), door = null where x.id = e.id;
    perform audit.append_own(
        e.shard, e.tenant, 'audit_subject_erased', null, 3::smallint, event, at_time, body, salt, body_hash, event_actor);
end
$$;

-- Leaves behind that an erasure was refused; one that has emptied nothing yet is given up, with what it keeps of the subject.
create or replace function audit.refuse_erasure(
    tenant text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea, event_actor text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    known constant text := coalesce((select t.tenant from audit.tenant t where t.tenant = refuse_erasure.tenant), 'default');
    given_up bigint[];
begin
    select array_agg(e.id) into given_up from audit.erasure e
    where e.tenant = refuse_erasure.tenant and e.subject = body #>> '{details,subject}' and e.state = 'emptying' and e.events = 0;
    delete from audit.erasure_value v where v.erasure = any (given_up);
    delete from audit.erasure e where e.id = any (given_up);
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_erasure_refused', 'legal_hold', 3::smallint, event, at_time, body, salt, body_hash, event_actor);
end
$$;
