-- Takes a proof of possession, once: true for the first, false for whoever comes later. Up to 16 of those that expired a minute ago go away with
-- every call, more than it adds; the minute is for clocks that are apart.
create or replace function audit_access.claim_proof(p_key bytea, p_expires_at timestamptz, p_now timestamptz) returns boolean
language plpgsql
set search_path = audit_access, pg_temp
as $$
begin
    delete from audit_access.proof p using (
        select key from audit_access.proof where expires_at < p_now - interval '1 minute' and key <> p_key
        order by expires_at limit 16 for update skip locked
    ) gone where p.key = gone.key;
    insert into audit_access.proof (key, expires_at) values (p_key, p_expires_at) on conflict (key) do nothing;
    return found;
end
$$;
