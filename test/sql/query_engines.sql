-- The same questions to all three engines: values come back exact, errors keep their meaning.
\i test/include/servers.sql
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('three@example.com', 'correct horse three@example.com') IS NOT NULL AS registered;
SELECT probe.become('three@example.com');
SELECT tenancy.create_connection('pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('lite', connection_string => 'sqlite:types.db?create=true') IS NOT NULL AS made;
SELECT name, t.ok, t.code, t.message, replace(split_part(t.server_version, ' ', 1), 'MySQL', 'MariaDB') AS server, t.latency_ms >= 0 AS measured
FROM tenancy.connections(), tenancy.test_connection(name::text) AS t WHERE name IN ('pg', 'my', 'lite') ORDER BY name;

-- Numbers at their ends, exact decimals, text, times, bytes, JSON, NULL and the empty string.
SELECT tenancy.execute_query('pg', $$SELECT 9223372036854775807::int8 AS big, 12345678901234567890.123456789012345678901234567890::numeric AS exact,
  1.1::float4 AS f4, 0.1::float8 AS f8, true AS yes, NULL::int AS nothing, ''::text AS empty, 'naïve ☃ 😀'::text AS utf8,
  date '2024-02-29' AS d, timestamp '2024-02-29 23:59:59.123456' AS ts, timestamptz '2024-02-29 23:59:59.123456+02' AS tz,
  '\x00ff'::bytea AS b, '{"a": [1, 2.50]}'::json AS j, interval '1 mon 2 days 03:04:05.6' AS i, 'NaN'::float8 AS nan, 'Infinity'::numeric AS inf$$)
  -> 'rows';
SELECT tenancy.execute_query('my', $$SELECT cast(18446744073709551615 AS unsigned) AS big, cast('12345678901234567890.123456789012345678901234567890' AS decimal(60,30)) AS exact,
  0.1e0 AS f8, NULL AS nothing, '' AS blank, 'naïve ☃ 😀' AS utf8,
  cast('2024-02-29' AS date) AS d, cast('2024-02-29 23:59:59.123456' AS datetime(6)) AS ts, x'00ff' AS b,
  cast('-837:59:58.000001' AS time(6)) AS t, b'101' AS bits$$) -> 'rows';
SELECT tenancy.execute_query('lite', $$SELECT 9223372036854775807 AS big, 0.1 AS f8, NULL AS nix, '' AS empty, 'naïve ☃ 😀' AS utf8, x'00ff' AS b$$) -> 'rows';
-- The zeros of ZEROFILL are none of the number.
SELECT tenancy.execute_query('my', 'DROP TABLE IF EXISTS zeros') ->> 'status' AS dropped;
SELECT tenancy.execute_query('my', 'CREATE TABLE zeros (d decimal(6,2) zerofill, i int(5) zerofill, b bigint(20) unsigned zerofill, f float(7,2) zerofill)') ->> 'status' AS made;
SELECT tenancy.execute_query('my', 'INSERT INTO zeros VALUES (7.5, 7, 7, 7.5), (0, 0, 0, 0), (0.25, 12345, 18446744073709551615, 0.25)') ->> 'status' AS filled;
SELECT tenancy.execute_query('my', 'SELECT * FROM zeros') -> 'rows' AS rows;
SELECT tenancy.execute_query('my', 'DROP TABLE zeros') ->> 'status' AS dropped;

-- A table of the same shape on each; the same rows answer.
SELECT c, tenancy.execute_query(c, 'DROP TABLE IF EXISTS orders') ->> 'status' AS dropped FROM unnest(ARRAY['pg', 'my', 'lite']) AS c;
SELECT tenancy.execute_query('pg', 'CREATE TABLE orders (id int PRIMARY KEY, customer varchar(50) NOT NULL, amount numeric(12,2), placed timestamp(6), note text)') ->> 'status' AS made;
SELECT tenancy.execute_query('my', 'CREATE TABLE orders (id int PRIMARY KEY, customer varchar(50) NOT NULL, amount decimal(12,2), placed datetime(6), note text)') ->> 'status' AS made;
SELECT tenancy.execute_query('lite', 'CREATE TABLE orders (id integer PRIMARY KEY, customer varchar(50) NOT NULL, amount numeric(12,2), placed timestamp, note text)') ->> 'status' AS made;
SELECT c, r ->> 'status' AS status, r ->> 'row_count' AS rows, r -> 'error' AS error
FROM unnest(ARRAY['pg', 'my', 'lite']) AS c,
     tenancy.execute_query(c, $$INSERT INTO orders VALUES (1, 'O''Brien', 10.50, '2024-03-01 12:00:00.000001', NULL), (2, 'Zoë', 0.01, '2024-03-02 00:00:00', ''), (3, 'Li', -99999999.99, NULL, 'back\slash "quoted"')$$) AS r;
SELECT * FROM tenancy.query('pg', 'SELECT id, customer, amount, placed, note FROM orders ORDER BY id') AS t(id int, customer text, amount numeric, placed timestamp, note text);
SELECT * FROM tenancy.query('my', 'SELECT id, customer, amount, placed, note FROM orders ORDER BY id') AS t(id int, customer text, amount numeric, placed timestamp, note text);
SELECT * FROM tenancy.query('lite', 'SELECT id, customer, amount, placed, note FROM orders ORDER BY id') AS t(id int, customer text, amount numeric, placed timestamp, note text);

-- Parameters, typed by SQL or by JSON.
SELECT * FROM tenancy.query('pg', 'SELECT id, note FROM orders WHERE customer = $1 AND id >= $2 AND placed <= $3', 'Zoë', 2, timestamp '2024-12-31') AS t(id int, note text);
SELECT * FROM tenancy.query('my', 'SELECT id, note FROM orders WHERE customer = ? AND id >= ? AND placed <= ?', 'Zoë', 2, timestamp '2024-12-31') AS t(id int, note text);
SELECT * FROM tenancy.query('lite', 'SELECT id, note FROM orders WHERE customer = ? AND id >= ? AND placed <= ?', 'Zoë', 2, timestamp '2024-12-31') AS t(id int, note text);
SELECT c, tenancy.execute_query(c, format('SELECT id FROM orders WHERE id = %s OR note = %s ORDER BY id', p1, p2), '[3, ""]') -> 'rows' AS rows
FROM (VALUES ('pg', '$1', '$2'), ('my', '?', '?'), ('lite', '?', '?')) AS v(c, p1, p2);
SELECT tenancy.execute_query('pg', 'SELECT $1::jsonb AS j, $2::text AS n, $3::bool AS b', '[{"k": [1, null]}, null, true]') -> 'rows' AS rows;

-- Large values.
SELECT length(v) FROM tenancy.query('pg', 'SELECT repeat(''x'', 100 * 1024)') AS t(v text);
SELECT length(v) FROM tenancy.query('my', 'SELECT repeat(''x'', 100 * 1024)') AS t(v text);
SELECT length(v) FROM tenancy.query('lite', 'SELECT replace(hex(zeroblob(50 * 1024)), ''0'', ''x'')') AS t(v text);

-- Limits are marked, never silent.
SELECT c, r ->> 'row_count' AS rows, r ->> 'truncated' AS truncated, r -> 'rows' AS kept
FROM unnest(ARRAY['pg', 'my', 'lite']) AS c, tenancy.execute_query(c, 'SELECT id FROM orders ORDER BY id', max_rows => 2) AS r;
SELECT c, r ->> 'row_count' AS rows, r ->> 'truncated' AS truncated
FROM unnest(ARRAY['pg', 'my', 'lite']) AS c, tenancy.execute_query(c, 'SELECT id FROM orders ORDER BY id', max_rows => 3) AS r;

-- Remote failures are answers of execute_query, errors of query; the SQLSTATE says what it was.
SELECT c, what, r ->> 'status' AS status, r -> 'error' ->> 'sqlstate' AS sqlstate
FROM unnest(ARRAY['pg', 'my', 'lite']) AS c,
     (VALUES ('syntax', 'SELEKT 1'), ('no table', 'SELECT * FROM missing'), ('no column', 'SELECT missing FROM orders'),
             ('duplicate', 'INSERT INTO orders VALUES (1, ''again'', 1, NULL, NULL)'),
             ('not null', 'INSERT INTO orders (id, customer) VALUES (9, NULL)')) AS v(what, sql),
     tenancy.execute_query(c, sql) AS r;
SELECT probe.error_of($$SELECT * FROM tenancy.query('pg', 'SELECT 1/(id-2) FROM orders ORDER BY id') AS t(x int)$$);
SELECT probe.error_of($$SELECT * FROM tenancy.query('pg', 'SELECT id, note FROM orders') AS t(x int)$$);
SELECT probe.error_of($$SELECT * FROM tenancy.query('pg', 'SELECT FROM orders') AS t(x int)$$);
SELECT probe.error_of($$SELECT * FROM tenancy.query('pg', 'SELECT customer FROM orders') AS t(x int)$$);
SELECT probe.error_of($$SELECT * FROM tenancy.query('pg', 'SELECT 3000000000') AS t(x int)$$);
SELECT c, left(tenancy.execute_query(c, 'SELECT 1; SELECT 2') -> 'error' ->> 'sqlstate', 5) AS two_statements FROM unnest(ARRAY['pg', 'my', 'lite']) AS c;

-- Statements without rows, and what comes from them.
SELECT c, tenancy.execute_query(c, 'UPDATE orders SET note = ''seen'' WHERE id < 3') ->> 'row_count' AS changed FROM unnest(ARRAY['pg', 'my', 'lite']) AS c;
SELECT count(*) FROM tenancy.query('pg', 'DELETE FROM orders WHERE id = 77') AS t(x int);

-- Cursors have the statement's own columns; FETCH streams.
BEGIN;
SELECT tenancy.open_query('pg', 'SELECT id, customer, amount, placed FROM orders ORDER BY id', cursor => 'c_pg');
FETCH 2 FROM c_pg;
SELECT tenancy.open_query('my', 'SELECT id, customer, amount, placed FROM orders WHERE id > ? ORDER BY id', '[1]', 'c_my');
FETCH ALL FROM c_my;
SELECT tenancy.open_query('lite', 'SELECT id, customer, amount, placed FROM orders ORDER BY id', NULL, 'c_lite');
FETCH 1 FROM c_lite;
FETCH ALL FROM c_pg;
MOVE 1 FROM c_lite;
FETCH 5 FROM c_lite;
CLOSE c_lite;
COMMIT;
SELECT probe.error_of($$SELECT tenancy.open_query('pg', 'UPDATE orders SET note = note')$$);
SELECT connection_id IS NOT NULL AS known, database_type, busy FROM tenancy.pool() ORDER BY database_type;
SELECT tenancy.close_connections() > 0 AS closed, (SELECT count(*) FROM tenancy.pool()) AS left;

SELECT probe.error_of($$SELECT tenancy.open_query('pg', 'SELECT 1', cursor => '')$$);
SELECT probe.error_of(format($$SELECT tenancy.open_query('pg', 'SELECT 1', cursor => %L)$$, repeat('é', 40)));

-- Columns without running anything.
SELECT * FROM tenancy.describe_query('pg', 'SELECT id, customer, amount, placed FROM orders');
SELECT * FROM tenancy.describe_query('my', 'SELECT id, customer, amount, placed FROM orders');
SELECT * FROM tenancy.describe_query('lite', 'SELECT id, customer, amount, placed FROM orders');

-- A read-only connection is read-only on the server itself, whatever the statement tries.
SELECT tenancy.update_connection(c, options => '{"read_only": true}') FROM unnest(ARRAY['pg', 'my']) AS c;
SELECT tenancy.update_connection('lite', options => '{"read_only": true}');
SELECT c, what, r ->> 'status' AS status, r -> 'error' ->> 'sqlstate' AS sqlstate
FROM unnest(ARRAY['pg', 'my', 'lite']) AS c,
     (VALUES (1, 'select', 'SELECT count(*) FROM orders'), (2, 'insert', 'INSERT INTO orders (id, customer) VALUES (10, ''x'')'),
             (3, 'create', 'CREATE TABLE more (id int)'), (4, 'drop', 'DROP TABLE orders')) AS v(n, what, sql),
     tenancy.execute_query(c, sql) AS r ORDER BY c, n;
SELECT what, r ->> 'status' AS status, r -> 'error' ->> 'sqlstate' AS sqlstate
FROM (VALUES (1, 'cte', 'WITH d AS (DELETE FROM orders RETURNING id) SELECT * FROM d'), (2, 'explain', 'EXPLAIN ANALYZE DELETE FROM orders'),
             (3, 'do', 'DO $$BEGIN DELETE FROM orders; END$$'), (4, 'set', 'SET transaction_read_only = off'),
             (5, 'after set', 'DELETE FROM orders'), (6, 'commit', 'COMMIT'), (7, 'after commit', 'DELETE FROM orders'),
             (8, 'session', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE'), (9, 'after session', 'DELETE FROM orders'),
             (10, 'copy', 'COPY orders TO STDOUT'), (11, 'count', 'SELECT count(*) FROM orders')) AS v(n, what, sql),
     tenancy.execute_query('pg', sql) AS r ORDER BY n;
SELECT probe.error_of($$SELECT tenancy.execute_query('pg', 'SELECT 1', '{"a": 1}')$$);
SELECT probe.error_of($$SELECT tenancy.execute_query('pg', NULL)$$);
SELECT probe.error_of($$SELECT tenancy.execute_query('pg', 'SELECT 1', max_rows => -1)$$);
SELECT tenancy.execute_query('nobody''s', 'SELECT 1')::jsonb - 'query_id' AS denied;

-- On no engine is a number a date or a time.
SELECT probe.error_of(format('SELECT * FROM tenancy.query(%L, %L) AS t(x %s)', e, s, t)) FROM (VALUES
    ('pg', 'SELECT 123456::numeric', 'time'), ('pg', 'SELECT 20240229::numeric', 'timestamptz'), ('my', 'SELECT CAST(123456 AS DECIMAL(10))', 'time'),
    ('lite', 'SELECT 123456', 'time')) AS v (e, s, t);

-- The digits of a bit string are no decimal number; those of a single bit are the same one.
SELECT count(tenancy.update_connection(c, options => '{}')) AS writable FROM unnest(ARRAY['pg', 'my', 'lite']) AS c;
SELECT tenancy.execute_query('my', 'DROP TABLE IF EXISTS bits') ->> 'status' AS dropped;
SELECT tenancy.execute_query('my', 'CREATE TABLE bits (b bit(8), one bit(1), wide bit(64), t varchar(20))') ->> 'status' AS made;
SELECT count(*) FROM tenancy.query('my', 'INSERT INTO bits VALUES (?, ?, ?, ?)', B'00000101', B'1', B'101'::varbit, '101') AS t(x int);
SELECT e, s, t, probe.error_of(format('SELECT * FROM tenancy.query(%L, %L) AS t(x %s)', e, s, t))
FROM (VALUES ('pg', 'SELECT b''00000101'''), ('pg', 'SELECT b''101''::varbit'), ('my', 'SELECT b FROM bits')) AS v (e, s),
     unnest(ARRAY['int', 'bigint', 'numeric', 'float8', 'money', 'date', 'interval', 'bytea']) AS t ORDER BY e, s COLLATE "C", t COLLATE "C";
CREATE DOMAIN pg_temp.whole AS int;
SELECT probe.error_of($$SELECT * FROM tenancy.query('my', 'SELECT b FROM bits') AS t(x pg_temp.whole)$$);
SELECT * FROM tenancy.query('my', 'SELECT b, b, b, one, one, one FROM bits') AS t(b bit(8), v varbit, t text, one bit(1), truth boolean, n int);
SELECT * FROM tenancy.query('pg', 'SELECT b''101'', b''101''::varbit, b''101'', b''1'', b''1'', b''1''') AS t(b bit(3), v varbit, t text, one bit(1), truth boolean, n numeric);
-- As a parameter it is the number of its bits to MySQL, which would take the codes of its digits for them.
SELECT * FROM tenancy.query('my', 'SELECT b, wide FROM bits WHERE b = ? AND wide = ? AND b + 0 = ?', B'101', B'101', B'101'::varbit) AS t(b bit(8), wide bit(64));
SELECT probe.error_of(format('SELECT * FROM tenancy.query(''my'', ''SELECT ?'', %L::varbit) AS t(x text)', '1' || repeat('0', 64)));
SELECT tenancy.execute_query('my', 'DROP TABLE bits') ->> 'status' AS dropped;

-- A parameter of a domain is one of the type that it is over.
CREATE DOMAIN pg_temp.flag AS boolean;
CREATE DOMAIN pg_temp.flags AS pg_temp.flag;
CREATE DOMAIN pg_temp.blob AS bytea;
SELECT e, x.* FROM (VALUES ('my', 'SELECT ? + 1, hex(?), hex(?), round(? + 0.5, 1)'), ('lite', 'SELECT ? + 1, hex(?), typeof(?), typeof(?)')) AS v (e, s),
    tenancy.query(e, s, true::pg_temp.flags, '\x00ff'::pg_temp.blob, NULL::pg_temp.blob, 7::pg_temp.whole) AS x(yes int, bytes text, nothing text, seven text);
SELECT * FROM tenancy.query('pg', 'SELECT pg_typeof($1), pg_typeof($2), pg_typeof($3)', true::pg_temp.flags, '\x00ff'::pg_temp.blob, 7::pg_temp.whole) AS t(a text, b text, c text);

-- SQLite keeps what it calls BOOL as a number, and so it can be read.
SELECT tenancy.execute_query('lite', 'CREATE TABLE switches (id integer PRIMARY KEY, lit bool)') ->> 'status' AS made;
SELECT tenancy.execute_query('lite', 'INSERT INTO switches VALUES (1, 0), (2, 1), (3, 2), (4, NULL)') ->> 'status' AS filled;
SELECT * FROM tenancy.query('lite', 'SELECT id, lit, lit, lit, lit, lit, lit FROM switches') AS t(id int, i int, s smallint, b bigint, n numeric(3,1), f float8, w pg_temp.whole);
SELECT * FROM tenancy.query('lite', 'SELECT id, lit, lit FROM switches WHERE id < 3') AS t(id int, b boolean, t text);
SELECT tenancy.execute_query('lite', 'SELECT id, lit FROM switches') -> 'rows' AS rows;
SELECT probe.error_of($$SELECT * FROM tenancy.query('lite', 'SELECT lit FROM switches') AS t(x date)$$);

-- What a DO has set and committed before it failed is not there for the next statement of the session.
SELECT tenancy.execute_query('pg', $q$DO $$ BEGIN SET search_path = archive; COMMIT; RAISE EXCEPTION 'x'; END $$$q$) -> 'error' ->> 'message' AS failed;
SELECT tenancy.execute_query('pg', 'SHOW search_path') -> 'rows' AS rows;
