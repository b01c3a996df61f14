-- Failed sign-ins, per account and per address.
create table failed_login (
    shard integer not null,
    tenant text not null,
    kind text not null check (kind in ('account', 'address')),
    subject text not null,
    failures bigint not null,
    successes bigint not null,
    streak bigint not null,
    longest_streak bigint not null,
    first_failure timestamptz,
    last_failure timestamptz,
    last_success timestamptz,
    reasons jsonb not null,
    primary key (shard, tenant, kind, subject)
);

-- What readers see.
create view published as
select shard, tenant, kind, subject, failures, successes, streak, longest_streak, first_failure, last_failure, last_success, reasons from failed_login;
