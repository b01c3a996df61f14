-- Personal data and retention: what was erased, what is held, how long events stay, which partitions were dropped. Run as cardea_owner in schema
-- audit.

create table audit.erasure (
    id bigint generated always as identity primary key,
    shard integer not null,
    tenant text not null,
    -- Never the subject itself.
    subject text not null,
    reason text not null,
    actor text not null,
    state text not null default 'emptying' check (state in ('emptying', 'late', 'sharing', 'clearing', 'telling', 'elsewhere', 'done')),
    begun_at timestamptz not null default clock_timestamp(),
    -- Whatever this snapshot does not show has a transaction that is not below its xmin.
    begun pg_snapshot not null default pg_current_snapshot(),
    finished_at timestamptz,
    -- How far the present state has walked: a partition's lower bound and an id in it, or a transaction and an id.
    cursor_time timestamptz not null default '-infinity',
    cursor_tx xid8,
    cursor_id uuid,
    events bigint not null default 0,
    own_events bigint not null default 0,
    cleared jsonb not null default '{}',
    -- The transaction to which the record is open.
    door xid8
);
create unique index erasure_running on audit.erasure (tenant, subject) where state <> 'done';
comment on table audit.erasure is 'Erasures of subjects: who, when, why, how many, the subject as a fingerprint. One that is not done goes on when it is called for again.';

create table audit.erased_event (
    shard integer not null,
    id uuid not null,
    time timestamptz not null,
    erasure bigint not null references audit.erasure,
    erased_at timestamptz not null default clock_timestamp(),
    primary key (shard, id)
);
comment on table audit.erased_event is 'Which events were emptied lawfully: an event without a body that is not in here was emptied by somebody else.';

create table audit.erasure_value (
    erasure bigint not null references audit.erasure,
    kind text not null check (kind in ('subject', 'actor', 'ip', 'session', 'token', 'agent', 'path')),
    digest bytea not null,
    value text not null,
    primary key (erasure, kind, digest)
);
comment on table audit.erasure_value is 'What names the subject of an erasure that is under way; emptied with its end.';

create table audit.erasure_alert (
    erasure bigint not null references audit.erasure,
    shard integer not null,
    alert uuid not null,
    primary key (erasure, shard, alert)
);
comment on table audit.erasure_alert is 'Alerts about nobody but the subject of an erasure that is under way; emptied with its end.';

create table audit.hold (
    name text primary key check (name <> ''),
    reason text not null,
    -- Null: whoever. Once the hold is released and the subject erased only the fingerprint is left.
    subject text,
    subject_fingerprint text,
    tenant text,
    since timestamptz,
    until timestamptz,
    set_by text not null,
    set_at timestamptz not null default clock_timestamp(),
    released_by text,
    released_at timestamptz,
    release_reason text,
    check (since is null or until is null or since <= until)
);
comment on table audit.hold is 'Legal holds: what they cover is neither erased nor dropped until they are released.';

create table audit.retention (
    -- Empty: every tenant that has none of its own.
    tenant text primary key,
    keep_days integer not null check (keep_days between 1 and 36500),
    set_by text not null,
    set_at timestamptz not null default clock_timestamp()
);
comment on table audit.retention is 'How many days of events are kept; without a row they are kept for ever.';

create table audit.dropped_partition (
    id bigint generated always as identity primary key,
    name text not null,
    lower_bound timestamptz not null,
    upper_bound timestamptz not null,
    events bigint not null,
    bytes bigint not null,
    -- [{"shard", "events", "first_index", "last_index"}]
    shards jsonb not null,
    dropped_by text not null,
    detached_at timestamptz not null default clock_timestamp(),
    -- Null: detached, and its table still there under the name dropped_ID.
    dropped_at timestamptz
);
comment on table audit.dropped_partition is 'Partitions past retention: their events are gone, their rows in audit.log and their hashes stay.';
