-- Cached answers: who gets them, what they depend on, and what makes them worthless.
\i test/include/servers.sql
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('cacher@example.com', 'correct horse cacher@example.com') IS NOT NULL AS registered;
SELECT tenancy.register('stranger@example.com', 'correct horse stranger@example.com') IS NOT NULL AS registered;
SELECT probe.become('stranger@example.com');
SELECT tenancy.create_connection('pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT probe.become('cacher@example.com');
SELECT tenancy.create_connection('pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('lite', connection_string => 'sqlite:cached.db?create=true') IS NOT NULL AS made;
CREATE TEMP TABLE engines AS SELECT unnest(ARRAY['pg', 'my', 'lite']) AS c;
SELECT c, tenancy.execute_query(c, 'DROP TABLE IF EXISTS cached_items') ->> 'status' AS dropped,
       tenancy.execute_query(c, 'CREATE TABLE cached_items (id integer PRIMARY KEY, name varchar(20))') ->> 'status' AS made,
       tenancy.execute_query(c, 'INSERT INTO cached_items VALUES (1, ''one''), (2, ''two''), (3, ''three'')') ->> 'row_count' AS inserted
FROM engines;
CREATE FUNCTION pg_temp.ask(connection text, sql text, params jsonb DEFAULT NULL, max_rows int DEFAULT NULL,
                            ttl interval DEFAULT '1 hour') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', CASE WHEN (r ->> 'cached')::boolean THEN 'cached' ELSE 'asked' END, r ->> 'status', r ->> 'rows')
    FROM tenancy.execute_query(connection, sql, params, max_rows, ttl) AS r
$$;

-- A second run is answered from the cache, on each engine, and with a query_id of its own.
SELECT c, pg_temp.ask(c, 'SELECT id, name FROM cached_items ORDER BY id') FROM engines;
SELECT c, pg_temp.ask(c, 'SELECT id, name FROM cached_items ORDER BY id') FROM engines;
SELECT a ->> 'query_id' <> b ->> 'query_id' AS new_id, (a -> 'columns')::text = (b -> 'columns')::text AS same_columns,
       a ->> 'row_count' AS a, b ->> 'row_count' AS b, a ->> 'cached' AS a_cached, b ->> 'cached' AS b_cached
FROM tenancy.execute_query('pg', 'SELECT count(*) AS n FROM cached_items', cache_ttl => '1 hour') AS a,
     tenancy.execute_query('pg', 'SELECT count(*) AS n FROM cached_items', cache_ttl => '1 hour') AS b;
SELECT source, cached, count(*), count(DISTINCT result_hash) AS hashes FROM tenancy.query_history
WHERE generated_sql_query = 'SELECT count(*) AS n FROM cached_items' GROUP BY 1, 2 ORDER BY 2;

-- Without a time to live there is no cache, and zero wins over the connection's.
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1', ttl => NULL) FROM generate_series(1, 2);
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1', ttl => '0') FROM generate_series(1, 2);
SELECT tenancy.update_connection('pg', options => '{"cache_ttl": 3600}') IS NOT NULL AS updated;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1', ttl => NULL) FROM generate_series(1, 2);
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1', ttl => '0') FROM generate_series(1, 2);
SELECT probe.error_of($$SELECT tenancy.update_connection('pg', options => '{"cache_ttl": -1}')$$);
SELECT probe.error_of($$SELECT tenancy.execute_query('pg', 'SELECT 1', cache_ttl => '-1 second')$$);

-- No time to live is too long to be one.
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 3', ttl => '1 day 2562047788:00:00') FROM generate_series(1, 2);

-- Whoever accepts only younger answers than there are asks again.
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 2');
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 2', ttl => '1 microsecond');
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 2');

-- The statement to the letter, parameters by value and type, and limits belong to the answer.
SELECT pg_temp.ask('pg', 'SELECT $1::text AS v', '["1"]'), pg_temp.ask('pg', 'SELECT $1::text AS v', '["2"]'), pg_temp.ask('pg', 'SELECT $1::text AS v', '["1"]');
SELECT pg_temp.ask('lite', 'SELECT typeof(?) AS v', '["1"]'), pg_temp.ask('lite', 'SELECT typeof(?) AS v', '[1]'), pg_temp.ask('lite', 'SELECT typeof(?) AS v', '[null]');
SELECT pg_temp.ask('pg', 'SELECT id FROM cached_items ORDER BY id', max_rows => n) FROM (VALUES (1), (2), (1), (NULL)) AS v(n);
SELECT pg_temp.ask('pg', 'SELECT ''A'' AS v'), pg_temp.ask('pg', 'SELECT ''a'' AS v'), pg_temp.ask('pg', 'SELECT  ''A'' AS v');
RESET ROLE;
SET tenancy.max_result_bytes = '1kB';
SET ROLE regress_app;
SELECT pg_temp.ask('pg', 'SELECT id FROM cached_items ORDER BY id', max_rows => 1);
RESET ROLE;
RESET tenancy.max_result_bytes;
SET ROLE regress_app;

-- Another user has nothing of it, and sees nothing of it.
SELECT count(*) > 10 AS many, count(DISTINCT q.user_id) AS users, bool_and(q.user_id = tenancy.current_user_id()) AS own,
       bool_and(connection_version = c.version) AS current, sum(hits) > 5 AS hits
FROM tenancy.query_cache AS q JOIN tenancy.database_connections AS c ON c.id = q.database_connection_id AND c.version = q.connection_version;
SELECT probe.become('stranger@example.com');
SELECT count(*) FROM tenancy.query_cache;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 2');
SELECT count(*), bool_and(user_id = tenancy.current_user_id()) AS own FROM tenancy.query_cache;
RESET ROLE;
SET ROLE regress_admin;
SELECT count(DISTINCT user_id) AS users FROM tenancy.query_cache;
RESET ROLE;
SET ROLE regress_app;
SELECT probe.become('cacher@example.com');

-- Every write through the platform, also when its local transaction is rolled back.
SELECT c, pg_temp.ask(c, 'SELECT count(*) FROM cached_items'), pg_temp.ask(c, 'SELECT count(*) FROM cached_items') FROM engines;
BEGIN;
SELECT c, tenancy.execute_query(c, 'INSERT INTO cached_items VALUES (4, ''four'')') ->> 'status' AS inserted FROM engines;
ROLLBACK;
SELECT c, pg_temp.ask(c, 'SELECT count(*) FROM cached_items'), pg_temp.ask(c, 'SELECT count(*) FROM cached_items') FROM engines;
SELECT * FROM tenancy.query('pg', 'DELETE FROM cached_items WHERE id = 4 RETURNING id') AS t(id int);
SELECT pg_temp.ask('pg', 'SELECT count(*) FROM cached_items'), pg_temp.ask('pg', 'SELECT count(*) FROM cached_items');
BEGIN;
SELECT tenancy.open_query('pg', 'INSERT INTO cached_items SELECT n, ''more'' FROM generate_series(11, 20) AS n RETURNING id', cursor => 'c');
FETCH 1 FROM c;
SELECT pg_temp.ask('pg', 'SELECT min(id) FROM cached_items'), pg_temp.ask('pg', 'SELECT min(id) FROM cached_items');
CLOSE c;
COMMIT;
SELECT pg_temp.ask('pg', 'SELECT min(id) FROM cached_items'), pg_temp.ask('pg', 'SELECT min(id) FROM cached_items');
-- A failure is not kept, and a write that failed may have written before.
SELECT pg_temp.ask('pg', 'SELECT 1 / (id - 1) FROM cached_items WHERE id = 1') FROM generate_series(1, 2);
SELECT pg_temp.ask('pg', 'SELECT max(id) > 0 FROM cached_items');
SELECT tenancy.execute_query('pg', 'INSERT INTO cached_items VALUES (1, ''again'')') ->> 'status' AS failed;
SELECT pg_temp.ask('pg', 'SELECT max(id) > 0 FROM cached_items');
-- Through another connection of the same user to the same database.
SELECT tenancy.create_connection('pg again', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 3');
SELECT tenancy.execute_query('pg again', 'UPDATE cached_items SET name = ''drei'' WHERE id = 3') ->> 'status' AS updated;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 3');

-- Foreign tables: each kind of write, committed and rolled back.
SELECT tenancy.attach('pg', 'cached_pg', tables => ARRAY['cached_items']) IS NOT NULL AS attached;
SELECT tenancy.attach('lite', 'cached_lite', tables => ARRAY['cached_items']) IS NOT NULL AS attached;
SELECT c, pg_temp.ask(c, 'SELECT name FROM cached_items WHERE id = 1') FROM engines WHERE c <> 'my';
INSERT INTO cached_pg.cached_items VALUES (30, 'thirty');
INSERT INTO cached_lite.cached_items VALUES (30, 'thirty');
SELECT c, pg_temp.ask(c, 'SELECT name FROM cached_items WHERE id = 1') FROM engines WHERE c <> 'my';
UPDATE cached_pg.cached_items SET name = 'eins' WHERE id = 1;
UPDATE cached_lite.cached_items SET name = 'eins' WHERE id = 1;
SELECT c, pg_temp.ask(c, 'SELECT name FROM cached_items WHERE id = 1') FROM engines WHERE c <> 'my';
BEGIN;
DELETE FROM cached_pg.cached_items WHERE id = 30;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1'), pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1');
ROLLBACK;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1'), pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1');
TRUNCATE cached_pg.cached_items;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1'), pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1');
-- Reading through them is no write.
SELECT count(*) FROM cached_pg.cached_items;
SELECT pg_temp.ask('pg', 'SELECT name FROM cached_items WHERE id = 1');

