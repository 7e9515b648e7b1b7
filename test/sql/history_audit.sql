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

-- What is audited, and what is append-only: who takes a trigger away, or turns it off, changes this.
RESET ROLE;
SELECT t.tgrelid::regclass AS "table", t.tgfoid::regproc AS function, t.tgname AS trigger, t.tgenabled AS enabled,
       concat_ws(' ', CASE WHEN t.tgtype & 4 > 0 THEN 'insert' END, CASE WHEN t.tgtype & 16 > 0 THEN 'update' END,
                 CASE WHEN t.tgtype & 8 > 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 > 0 THEN 'truncate' END) AS events
FROM pg_trigger AS t WHERE t.tgfoid IN ('tenancy.write_audit'::regproc, 'tenancy.refuse_change'::regproc) ORDER BY 2, t.tgrelid::regclass::text, 3;

-- Accounts, from the first day to the last: who did it is the identity, else the user whose row it is.
SELECT set_config('tenancy.session', '', false) AS nobody;
SELECT tenancy.register('gone@example.com', 'correct horse gone@example.com') AS gone \gset
SELECT tenancy.set_active(:'gone', false);
SELECT probe.become('audit@example.com');
SELECT tenancy.set_active(:'gone', true);
DELETE FROM tenancy.users WHERE id = :'gone';
SELECT action, CASE user_id WHEN :'me' THEN 'audit' WHEN :'gone' THEN 'gone' END AS by, role_name = session_user AS role, old ->> 'email' AS old_email, old ->> 'is_active' AS old_active,
       new ->> 'email' AS new_email, new ->> 'is_active' AS new_active
FROM tenancy.audit_log WHERE object_type = 'users' AND object_id = :'gone' ORDER BY id;

-- Sessions: begun, ended, and deleted to make room for another.
SELECT set_config('tenancy.session', '', false) AS nobody;
SELECT tenancy.register('brief@example.com', 'correct horse brief@example.com') AS brief \gset
SET tenancy.max_sessions_per_user = 1;
SELECT probe.become('brief@example.com');
SELECT tenancy.logout();
SELECT probe.become('brief@example.com');
RESET tenancy.max_sessions_per_user;
SELECT action, new ->> 'revoked_at' IS NOT NULL AS ended, old ? 'expires_at' AS old_row, new ? 'expires_at' AS new_row, concat(old, new) ~ 'token' AS token
FROM tenancy.audit_log WHERE object_type = 'user_sessions' AND user_id = :'brief' ORDER BY id;

-- Role bindings: made, made again, given to somebody else, undone.
CREATE ROLE regress_audit_bound LOGIN;
GRANT tenancy_user TO regress_audit_bound;
SET ROLE regress_admin;
SELECT tenancy.bind_role(:'me', 'regress_audit_bound');
SELECT tenancy.bind_role(:'me', 'regress_audit_bound');
RESET ROLE;
UPDATE tenancy.role_bindings SET user_id = :'brief' WHERE role_name = 'regress_audit_bound';
SELECT set_config('tenancy.session', '', false) AS nobody;
SET ROLE regress_admin;
SELECT tenancy.unbind_role('regress_audit_bound');
SELECT tenancy.unbind_role('regress_audit_bound');
RESET ROLE;
SELECT action, user_id = :'brief' AS by_brief, role_name = session_user AS role,
       CASE old ->> 'user_id' WHEN :'me' THEN 'audit' WHEN :'brief' THEN 'brief' END AS old_user, old ->> 'role_name' AS old_role,
       CASE new ->> 'user_id' WHEN :'me' THEN 'audit' WHEN :'brief' THEN 'brief' END AS new_user, new ->> 'role_name' AS new_role
FROM tenancy.audit_log WHERE object_type = 'role_bindings' AND object_id = 'regress_audit_bound' ORDER BY id;
DROP ROLE regress_audit_bound;

-- Connections: one that is deleted for good.
SELECT probe.become('brief@example.com');
SELECT tenancy.create_connection('brief', connection_string => 'sqlite:brief.db?create=true') AS brief_connection \gset
DELETE FROM tenancy.database_connections WHERE id = :'brief_connection';
SELECT action, old ->> 'name' AS old_name, new ->> 'name' AS new_name FROM tenancy.audit_log WHERE object_id = :'brief_connection' ORDER BY id;

-- Keys: as if the ring had had another one, which was the active one, when it was last seen.
BEGIN;
SELECT tenancy.note_key_ring();
INSERT INTO tenancy.encryption_keys VALUES ('former', true);
UPDATE tenancy.encryption_keys SET is_active = false WHERE key_id = 'k1';
SELECT tenancy.note_key_ring();
SELECT action, object_id, old, new FROM tenancy.audit_log
WHERE object_type = 'encryption_keys' AND (object_id <> 'k1' OR action <> 'insert') ORDER BY id;
SELECT tenancy.note_key_ring();
SELECT count(*) AS without_news FROM tenancy.audit_log
WHERE object_type = 'encryption_keys' AND (object_id <> 'k1' OR action <> 'insert');
ROLLBACK;

SELECT count(*) AS secrets FROM tenancy.audit_log
WHERE concat(old, new) ~ 'scrypt|horse|token_hash|password_encrypted":\s*"[^<]|password_hash":\s*"[^<]';
