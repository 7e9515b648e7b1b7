-- Who changed accounts, sessions and connections; never a secret.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('audit@example.com', 'correct horse audit@example.com') IS NOT NULL AS registered;
SELECT id AS me FROM tenancy.users WHERE email = 'audit@example.com' \gset
SET ROLE regress_app;
SELECT probe.become('audit@example.com');
SELECT tenancy.create_connection('audited', connection_string => 'sqlite:audited.db?create=true') AS connection \gset
SELECT tenancy.update_connection('audited', name => 'renamed');
SELECT tenancy.update_profile(company_name => 'Audit Ltd');
SELECT tenancy.change_password('correct horse audit@example.com', 'another horse audit@example.com');
SELECT tenancy.change_password('another horse audit@example.com', 'correct horse audit@example.com');
SELECT tenancy.execute_query('renamed', 'SELECT 1') ->> 'status' AS status;
SELECT tenancy.delete_connection('renamed');

SELECT action, object_type, user_id = :'me' AS by_me, role_name = session_user AS role, old ->> 'name' AS old_name,
       new ->> 'name' AS new_name, new ? 'deleted_at' AS deleted
FROM tenancy.audit_log WHERE object_id = :'connection' ORDER BY id;
SELECT action, old, new FROM tenancy.audit_log WHERE object_type = 'users' AND action = 'update' ORDER BY id DESC LIMIT 3;
SELECT count(*) > 0 AS logins FROM tenancy.audit_log WHERE object_type = 'user_sessions' AND action = 'insert';
SELECT count(*) AS secrets FROM tenancy.audit_log
WHERE concat(old, new) ~ 'scrypt|horse|token_hash|password_encrypted":\s*"[^<]|password_hash":\s*"[^<]';

SELECT probe.become('two@example.com');
SELECT count(*) FROM tenancy.audit_log WHERE object_id = :'connection';
SET ROLE regress_admin;
SELECT count(*) FROM tenancy.audit_log WHERE object_id = :'connection';
SELECT probe.error_of('INSERT INTO tenancy.audit_log (action, object_type, object_id) VALUES (''x'', ''x'', ''x'')');
