-- Every crossing of the wall throws every kind of error, and the memory of the backend stays flat. The armed crossing
-- is counted from the statement's start, so the loop finds them all by itself. Statements that leave no run in history
-- are struck ten thousand times at each crossing by each kind; the others a thousand times each, which makes more
-- than ten thousand strikes for each kind and keeps history's share of the test small.
CREATE FUNCTION probe.fault(crossings integer, kind integer) RETURNS integer LANGUAGE c AS 'pg_tenancy', 'tenancy_fault';
-- Memory of this backend alone: shared memory that it touched does not count.
CREATE FUNCTION probe.resident_kb() RETURNS bigint LANGUAGE sql AS $$
    SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint
$$;

SET tenancy.identity_scope = 'session';
SET tenancy.history_durability = 'async';
SELECT tenancy.register('fault@example.com', 'correct horse fault@example.com') IS NOT NULL AS registered;
SELECT probe.become('fault@example.com');
SELECT tenancy.create_connection('fault', 'sqlite', database_name => 'fault.db', options => '{"create": true}') IS NOT NULL AS made;

-- How many crossings a statement has: the first count that is too high for the fault to strike.
CREATE FUNCTION probe.crossings(statement text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    FOR crossing IN 1 .. 1000 LOOP
        PERFORM probe.fault(crossing, 0);
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
        IF probe.fault(0, 0) > 0 THEN
            RETURN crossing - 1;
        END IF;
    END LOOP;
    RAISE 'no end of crossings';
END
$$;

-- Strike each crossing of a statement with each kind; answers what came out of it, by SQLSTATE.
CREATE FUNCTION probe.strike(statement text, crossing_count integer, rounds integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    seen jsonb := '{}';
    state text;
BEGIN
    FOR round IN 1 .. rounds LOOP
        FOR crossing IN 1 .. crossing_count LOOP
            FOR kind IN 0 .. 4 LOOP
                PERFORM probe.fault(crossing, kind);
                state := 'answered';
                BEGIN
                    EXECUTE statement;
                EXCEPTION WHEN OTHERS THEN
                    state := SQLSTATE;
                END;
                IF probe.fault(0, 0) > 0 THEN
                    state := 'not reached';
                END IF;
                IF NOT seen ? state THEN
                    seen := seen || jsonb_build_object(state, true);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_object_keys(seen) AS key);
END
$$;

CREATE FUNCTION probe.read_cursor() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    opened refcursor := tenancy.open_query('fault', 'SELECT 1 AS a');
BEGIN
    MOVE FORWARD ALL FROM opened;
    CLOSE opened;
END
$$;

\i test/include/servers.sql
SELECT tenancy.create_connection('fault pg', 'postgresql', :'pg_host', :pg_port, :'pg_database', :'pg_user', :'pg_password') IS NOT NULL AS made;
SELECT tenancy.create_connection('fault my', 'mysql', :'my_host', :my_port, :'my_database', :'my_user', :'my_password') IS NOT NULL AS made;

CREATE TABLE probe.statements (what text PRIMARY KEY, sql text, rounds integer);
INSERT INTO probe.statements VALUES
    ('execute', $$SELECT tenancy.execute_query('fault', 'SELECT 1 AS a, ''x'' AS b')$$, 1000),
    ('query', $$SELECT * FROM tenancy.query('fault', 'SELECT 1 AS a, ''x'' AS b') AS t(a int, b text)$$, 1000),
    ('describe', $$SELECT * FROM tenancy.describe_query('fault', 'SELECT 1 AS a')$$, 10000),
    ('cursor', $$SELECT probe.read_cursor()$$, 1000),
    ('connect', $$SELECT tenancy.close_connections(), tenancy.execute_query('fault', 'SELECT 1')$$, 1000),
    ('test', $$SELECT * FROM tenancy.test_connection('fault')$$, 10000),
    ('create', $$SELECT tenancy.create_connection('x', 'oracle')$$, 10000),
    -- A fault inside a driver's wait costs a connection, and so do its cancel and its successor: fewer rounds do.
    ('postgresql', $$SELECT tenancy.execute_query('fault pg', 'SELECT 1')$$, 20),
    ('mysql', $$SELECT tenancy.execute_query('fault my', 'SELECT 1')$$, 20);

-- Where all is slow, as under valgrind, a part of the rounds does.
\set divisor 1
\getenv divisor FAULT_DIVISOR
-- Warm: caches are filled, the pool is what it will be.
CREATE TEMP TABLE warm AS SELECT what, probe.strike(sql, probe.crossings(sql), greatest(20 / :divisor, 2)) AS seen FROM probe.statements;
CREATE TEMP TABLE before AS SELECT probe.resident_kb() AS kb;
SELECT what, probe.crossings(sql) > 1 AS crossed, probe.strike(sql, probe.crossings(sql), greatest(rounds / :divisor, 2)) - 'not reached' AS seen
FROM probe.statements ORDER BY what;
SELECT CASE WHEN probe.resident_kb() - kb < 1024 THEN 'flat' ELSE 'grew by ' || probe.resident_kb() - kb || ' kB' END AS memory FROM before;
SELECT tenancy.close_connections() > 0 AS closed;
SELECT tenancy.execute_query('fault', 'SELECT 1') ->> 'status' AS works;
SELECT count(tenancy.delete_connection(id)) AS deleted FROM tenancy.connections() WHERE name LIKE 'fault%';
DROP FUNCTION probe.fault(integer, integer);
