-- Who may do what. Everything is taken away first, so that this file alone says it.
revoke all on schema audit from public;
revoke all on all tables in schema audit
    from public, cardea_writer, cardea_access, cardea_worker, cardea_reader, cardea_responder, cardea_admin;
revoke all on all functions in schema audit from public, cardea_writer, cardea_worker, cardea_reader, cardea_responder, cardea_admin;
grant usage on schema audit to cardea_writer, cardea_worker, cardea_reader, cardea_responder, cardea_admin;

-- The writer appends, and nothing else.
grant execute on function audit.append to cardea_writer, cardea_worker, cardea_admin;
grant execute on function audit.shard_of to cardea_writer, cardea_worker, cardea_admin;
grant execute on function audit.ensure_partitions to cardea_writer, cardea_worker, cardea_admin;
grant execute on function audit.deployment_key to cardea_writer, cardea_worker, cardea_admin;

-- The worker seals, reads, and keeps its own books: leases, checkpoints, alerts, the state of detection.
grant execute on function audit.seal to cardea_worker, cardea_admin;
grant select on audit.event, audit.log, audit.head, audit.tenant, audit.partition, audit.migration to cardea_worker, cardea_reader, cardea_admin;
grant select on audit.worker, audit.lease, audit.projection, audit.checkpoint, audit.alert, audit.alert_event, audit.detection_state
    to cardea_worker, cardea_reader, cardea_admin;
grant insert, update, delete on audit.worker, audit.projection, audit.checkpoint, audit.detection_state to cardea_worker;
grant update on audit.lease to cardea_worker;
grant insert, update on audit.alert to cardea_worker;
grant insert, update, delete on audit.alert_event to cardea_worker;
grant select on audit.rule_version, audit.alert_change, audit.silence, audit.rule_switch to cardea_worker, cardea_reader, cardea_admin;
grant insert on audit.rule_version, audit.alert_change to cardea_worker;
grant select on audit.migration to cardea_writer;

-- The worker tells people about alerts, and marks what an import of it is not to tell.
grant select on audit.outbox, audit.delivery, audit.receiver to cardea_worker, cardea_reader, cardea_responder, cardea_admin;
grant insert, update, delete on audit.outbox, audit.delivery, audit.receiver to cardea_worker;
grant select on audit.quiet_batch to cardea_worker;
grant execute on function audit.quiet to cardea_worker;
grant select on audit.quarantine to cardea_worker, cardea_reader, cardea_admin;
grant insert on audit.quarantine to cardea_worker;

-- The tree over the record: anybody who reads may prove, the worker extends and signs. Nobody else writes hashes.
grant select on audit.tree, audit.tile, audit.signed_checkpoint, audit.cosignature, audit.log_key, audit.verification
    to cardea_worker, cardea_reader, cardea_admin;
grant execute on function audit.log_name to cardea_worker, cardea_reader, cardea_admin;
grant execute on function audit.extend_tree, audit.keep_checkpoint, audit.keep_cosignature, audit.keep_verification
    to cardea_worker, cardea_admin;
-- Whoever looks may say so, and only so.
grant execute on function audit.record_reading to cardea_worker, cardea_reader, cardea_responder, cardea_admin;
grant execute on function audit.change_key to cardea_worker, cardea_admin;

-- The responder decides what becomes of alerts, through functions that leave an event behind; of the record it sees the alerts alone.
grant select on audit.alert, audit.alert_event, audit.alert_change, audit.rule_version, audit.silence, audit.migration to cardea_responder;
grant execute on function audit.change_alert, audit.create_silence, audit.expire_silence, audit.switch_rule, audit.replay_deliveries,
    audit.enable_receiver to cardea_responder, cardea_admin;

-- The administrator asks for rebuilds and grows the shards.
grant insert on audit.projection, audit.checkpoint to cardea_admin;
grant execute on function audit.add_shards to cardea_admin;

-- The administrator alone erases, holds and drops, through functions that leave an event behind; what is left of that everybody may read, but for
-- what names a subject while it is being erased.
grant execute on function audit.fingerprint, audit.holds_on, audit.begin_erasure, audit.erase, audit.finish_erasure, audit.refuse_erasure, audit.set_hold,
    audit.release_hold, audit.set_retention, audit.partition_tenants, audit.partition_shards, audit.partition_blocks, audit.detach_partition,
    audit.drop_detached to cardea_admin;
grant select on audit.erasure, audit.erased_event, audit.retention, audit.dropped_partition to cardea_worker, cardea_reader, cardea_admin;
grant select on audit.hold to cardea_admin;
-- Whom a hold is about is the administrator's alone.
grant select (name, tenant, since, until, set_at, released_at) on audit.hold to cardea_reader, cardea_worker;

-- What an application's middleware keeps beside the record: sessions, accounts, limits. None of it is the record, and it changes all the time.
revoke all on schema audit_access from public;
revoke all on all tables in schema audit_access from public, cardea_writer, cardea_access, cardea_worker, cardea_reader, cardea_admin;
revoke all on all functions in schema audit_access from public, cardea_writer, cardea_access, cardea_worker, cardea_reader, cardea_admin;
grant usage on schema audit_access to cardea_access, cardea_admin;
-- Of the record it sees which version it has, and nothing more.
grant usage on schema audit to cardea_access;
grant select on audit.migration to cardea_access;

-- Shared rate limits: one function, the table is its own.
grant execute on function audit_access.take_rate_limits to cardea_access, cardea_admin;
-- Proofs of possession: taken once, and gone when they have expired.
grant select, insert, delete, update on audit_access.proof to cardea_access, cardea_admin;
grant execute on function audit_access.claim_proof to cardea_access, cardea_admin;
-- Sessions, refresh tokens, revocations: the application's instances change them, nobody else looks.
grant select, insert, update, delete on audit_access.session, audit_access.token_family, audit_access.revocation to cardea_access;
grant execute on function audit_access.begin_session, audit_access.begin_token_family to cardea_access;
-- Accounts and API keys; of failed sign-ins only the two functions.
grant select, insert, update, delete on audit_access.account, audit_access.api_key to cardea_access;
grant execute on function audit_access.begin_sign_in, audit_access.end_sign_in to cardea_access;
