-- Sessions, per fingerprint.
create table session (
    shard integer not null,
    tenant text not null,
    session text not null,
    actor text,
    state text not null,
    created timestamptz,
    ended timestamptz,
    end_reason text,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    requests bigint not null,
    addresses text[] not null,
    primary key (shard, tenant, session)
);

-- What readers see.
create view published as
select shard, tenant, session, actor, state, created, ended, end_reason, first_seen, last_seen, requests, addresses from session;
