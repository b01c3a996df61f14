-- Makes the partitions that events from `since` to `until` need; returns how many were made.
--
-- This year's and last year's events lie in months, earlier ones in years, for sealing probes each partition's index. A partition is made
-- standalone and then attached: that takes no lock an append would wait for. Called ahead of time and before an import, never by append.
create or replace function audit.ensure_partitions(since timestamptz, until timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    months_from constant timestamptz := date_trunc('year', clock_timestamp()) - interval '1 year';
    floor constant timestamptz := '1970-01-01T00:00:00Z';
    lower_edge timestamptz;
    upper_edge timestamptz;
    position timestamptz;
    partition_name text;
    made integer := 0;
begin
    if since < floor then
        raise exception 'the record begins in 1970, % is earlier', since using errcode = 'datetime_field_overflow';
    end if;
    if until > clock_timestamp() + interval '1 year' then
        raise exception '% is more than a year ahead', until using errcode = 'datetime_field_overflow';
    end if;
    if not exists (select from audit.partition p where p.lower_bound <= since and p.upper_bound > since)
        or not exists (select from audit.partition p where p.lower_bound <= until and p.upper_bound > until)
        or until - since > interval '28 days'
    then
        perform pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
    end if;
    position := date_trunc('month', since);
    while position <= until loop
        select p.upper_bound into upper_edge from audit.partition p where p.lower_bound <= position and p.upper_bound > position;
        if not found then
            lower_edge := date_trunc('year', position);
            upper_edge := lower_edge + interval '1 year';
            partition_name := 'event_' || to_char(position, 'YYYY');
            if position >= months_from
                or exists (select from audit.partition p where p.lower_bound < upper_edge and p.upper_bound > lower_edge)
            then
                lower_edge := position;
                upper_edge := position + interval '1 month';
                partition_name := 'event_' || to_char(position, 'YYYY_MM');
            end if;
            execute format(
                'create table audit.%I (like audit.event including defaults including constraints, constraint bounds check (time >= %L and time < %L))',
                partition_name, lower_edge, upper_edge);
            perform audit.protect(format('audit.%I', partition_name)::regclass);
            execute format(
                'alter table audit.event attach partition audit.%I for values from (%L) to (%L)', partition_name, lower_edge, upper_edge);
            execute format('alter table audit.%I drop constraint bounds', partition_name);
            made := made + 1;
        end if;
        position := upper_edge;
    end loop;
    return made;
end
$$;
