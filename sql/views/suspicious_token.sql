-- Tokens that were refused, reused, or seen from more than one place; per fingerprint.
create table suspicious_token (
    shard integer not null,
    tenant text not null,
    token text not null,
    reasons jsonb not null,
    addresses text[] not null,
    agents text[] not null,
    uses bigint not null,
    refusals bigint not null,
    suspicious boolean not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (shard, tenant, token)
);

-- What readers see.
create view published as
select shard, tenant, token, reasons, addresses, agents, uses, refusals, first_seen, last_seen from suspicious_token where suspicious;