-- A changed connection, also when the change was rolled back and its number comes again.
SELECT pg_temp.ask('lite', 'SELECT max(id) FROM cached_items'), pg_temp.ask('lite', 'SELECT max(id) FROM cached_items');
BEGIN;
SELECT tenancy.update_connection('lite', database_name => 'elsewhere.db', options => '{"create": true}') IS NOT NULL AS updated;
SELECT pg_temp.ask('lite', 'SELECT count(*) FROM (VALUES (1)) AS v'), pg_temp.ask('lite', 'SELECT max(id) FROM cached_items');
ROLLBACK;
SELECT pg_temp.ask('lite', 'SELECT max(id) FROM cached_items');
SELECT tenancy.update_connection('lite', options => '{"create": true, "statement_timeout": 5000}') IS NOT NULL AS updated;
SELECT pg_temp.ask('lite', 'SELECT count(*) FROM (VALUES (1)) AS v');
SELECT pg_temp.ask('lite', 'SELECT max(id) FROM cached_items');
-- A password is known by its ciphertext, which is never the same one again.
BEGIN;
SELECT tenancy.update_connection('pg', password => :'pg_password') IS NOT NULL AS updated;
SELECT pg_temp.ask('pg', 'SELECT 7 AS v'), pg_temp.ask('pg', 'SELECT 7 AS v');
ROLLBACK;
SELECT tenancy.update_connection('pg', password => :'pg_password') IS NOT NULL AS updated;
SELECT pg_temp.ask('pg', 'SELECT 7 AS v'), pg_temp.ask('pg', 'SELECT 7 AS v');
SELECT tenancy.update_connection('lite', is_active => false) IS NOT NULL AS updated;
SELECT probe.error_of($$SELECT pg_temp.ask('lite', 'SELECT max(id) FROM cached_items')$$);
SELECT tenancy.update_connection('lite', is_active => true) IS NOT NULL AS updated;

