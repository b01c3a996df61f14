-- Puts on the record that somebody looked: one event, of the types of reading alone. For the roles that may read and write nothing else.
create or replace function audit.record_reading(
    type text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea, actor text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if type not in (
        'audit_query_run', 'audit_tail_run', 'audit_view_read', 'audit_read_alert', 'audit_read_alerts', 'audit_report_made',
        'audit_export_made', 'audit_export_fetched', 'audit_event_proved', 'audit_subject_exported')
    then
        raise exception '% is no reading', type using errcode = 'check_violation';
    end if;
    if abs(date_part('epoch', at_time - clock_timestamp())) > 600 then
        raise exception 'what is done now cannot be dated %', at_time using errcode = 'check_violation';
    end if;
    perform audit.ensure_partitions(at_time, at_time);
    perform audit.append(
        audit.shard_of('default'), array[event], array[at_time], array['default'], array['cardea'], array[type], array['success'],
        array[null::text], array[1::smallint], array['user'], array[false], array[null::text], array[null::text], array[null::text],
        array[null::smallint], array[null::bigint], array[body], array[salt], array[body_hash], array[actor], array[null::inet],
        array[null::text], array[null::text]);
end
$$;
