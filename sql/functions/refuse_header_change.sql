-- The trigger behind "a header proves": the door for erasure leads to the body and what was copied out of it, never to the rest of an event.
create or replace function audit.refuse_header_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.shard is distinct from new.shard or old.id is distinct from new.id or old.time is distinct from new.time
        or old.recorded_at is distinct from new.recorded_at or old.tx is distinct from new.tx or old.v is distinct from new.v
        or old.tenant is distinct from new.tenant or old.source is distinct from new.source or old.type is distinct from new.type
        or old.outcome is distinct from new.outcome or old.reason is distinct from new.reason or old.severity is distinct from new.severity
        or old.actor_kind is distinct from new.actor_kind or old.privileged is distinct from new.privileged
        or old.sensitivity is distinct from new.sensitivity or old.method is distinct from new.method or old.route is distinct from new.route
        or old.status is distinct from new.status or old.duration_us is distinct from new.duration_us
        or old.body_hash is distinct from new.body_hash or new.body is not null or new.salt is not null or new.actor is not null
        or new.client_ip is not null or new.session is not null or new.token is not null
    then
        raise exception 'the record is append-only: an event can be emptied, and nothing else' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
