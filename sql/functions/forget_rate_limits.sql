-- Removes at most `most` counts that are of no use any more, but none that somebody is at; returns how many.
create or replace function audit_access.forget_rate_limits(most integer, at_time bigint default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    gone integer;
begin
    delete from audit_access.rate_limit d
    using (
        select r.policy, r.subject from audit_access.rate_limit r
        where r.expires_at < coalesce(at_time, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
        order by r.expires_at limit most for update skip locked
    ) e
    where d.policy = e.policy and d.subject = e.subject;
    get diagnostics gone = row_count;
    return gone;
end
$$;