-- What could give another answer without a write is not cached.
SELECT sql, left(pg_temp.ask('pg', sql), 5), left(pg_temp.ask('pg', sql), 5) FROM unnest(ARRAY[
    'SELECT now()', 'SELECT CURRENT_DATE', 'SELECT ''now''::timestamptz', 'SELECT random()', 'SELECT clock_timestamp()',
    'SELECT pg_backend_pid()', 'SELECT count(*) FROM pg_stat_activity', 'SELECT id FROM cached_items FOR UPDATE',
    'SELECT current_setting(''work_mem'')', 'WITH w AS (INSERT INTO cached_items VALUES (99, ''w'') ON CONFLICT DO NOTHING RETURNING id) SELECT * FROM w',
    'SELECT nextval(''cached_sequence'')', 'SELECT public.lower(''A'')', 'SHOW work_mem', 'SELECT id FROM cached_items TABLESAMPLE SYSTEM (50)']) AS sql;
SELECT sql, left(pg_temp.ask('my', sql), 5), left(pg_temp.ask('my', sql), 5) FROM unnest(ARRAY[
    'SELECT now()', 'SELECT utc_date', 'SELECT rand()', 'SELECT @x', 'SELECT uuid()', 'SELECT 1 /*! + rand() */', 'SELECT {fn now()}']) AS sql;
