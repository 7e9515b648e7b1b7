-- Sealed passwords without additional data: for administrators, and for other programs with the same key.
SET client_min_messages = warning;
CREATE ROLE regress_credential_app LOGIN;
CREATE ROLE regress_credential_boss LOGIN;
GRANT tenancy_user TO regress_credential_app;
GRANT tenancy_admin TO regress_credential_boss;

SET SESSION AUTHORIZATION regress_credential_boss;
SELECT tenancy.encrypt_database_password('s3cret') AS sealed \gset
SELECT tenancy.decrypt_database_password(:'sealed');
-- nonce, tag and ciphertext, and never the same twice
SELECT length(decode(:'sealed', 'base64')) - length('s3cret') AS overhead;
SELECT count(DISTINCT tenancy.encrypt_database_password('s3cret')) FROM generate_series(1, 100);
SELECT count(*) FROM unnest(ARRAY['', 'x', 'pässwörd ☃', repeat('long', 5000)]) AS p
WHERE tenancy.decrypt_database_password(tenancy.encrypt_database_password(p)) = p;
SELECT tenancy.encrypt_database_password(NULL);

SELECT tenancy.decrypt_database_password('');
SELECT tenancy.decrypt_database_password('not base64!');
SELECT tenancy.decrypt_database_password('AAAA');
SELECT tenancy.decrypt_database_password(repeat('A', 48));
-- one flipped bit anywhere
CREATE FUNCTION pg_temp.opens(sealed bytea) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tenancy.decrypt_database_password(translate(encode(sealed, 'base64'), E'\n', ''));
    RETURN true;
EXCEPTION WHEN invalid_authorization_specification THEN
    RETURN false;
END $$;
SELECT pg_temp.opens(decode(:'sealed', 'base64')) AS whole, count(*) FILTER (WHERE pg_temp.opens(set_bit(b, i, 1 - get_bit(b, i)))) AS flipped
FROM decode(:'sealed', 'base64') AS b, generate_series(0, length(b) * 8 - 1) AS i;
DROP FUNCTION pg_temp.opens(bytea);
SELECT count(*) > 0 AS keys, count(*) FILTER (WHERE active) AS active FROM tenancy.key_ring();

SET SESSION AUTHORIZATION regress_credential_app;
SELECT tenancy.encrypt_database_password('s3cret');
SELECT tenancy.decrypt_database_password(:'sealed');
SELECT * FROM tenancy.key_ring();
SELECT * FROM tenancy.rotate_encryption_key();
RESET SESSION AUTHORIZATION;

DROP ROLE regress_credential_app, regress_credential_boss;
