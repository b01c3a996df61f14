-- Sessions, families of refresh tokens, revocations: what says who is signed in. Secrets only as SHA-256. Run as cardea_owner.

create table audit_access.session (
    id bytea primary key check (octet_length(id) = 32),
    handle text not null unique,
    account text not null,
    principal jsonb not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    idle_seconds bigint not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text,
    keep_until timestamptz not null,
    client_ip text,
    user_agent text
) with (fillfactor = 80);  -- seen_at is in no index: its updates stay on the page
create index on audit_access.session (account);
create index on audit_access.session (keep_until);
comment on table audit_access.session is 'Sessions by the hash of their id; a row stays a while after the end, so that a late use is known as such.';

create table audit_access.token_family (
    id text primary key,
    lineage bytea not null unique check (octet_length(lineage) = 32),
    current bytea not null check (octet_length(current) in (32, 64, 96, 128)),
    previous bytea check (octet_length(previous) = 32),
    rotated_at timestamptz not null,
    generation bigint not null,
    account text not null,
    principal jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    deadline timestamptz not null,
    ended_at timestamptz,
    end_reason text
) with (fillfactor = 80);
create index on audit_access.token_family (account);
create index on audit_access.token_family (deadline);
comment on table audit_access.token_family is 'One row for all refresh tokens of a sign-in: the hash of the half that stays and of the half that is good now.';

create table audit_access.revocation (
    key bytea primary key check (octet_length(key) = 32),
    issued_until timestamptz,
    expires_at timestamptz not null,
    tx xid8 not null default pg_current_xact_id()
);
create index on audit_access.revocation (tx);
create index on audit_access.revocation (expires_at);
comment on table audit_access.revocation is 'Access tokens that are not accepted any more, until they have expired by themselves.';
