-- Appends one event about Cardea's own doings, for the functions of the owner that change something and must leave an event behind.
create or replace function audit.append_own(
    shard integer, tenant text, type text, reason text, severity smallint, event uuid, at_time timestamptz, body jsonb, salt bytea,
    body_hash bytea, actor text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if abs(date_part('epoch', at_time - clock_timestamp())) > 600 then
        raise exception 'what is done now cannot be dated %', at_time using errcode = 'check_violation';
    end if;
    perform audit.ensure_partitions(at_time, at_time);
    perform audit.append(
        shard, array[event], array[at_time], array[tenant], array['cardea'], array[type], array['success'], array[reason], array[severity],
        array['user'], array[true], array[null::text], array[null::text], array[null::text], array[null::smallint], array[null::bigint],
        array[body], array[salt], array[body_hash], array[actor], array[null::inet], array[null::text], array[null::text]);
end
$$;
