-- What an administrator sees at a glance, and that no broken item hides another.
SELECT tenancy.execute_query('nothing', 'SELECT 1') ->> 'status' AS status;
SELECT item FROM tenancy.status();
-- The thousands of runs that bridge_fault makes are on their way into history for a while, where the machine is busy.
DO $$
BEGIN
    FOR i IN 1 .. 2400 LOOP
        EXIT WHEN EXISTS (SELECT FROM tenancy.status() AS s WHERE s.item = 'history queue' AND s.state = 'ok');
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
SELECT item, state FROM tenancy.status() WHERE item IN ('version', 'history worker', 'history queue', 'history settings', 'key ring',
    'sqlite root', 'allowed networks', 'llm api key') ORDER BY item;
SELECT count(*) AS unexplained FROM tenancy.status() WHERE state <> 'ok' AND hint IS NULL OR state NOT IN ('ok', 'warning', 'error');

-- Unwise settings of this session are warned of, with a hint.
SET tenancy.history_durability = async;
SET log_parameter_max_length_on_error = -1;
SELECT item, state, value, hint FROM tenancy.status() WHERE item IN ('history settings', 'logging') ORDER BY item;
RESET tenancy.history_durability;
RESET log_parameter_max_length_on_error;

-- What raises an error spoils its own item only.
BEGIN;
ALTER FUNCTION tenancy.status_connections(jsonb) RENAME TO gone;
SELECT item, state, value, hint FROM tenancy.status() WHERE item IN ('connections', 'key ring') ORDER BY item;
ROLLBACK;

-- What is made of the facts, whatever they are here.
SELECT v.version, f.state FROM (VALUES (150013), (150014), (160009), (160010), (170005), (170006), (180000)) AS v (version),
    tenancy.status_server(jsonb_build_object('server_version_num', v.version::text)) AS f;
SELECT v.root, f.state, f.hint IS NOT NULL AS explained FROM (VALUES ('directory own 700'), ('directory own 750'), ('directory own 755'),
    ('directory own 770'), ('directory own 777'), ('directory root 700'), ('file own 700'), ('error: No such file or directory')) AS v (root),
    tenancy.status_sqlite_root(jsonb_build_object('sqlite_root', v.root)) AS f;
SELECT v.file, f.state FROM (VALUES ('file own 600'), ('file root 600'), ('file own 000'), ('file own 640'), ('file own 604'), ('file foreign 600'), ('directory own 700')) AS v (file),
    tenancy.status_llm_api_key(jsonb_build_object('llm_key', v.file)) AS f;
SELECT v.capacity, f.state FROM (VALUES (1000), (2000000000)) AS v (capacity),
    tenancy.status_query_cache(jsonb_build_object('cache_answers', '0', 'cache_bytes', '0', 'cache_capacity', v.capacity::text)) AS f;
SELECT f.* FROM tenancy.status_version('{"library_version": "0.0"}') AS f;

-- It is for administrators.
SET ROLE regress_admin;
SELECT count(*) > 10 AS answered FROM tenancy.status();
SET ROLE regress_app;
SELECT probe.error_of('SELECT * FROM tenancy.status()');
SELECT probe.error_of('SELECT * FROM tenancy.status_facts()');
RESET ROLE;
