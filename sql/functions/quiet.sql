-- Marks the transaction: nobody is told about alerts that hold nothing but events of such transactions.
create or replace function audit.quiet() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from audit.quiet_batch q where q.recorded_at < now() - interval '30 days';
    insert into audit.quiet_batch (tx, recorded_at) values (pg_current_xact_id(), now()) on conflict do nothing;
end
$$;
