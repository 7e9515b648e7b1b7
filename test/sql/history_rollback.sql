-- History does not follow the fate of the transaction; a restart of the worker loses nothing.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('roll@example.com', 'correct horse roll@example.com') IS NOT NULL AS registered;
SET ROLE regress_app;
SELECT probe.become('roll@example.com');
SELECT tenancy.create_connection('roll', connection_string => 'sqlite:roll.db?create=true') IS NOT NULL AS made;

BEGIN;
SELECT tenancy.execute_query('roll', 'SELECT ''rolled back''') ->> 'status' AS status;
SELECT count(*) AS at_once FROM tenancy.history('roll', search => 'rolled back');
ROLLBACK;
SELECT count(*) AS after FROM tenancy.history('roll', search => 'rolled back');

BEGIN;
SAVEPOINT s;
SELECT tenancy.execute_query('roll', 'SELECT ''savepoint''') ->> 'status' AS status;
SELECT 1 / 0;
ROLLBACK TO s;
COMMIT;
SELECT status FROM tenancy.history('roll', search => 'savepoint');

-- A cursor that the transaction's end closes.
BEGIN;
SELECT tenancy.open_query('roll', 'SELECT ''cursor'' UNION ALL SELECT ''two''', cursor => 'c');
FETCH 1 FROM c;
COMMIT;
SELECT count(*) AS ended FROM tenancy.history('roll', search => 'cursor') WHERE status <> 'running';

-- A connection that only this transaction sees: the run refers to it once it is committed.
BEGIN;
SELECT tenancy.create_connection('young', connection_string => 'sqlite:young.db?create=true') AS young \gset
SELECT tenancy.execute_query('young', 'SELECT 1') ->> 'query_id' AS first_run \gset
SELECT status FROM tenancy.history_entry(:'first_run');
COMMIT;
SELECT database_connection_id = :'young' AS refers FROM tenancy.history_entry(:'first_run');

-- The worker ends; the next run waits for the one that takes its place.
RESET ROLE;
SELECT worker_pid AS old_worker FROM tenancy.history_queue() \gset
SELECT pg_terminate_backend(:old_worker, 10000) AS terminated;
SET ROLE regress_app;
SELECT tenancy.execute_query('roll', 'SELECT ''new worker''') ->> 'status' AS status;
SELECT status FROM tenancy.history('roll', search => 'new worker');
RESET ROLE;
SELECT worker_pid <> :old_worker AS another, queued, running, bytes FROM tenancy.history_queue();

-- Durability is the platform's choice, not the tenant's.
SET ROLE regress_app;
SELECT probe.error_of('SET tenancy.history_durability = async');
SELECT probe.error_of('SET tenancy.history_required = off');
RESET ROLE;
SET tenancy.history_durability = 'started';
SET ROLE regress_app;
SELECT tenancy.execute_query('roll', 'SELECT ''started''') ->> 'status' AS status;
SELECT status FROM tenancy.history('roll', search => 'started');
RESET ROLE;
SET tenancy.history_durability = 'async';
SET ROLE regress_app;
SELECT count(tenancy.execute_query('roll', 'SELECT ''async''')) FROM generate_series(1, 100);
RESET ROLE;
DO $$
BEGIN
    WHILE (SELECT queued FROM tenancy.history_queue()) > 0 LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;
SELECT count(*) FROM tenancy.query_history WHERE connection_name = 'roll' AND generated_sql_query LIKE '%async%';
SELECT queued, running, bytes FROM tenancy.history_queue();
