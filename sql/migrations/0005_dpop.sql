-- Proofs of possession (RFC 9449) that were taken, so that none is taken twice: by a hash of key and jti. Run as cardea_owner.

create table audit_access.proof (
    key bytea primary key check (octet_length(key) = 32),
    expires_at timestamptz not null
);
create index on audit_access.proof (expires_at);
comment on table audit_access.proof is 'Proofs of possession that were taken; gone once they have expired by themselves.';
