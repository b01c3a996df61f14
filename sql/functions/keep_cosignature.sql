-- Keeps what a witness signed of a checkpoint; of one witness and checkpoint the first.
create or replace function audit.keep_cosignature(
    shard integer, size bigint, name text, key_id bytea, signature bytea, at_time timestamptz
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into audit.cosignature (shard, size, name, key_id, signature, time)
    values (shard, size, name, key_id, signature, at_time) on conflict do nothing
$$;
