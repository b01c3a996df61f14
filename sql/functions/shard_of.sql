-- The shard of a tenant; a tenant seen for the first time is given one by its hash, and keeps it when shards are added.
create or replace function audit.shard_of(tenant text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_shard integer;
begin
    select t.shard into found_shard from audit.tenant t where t.tenant = shard_of.tenant;
    if not found then
        insert into audit.tenant (tenant, shard)
        select shard_of.tenant, h.shard from audit.head h
        order by h.shard
        offset (
            select abs(hashtextextended(shard_of.tenant, 0) % count(*)) from audit.head)
        limit 1
        on conflict do nothing;
        select t.shard into found_shard from audit.tenant t where t.tenant = shard_of.tenant;
    end if;
    return found_shard;
end
$$;
