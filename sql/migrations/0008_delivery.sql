-- Who is told about alerts: what there is to tell, what is on its way to which receiver, and what must be told to nobody. Run as cardea_owner in
-- schema audit.

create table audit.quiet_batch (
    tx xid8 not null,
    -- The transaction's time, which its events have too: numbers begin anew in a restored database.
    recorded_at timestamptz not null,
    primary key (tx, recorded_at)
);
create index on audit.quiet_batch (recorded_at);
comment on table audit.quiet_batch is 'The transactions of imports whose events nobody is to be told about; rows stay for 30 days.';

alter table audit.alert add column is_quiet boolean not null default false, add column rule_name text;
comment on column audit.alert.is_quiet is 'Nobody is told: it holds nothing but events of imports that were not to be delivered.';

create table audit.outbox (
    seq bigint generated always as identity primary key,
    shard integer not null,
    alert uuid not null,
    kind text not null check (kind in ('opened', 'reopened', 'resolved', 'false_positive', 'merged')),
    created_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null default clock_timestamp()
);
create index on audit.outbox (due_at);
comment on table audit.outbox is 'What is to be told about alerts, written in the transaction that made it so; gone when it is known to whom. A silence only defers it.';

create table audit.delivery (
    seq bigint generated always as identity primary key,
    id uuid not null unique default gen_random_uuid(),
    receiver text not null,
    shard integer not null,
    alert uuid not null,
    kind text not null check (kind in ('firing', 'resolved')),
    news bigint,
    payload jsonb not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
    attempts integer not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null,
    repeat_at timestamptz,
    finished_at timestamptz,
    status integer,
    detail text,
    unique (receiver, news)
);
-- What is due, and what stands before it: one alert's deliveries to one receiver keep their order.
create index delivery_due on audit.delivery (receiver, due_at) where state = 'pending';
create index delivery_alert on audit.delivery (shard, alert, receiver, seq);
create index delivery_repeat on audit.delivery (repeat_at) where repeat_at is not null;
create index delivery_finished on audit.delivery (finished_at) where state <> 'pending';
comment on table audit.delivery is 'What goes to a receiver, under an id that stays the same for every attempt; done ones stay for 90 days.';

create table audit.receiver (
    name text primary key,
    disabled_at timestamptz not null default clock_timestamp(),
    reason text not null,
    destination text not null
);
comment on table audit.receiver is 'Receivers that wanted nothing any more (HTTP 410). One that is given another destination is asked again.';
