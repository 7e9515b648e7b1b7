-- Who may call and read what: nothing is PUBLIC's, secrets are nobody's, everything is described.
BEGIN;
SELECT plan(18);

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'tenancy'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
$$, 'no function is executable by PUBLIC');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p')
      AND (has_table_privilege('public', c.oid, 'SELECT') OR has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE'))
$$, 'no table is PUBLIC''s to read or write');
SELECT ok(NOT has_schema_privilege('public', 'tenancy', 'USAGE'), 'PUBLIC may not use the schema');
SELECT ok(NOT has_schema_privilege('tenancy_user', 'tenancy', 'CREATE'), 'tenants make nothing in the schema');
SELECT is_empty($$
    SELECT c.oid::regclass, a.attname, r.rolname
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid, pg_roles AS r
    WHERE c.relnamespace = 'tenancy'::regnamespace AND r.rolname IN ('tenancy_user', 'tenancy_admin')
      AND a.attname IN ('password_hash', 'token_hash', 'password_encrypted', 'connection_string_encrypted')
      AND has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
$$, 'hashes and ciphertexts are nobody''s to read');
SELECT is_empty($$
    SELECT c.relname::text, p.privilege
    FROM pg_class AS c, (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS p(privilege)
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r'
      AND (has_table_privilege('tenancy_admin', c.oid, p.privilege)
           OR p.privilege NOT IN ('DELETE', 'TRUNCATE', 'TRIGGER') AND has_any_column_privilege('tenancy_admin', c.oid, p.privilege))
$$, 'nothing is written directly, by functions only');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
$$, 'every table has row-level security');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('encryption_keys', 'connection_rollups', 'deferred_queries')
      AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND pg_get_expr(p.polqual, p.polrelid) LIKE '%( SELECT tenancy.current_user_id()%')
$$, 'every policy asks for the identity once per statement');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'v' AND NOT coalesce(c.reloptions, '{}') @> '{security_invoker=true}'
$$, 'views read with the rights of their caller');
SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'tenancy'::regnamespace AND p.prosecdef AND NOT coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'
$$, 'security definer functions have a fixed search_path');
SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'tenancy'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
$$, 'every function has a comment');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL
$$, 'every table and view has a comment');
SELECT set_eq($$
    SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' FROM pg_proc AS p
    WHERE p.pronamespace = 'tenancy'::regnamespace
      AND has_function_privilege('tenancy_admin', p.oid, 'EXECUTE') AND NOT has_function_privilege('tenancy_user', p.oid, 'EXECUTE')
$$, ARRAY['reset_password(user_id uuid, new_password text)', 'set_active(user_id uuid, is_active boolean)', 'unlock_account(email text)',
          'bind_role(user_id uuid, role_name name)', 'unbind_role(role_name name)', 'encrypt_database_password(password text)',
          'decrypt_database_password(encrypted_password text)', 'rotate_encryption_key()', 'key_ring()', 'status()',
          'history_queue(OUT worker_pid integer, OUT queued integer, OUT running integer, OUT bytes bigint, OUT capacity bigint, OUT commits bigint)'],
    'what only administrators call');
SELECT ok(has_foreign_data_wrapper_privilege('tenancy_user', 'tenant_fdw', 'USAGE')
          AND NOT has_foreign_data_wrapper_privilege('public', 'tenant_fdw', 'USAGE'), 'servers are for tenants, not for PUBLIC');
CREATE ROLE tap_attacher IN ROLE tenancy_user;
SELECT tenancy.register('attacher@tap.example', 'a long password') IS NOT NULL AS registered \gset
SELECT tenancy.authenticate(tenancy.login('attacher@tap.example', 'a long password')) IS NOT NULL AS authenticated \gset
SELECT tenancy.create_connection('attached', 'sqlite', database_name => 'attached.db', options => '{"create": true}') IS NOT NULL AS created \gset
SELECT tenancy.execute_query('attached', 'CREATE TABLE things (a int)') ->> 'status' AS status \gset
SET LOCAL ROLE tap_attacher;
SELECT tenancy.attach('attached', 'tap_attached') IS NOT NULL AS attached \gset
RESET ROLE;
SELECT isnt_empty('SELECT FROM tenancy.attachments', 'a schema is attached');
SELECT is_empty($$
    SELECT n.nspname FROM pg_namespace AS n JOIN tenancy.attachments AS a ON a.schema_name = n.nspname
    WHERE has_schema_privilege('tenancy_user', n.oid, 'CREATE') OR has_schema_privilege('public', n.oid, 'USAGE')
$$, 'attached schemas are for the roles that attached them');
SELECT tenancy.register('statistics@tap.example', 'a long password') IS NOT NULL AS registered \gset
ANALYZE tenancy.users;
SELECT is_empty($$
    SELECT s.tablename, s.attname FROM pg_stats AS s
    WHERE s.schemaname = 'tenancy' AND s.attname <> 'id'
$$, 'estimates tell nothing of the rows of others');
SELECT is_empty($$
    SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname <> 'id' AND a.attstattarget IS DISTINCT FROM 0
$$, 'no column of a table with row-level security but its id is sampled');
SELECT * FROM finish();
ROLLBACK;
