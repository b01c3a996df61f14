-- What the origins of this deployment's logs begin with.
create or replace function audit.log_name() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select d.name from audit.deployment d
$$;
