-- Extends the tree of a shard from `from_size` to `to_size` leaves: full tiles for good, the edge in place of the old one. False where another
-- worker was faster; then nothing is changed.
create or replace function audit.extend_tree(
    shard integer, from_size bigint, to_size bigint, levels smallint[], indexes bigint[], tiles bytea[], edge bytea
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    reached bigint;
begin
    insert into audit.tree (shard) values (extend_tree.shard) on conflict do nothing;
    select t.size into reached from audit.tree t where t.shard = extend_tree.shard for update;
    if reached <> from_size then
        return false;
    end if;
    if to_size <= from_size or to_size > (select h.next_index from audit.head h where h.shard = extend_tree.shard) then
        raise exception 'the tree of shard % cannot grow from % to %', shard, from_size, to_size using errcode = 'check_violation';
    end if;
    insert into audit.tile (shard, level, index, hashes)
    select extend_tree.shard, t.level, t.index, t.hashes from unnest(levels, indexes, tiles) as t (level, index, hashes);
    update audit.tree t set size = to_size, edge = extend_tree.edge, updated_at = clock_timestamp() where t.shard = extend_tree.shard;
    return true;
end
$$;
