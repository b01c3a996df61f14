-- Tells how an attempt to sign in that began has ended: 0 success, 1 failure, 2 not judged. Scopes: 0 account, 1 address, 2 both.
--
-- A success forgets what is counted, and takes back from the address the failures of this account from there alone.
create or replace function audit_access.end_sign_in(
    subjects bytea[], scopes smallint[], tiers jsonb, forget bigint, verdict smallint, at_time bigint
) returns table (place integer, failures bigint, locked bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    rows audit_access.lockout[] := array_fill(null::audit_access.lockout, array[cardinality(subjects)]);
    places integer[] := array(select u.place::integer from unnest(subjects) with ordinality u(subject, place) order by u.subject);
    counts bigint[] := array_fill(0::bigint, array[cardinality(subjects)]);
    locks bigint[] := array_fill(null::bigint, array[cardinality(subjects)]);
    l audit_access.lockout;
    failed record;
    p integer;
    own bigint := 0;
begin
    foreach p in array places loop
        loop
            select * into l from audit_access.lockout r where r.subject = subjects[p] for update;
            exit when found;
            insert into audit_access.lockout values (subjects[p], 0, 0, 0, 0, 0) on conflict do nothing;
        end loop;
        l := audit_access.lockout_settled(l, tiers->(p - 1), forget, at_time);
        if scopes[p] = 2 then
            own := l.failures;
        end if;
        rows[p] := l;
    end loop;
    foreach p in array places loop
        l := rows[p];
        l.pending := greatest(0, l.pending - 1);
        counts[p] := l.failures;
        if verdict = 0 and scopes[p] = 1 then
            l.failures := greatest(0, l.failures - own);
        elsif verdict = 0 then
            l.failures := 0;
            l.locked_until := 0;
        elsif verdict = 1 then
            failed := audit_access.lockout_failed(l, 1, tiers->(p - 1), forget, at_time);
            l := failed.counted;
            locks[p] := failed.locked;
            counts[p] := l.failures;
        end if;
        if l.failures = 0 and l.pending = 0 then
            delete from audit_access.lockout d where d.subject = subjects[p];
        else
            update audit_access.lockout u
            set failures = l.failures, pending = l.pending, pending_until = l.pending_until, locked_until = l.locked_until,
                expires_at = l.expires_at
            where u.subject = subjects[p];
        end if;
    end loop;
    return query select s.place::integer, counts[s.place], locks[s.place] from generate_series(1, cardinality(subjects)) s(place);
end
$$;
