-- Does to an alert what a person decided, and leaves the event behind; null where somebody else changed the alert since `expected`.
--
-- What a state allows is decided before (AlertLife); here one of two wins, what happened is written down, and nothing else of the alert changes.
create or replace function audit.change_alert(
    shard integer, alert uuid, expected bigint, kind text, to_state text, acknowledged_by text, assignee text, closing text, closed_by text,
    before_idle text, actor text, reason text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_alert audit.alert;
    new_revision bigint;
begin
    if kind not in ('acknowledged', 'assigned', 'resolved', 'false_positive', 'reopened', 'noted') or to_state = 'merged' then
        raise exception 'a person cannot make an alert %', kind using errcode = 'check_violation';
    end if;
    if coalesce(actor, '') = '' then
        raise exception 'who does this is not said' using errcode = 'check_violation';
    end if;
    select * into found_alert from audit.alert a where a.shard = change_alert.shard and a.id = change_alert.alert for no key update;
    if not found or (found_alert.revision <> expected and kind <> 'noted') then
        return null;
    end if;
    new_revision := found_alert.revision;
    if kind = 'noted' then
        to_state := found_alert.state;
        assignee := found_alert.assignee;
    else
        new_revision := new_revision + 1;
        update audit.alert a
        set state = to_state, revision = new_revision, acknowledged_by = change_alert.acknowledged_by,
            assignee = change_alert.assignee, closing = change_alert.closing, closed_by = change_alert.closed_by,
            before_idle = change_alert.before_idle, closed_at = case when change_alert.closing is not null then at_time end
        where a.shard = change_alert.shard and a.id = change_alert.alert;
    end if;
    if kind in ('resolved', 'false_positive', 'reopened') and not found_alert.is_quiet then
        insert into audit.outbox (shard, alert, kind) values (shard, alert, kind);
    end if;
    insert into audit.alert_change (shard, alert, event, time, kind, from_state, to_state, actor, assignee, reason)
    values (shard, alert, event, at_time, kind, found_alert.state, to_state, actor, assignee, reason);
    perform audit.append_own(
        shard, found_alert.tenant, 'audit_alert_' || kind, null, found_alert.severity, event, at_time, body, salt, body_hash, actor);
    return new_revision;
end
$$;
