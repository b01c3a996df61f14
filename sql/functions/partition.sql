-- The attached partitions of audit.event and their bounds.
create or replace view audit.partition as
select c.oid::regclass as name, b.bounds[1]::timestamptz as lower_bound, b.bounds[2]::timestamptz as upper_bound
from pg_catalog.pg_inherits i
join pg_catalog.pg_class c on c.oid = i.inhrelid
cross join lateral regexp_match(
    pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as b(bounds)
where i.inhparent = 'audit.event'::regclass;
