-- Accounts, API keys and failed sign-ins. Passwords hashed, second factors sealed, keys as SHA-256. Run as cardea_owner.

create table audit_access.account (
    id text primary key,
    username text collate "C" not null unique,
    password_hash text not null,
    roles text[] not null,
    factor bytea,
    factor_counter bigint not null default -1,
    recovery_codes bytea[] not null default '{}',
    created_at timestamptz not null,
    password_changed_at timestamptz not null,
    disabled_at timestamptz
);
comment on table audit_access.account is 'Who may sign in.';

create table audit_access.api_key (
    id text primary key,
    prefix text not null,
    hash bytea not null check (octet_length(hash) = 32),
    owner text not null,
    label text not null,
    kind text not null,
    roles text[] not null,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
) with (fillfactor = 80);
create index on audit_access.api_key (owner);
create index on audit_access.api_key (least(expires_at, revoked_at));
comment on table audit_access.api_key is 'Keys of accounts and services; one that ended stays a while, so that a late use is known as such.';

create table audit_access.lockout (
    subject bytea primary key check (octet_length(subject) = 32),
    failures bigint not null,
    pending bigint not null,
    pending_until bigint not null,
    locked_until bigint not null,
    expires_at bigint not null
) with (fillfactor = 70);
create index on audit_access.lockout (expires_at);
comment on table audit_access.lockout is 'Failed sign-ins by account, address and both, changed by the functions of audit_access alone; times in microseconds.';
