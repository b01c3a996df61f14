-- Events that a projection could not take, and went on without. Run as cardea_owner in schema audit.

create table audit.quarantine (
    shard integer not null,
    index bigint not null,
    projection text not null,
    event uuid not null,
    reason text not null,
    set_aside_at timestamptz not null default clock_timestamp(),
    primary key (shard, index, projection)
);
create index on audit.quarantine (shard, projection, set_aside_at);
comment on table audit.quarantine is 'Events that a projection could not take: set aside in the transaction of its checkpoint, with an event on the record.';
