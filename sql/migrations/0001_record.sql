-- The record: events, their order, the shards and tenants, and who worked up to where. Run as cardea_owner in schema audit.

create table audit.deployment (
    singleton boolean primary key default true check (singleton),
    key bytea not null check (octet_length(key) = 32),
    created_at timestamptz not null default now()
);
comment on table audit.deployment is 'The key behind fingerprints and the ids of imported lines; read through audit.deployment_key() alone.';

create table audit.head (
    shard integer primary key check (shard >= 0),
    next_index bigint not null default 0,
    sealed_at timestamptz not null default '1970-01-01T00:00:00Z',
    sealed pg_snapshot not null default pg_current_snapshot(),
    draining pg_snapshot,
    cursor_tx xid8,
    cursor_id uuid,
    system_identifier bigint not null,
    restored boolean not null default false
);
comment on table audit.head is 'One row a shard: the next index, and the snapshots between which audit.seal looks for what became visible.';

create table audit.tenant (
    tenant text primary key check (tenant <> ''),
    shard integer not null references audit.head,
    since timestamptz not null default now()
);
comment on table audit.tenant is 'The shard of each tenant, decided once.';

create table audit.event (
    id uuid not null,
    time timestamptz not null,
    recorded_at timestamptz not null default now(),
    tx xid8 not null default pg_current_xact_id(),
    duration_us bigint,
    shard integer not null,
    v smallint not null default 1,
    severity smallint not null,
    status smallint,
    privileged boolean not null,
    tenant text not null,
    source text not null,
    type text not null,
    outcome text not null,
    actor_kind text not null,
    reason text,
    sensitivity text,
    method text,
    route text,
    salt bytea,
    body_hash bytea not null,
    client_ip inet,
    actor text,
    session text,
    token text,
    body jsonb,
    primary key (shard, id, time)
) partition by range (time);
create index event_shard_tx on audit.event (shard, tx);
create index event_time on audit.event using brin (time) with (pages_per_range = 32, autosummarize = on);
comment on table audit.event is 'The events, append-only. Header columns prove, body and the columns copied out of it tell and can be erased.';

create table audit.log (
    shard integer not null,
    index bigint not null,
    id uuid not null,
    time timestamptz not null,
    sealed_at timestamptz not null,
    primary key (shard, index)
);
-- From an event to its index: what query prints, and how a restored database finds what was sealed.
create index log_shard_id on audit.log (shard, id);
comment on table audit.log is 'The order: a contiguous, immutable index a shard, given by audit.seal.';

create table audit.worker (
    id text primary key,
    seen_at timestamptz not null default clock_timestamp()
);
comment on table audit.worker is 'Workers alive lately; shards are shared among them evenly.';

create table audit.lease (
    shard integer primary key references audit.head,
    owner text,
    token bigint not null default 0,
    expires_at timestamptz not null default '-infinity'
);
comment on table audit.lease is 'Who works on a shard. The token grows with every change of hands and fences off who slept through it.';

create table audit.projection (
    name text not null,
    generation integer not null,
    version integer not null,
    state text not null check (state in ('building', 'live')),
    created_at timestamptz not null default now(),
    primary key (name, generation)
);
create unique index projection_live on audit.projection (name) where state = 'live';
comment on table audit.projection is 'The generations of each projection: one live, perhaps one being built beside it.';

create table audit.checkpoint (
    shard integer not null references audit.head,
    name text not null,
    generation integer not null,
    next_index bigint not null default 0,
    token bigint not null default 0,
    updated_at timestamptz not null default now(),
    primary key (shard, name, generation),
    foreign key (name, generation) references audit.projection on delete cascade
);
comment on table audit.checkpoint is 'How far each projection has folded each shard; moved by compare-and-set in the transaction of its rows.';

create table audit.alert (
    shard integer not null,
    id uuid not null,
    tenant text not null,
    rule_id text not null,
    rule_title text not null,
    rule_author text,
    severity smallint not null,
    tags text[] not null,
    group_by jsonb not null,
    state text not null default 'open' check (state in ('open', 'merged')),
    merged_into uuid,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    count bigint not null,
    opened_at timestamptz not null default now(),
    primary key (shard, id)
);
-- For whoever follows alerts, four times a second.
create index alert_opened_at on audit.alert (opened_at, id);
comment on table audit.alert is 'One row for each alert, written in the transaction of the checkpoint that found it.';

create table audit.alert_event (
    shard integer not null,
    alert uuid not null,
    event uuid not null,
    index bigint not null,
    primary key (shard, alert, event)
);
comment on table audit.alert_event is 'Exactly the events behind each alert.';

create table audit.detection_state (
    shard integer not null,
    kind text not null,
    rule text not null,
    tenant text not null,
    member text not null,
    value bytea not null,
    primary key (shard, kind, rule, tenant, member)
);
comment on table audit.detection_state is 'Where the correlations stand: a function of the log up to the checkpoint of the projection "detection".';
