-- Counts failures against a subject, and locks it where they reach a tier; the rule is that of LockoutCount. Tiers: [[failures, microseconds], …].
create or replace function audit_access.lockout_failed(
    l audit_access.lockout, count bigint, tiers jsonb, forget bigint, at_time bigint, out counted audit_access.lockout, out locked bigint
) language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    before bigint := l.failures;
    tier jsonb;
begin
    l.failures := l.failures + count;
    select t.tier into tier from jsonb_array_elements(tiers) with ordinality t(tier, place)
    where (t.tier->>0)::bigint <= l.failures order by t.place desc limit 1;
    if tier is not null and ((tier->>0)::bigint > before or tier->>0 = tiers->-1->>0) then
        locked := (tier->>1)::bigint;
        l.locked_until := greatest(l.locked_until, at_time + locked);
    end if;
    l.expires_at := greatest(l.expires_at, greatest(at_time, l.locked_until) + forget);
    counted := l;
end
$$;
