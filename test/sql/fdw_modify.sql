-- What is sent to change rows of client databases, seen in plans that contact none; then changes of a SQLite database.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('modifier@example.com', 'correct horse modifier@example.com') IS NOT NULL AS registered;
SELECT probe.become('modifier@example.com');
SELECT tenancy.create_connection('pg', 'postgresql', 'db.example.com', 5432, 'd', 'u', 'p') AS pg,
       tenancy.create_connection('my', 'mysql', 'db.example.com', 3306, 'd', 'u', 'p') AS my,
       tenancy.create_connection('lite', connection_string => 'sqlite:modify.db?create=true') AS lite \gset
CREATE SERVER modify_pg FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'pg');
CREATE SERVER modify_my FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'my');
CREATE SERVER modify_lite FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'lite');
CREATE SCHEMA modify;
SET search_path = modify;
SELECT format($$CREATE FOREIGN TABLE %s (v int OPTIONS (native_type %2$L), "wo""rd" text OPTIONS (native_type %3$L), a int OPTIONS (native_type %2$L, key 'true'),
    twice int OPTIONS (native_type %2$L, generated 'true'), b int OPTIONS (native_type %2$L, key 'true')) SERVER modify_%1$s OPTIONS (table_name 'things')$$,
    name, whole, word)
FROM (VALUES ('pg', 'integer', 'text'), ('my', 'int', 'varchar(20)'), ('lite', 'integer', 'text')) AS v(name, whole, word) \gexec

CREATE FUNCTION modify.remote(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['pg', 'my', 'lite'] LOOP
        FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || replace(statement, 'things', 'modify.' || name) LOOP
            IF line ~ 'Remote SQL:|Foreign (Update|Delete|Insert)' THEN
                RETURN NEXT regexp_replace(line, '^ +(->)? *', '');
            END IF;
        END LOOP;
    END LOOP;
END
$$;

-- Row by row: sent columns, both columns of the key, what comes back.
SELECT modify.remote('INSERT INTO things (a, b, v) VALUES (1, 2, 3)');
SELECT modify.remote('INSERT INTO things VALUES (1, ''x'', 2) RETURNING twice, "wo""rd"');
SELECT modify.remote('INSERT INTO things (a, b) VALUES (1, 2) ON CONFLICT DO NOTHING');
SELECT modify.remote('UPDATE things SET v = v + random()::int, a = 5');
SELECT modify.remote('UPDATE things SET v = random() RETURNING *');
SELECT modify.remote('DELETE FROM things WHERE random() < 0.5 RETURNING a');
-- With one statement, where every condition and every value is the same there.
SELECT modify.remote('UPDATE things SET v = v + 1, "wo""rd" = ''it''''s'' WHERE a = 1');
SELECT modify.remote('UPDATE things SET v = (SELECT count(*) FROM pg_class) WHERE b < 5 RETURNING v');
SELECT modify.remote('DELETE FROM things WHERE a = 1 AND v IS NULL');
-- MySQL assigns one after the other: this one goes row by row.
SELECT modify.remote('UPDATE things SET v = b, b = v');
-- What the remote server computes takes no value, and the options have their say.
INSERT INTO pg (a, b, twice) VALUES (1, 2, 3);
UPDATE pg SET twice = 3;
CREATE FOREIGN TABLE keyless (a int) SERVER modify_pg;
UPDATE keyless SET a = 1;
DELETE FROM keyless;
CREATE FOREIGN TABLE frozen (a int OPTIONS (key 'true')) SERVER modify_pg OPTIONS (updatable 'false', truncatable 'false');
INSERT INTO frozen VALUES (1);
UPDATE frozen SET a = 1;
DELETE FROM frozen;
TRUNCATE frozen;
CREATE FOREIGN TABLE asked (a int OPTIONS (key 'true')) SERVER modify_pg OPTIONS (query 'SELECT 1 AS a');
DELETE FROM asked;
INSERT INTO pg (a, b) VALUES (1, 2) ON CONFLICT (a, b) DO UPDATE SET v = 1;
TRUNCATE my CASCADE;
TRUNCATE lite RESTART IDENTITY;
ALTER FOREIGN TABLE pg OPTIONS (ADD upsert 'true');
ALTER FOREIGN TABLE my OPTIONS (ADD upsert 'true');
ALTER FOREIGN TABLE lite OPTIONS (ADD upsert 'true');
SELECT modify.remote('INSERT INTO things (a, b, v) VALUES (1, 2, 3)');
ALTER FOREIGN TABLE lite OPTIONS (DROP upsert);

-- A SQLite database.
SELECT tenancy.execute_query('lite', 'CREATE TABLE things (a int, b int, v int NOT NULL CHECK (v < 1000), "wo""rd" text,
    twice int GENERATED ALWAYS AS (v * 2) STORED, PRIMARY KEY (a, b))') ->> 'status' AS made;
INSERT INTO lite (a, b, v, "wo""rd") VALUES (1, 1, 10, 'it''s'), (1, 2, 20, 'back\slash'), (2, 1, 30, '') RETURNING *;
UPDATE lite SET v = v + 1 WHERE a = 1 RETURNING b, v, twice;
UPDATE lite SET a = a + 10, v = v + (random() * 0)::int WHERE b = 1 RETURNING a, b, v;
DELETE FROM lite WHERE a = 12 RETURNING *;
INSERT INTO lite (a, b, v) VALUES (11, 1, 0), (11, 2, 0) ON CONFLICT DO NOTHING;
INSERT INTO lite (a, b, v) VALUES (11, 1, 0);
INSERT INTO lite (a, b, v) VALUES (1, 3, NULL);
UPDATE lite SET v = 5000 WHERE a = 11;
COPY lite (a, b, v) FROM STDIN;
100	1	1
100	2	2
\.
BEGIN;
TRUNCATE lite;
SELECT count(*) FROM lite;
ROLLBACK;
SELECT * FROM lite ORDER BY a, b;
SELECT split_part(generated_sql_query, ' ', 1) AS statement, row_count, status, error_code
FROM tenancy.query_history WHERE source = 'fdw' AND generated_sql_query !~ '^SELECT' ORDER BY id;
RESET search_path;
