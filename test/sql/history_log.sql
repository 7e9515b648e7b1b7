-- What a user finds in the history: each way to end, filters, pages, nobody else's rows.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('log@example.com', 'correct horse log@example.com') IS NOT NULL AS registered;
SELECT id AS me FROM tenancy.users WHERE email = 'log@example.com' \gset
SET ROLE regress_app;
SELECT probe.become('log@example.com');
SELECT tenancy.create_connection('log', connection_string => 'sqlite:log.db?create=true') IS NOT NULL AS made;

SELECT tenancy.execute_query('log', 'CREATE TABLE t (a integer)') ->> 'status' AS status;
SELECT tenancy.execute_query('log', 'INSERT INTO t VALUES (1), (2), (3)') ->> 'status' AS status;
SELECT tenancy.execute_query('log', 'SELECT a FROM t ORDER BY a') ->> 'query_id' AS last_success \gset
SELECT tenancy.execute_query('log', 'SELECT a FROM t ORDER BY a', max_rows => 2) ->> 'truncated' AS truncated;
SELECT tenancy.execute_query('log', 'SELECT nonsense') ->> 'status' AS status;
SELECT tenancy.execute_query('not mine', 'SELECT 1') ->> 'status' AS status;
SELECT a FROM tenancy.query('log', 'SELECT a FROM t WHERE a = ?', 3) AS t (a integer);

SELECT status, source, connection_name, generated_sql_query, row_count, truncated, cached, error_code,
       error_message IS NOT NULL AS message, execution_time_ms >= 0 AS timed, result_hash IS NOT NULL AS hashed,
       finished_at >= started_at AS ended, role_name = session_user AS role
FROM tenancy.history(connection => 'log') ORDER BY id;
SELECT status, connection_name, database_connection_id IS NULL AS unknown, error_code FROM tenancy.history(status => 'denied');

-- Filters and pages.
SELECT generated_sql_query FROM tenancy.history(search => 'VALUES');
SELECT generated_sql_query FROM tenancy.history(search => '%');
SELECT count(*) FROM tenancy.history('log', status => 'success', source => 'sql');
SELECT count(*) FROM tenancy.history('log', source => 'ask');
SELECT count(*) FROM tenancy.history((SELECT id::text FROM tenancy.connections() WHERE name = 'log'));
SELECT count(*) FROM tenancy.history('log', since => now() + interval '1 day');
SELECT count(*) FROM tenancy.history('log', until => now() + interval '1 day');
SELECT generated_sql_query FROM tenancy.history('log', max_rows => 2);
SELECT generated_sql_query FROM tenancy.history('log', before => :'last_success', max_rows => 2);
SELECT (tenancy.history_entry(:'last_success')).generated_sql_query;
SELECT probe.error_of($$SELECT tenancy.history_entry('00000000-0000-0000-0000-000000000000')$$);

-- The sums and the hash chain agree with the rows.
SELECT (SELECT sum(runs) FROM tenancy.query_daily) = count(*) AS runs,
       (SELECT sum(row_count) FROM tenancy.query_daily) = sum(row_count) AS rows,
       (SELECT sum(truncated) FROM tenancy.query_daily) = count(*) FILTER (WHERE truncated) AS truncated
FROM tenancy.query_history;
SELECT last_connected_at IS NOT NULL AS noted FROM tenancy.connections() WHERE name = 'log';
RESET ROLE;
SELECT bool_and(chain_hash = expected) AS hashes, bool_and(chain_seq = place) AS places,
       max(chain_seq) = (SELECT seq FROM tenancy.history_chain WHERE user_id = :'me') AS head
FROM (SELECT q.chain_hash, q.chain_seq,
             tenancy.history_chain_hash(NULL, tenancy.history_entry_digest(q)) OVER w AS expected, row_number() OVER w AS place
      FROM tenancy.query_history AS q WHERE user_id = :'me' WINDOW w AS (ORDER BY chain_seq)) AS links;
SET bytea_output = escape; SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = 0;
SELECT bool_and(chain_hash = expected) AS whatever_the_settings
FROM (SELECT q.chain_hash, tenancy.history_chain_hash(NULL, tenancy.history_entry_digest(q)) OVER (ORDER BY chain_seq) AS expected
      FROM tenancy.query_history AS q WHERE user_id = :'me') AS links;
RESET bytea_output; RESET timezone; RESET datestyle; RESET extra_float_digits;

-- Other users, and nobody, see none of it.
SET ROLE regress_app;
SELECT probe.become('two@example.com');
SELECT count(*) FROM tenancy.history('log');
SELECT probe.error_of(format('SELECT tenancy.history_entry(%L)', :'last_success')) LIKE 'P0002:%' AS unknown;
SELECT set_config('tenancy.session', '', false);
SELECT (SELECT count(*) FROM tenancy.history()), (SELECT count(*) FROM tenancy.query_history),
       (SELECT count(*) FROM tenancy.running_queries), (SELECT count(*) FROM tenancy.query_daily),
       (SELECT count(*) FROM tenancy.history_chain), (SELECT count(*) FROM tenancy.audit_log);
SET ROLE regress_admin;
SELECT count(*) > 0 AS admin_sees_all FROM tenancy.history('log');

-- Rows are for good, for tenants by privilege, for everybody by trigger.
SELECT probe.error_of($$UPDATE tenancy.query_history SET status = 'success'$$);
SELECT probe.error_of($$INSERT INTO tenancy.running_queries (id) VALUES (gen_random_uuid())$$);
RESET ROLE;
SELECT probe.error_of($$UPDATE tenancy.query_history SET status = 'success'$$);
SELECT probe.error_of($$DELETE FROM tenancy.query_history$$);
SELECT probe.error_of($$TRUNCATE tenancy.query_history$$);
SELECT probe.error_of($$DELETE FROM tenancy.audit_log$$);
