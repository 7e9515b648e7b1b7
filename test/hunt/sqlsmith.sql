-- What sqlsmith is let loose on: a tenant by its role, with tables of the same kinds on three engines.
ALTER SYSTEM SET log_error_verbosity = verbose; -- with SQLSTATE and place
SELECT pg_reload_conf();
CREATE ROLE smith LOGIN;
GRANT tenancy_user TO smith;
GRANT USAGE, CREATE ON SCHEMA public TO smith;
ALTER ROLE smith SET statement_timeout = '2s';
ALTER ROLE smith SET tenancy.history_durability = 'async';
SELECT tenancy.bind_role(tenancy.register('smith@example.com', 'a long password of smith'), 'smith');

SET SESSION AUTHORIZATION smith;
SELECT tenancy.create_connection('pg', 'postgresql', :'host', :port, :'database', :'user', :'password');
SELECT tenancy.create_connection('my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password');
SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'smith.db', options => '{"create": true}');

-- One table of many types, and one that refers to it, in each engine's words.
SELECT tenancy.execute_query(connection, replace(replace(replace(statement, '{bool}', bool), '{time}', time), '{float}', float))
FROM (VALUES ('pg', 'boolean', 'timestamp', 'double precision'), ('my', 'tinyint(1)', 'datetime(6)', 'double'),
             ('lite', 'boolean', 'timestamp', 'double')) AS e (connection, bool, time, float),
     (VALUES (1, 'CREATE TABLE smith_a (id integer PRIMARY KEY, small smallint, big bigint, price numeric(12,2), ratio {float}, name varchar(40),'
                 ' note text, born date, seen {time}, ok {bool})'),
             (2, 'CREATE TABLE smith_b (id integer PRIMARY KEY, a_id integer, amount numeric(10,3), label varchar(20), at {time})'),
             (3, 'INSERT INTO smith_a VALUES (1, 1, 10000000000, 12.50, 0.1, ''tea'', ''green'', ''2024-02-29'', ''2024-02-29 12:00:00'', TRUE),'
                 ' (2, -7, NULL, 0.01, -1e10, ''Cup'', NULL, ''1999-12-31'', NULL, FALSE), (3, NULL, -1, NULL, NULL, '''', ''é'', NULL,'
                 ' ''2000-01-01 00:00:00.5'', NULL)'),
             (4, 'INSERT INTO smith_b VALUES (1, 1, 1.250, ''x'', ''2024-01-01 00:00:00''), (2, 1, NULL, NULL, NULL),'
                 ' (3, 3, -99.999, ''y'', ''1970-01-01 00:00:00'')')) AS s (step, statement)
ORDER BY e.connection, s.step;

SELECT tenancy.attach('pg', 'smith_pg', tables => ARRAY['smith_a', 'smith_b']),
       tenancy.attach('my', 'smith_my', tables => ARRAY['smith_a', 'smith_b']),
       tenancy.attach('lite', 'smith_lite', tables => ARRAY['smith_a', 'smith_b']);
CREATE TABLE smith_local AS SELECT * FROM smith_pg.smith_a;

-- Calls by which the prey would take itself away.
RESET SESSION AUTHORIZATION;
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = 'tenancy'::regnamespace
                  AND p.proname IN ('delete_connection', 'update_connection', 'detach', 'refresh_attached', 'logout_everywhere') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM tenancy_user', called);
    END LOOP;
END
$$;
