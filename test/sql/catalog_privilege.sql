-- The schema of a connection is seen by its user, and by an admin; every function denies it to others, and history hears of that.
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('owner@catalog.example', 'correct horse owner@catalog.example') IS NOT NULL AS registered;
SELECT tenancy.register('other@catalog.example', 'correct horse other@catalog.example') IS NOT NULL AS registered;
SELECT probe.become('owner@catalog.example');
SELECT tenancy.create_connection('catalogued', connection_string => 'sqlite:catalog.db?create=true') AS id \gset
SELECT tenancy.execute_query('catalogued', 'CREATE TABLE secret_plans (a integer)') ->> 'status' AS made;
SELECT schema_json FROM tenancy.database_connections WHERE name = 'catalogued';
SELECT t ->> 'name' AS name FROM jsonb_array_elements(tenancy.schema(:'id'::uuid) -> 'tables') AS t;
SELECT name, columns FROM tenancy.tables(:'id'::uuid);
SELECT schema_version, schema_json -> 'tables' -> 0 ->> 'name' AS name, schema_detected_at <= now() AS detected
FROM tenancy.database_connections WHERE name = 'catalogued';
SELECT count(*) AS touches FROM tenancy.schema_touches;

SELECT probe.become('other@catalog.example');
SELECT name, schema_json FROM tenancy.database_connections WHERE name = 'catalogued';
SELECT count(*) AS touches FROM tenancy.schema_touches;
SELECT f, replace(probe.error_of(format('SELECT * FROM tenancy.%s', format(f, quote_literal(:'id')))), :'id', 'id') AS error
FROM unnest(ARRAY['schema(%s)', 'schema(%s::uuid, true)', 'detect_client_schema(%s)', 'tables(%s)', 'tables(%s::uuid)', 'columns(%s)',
                  'relationships(%s)', 'schema_changes(%s)', 'sample_data(%s, ''secret_plans'')']) AS f;
SELECT source, status, error_code, count(*) FROM tenancy.history() GROUP BY 1, 2, 3;

RESET ROLE;
SET tenancy.session = '';
SET ROLE regress_admin;
SELECT t.name FROM tenancy.tables(:'id'::uuid) AS t;

-- A changed connection has no schema, and gets it again with the next version.
RESET ROLE;
SET ROLE regress_app;
SELECT probe.become('owner@catalog.example');
SELECT tenancy.update_connection('catalogued', name => 'renamed');
SELECT schema_json, schema_version, schema_detected_at FROM tenancy.database_connections WHERE name = 'renamed';
SELECT d ->> 'version' AS version, d -> 'changes' AS changes FROM tenancy.schema('renamed') AS d;

-- What is kept is lost with a rollback, and DDL counts whatever becomes of the transaction that ran it.
SELECT tenancy.update_connection('renamed', name => 'catalogued');
BEGIN;
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
ROLLBACK;
SELECT schema_json, schema_version FROM tenancy.database_connections WHERE name = 'catalogued';
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
BEGIN;
SELECT tenancy.execute_query('catalogued', 'CREATE TABLE another (b text)') ->> 'status' AS made;
ROLLBACK;
SELECT change, table_name, what FROM tenancy.schema_changes('catalogued');
BEGIN;
SELECT tenancy.schema('catalogued', true) ->> 'version' AS version;
SELECT * FROM tenancy.query('catalogued', 'DROP TABLE another') AS t (a text);
SELECT change, table_name, what FROM tenancy.schema_changes('catalogued');
COMMIT;
SELECT count(*) AS before FROM tenancy.history() WHERE source = 'catalog' \gset
SELECT tenancy.schema('catalogued') ->> 'version' AS version, tenancy.execute_query('catalogued', 'SELECT 1') ->> 'status' AS ran;
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
SELECT count(*) - :before AS detections FROM tenancy.history() WHERE source = 'catalog';
BEGIN READ ONLY;
SELECT tenancy.schema('catalogued', true) ->> 'version' AS version;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tenancy.schema('catalogued', true) ->> 'version' AS version;
COMMIT;
RESET ROLE;
UPDATE tenancy.database_connections SET schema_detected_at = schema_detected_at - interval '90 minutes' WHERE name = 'catalogued';
UPDATE tenancy.schema_touches SET touched_at = touched_at - interval '90 minutes';
SET ROLE regress_app;
SET tenancy.schema_max_age = '2 h';
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
SET tenancy.schema_max_age = 0;
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
SELECT count(*) - :before AS detections FROM tenancy.history() WHERE source = 'catalog';
RESET tenancy.schema_max_age;
SELECT tenancy.schema('catalogued') ->> 'version' AS version;
SELECT count(*) - :before AS detections FROM tenancy.history() WHERE source = 'catalog';
SELECT tenancy.delete_connection('catalogued');

-- Which statements count.
RESET ROLE;
SELECT sql, tenancy.may_define(sql) FROM unnest(ARRAY['create table t (a int)', '  -- x' || chr(10) || '/* y */ (ALTER', '/*!50000 DROP TABLE t */', 'SELECT 1',
    'SELECT * INTO t FROM u', 'SELECT pinto FROM u', 'WITH a AS (SELECT 1) SELECT * INTO t FROM a', 'INSERT INTO t VALUES (1)', 'creates', 'created_at', '', '/*', '--',
    'EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1', '# x' || chr(10) || 'TRUNCATE t', ';;drop table t', 'do $$begin end$$', 'update t set a = 1']) AS sql;
