-- The state of connections as the workers find it: of the own ones, without secrets, and anew after each change.
\getenv my_host MYSQL_HOST
\getenv my_port MYSQL_PORT
\getenv my_user MYSQL_USER
\getenv my_password MYSQL_PASSWORD
\getenv my_database MYSQL_DATABASE
CREATE FUNCTION probe.await_state(connection text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    FOR i IN 1 .. 600 LOOP
        SELECT c.state INTO found FROM tenancy.connections() AS c WHERE c.name = connection;
        EXIT WHEN found = wanted;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RETURN found;
END
$$;
ALTER SYSTEM SET tenancy.health_interval = 2;
SELECT pg_reload_conf();
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT probe.become('one@example.com');
SELECT tenancy.create_connection('shelf', 'sqlite', database_name => 'shelf.db', options => '{"create": true}') IS NOT NULL AS made;
SELECT tenancy.create_connection('works', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('typo', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', 'a canary of a password') IS NOT NULL AS made;
SELECT tenancy.create_connection('closed', 'postgresql', '127.0.0.1', 1, 'd', 'u', 'p') IS NOT NULL AS made;

-- A file that its first use will make is not made by a check.
SELECT tenancy.test_connection('works') IS NOT NULL AS tested, probe.await_state('works', 'up'), probe.await_state('typo', 'down'),
       probe.await_state('closed', 'down');
SELECT name, state, latency_ms > 0 AS measured, last_error IS NOT NULL AS has_error, since <= checked_at AS ordered
FROM tenancy.connections() WHERE name IN ('works', 'typo', 'closed', 'shelf') ORDER BY name;
SELECT tenancy.execute_query('shelf', 'SELECT 1') ->> 'status' AS status, probe.await_state('shelf', 'up');
SELECT c.name, h.code, h.failures > 0 AS failing, h.next_check_at IS NOT NULL AS planned,
       h.last_error LIKE '%canary%' AS tells
FROM tenancy.connection_health AS h JOIN tenancy.connections() AS c ON c.id = h.connection_id
WHERE c.name IN ('works', 'typo', 'closed', 'shelf') ORDER BY c.name;
SELECT count(*) AS runs FROM tenancy.history('works');

-- A change is looked into at once; what is not active, or deleted, is not looked at.
SELECT tenancy.update_connection('typo', password => :'my_password');
SELECT probe.await_state('typo', 'up');
SELECT tenancy.update_connection('typo', is_active => false);
SELECT c.state, h.next_check_at FROM tenancy.connection_health AS h JOIN tenancy.connections() AS c ON c.id = h.connection_id WHERE c.name = 'typo';
SELECT tenancy.update_connection('typo', is_active => true);
SELECT probe.await_state('typo', 'up');
SELECT state = 'up' AS is_up FROM tenancy.get_client_connection(tenancy.current_user_id(), (SELECT id FROM tenancy.connections() WHERE name = 'typo'));
SELECT id AS typo FROM tenancy.connections() WHERE name = 'typo' \gset
SELECT tenancy.delete_connection('typo');
SELECT count(*) FROM tenancy.connection_health WHERE connection_id = :'typo';

-- Others see nothing of it; nobody writes it, or calls what the workers call.
SELECT probe.become('two@example.com');
SELECT count(*) FROM tenancy.connection_health AS h JOIN tenancy.database_connections AS c ON c.id = h.connection_id WHERE c.name = 'works';
SELECT probe.error_of('UPDATE tenancy.connection_health SET state = ''up''');
SELECT probe.error_of('SELECT tenancy.wake_health()');
SET ROLE regress_admin;
SELECT count(*) > 2 AS an_admin_sees_all FROM tenancy.connection_health;
SELECT tenancy.set_active((SELECT id FROM tenancy.users WHERE email = 'one@example.com'), false);
SELECT count(*) AS planned FROM tenancy.connection_health AS h JOIN tenancy.users AS u ON u.id = h.user_id
WHERE u.email = 'one@example.com' AND h.next_check_at IS NOT NULL;
SELECT DISTINCT h.state, h.code FROM tenancy.connection_health AS h JOIN tenancy.users AS u ON u.id = h.user_id WHERE u.email = 'one@example.com';
SELECT sum(after) > 0 AS sealed_anew FROM tenancy.rotate_encryption_key();
SELECT count(*) AS planned_by_that FROM tenancy.connection_health AS h JOIN tenancy.users AS u ON u.id = h.user_id
WHERE u.email = 'one@example.com' AND h.next_check_at IS NOT NULL;
SELECT tenancy.set_active((SELECT id FROM tenancy.users WHERE email = 'one@example.com'), true);
SELECT count(*) > 2 AS planned FROM tenancy.connection_health AS h JOIN tenancy.users AS u ON u.id = h.user_id
WHERE u.email = 'one@example.com' AND h.next_check_at IS NOT NULL;

SET ROLE regress_app;
SELECT probe.become('one@example.com');
SELECT count(tenancy.delete_connection(id)) AS deleted FROM tenancy.connections() WHERE name IN ('works', 'closed', 'shelf');
RESET ROLE;
ALTER SYSTEM RESET tenancy.health_interval;
SELECT pg_reload_conf();
