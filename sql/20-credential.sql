
-- Credentials: sealing with the keys of the key ring, which is never in the database.

CREATE FUNCTION tenancy.encrypt_database_password(password text) RETURNS text
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_encrypt_database_password';
COMMENT ON FUNCTION tenancy.encrypt_database_password(text)
    IS 'for administrators: base64(nonce[12] || tag[16] || ciphertext), AES-256-GCM with the active key';

CREATE FUNCTION tenancy.decrypt_database_password(encrypted_password text) RETURNS text
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_decrypt_database_password';
COMMENT ON FUNCTION tenancy.decrypt_database_password(text)
    IS 'for administrators: undo encrypt_database_password; stored credentials, which are bound to their rows, do not open';

CREATE FUNCTION tenancy.rotate_encryption_key()
RETURNS TABLE (key_id text, before bigint, after bigint)
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_rotate_encryption_key';
COMMENT ON FUNCTION tenancy.rotate_encryption_key()
    IS 'for administrators: seal all credentials with the active key, all or nothing; answers connections by key before and after';

CREATE FUNCTION tenancy.key_ids()
RETURNS TABLE (key_id text, active boolean) LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_key_ids';
COMMENT ON FUNCTION tenancy.key_ids() IS 'the ids of the keys in the key ring';

CREATE FUNCTION tenancy.key_ring()
RETURNS TABLE (key_id text, active boolean, connections bigint) LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_key_ring';
COMMENT ON FUNCTION tenancy.key_ring()
    IS 'for administrators: the ids of the keys and how many connections each has sealed; active is NULL for a key that is not in the ring';
