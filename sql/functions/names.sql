-- Whether `words` hold `value` as a word or words of their own: 'ann' stands in 'ann failed', not in 'planned'.
create or replace function audit.names(words text, value text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    place integer := 1;
    at integer;
    before text;
    after text;
begin
    if words is null or value = '' then
        return false;
    end if;
    loop
        at := position(value in substr(words, place));
        if at = 0 then
            return false;
        end if;
        at := at + place - 1;
        before := case when at > 1 then substr(words, at - 1, 1) else '' end;
        after := substr(words, at + length(value), 1);
        if not (before ~ '[[:alnum:]_]' and left(value, 1) ~ '[[:alnum:]_]')
            and not (after ~ '[[:alnum:]_]' and right(value, 1) ~ '[[:alnum:]_]')
        then
            return true;
        end if;
        place := at + 1;
    end loop;
end
$$;

-- `words` with fingerprints in place of whatever names the subject of an erasure.
create or replace function audit.redact(erasure bigint, words text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v record;
begin
    if words is null then
        return null;
    end if;
    -- The longest first: an address stands in a path.
    for v in
        select distinct e.value, length(e.value) as size from audit.erasure_value e
        where e.erasure = redact.erasure and position(e.value in words) > 0
        order by size desc, e.value
    loop
        if words = v.value then
            return audit.fingerprint(v.value);
        elsif audit.names(words, v.value) then
            words := regexp_replace(
                words,
                case when left(v.value, 1) ~ '[[:alnum:]_]' then '(?<![[:alnum:]_])' else '' end
                    || regexp_replace(v.value, '([^[:alnum:]_[:space:]])', '\\\1', 'g')
                    || case when right(v.value, 1) ~ '[[:alnum:]_]' then '(?![[:alnum:]_])' else '' end,
                audit.fingerprint(v.value), 'g');
        end if;
    end loop;
    return words;
end
$$;

-- The same for every text in a JSON value; names of members stay.
create or replace function audit.redact_json(erasure bigint, value jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return case jsonb_typeof(value)
        when 'string' then to_jsonb(audit.redact(erasure, value #>> '{}'))
        when 'object' then (
            select coalesce(jsonb_object_agg(m.key, audit.redact_json(redact_json.erasure, m.value)), '{}') from jsonb_each(value) m)
        when 'array' then (
            select coalesce(jsonb_agg(audit.redact_json(redact_json.erasure, m.value) order by m.place), '[]')
            from jsonb_array_elements(value) with ordinality m(value, place))
        else value
    end;
end
$$;

-- Whether anything in `words` names the subject of an erasure.
create or replace function audit.names_subject(erasure bigint, words text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from audit.erasure_value v
        where v.erasure = names_subject.erasure and position(v.value in words) > 0 and audit.names(words, v.value))
$$;

-- Whether one of Cardea's own events names the subject of an erasure: as a whole text anywhere, or as a word in what people wrote and in what
-- it is about. Not as a word anywhere: the account 42 stands in no time of day.
create or replace function audit.body_names_subject(erasure bigint, body jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from jsonb_path_query(body, 'strict $.**') leaf
        join audit.erasure_value v on v.digest = sha256(convert_to(leaf #>> '{}', 'UTF8'))
        where v.erasure = body_names_subject.erasure and jsonb_typeof(leaf) = 'string')
    or audit.names_subject(erasure, concat_ws(
        ' ', body ->> 'target', body #>> '{details,reason}', body #>> '{details,comment}', body #>> '{details,text}',
        (select string_agg(m.value, ' ') from jsonb_each_text(
            case when jsonb_typeof(body #> '{details,group}') = 'object' then body #> '{details,group}' else '{}' end) m),
        (select string_agg(m.value, ' ') from jsonb_array_elements_text(
            case when jsonb_typeof(body #> '{details,matchers}') = 'array' then body #> '{details,matchers}' else '[]' end) m)))
$$;

-- What receivers are told of an alert, with fingerprints in place of what names the subject of an erasure.
create or replace function audit.redact_card(erasure bigint, card jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when jsonb_typeof(card) <> 'object' then audit.redact_json(erasure, card) else (
        select coalesce(jsonb_object_agg(m.key, case
            when m.key in (
                'id', 'shard', 'tenant', 'rule', 'rule_id', 'rule_name', 'rule_digest', 'author', 'severity', 'tags', 'state', 'closing', 'before_idle',
                'merged_into', 'first_seen', 'last_seen', 'opened_at', 'closed_at', 'count') then m.value
            else audit.redact_json(redact_card.erasure, m.value) end), '{}')
        from jsonb_each(card) m) end
$$;
