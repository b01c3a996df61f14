-- Keeps the end of a verification of a shard.
create or replace function audit.keep_verification(
    shard integer, started_at timestamptz, size bigint, findings bigint, first_finding text
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into audit.verification (shard, started_at, size, findings, first_finding)
    values (shard, started_at, size, findings, first_finding)
$$;
