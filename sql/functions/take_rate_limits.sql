-- Decides about one request's demands on some limits, all or none: where one that is enforced is refused, none takes anything.
--
-- The rules are those of RateLimitCount; algorithms 0 sliding window, 1 fixed window, 2 token bucket; times in microseconds. Rows are locked in
-- their order, so that two calls cannot deadlock, and the clock is read when all are held. A row made takes two expired ones with it: the
-- table never grows beyond what counts. at_time is for tests alone.
create or replace function audit_access.take_rate_limits(
    policies text[], subjects bytea[], algorithms smallint[], limits bigint[], windows bigint[], costs bigint[], enforced boolean[],
    at_time bigint default null
) returns table (place integer, allowed boolean, remaining bigint, reset bigint, retry_after bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    places integer[] := array(
        select u.place::integer from unnest(policies, subjects) with ordinality u(policy, subject, place) order by u.policy, u.subject);
    marks bigint[] := array_fill(null::bigint, array[cardinality(policies)]);
    currents bigint[] := marks;
    previouses bigint[] := marks;
    alloweds boolean[] := array_fill(false, array[cardinality(policies)]);
    changed boolean;
    made integer := 0;
    refused boolean := false;
    t bigint;
    p integer;
    l bigint;
    w bigint;
    c bigint;
    m bigint;
    cur bigint;
    prev bigint;
    number bigint;
    elapsed bigint;
    room bigint;
    ok boolean;
    remainings bigint[] := marks;
    resets bigint[] := marks;
    retries bigint[] := marks;
begin
    foreach p in array places loop
        select r.mark, r.current, r.previous into m, cur, prev
        from audit_access.rate_limit r where r.policy = policies[p] and r.subject = subjects[p] for update;
        if not found then
            insert into audit_access.rate_limit (policy, subject, mark, current, previous, expires_at)
            values (policies[p], subjects[p], 0, 0, 0, 9223372036854775807) on conflict do nothing;
            select r.mark, r.current, r.previous into m, cur, prev
            from audit_access.rate_limit r where r.policy = policies[p] and r.subject = subjects[p] for update;
            if not found then  -- it expired and went between the two
                raise exception 'try again' using errcode = 'serialization_failure';
            end if;
            made := made + 1;
        end if;
        marks[p] := m;
        currents[p] := cur;
        previouses[p] := prev;
    end loop;
    t := coalesce(at_time, (extract(epoch from clock_timestamp()) * 1000000)::bigint);

    foreach p in array places loop
        l := least(greatest(limits[p], 1), 10000000);
        w := least(greatest(windows[p], 1000), 86400000000);
        c := least(greatest(costs[p], 0), l + 1);
        m := marks[p];
        cur := currents[p];
        prev := previouses[p];
        case algorithms[p]
        when 1 then
            if cur = 0 or t - m >= w then
                m := t;
                cur := 0;
            end if;
            elapsed := greatest(0, t - m);
            ok := cur + c <= l;
            remainings[p] := l - cur - case when ok then c else 0 end;
            resets[p] := w - elapsed;
            retries[p] := case when not ok and c <= l then w - elapsed end;
        when 2 then
            if cur = 0 or t > m then
                cur := greatest(0, cur - least(greatest(0, t - m), w) * l);
                m := t;
            end if;
            ok := cur + c * w <= l * w;
            retries[p] := case when not ok and c <= l then (cur + c * w - l * w + l - 1) / l end;
            room := cur + case when ok then c * w else 0 end;
            remainings[p] := (l * w - room) / w;
            resets[p] := (room + l - 1) / l;
        else
            number := t / w;
            elapsed := t - number * w;
            if number < m and cur + prev > 0 then
                number := m;
                elapsed := 0;
            end if;
            if number <> m then
                prev := case when number = m + 1 then cur else 0 end;
                cur := 0;
                m := number;
            end if;
            ok := c <= l and prev * (w - elapsed) + (cur + c) * w <= l * w;
            room := (l - cur - case when ok then c else 0 end) * w - prev * (w - elapsed);
            remainings[p] := case when room < 0 then 0 else room / w end;
            resets[p] := w - elapsed;
            retries[p] := case
                when ok or c > l then null
                when cur + c <= l then greatest(0, case when prev = 0 then 0 else greatest(0, w - (l - cur - c) * w / prev) end - elapsed)
                else w - elapsed + case when cur = 0 then 0 else greatest(0, w - (l - c) * w / cur) end
            end;
        end case;
        marks[p] := m;
        currents[p] := cur + case when not ok then 0 when algorithms[p] = 2 then c * w else c end;
        previouses[p] := prev;
        alloweds[p] := ok;
        refused := refused or (enforced[p] and not ok);
    end loop;

    foreach p in array places loop
        w := least(greatest(windows[p], 1000), 86400000000);
        -- A row made for a request that took nothing is left to the next sweep: what it says is as good as nothing.
        changed := not refused and alloweds[p];
        update audit_access.rate_limit r set
            mark = case when changed then marks[p] else r.mark end,
            current = case when changed then currents[p] else r.current end,
            previous = case when changed then previouses[p] else r.previous end,
            -- The end of the next window: it changes once a window, so that most updates touch no index.
            expires_at = (greatest(t, 0) / w + 2) * w
        where r.policy = policies[p] and r.subject = subjects[p] and (changed or r.expires_at = 9223372036854775807);
    end loop;
    -- Last, when no lock is waited for any more.
    if made > 0 then
        perform audit_access.forget_rate_limits(2 * made, at_time);
    end if;

    return query
        select u.place::integer, u.allowed, u.remaining, u.reset, u.retry_after
        from unnest(alloweds, remainings, resets, retries) with ordinality u(allowed, remaining, reset, retry_after, place)
        order by u.place;
end
$$;
