-- The Merkle tree over each shard's log (RFC 9162, 2.1), as C2SP tlog-tiles cuts it, and its signed checkpoints.

alter table audit.deployment add column name text not null default 'cardea-' || left(replace(gen_random_uuid()::text, '-', ''), 12)
    check (name ~ '^[!-*,-~]{1,200}$');
comment on column audit.deployment.name is 'What the origins of the logs begin with: name/shard.';

create table audit.tree (
    shard integer primary key references audit.head,
    size bigint not null default 0,
    edge bytea not null default '',
    updated_at timestamptz not null default now()
);
comment on table audit.tree is 'How far the tree of each shard reaches, and the hashes of its tiles that are not full yet, level by level.';

create table audit.tile (
    shard integer not null,
    level smallint not null,
    index bigint not null,
    hashes bytea not null check (octet_length(hashes) = 8192),
    primary key (shard, level, index)
);
-- Hashes do not compress, and are read whole.
alter table audit.tile alter column hashes set storage external;
comment on table audit.tile is 'Full tiles: 256 hashes of one level, never changed.';

create table audit.signed_checkpoint (
    shard integer not null,
    size bigint not null,
    root bytea not null check (octet_length(root) = 32),
    note text not null,
    signed_at timestamptz not null default clock_timestamp(),
    primary key (shard, size)
);
comment on table audit.signed_checkpoint is 'Signed notes (C2SP tlog-checkpoint), one a size: no second root of a size can be kept.';

create table audit.cosignature (
    shard integer not null,
    size bigint not null,
    name text not null,
    key_id bytea not null check (octet_length(key_id) = 4),
    signature bytea not null,
    time timestamptz not null,
    primary key (shard, size, name, key_id),
    foreign key (shard, size) references audit.signed_checkpoint
);
comment on table audit.cosignature is 'What witnesses signed, and when (C2SP tlog-cosignature).';

create table audit.log_key (
    key bytea primary key check (octet_length(key) = 32),
    created_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);
comment on table audit.log_key is 'The Ed25519 public keys under which checkpoints were signed. For looking up alone: who verifies brings a key of his own.';

create table audit.verification (
    shard integer not null,
    started_at timestamptz not null,
    ended_at timestamptz not null default clock_timestamp(),
    size bigint not null,
    findings bigint not null,
    first_finding text,
    primary key (shard, ended_at)
);
comment on table audit.verification is 'When the record was compared with its own tree, how far, and what was found.';
