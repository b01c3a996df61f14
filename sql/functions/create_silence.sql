-- Begins a silence and leaves the event behind; forgets those that ended 90 days ago.
create or replace function audit.create_silence(
    id text, matchers text[], starts_at timestamptz, ends_at timestamptz, author text, comment text, tenant text, event uuid,
    at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    -- No tenant comes into being by being silenced.
    known text := coalesce((select t.tenant from audit.tenant t where t.tenant = create_silence.tenant), 'default');
begin
    delete from audit.silence s where s.ends_at < clock_timestamp() - interval '90 days';
    if (select count(*) from audit.silence) >= 10000 then
        raise exception 'there are 10,000 silences' using errcode = 'program_limit_exceeded', hint = 'Disable rules instead.';
    end if;
    insert into audit.silence (id, matchers, starts_at, ends_at, author, comment, created_at)
    values (id, matchers, starts_at, ends_at, author, comment, at_time);
    perform audit.append_own(
        audit.shard_of(known), known, 'audit_alert_silence_created', null, 1::smallint, event, at_time, body, salt, body_hash, author);
end
$$;