SELECT sql, left(pg_temp.ask('lite', sql), 5), left(pg_temp.ask('lite', sql), 5) FROM unnest(ARRAY[
    'SELECT random()', 'SELECT date(''now'')', 'SELECT date()', 'SELECT strftime(''%s'')', 'SELECT current_timestamp',
    'SELECT last_insert_rowid()', 'SELECT * FROM pragma_table_info(''cached_items'')']) AS sql;
SELECT pg_temp.ask('lite', 'SELECT date(?) > ''2000''', '["now"]') FROM generate_series(1, 2);
-- A cached statement only reads, whatever the connection may do.
SELECT tenancy.execute_query('pg again', $$CREATE OR REPLACE FUNCTION cached_writer() RETURNS int LANGUAGE sql AS 'INSERT INTO cached_items VALUES (77, ''hidden'') RETURNING id'$$) ->> 'status' AS made;
SELECT tenancy.execute_query('pg again', 'CREATE OR REPLACE VIEW cached_view AS SELECT cached_writer() AS id') ->> 'status' AS made;
SELECT r ->> 'status' AS status, r -> 'error' ->> 'sqlstate' AS sqlstate FROM tenancy.execute_query('pg', 'SELECT id FROM cached_view', cache_ttl => '1 hour') AS r;

-- Sizes: of one answer, and of all of a user's.
RESET ROLE;
SET tenancy.cache_entry_size = '2kB';
SET ROLE regress_app;
SELECT left(pg_temp.ask('pg', 'SELECT repeat(''x'', 3000)'), 5) FROM generate_series(1, 2);
SELECT left(pg_temp.ask('pg', 'SELECT repeat(''x'', 1000)'), 5) FROM generate_series(1, 2);
RESET ROLE;
RESET tenancy.cache_entry_size;
SET tenancy.cache_size_per_user = '16kB';
SET ROLE regress_app;
SELECT left(pg_temp.ask('pg', format('SELECT repeat(''%s'', 3000)', n)), 5) FROM generate_series(1, 3) AS n;
SELECT left(pg_temp.ask('pg', format('SELECT repeat(''%s'', 3000)', n)), 5) FROM unnest(ARRAY[2, 3]) AS n;
SELECT left(pg_temp.ask('pg', 'SELECT repeat(''1'', 3000)'), 5);
SELECT sum(size) <= 16384 AS fits, count(*) FROM tenancy.query_cache;
RESET ROLE;
RESET tenancy.cache_size_per_user;

-- What has expired, or was written over, is forgotten by the maintenance worker.
SET ROLE regress_app;
SELECT probe.error_of($$SELECT tenancy.expire_query_cache()$$);
SELECT pg_temp.ask('pg', 'SELECT 1 AS short', ttl => '1 microsecond');
SELECT count(*) FROM tenancy.query_cache WHERE query = 'SELECT 1 AS short';
RESET ROLE;
SELECT tenancy.expire_query_cache() >= 1 AS expired;
SELECT tenancy.expire_query_cache();
SET ROLE regress_app;
SELECT c, tenancy.execute_query(c, 'DROP TABLE cached_items' || CASE c WHEN 'pg' THEN ' CASCADE' ELSE '' END) ->> 'status' AS dropped FROM engines;
SELECT tenancy.execute_query('pg', 'DROP FUNCTION cached_writer() CASCADE') ->> 'status' AS dropped;
SELECT tenancy.detach('pg', 'cached_pg'), tenancy.detach('lite', 'cached_lite');
