-- Adds a family of refresh tokens, as audit_access.begin_session adds a session.
create or replace function audit_access.begin_token_family(
    id text, lineage bytea, current bytea, account text, principal jsonb, created timestamptz, expires timestamptz, deadline timestamptz,
    most integer
) returns setof audit_access.token_family
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtextextended(begin_token_family.account, 2));
    delete from audit_access.token_family f where f.id in (
        select d.id from audit_access.token_family d where d.deadline < begin_token_family.created
        order by d.deadline limit 32 for update skip locked);
    return query
        update audit_access.token_family f
        set ended_at = begin_token_family.created, end_reason = 'session_limit', generation = f.generation + 1
        where f.id in (
            select l.id from audit_access.token_family l
            where l.account = begin_token_family.account and l.ended_at is null and l.expires_at > begin_token_family.created
            order by l.rotated_at desc, l.id offset greatest(begin_token_family.most - 1, 0))
            and f.ended_at is null
        returning f.*;
    insert into audit_access.token_family (
        id, lineage, current, rotated_at, generation, account, principal, created_at, expires_at, deadline)
    values (
        begin_token_family.id, begin_token_family.lineage, begin_token_family.current, begin_token_family.created, 0,
        begin_token_family.account, begin_token_family.principal, begin_token_family.created, begin_token_family.expires,
        begin_token_family.deadline);
end
$$;
