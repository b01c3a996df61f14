-- Keeps a signed checkpoint of a shard and returns the one that is kept for its size: of two workers that sign the first wins. A tree that another
-- root was signed for is an error, for somebody changed it.
create or replace function audit.keep_checkpoint(shard integer, size bigint, root bytea, note text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    kept audit.signed_checkpoint;
begin
    if size > (select t.size from audit.tree t where t.shard = keep_checkpoint.shard) then
        raise exception 'the tree of shard % has no % leaves', shard, size using errcode = 'check_violation';
    end if;
    insert into audit.signed_checkpoint (shard, size, root, note) values (shard, size, root, note) on conflict do nothing;
    select c.* into kept from audit.signed_checkpoint c where c.shard = keep_checkpoint.shard and c.size = keep_checkpoint.size;
    if kept.root <> root then
        raise exception 'shard % has a checkpoint of % leaves with another root', shard, size using errcode = 'data_corrupted';
    end if;
    return kept.note;
end
$$;
