-- The life of an alert after it opened: who saw it, who deals with it, how it ended; and who is told about it. Run as cardea_owner in schema audit.

alter table audit.alert
    drop constraint alert_state_check,
    add constraint alert_state_check
        check (state in ('open', 'acknowledged', 'assigned', 'resolved', 'false_positive', 'reopened', 'merged')),
    add column revision bigint not null default 0,
    add column acknowledged_by text,
    add column assignee text,
    add column closing text check (closing in ('person', 'idle')),
    add column closed_by text,
    add column closed_at timestamptz,
    add column before_idle text,
    add column is_idle boolean not null default false,
    add column idle_after bigint check (idle_after > 0),
    add column rule_digest text,
    add constraint alert_life_check check (
        (closing is not null) = (state in ('resolved', 'false_positive'))
        and (closing is not distinct from 'person') = (closed_by is not null)
        and (closing is not distinct from 'idle') = (before_idle is not null));
comment on column audit.alert.revision is 'How often the state changed: what a change by a person is compared with.';
comment on column audit.alert.idle_after is 'Microseconds of event time after the last event, past which the alert takes no more.';
-- Alerts that may still take events. No column that every hit changes is in it, so that those updates stay on their page.
create index alert_not_idle on audit.alert (shard, rule_id, (jsonb_hash_extended(group_by, 0))) where not is_idle;

create table audit.rule_version (
    digest text primary key,
    rule_id text not null,
    title text not null,
    source text not null,
    first_used timestamptz not null default now()
);
comment on table audit.rule_version is 'The text of every rule that opened an alert, as it was then.';

create table audit.alert_change (
    shard integer not null,
    alert uuid not null,
    event uuid not null,
    time timestamptz not null,
    kind text not null,
    from_state text not null,
    to_state text not null,
    actor text,
    assignee text,
    reason text,
    database_user text not null default session_user,
    primary key (shard, alert, event)
);
comment on table audit.alert_change is 'What was done to an alert, by whom and why: one row for each event of it on the record, whose id is "event". No actor: Cardea itself.';

create table audit.silence (
    id text primary key,
    matchers text[] not null check (cardinality(matchers) between 1 and 32),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    author text not null,
    comment text not null,
    created_at timestamptz not null,
    expired_by text,
    check (expired_by is not null or ends_at > starts_at),
    check (ends_at <= starts_at + interval '366 days')
);
create index on audit.silence (ends_at);
comment on table audit.silence is 'Which alerts nobody is told about for a while; a row stays for 90 days after its end.';
