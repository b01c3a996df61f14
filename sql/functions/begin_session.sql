-- Adds a session and ends those of its account used longest ago, so that no more than `most` are live; returns the ended ones. One of an account
-- at a time: two sign-ins at once must not both find room.
create or replace function audit_access.begin_session(
    id bytea, handle text, account text, principal jsonb, created timestamptz, idle_seconds bigint, expires timestamptz, keep_until timestamptz,
    client_ip text, user_agent text, most integer
) returns setof audit_access.session
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtextextended(begin_session.account, 1));
    delete from audit_access.session s where s.id in (
        select d.id from audit_access.session d where d.keep_until < begin_session.created order by d.keep_until limit 32 for update skip locked);
    return query
        update audit_access.session s set ended_at = begin_session.created, end_reason = 'session_limit'
        where s.id in (
            select l.id from audit_access.session l
            where l.account = begin_session.account and l.ended_at is null and l.expires_at > begin_session.created
                and l.seen_at + l.idle_seconds * interval '1 second' > begin_session.created
            order by l.seen_at desc, l.handle offset greatest(begin_session.most - 1, 0))
            and s.ended_at is null
        returning s.*;
    insert into audit_access.session (
        id, handle, account, principal, created_at, seen_at, idle_seconds, expires_at, keep_until, client_ip, user_agent)
    values (
        begin_session.id, begin_session.handle, begin_session.account, begin_session.principal, begin_session.created, begin_session.created,
        begin_session.idle_seconds, begin_session.expires, begin_session.keep_until, begin_session.client_ip, begin_session.user_agent);
end
$$;
