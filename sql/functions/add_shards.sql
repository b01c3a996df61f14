-- Makes sure that there are at least `count` shards; never takes one away. Returns how many there are.
create or replace function audit.add_shards(count integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    total integer;
begin
    insert into audit.head (shard, system_identifier)
    select s, (select system_identifier from pg_control_system())
    from generate_series(0, count - 1) s
    on conflict do nothing;
    insert into audit.lease (shard) select h.shard from audit.head h on conflict do nothing;
    insert into audit.checkpoint (shard, name, generation)
    select h.shard, p.name, p.generation from audit.head h cross join audit.projection p
    on conflict do nothing;
    select count(*) into total from audit.head;
    return total;
end
$$;
