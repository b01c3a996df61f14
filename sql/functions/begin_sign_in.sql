-- Asks whether an attempt to sign in may be judged by all its subjects, and counts it as pending with each if so; with none if not.
--
-- States: 0 allowed, 1 locked (wait in microseconds), 2 as many are under way as may still fail. Rows are locked in the order of their keys, so
-- that two attempts cannot deadlock. Each call takes a few expired rows with it, more than it makes.
create or replace function audit_access.begin_sign_in(
    subjects bytea[], tiers jsonb, forget bigint, patience bigint, extends boolean, at_time bigint
) returns table (place integer, state smallint, wait bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    rows audit_access.lockout[] := array_fill(null::audit_access.lockout, array[cardinality(subjects)]);
    places integer[] := array(select u.place::integer from unnest(subjects) with ordinality u(subject, place) order by u.subject);
    states smallint[] := array_fill(0::smallint, array[cardinality(subjects)]);
    l audit_access.lockout;
    p integer;
    next_limit bigint;
    held bigint;
begin
    delete from audit_access.lockout d using (
        select e.subject from audit_access.lockout e
        where e.expires_at <= at_time and e.subject <> all (subjects)
        order by e.expires_at limit 8 for update skip locked
    ) e where d.subject = e.subject;

    foreach p in array places loop
        loop
            select * into l from audit_access.lockout r where r.subject = subjects[p] for update;
            exit when found;
            insert into audit_access.lockout values (subjects[p], 0, 0, 0, 0, 0) on conflict do nothing;
        end loop;
        l := audit_access.lockout_settled(l, tiers->(p - 1), forget, at_time);
        select min((t.tier->>0)::bigint) into next_limit from jsonb_array_elements(tiers->(p - 1)) t(tier)
        where (t.tier->>0)::bigint > l.failures;
        if l.locked_until > at_time then
            states[p] := 1;
        elsif l.failures + l.pending >= coalesce(next_limit, l.failures + 1) then
            states[p] := 2;
        end if;
        rows[p] := l;
    end loop;

    foreach p in array places loop
        l := rows[p];
        if 0 = all (states) then
            l.pending := l.pending + 1;
            l.pending_until := at_time + patience;
            l.expires_at := greatest(l.expires_at, l.pending_until + forget);
        elsif extends and states[p] = 1 then
            select (t.tier->>1)::bigint into held from jsonb_array_elements(tiers->(p - 1)) with ordinality t(tier, number)
            where (t.tier->>0)::bigint <= l.failures order by t.number desc limit 1;
            l.locked_until := greatest(l.locked_until, at_time + coalesce(held, 0));
            l.expires_at := greatest(l.expires_at, l.locked_until + forget);
        end if;
        if l.failures = 0 and l.pending = 0 then
            delete from audit_access.lockout d where d.subject = l.subject;
        else
            update audit_access.lockout u
            set failures = l.failures, pending = l.pending, pending_until = l.pending_until, locked_until = l.locked_until,
                expires_at = l.expires_at
            where u.subject = l.subject and u is distinct from l;
        end if;
        rows[p] := l;
    end loop;
    return query select s.place::integer, states[s.place], greatest(0, (rows[s.place]).locked_until - at_time)
    from generate_series(1, cardinality(subjects)) s(place);
end
$$;
