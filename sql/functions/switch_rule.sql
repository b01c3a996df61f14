-- Turns a rule on or off and leaves the event behind.
create or replace function audit.switch_rule(
    rule text, enabled boolean, actor text, reason text, event uuid, at_time timestamptz, body jsonb, salt bytea, body_hash bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if (select count(*) from audit.rule_switch) >= 10000 then
        raise exception '10,000 rules are turned on or off' using errcode = 'program_limit_exceeded', hint = 'Set them in the settings file.';
    end if;
    insert into audit.rule_switch as s (rule, enabled, actor, reason, changed_at)
    values (switch_rule.rule, switch_rule.enabled, switch_rule.actor, switch_rule.reason, at_time)
    on conflict on constraint rule_switch_pkey do update
    set enabled = excluded.enabled, actor = excluded.actor, reason = excluded.reason, changed_at = excluded.changed_at;
    perform audit.append_own(
        audit.shard_of('default'), 'default', case when enabled then 'audit_rule_enabled' else 'audit_rule_disabled' end, null,
        (case when enabled then 1 else 3 end)::smallint, event, at_time, body, salt, body_hash, actor);
end
$$;
