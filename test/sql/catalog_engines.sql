-- The schema of the same tables on all three engines: one shape.
\i test/include/servers.sql
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('shape@catalog.example', 'correct horse shape@catalog.example') IS NOT NULL AS registered;
SELECT probe.become('shape@catalog.example');
SELECT tenancy.create_connection('pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('lite', connection_string => 'sqlite:shape.db?create=true') IS NOT NULL AS made;

-- Run one statement for each engine that it is given for; answer what failed.
CREATE FUNCTION pg_temp.run(engine text, sql text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(tenancy.execute_query(engine, sql) -> 'error' ->> 'message', 'done')
$$;
SELECT count(pg_temp.run(e, s)) AS cleared FROM unnest(ARRAY['pg', 'my', 'lite']) AS e,
    unnest(ARRAY['DROP VIEW IF EXISTS cat_paid', 'DROP TABLE IF EXISTS cat_items', 'DROP TABLE IF EXISTS cat_orders',
                 'DROP TABLE IF EXISTS cat_customers']) AS s;
SELECT e, pg_temp.run(e, s) FROM (VALUES
    ('pg', 'CREATE TABLE cat_customers (id integer PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, name text DEFAULT ''nobody'')'),
    ('my', 'CREATE TABLE cat_customers (id integer PRIMARY KEY COMMENT ''of the customer'', email varchar(100) NOT NULL UNIQUE, name varchar(200) DEFAULT ''nobody'') COMMENT ''who buys'''),
    ('lite', 'CREATE TABLE cat_customers (id integer PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, name text DEFAULT ''nobody'')'),
    ('pg', 'COMMENT ON TABLE cat_customers IS ''who buys'''),
    ('pg', 'COMMENT ON COLUMN cat_customers.id IS ''of the customer'''),
    ('pg', 'CREATE TABLE cat_orders (id integer, line integer, customer_id integer CONSTRAINT cat_fk REFERENCES cat_customers, amount numeric(12,2), double_amount numeric GENERATED ALWAYS AS (amount * 2) STORED, placed timestamp(3), PRIMARY KEY (id, line))'),
    ('my', 'CREATE TABLE cat_orders (id integer, line integer, customer_id integer, amount decimal(12,2), double_amount decimal(20,2) GENERATED ALWAYS AS (amount * 2) STORED, placed datetime(3), PRIMARY KEY (id, line), CONSTRAINT cat_fk FOREIGN KEY (customer_id) REFERENCES cat_customers (id))'),
    ('lite', 'CREATE TABLE cat_orders (id integer, line integer, customer_id integer REFERENCES CAT_customers, amount numeric(12,2), double_amount numeric GENERATED ALWAYS AS (amount * 2) STORED, placed timestamp, PRIMARY KEY (id, line)) WITHOUT ROWID'),
    ('pg', 'CREATE INDEX cat_amount ON cat_orders (amount, placed)'),
    ('my', 'CREATE INDEX cat_amount ON cat_orders (amount, placed)'),
    ('lite', 'CREATE INDEX cat_amount ON cat_orders (amount, placed)'),
    ('pg', 'CREATE TABLE cat_items (order_id integer, line integer, n integer, FOREIGN KEY (order_id, line) REFERENCES cat_orders (id, line))'),
    ('my', 'CREATE TABLE cat_items (order_id integer, line integer, n integer, FOREIGN KEY (order_id, line) REFERENCES cat_orders (id, line))'),
    ('lite', 'CREATE TABLE cat_items (order_id integer, line integer, n integer, FOREIGN KEY (order_id, line) REFERENCES cat_orders (id, line))'),
    ('pg', 'CREATE VIEW cat_paid AS SELECT id, amount FROM cat_orders WHERE amount > 0'),
    ('my', 'CREATE VIEW cat_paid AS SELECT id, amount FROM cat_orders WHERE amount > 0'),
    ('lite', 'CREATE VIEW cat_paid AS SELECT id, amount FROM cat_orders WHERE amount > 0')) AS v (e, s);

SELECT c.database_type, jsonb_object_keys(tenancy.schema(c.name::text)) AS member FROM tenancy.connections() AS c ORDER BY 1, 2;
SELECT e, t.name, t.kind, t.columns, t.primary_key, t.comment FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, tenancy.tables(e) AS t
WHERE t.name LIKE 'cat\_%' ORDER BY t.name, e;
SELECT e, c.table_name, c.name, c.position, c.type, replace(c.native_type, 'int(11)', 'int') AS native_type, c.nullable, c.in_primary_key, c.generated,
       CASE e WHEN 'my' THEN btrim(c.default_value, '()') ELSE c.default_value END AS default_value, c.comment -- MariaDB and MySQL print alike but for these
FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, tenancy.columns(e) AS c WHERE c.table_name LIKE 'cat\_%' ORDER BY c.table_name, c.position, e;
SELECT e, r.name, r.table_name, r.columns, r.referenced_table, r.referenced_columns
FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, tenancy.relationships(e) AS r WHERE r.table_name LIKE 'cat\_%' ORDER BY r.table_name, e;
SELECT e, t ->> 'name' AS table_name, i ->> 'unique' AS is_unique, i ->> 'columns' AS columns
FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, jsonb_array_elements(tenancy.schema(e) -> 'tables') AS t, jsonb_array_elements(t -> 'indexes') AS i
WHERE t ->> 'name' LIKE 'cat\_%' ORDER BY 2, 4, 1;

-- The same schema again is the same version; a change is another, and says what it was.
SELECT e, tenancy.schema(e) ->> 'version' AS version, tenancy.detect_client_schema(e) ->> 'version' AS again FROM unnest(ARRAY['pg', 'my', 'lite']) AS e;
SELECT e, pg_temp.run(e, s) FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, unnest(ARRAY[
    '/* a comment */ ALTER TABLE cat_items ADD COLUMN note varchar(20)', '-- another
     create table cat_new (a integer)', 'DROP VIEW cat_paid', 'CREATE INDEX cat_n ON cat_items (n)']) AS s;
SELECT e, c.version, c.change, c.table_name, c.column_name, c.what, c.before, c.after FROM unnest(ARRAY['pg', 'my', 'lite']) AS e, tenancy.schema_changes(e) AS c ORDER BY 1 DESC, c.table_name, c.what;
SELECT e, pg_temp.run(e, 'DROP TABLE cat_new') FROM unnest(ARRAY['pg', 'my', 'lite']) AS e;

-- A row of each, by several names; a missing table names close ones.
SELECT e, pg_temp.run(e, 'INSERT INTO cat_customers (id, email) VALUES (1, ''a@example.com''), (2, ''b@example.com'')') FROM unnest(ARRAY['pg', 'my', 'lite']) AS e;
SELECT e, t, a ->> 'status' AS status, a -> 'columns' AS columns, a -> 'rows' AS rows
FROM (VALUES ('pg', 'cat_customers'), ('pg', 'public.cat_customers'), ('pg', '"public"."cat_customers"'), ('pg', 'CAT_Customers'),
             ('my', 'cat_customers'), ('my', '`cat_customers`'), ('lite', 'main.cat_customers'), ('lite', 'cat_customers')) AS v (e, t),
     tenancy.sample_data(e, t, 1) AS a;
SELECT source, status, count(*) FROM tenancy.history() WHERE source IN ('sample', 'catalog') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT e, probe.error_of(format('SELECT tenancy.sample_data(%L, ''cat_costumers'')', e)) FROM unnest(ARRAY['pg', 'my', 'lite']) AS e;
SELECT probe.error_of($$SELECT * FROM tenancy.columns('lite', 'nothing like it')$$);
SELECT probe.error_of($$SELECT tenancy.sample_data('lite', 'cat_items; DROP TABLE cat_items')$$);
SELECT probe.error_of($$SELECT tenancy.sample_data('lite', 'cat_items', 1001)$$);
SELECT probe.error_of($$SELECT tenancy.sample_data('lite', 'cat_items', 0)$$);
SELECT probe.error_of($$SELECT tenancy.sample_data('lite', NULL)$$);
SELECT count(*) AS columns FROM tenancy.columns('lite', 'MAIN.cat_items');
SELECT e, pg_temp.run(e, s) FROM unnest(ARRAY['pg', 'my', 'lite']) AS e,
    unnest(ARRAY['DROP TABLE cat_items', 'DROP TABLE cat_orders', 'DROP TABLE cat_customers']) AS s;
