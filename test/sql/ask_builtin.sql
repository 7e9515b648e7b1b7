-- The built-in translator on all three engines: each question as one SELECT in the engine's own dialect, run there.
\i test/include/servers.sql
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('curious@example.com', 'correct horse curious@example.com') IS NOT NULL AS registered;
SELECT probe.become('curious@example.com');
SELECT tenancy.create_connection('pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('lite', connection_string => 'sqlite:curious.db?create=true') IS NOT NULL AS made;

CREATE FUNCTION pg_temp.on_all(statement text) RETURNS TABLE (engine text, status text) LANGUAGE sql AS $$
    SELECT c, tenancy.execute_query(c, statement) ->> 'status' FROM unnest(ARRAY['lite', 'my', 'pg']) AS c
$$;
-- Rows in an order of their own, but where the question asks for one.
CREATE FUNCTION pg_temp.answers(question text, ordered boolean DEFAULT false)
RETURNS TABLE (engine text, status text, understood text, sql text, answer json) LANGUAGE sql AS $$
    SELECT c, r ->> 'status', r ->> 'understood', r ->> 'sql',
           CASE WHEN ordered THEN r -> 'rows' ELSE (SELECT json_agg(e.row ORDER BY e.row::text) FROM json_array_elements(r -> 'rows') AS e (row)) END
    FROM unnest(ARRAY['lite', 'my', 'pg']) AS c, tenancy.ask(c, question) AS r
$$;
SELECT * FROM pg_temp.on_all('CREATE TABLE couriers (id int PRIMARY KEY, name varchar(40) NOT NULL)');
SELECT * FROM pg_temp.on_all('CREATE TABLE parcels (id int PRIMARY KEY, courier_id int, town varchar(40), weight numeric(8,2), sent_on date, FOREIGN KEY (courier_id) REFERENCES couriers (id))');
SELECT * FROM pg_temp.on_all('INSERT INTO couriers VALUES (1, ''Swift''), (2, ''Sure''), (3, ''Idle'')');
SELECT * FROM pg_temp.on_all('INSERT INTO parcels VALUES (1, 1, ''Oslo'', 2.5, ''2024-01-15''), (2, 1, ''Oslo'', 4, ''2024-02-01''), (3, 2, ''Bergen'', 1.25, ''2024-02-20'')');
\x on
SELECT * FROM pg_temp.answers('How many parcels are there?');
SELECT * FROM pg_temp.answers('total weight of parcels per town');
SELECT * FROM pg_temp.answers('number of parcels per courier in February 2024');
SELECT * FROM pg_temp.answers('couriers without parcels');
SELECT * FROM pg_temp.answers('the two heaviest parcels', ordered => true);
SELECT * FROM pg_temp.answers('how many purple parcels');
\x off
-- Whatever a question says, its text is text.
SELECT engine, status, answer FROM pg_temp.answers('parcels whose town contains "; DROP TABLE parcels; --"');
SELECT * FROM pg_temp.on_all('DROP TABLE parcels');
SELECT * FROM pg_temp.on_all('DROP TABLE couriers');
SELECT connection_name, count(*) FILTER (WHERE status = 'success') AS answered, count(*) FILTER (WHERE status = 'refused') AS refused
FROM tenancy.history(source => 'ask') GROUP BY connection_name ORDER BY connection_name;
RESET ROLE;
