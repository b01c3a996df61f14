-- A subject as it is at a time: what has expired is forgotten, an attempt that nobody will tell the end of is a failure.
create or replace function audit_access.lockout_settled(l audit_access.lockout, tiers jsonb, forget bigint, at_time bigint)
returns audit_access.lockout
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    lost bigint;
begin
    if l.expires_at <= at_time then
        l := row(l.subject, 0, 0, 0, 0, 0)::audit_access.lockout;
    end if;
    if l.pending > 0 and l.pending_until <= at_time then
        lost := l.pending;
        l.pending := 0;
        l := (audit_access.lockout_failed(l, lost, tiers, forget, l.pending_until)).counted;
    end if;
    return l;
end
$$;
