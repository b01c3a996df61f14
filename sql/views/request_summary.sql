-- Requests per route and minute: counts by status class, latency quantiles in microseconds.
create table request_summary (
    shard integer not null,
    tenant text not null,
    source text not null,
    method text not null,
    route text not null,
    minute timestamptz not null,
    requests bigint not null,
    status_1xx bigint not null,
    status_2xx bigint not null,
    status_3xx bigint not null,
    status_4xx bigint not null,
    status_5xx bigint not null,
    status_none bigint not null,
    p50_us bigint,
    p90_us bigint,
    p99_us bigint,
    max_us bigint,
    latency jsonb not null,
    primary key (shard, tenant, source, method, route, minute)
);

-- What readers see.
create view published as
select shard, tenant, source, method, route, minute, requests, status_1xx, status_2xx, status_3xx, status_4xx, status_5xx, status_none,
    p50_us, p90_us, p99_us, max_us from request_summary;
