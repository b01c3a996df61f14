-- Requests over a limit, per client, policy and route.
create table rate_limit_violation (
    shard integer not null,
    tenant text not null,
    client text not null,
    policy text not null,
    route text not null,
    violations bigint not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (shard, tenant, client, policy, route)
);

-- What readers see.
create view published as
select shard, tenant, client, policy, route, violations, first_seen, last_seen from rate_limit_violation;
