-- The deployment's key, for the roles that fingerprint and import.
create or replace function audit.deployment_key() returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select key from audit.deployment
$$;
