-- Arms a table of the record with the refusing triggers, once.
create or replace function audit.protect(record regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from pg_catalog.pg_trigger where tgrelid = record and tgname = 'append_only') then
        execute format(
            'create trigger append_only before update or delete or truncate on %s for each statement execute function audit.refuse_change()', record);
    end if;
    -- On the parent it is made once, and every partition that is attached has it.
    if record = 'audit.event'::regclass and not exists (
        select from pg_catalog.pg_trigger where tgrelid = record and tgname = 'header_stays')
    then
        create trigger header_stays before update on audit.event for each row execute function audit.refuse_header_change();
    end if;
end
$$;
select audit.protect('audit.event');
select audit.protect('audit.log');
select audit.protect('audit.tile');
select audit.protect('audit.signed_checkpoint');
select audit.protect('audit.cosignature');
select audit.protect('audit.verification');
