-- Counts of rate limits that instances share. Unlogged: a crash forgives what was counted, and costs no WAL at every request.
create unlogged table audit_access.rate_limit (
    policy text not null,
    subject bytea not null,
    mark bigint not null,
    current bigint not null,
    previous bigint not null,
    expires_at bigint not null,
    primary key (policy, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
create index rate_limit_expires_at on audit_access.rate_limit (expires_at);
comment on table audit_access.rate_limit is 'One row a limit and subject, changed by audit_access.take_rate_limits alone; times in microseconds.';
