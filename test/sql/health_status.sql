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

-- It is for administrators.
SET ROLE regress_admin;
SELECT count(*) > 10 AS answered FROM tenancy.status();
SET ROLE regress_app;
SELECT probe.error_of('SELECT * FROM tenancy.status()');
SELECT probe.error_of('SELECT * FROM tenancy.status_facts()');
RESET ROLE;
