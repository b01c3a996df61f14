-- HMAC-SHA-256 (RFC 2104).
create or replace function audit.hmac(key bytea, message bytea) returns bytea
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    block bytea := case when octet_length(key) > 64 then sha256(key) else key end;
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
begin
    for i in 0..octet_length(block) - 1 loop
        inner_pad := set_byte(inner_pad, i, get_byte(block, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(block, i) # 92);
    end loop;
    return sha256(outer_pad || sha256(inner_pad || message));
end
$$;

-- What stands for a subject's value once it is erased: the same as `Fingerprinter` gives for the purpose "subject" (HKDF, RFC 5869).
create or replace function audit.fingerprint(value text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select 'fp_' || left(encode(audit.hmac(
        audit.hmac(audit.hmac(''::bytea, d.key), convert_to('cardea/fingerprint/subject', 'UTF8') || '\x01'::bytea),
        convert_to(value, 'UTF8')), 'hex'), 32)
    from audit.deployment d
$$;
