-- The trigger behind "append-only": not even the owner changes the record by accident.
--
-- One door: an UPDATE by the owner (whom nobody can sign in as) in a transaction for which audit.erase has opened a running erasure. Rows can be
-- opened by the owner alone, so that no setting, and no role that people have, opens it; and what opens it stays behind as a row.
create or replace function audit.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and tg_table_name ~ '^event(_[0-9]{4}(_[0-9]{2})?)?$' and current_user = 'cardea_owner'
        and pg_current_xact_id_if_assigned() is not null
        and exists (select from audit.erasure e where e.door = pg_current_xact_id_if_assigned() and e.state <> 'done')
    then
        return null;
    end if;
    raise exception 'the record is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege', hint = 'Events leave the record only through retention and erasure.';
end
$$;
