-- Attached schemas and IMPORT FOREIGN SCHEMA, on the engine that needs no server.
SET tenancy.identity_scope = 'session';
CREATE VIEW probe.foreign_columns AS
SELECT n.nspname AS schema, c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
       l.collname AS collation, a.attfdwoptions AS options
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE c.relkind = 'f' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum;
GRANT SELECT ON probe.foreign_columns TO PUBLIC;
SET ROLE regress_app;
SELECT tenancy.register('import@example.com', 'correct horse import@example.com') IS NOT NULL AS registered;
SELECT probe.become('import@example.com');
SELECT tenancy.create_connection('files', connection_string => 'sqlite:import.db?create=true') IS NOT NULL AS made;
SELECT tenancy.execute_query('files', s) ->> 'status' AS made FROM unnest(ARRAY[
  'CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL COLLATE NOCASE, since DATE, score NUMERIC(6,2))',
  'CREATE TABLE orders (customer INTEGER, number INTEGER, placed DATETIME NOT NULL, paid BOOLEAN, PRIMARY KEY (customer, number)) WITHOUT ROWID',
  'CREATE TABLE "odd; ""name""" ("select" TEXT, "x'' y" INT GENERATED ALWAYS AS (length("select")) STORED)',
  'CREATE VIEW recent AS SELECT * FROM orders']) AS s;
SELECT tenancy.attach('files', 'regress_files') AS tables;
SELECT * FROM probe.foreign_columns WHERE schema = 'regress_files';
SELECT schema_name, connection, server_name ~ '^tenant_[0-9a-f]{32}_[0-9a-f]{8}$' AS server, remote_schema, tables, options FROM tenancy.attached();
SELECT count(*) FROM tenancy.refresh_attached('files', 'regress_files');

-- What changed since.
SELECT tenancy.execute_query('files', s) ->> 'status' AS made FROM unnest(ARRAY[
  'ALTER TABLE customers ADD COLUMN city TEXT', 'ALTER TABLE customers DROP COLUMN score', 'DROP VIEW recent', 'CREATE TABLE notes (t TEXT) STRICT']) AS s;
SELECT * FROM tenancy.refresh_attached('files', 'regress_files') ORDER BY 1, 2, 3;
SELECT * FROM probe.foreign_columns WHERE schema = 'regress_files' AND \"table\" = 'customers';
SELECT * FROM tenancy.refresh_attached('files', 'regress_files');

-- Again with other arguments; names that may not be; schemas and connections of others.
SELECT tenancy.attach('files', 'regress_files', tables => ARRAY['notes', 'odd; "name"'], options => '{"fetch_size": 10, "import_collate": "byte"}') AS tables;
SELECT * FROM probe.foreign_columns WHERE schema = 'regress_files';
SELECT tables, options FROM tenancy.attached();
SELECT s, probe.error_of(format('SELECT tenancy.attach(%L, %L)', 'files', s)) FROM unnest(ARRAY['public', 'tenancy', 'pg_toast', 'information_schema', '', 'probe']) AS s;
SELECT probe.error_of($$SELECT tenancy.attach('files', NULL)$$);
SELECT probe.error_of($$SELECT tenancy.attach('none', 'regress_none')$$);
SELECT probe.error_of($$SELECT tenancy.attach('files', 'regress_none', remote_schema => 'temp')$$);
SELECT probe.error_of($$SELECT tenancy.attach('files', 'regress_none', tables => ARRAY['customers', 'missing'])$$);
SELECT o, probe.error_of(format($$SELECT tenancy.attach('files', 'regress_none', options => %L)$$, o))
FROM unnest(ARRAY['[]', '{"connection": "x"}', '{"import_default": true}', '{"import_collate": "utf8"}', '{"fetch_siez": 1}']) AS o;
SELECT probe.error_of($$SELECT * FROM tenancy.refresh_attached('files', 'regress_none')$$);
SELECT probe.become('two@example.com');
SELECT * FROM tenancy.attached();
SELECT probe.error_of($$SELECT tenancy.detach('files', 'regress_files')$$);
SELECT probe.error_of($$SELECT * FROM tenancy.refresh_attached('files', 'regress_files')$$);

-- By hand.
SELECT probe.become('import@example.com');
SELECT id AS connection FROM tenancy.connections() WHERE name = 'files' \gset
CREATE SERVER by_hand FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'connection');
RESET ROLE;
CREATE SCHEMA regress_hand;
IMPORT FOREIGN SCHEMA main LIMIT TO (customers) FROM SERVER by_hand INTO regress_hand OPTIONS (import_not_null 'false');
IMPORT FOREIGN SCHEMA main EXCEPT (customers, orders) FROM SERVER by_hand INTO regress_hand;
SELECT * FROM probe.foreign_columns WHERE schema = 'regress_hand' AND \"table\" = 'customers';
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'regress_hand'::regnamespace ORDER BY 1;
SELECT probe.error_of($$IMPORT FOREIGN SCHEMA elsewhere FROM SERVER by_hand INTO regress_hand$$);
SELECT probe.error_of($$IMPORT FOREIGN SCHEMA main FROM SERVER by_hand INTO regress_hand OPTIONS (import_everything 'true')$$);
SET client_min_messages = warning;
DROP SCHEMA regress_hand CASCADE;
DROP SERVER by_hand;
RESET client_min_messages;

-- Detaching, though the connection is gone.
SET ROLE regress_app;
SELECT tenancy.delete_connection('files');
SELECT connection, schema_name FROM tenancy.attached();
SELECT probe.error_of($$SELECT * FROM tenancy.refresh_attached('files', 'regress_files')$$);
SELECT tenancy.detach('files', 'regress_files');
SELECT count(*) FROM tenancy.attached();
SELECT count(*) FROM pg_foreign_server WHERE srvname LIKE 'tenant\_%';
