-- Goes a step further with an erasure, and gives the state that it is in then; 'ready': audit.finish_erasure is next.
--
-- A step looks at `most` events at most, or clears one kind of what was made of them. One transaction a step, so that
-- nothing waits for long, and what a killed one has done stays done.
--
--   emptying  walks the record partition by partition and empties the events whose actor the subject is; keeps what else names it
--   late      the same for events that came meanwhile
--   sharing   walks the record once more: what others' events hold too names nobody
--   clearing  views, the state of detection, alerts, under the checkpoints' locks and with the shard's lease taken away, so that no worker
--             writes down again what it remembers
--   telling   what was told: Cardea's own events, notes, deliveries, silences
--   elsewhere  the events about silences and rules, which are no tenant's and stand in the default one's record
create or replace function audit.erase(erasure bigint, most integer default 5000, out state text, out looked bigint, out emptied bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    e audit.erasure;
    subject text;
    held text;
begin
    -- Holds are set under the same lock: none comes in between.
    perform pg_advisory_xact_lock_shared(hashtext('audit.hold'));
    select * into e from audit.erasure x where x.id = erase.erasure for update;
    if not found or e.state = 'done' then
        raise exception 'there is no erasure % under way', erasure using errcode = 'no_data_found';
    end if;
    select v.value into strict subject from audit.erasure_value v where v.erasure = e.id and v.kind = 'subject';
    select string_agg(h, ', ') into held from audit.holds_on(subject, e.tenant) h;
    if held is not null then
        raise exception 'legal hold: %', held using errcode = 'object_in_use';
    end if;
    update audit.erasure x set door = pg_current_xact_id() where x.id = e.id;
    looked := 0;
    emptied := 0;
    case e.state
        when 'emptying', 'sharing', 'telling', 'elsewhere' then
            select w.looked, w.emptied into looked, emptied from audit.erase_walk(e, subject, most) w;
        when 'late' then select w.looked, w.emptied into looked, emptied from audit.erase_late(e, subject, most) w;
        when 'clearing' then perform audit.erase_clear(e);
    end case;
    update audit.erasure x set door = null where x.id = e.id
    returning case when x.state in ('telling', 'elsewhere') and x.cursor_time = 'infinity' then 'ready' else x.state end into state;
end
$$;

-- Empties these events of the erasure's shard, and says so.
create or replace function audit.empty_events(e audit.erasure, partition regclass, ids uuid[]) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    n bigint;
begin
    execute format(
        'with emptied as (
            update %s t set body = null, salt = null, actor = null, client_ip = null, session = null, token = null
            where t.shard = $1 and t.id = any ($2) and t.body is not null
            returning t.id, t.time
        )
        insert into audit.erased_event (shard, id, time, erasure) select $1, u.id, u.time, $3 from emptied u on conflict do nothing', partition)
    using e.shard, ids, e.id;
    get diagnostics n = row_count;
    return n;
end
$$;

-- What a body names its actor by, with the kind of each.
create or replace function audit.subject_values(body jsonb, out kind text, out value text) returns setof record
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select v.kind, v.value
    from (values
        ('actor', body #>> '{actor,id}'), ('actor', body #>> '{actor,name}'), ('ip', body #>> '{client,ip}'),
        ('agent', body #>> '{client,user_agent}'), ('session', body ->> 'session'), ('token', body #>> '{token,fingerprint}'),
        ('token', body #>> '{token,jti}'), ('path', body ->> 'path'), ('path', split_part(body ->> 'path', '?', 1))
    ) v(kind, value)
    where v.value <> ''
$$;

-- Keeps what the events of a subject name it by.
create or replace function audit.keep_values(e audit.erasure, bodies jsonb[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into audit.erasure_value (erasure, kind, digest, value)
    select distinct e.id, v.kind, sha256(convert_to(v.value, 'UTF8')), v.value
    from unnest(bodies) b(body)
    cross join lateral audit.subject_values(b.body) v
    on conflict do nothing
$$;

-- Raises where a hold is on the actor of one of these bodies under another of its names.
create or replace function audit.refuse_held(e audit.erasure, bodies jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    held text;
begin
    select string_agg(distinct h.name, ', ') into held
    from audit.hold h join unnest(bodies) b(body) on h.subject in (b.body #>> '{actor,id}', b.body #>> '{actor,name}')
    where h.released_at is null and (h.tenant is null or h.tenant = e.tenant);
    if held is not null then
        raise exception 'legal hold: %', held using errcode = 'object_in_use';
    end if;
end
$$;

-- One step along the record, partition by partition.
create or replace function audit.erase_walk(e audit.erasure, subject text, most integer, out looked bigint, out emptied bigint)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    part audit.partition;
    ids uuid[];
    bodies jsonb[];
    last_id uuid;
    elsewhere constant boolean := e.tenant <> 'default' and exists (select from audit.tenant t where t.tenant = 'default');
begin
    emptied := 0;
    looked := 0;
    if e.state = 'elsewhere' then
        select t.shard, t.tenant into e.shard, e.tenant from audit.tenant t where t.tenant = 'default';
    end if;
    select * into part from audit.partition p
    where p.lower_bound >= e.cursor_time order by p.lower_bound limit 1;
    if not found then
        if e.state = 'telling' then
            perform audit.erase_told(e);
        end if;
        update audit.erasure x set
            state = case
                when e.state = 'emptying' then 'late' when e.state = 'sharing' then 'clearing'
                when e.state = 'telling' and elsewhere then 'elsewhere' else x.state end,
            cursor_time = case
                when e.state = 'elsewhere' or e.state = 'telling' and not elsewhere then 'infinity'::timestamptz else '-infinity' end, cursor_id = null, cursor_tx = null
        where x.id = e.id;
        return;
    end if;
    if e.state = 'sharing' then
        execute format(
            'with page as materialized (
                select id, tenant, type, body from %s where shard = $1 and ($2 is null or id > $2) order by id limit $3
            ), gone as (
                delete from audit.erasure_value v
                using (
                    select distinct s.kind, s.value from page p cross join lateral audit.subject_values(p.body) s
                    where p.tenant = $4 and p.body is not null and p.type not like ''audit\_%%''
                ) s
                where v.erasure = $5 and v.kind = s.kind and v.kind <> ''subject'' and v.digest = sha256(convert_to(s.value, ''UTF8''))
            )
            select count(*), (select id from page order by id desc limit 1) from page', part.name)
        using e.shard, e.cursor_id, most, e.tenant, e.id into looked, last_id;
    else
        execute format(
            'with page as materialized (
                select id, tenant, type, body from %s where shard = $1 and ($2 is null or id > $2) order by id limit $3
            ), hit as (
                select id, body from page
                where body is not null and tenant = $4 and case when $7 = ''emptying''
                    then body #>> ''{actor,id}'' = $5 or body #>> ''{actor,name}'' = $5
                    else type like ''audit\_%%''
                        and ($7 = ''telling'' or type ~ ''^audit_(alert_silence|rule|delivery|receiver|event)_'') and (
                        audit.body_names_subject($6, body)
                        or exists (select from audit.erasure_alert a where a.erasure = $6 and ''alert/'' || a.alert = body ->> ''target''))
                    end
            )
            select (select count(*) from page), (select id from page order by id desc limit 1), array_agg(id), array_agg(body) from hit', part.name)
        using e.shard, e.cursor_id, most, e.tenant, subject, e.id, e.state into looked, last_id, ids, bodies;
        if ids is not null then
            if e.state = 'emptying' then
                perform audit.refuse_held(e, bodies);
                perform audit.keep_values(e, bodies);
            end if;
            emptied := audit.empty_events(e, part.name, ids);
        end if;
    end if;
    update audit.erasure x set
        -- At the end of a partition: the next one.
        cursor_time = case when looked < most then part.lower_bound + interval '1 microsecond' else part.lower_bound end,
        cursor_id = case when looked < most then null else last_id end,
        events = x.events + case when e.state = 'emptying' then emptied else 0 end,
        own_events = x.own_events + case when e.state in ('telling', 'elsewhere') then emptied else 0 end
    where x.id = e.id;
end
$$;

-- One step through the events that came since the erasure began.
create or replace function audit.erase_late(e audit.erasure, subject text, most integer, out looked bigint, out emptied bigint)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    last_tx xid8;
    last_id uuid;
    ids uuid[];
    partitions oid[];
    bodies jsonb[];
    part record;
    n bigint;
begin
    emptied := 0;
    with page as materialized (
        select v.tx, v.id, v.tenant, v.body, v.tableoid as partition from audit.event v
        where v.shard = e.shard and v.tx >= pg_snapshot_xmin(e.begun)
            and (e.cursor_tx is null or (v.tx, v.id) > (e.cursor_tx, e.cursor_id))
        order by v.tx, v.id limit most
    ), hit as (
        select p.id, p.partition, p.body from page p
        where p.tenant = e.tenant and (p.body #>> '{actor,id}' = subject or p.body #>> '{actor,name}' = subject)
    )
    select (select count(*) from page), (select p.tx from page p order by p.tx desc, p.id desc limit 1),
        (select p.id from page p order by p.tx desc, p.id desc limit 1), array_agg(h.id), array_agg(h.partition), array_agg(h.body)
    into looked, last_tx, last_id, ids, partitions, bodies
    from hit h;
    if ids is not null then
        perform audit.refuse_held(e, bodies);
        perform audit.keep_values(e, bodies);
        for part in select u.partition, array_agg(u.id) as ids from unnest(partitions, ids) u(partition, id) group by u.partition loop
            n := audit.empty_events(e, part.partition::regclass, part.ids);
            emptied := emptied + n;
        end loop;
    end if;
    update audit.erasure x set
        state = case when looked < most then 'sharing' else x.state end,
        cursor_tx = case when looked < most then null else last_tx end,
        cursor_id = case when looked < most then null else last_id end, events = x.events + emptied
    where x.id = e.id;
end
$$;
