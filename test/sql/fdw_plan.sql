-- What is sent to a PostgreSQL database, seen in plans: nothing here contacts one.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('planner@example.com', 'correct horse planner@example.com') IS NOT NULL AS registered;
SELECT probe.become('planner@example.com');
SELECT tenancy.create_connection('far', 'postgresql', 'db.example.com', 5432, 'd', 'u', 'p') AS id \gset
CREATE SERVER plan_server FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'id', encoding 'UTF8');
CREATE SCHEMA plan;
SET search_path = plan;
CREATE FOREIGN TABLE customers (
    id int OPTIONS (key 'true') NOT NULL, name text OPTIONS (collation 'default'),
    region varchar(20) OPTIONS (column_name 're"gion'), born date, active boolean, score float8)
    SERVER plan_server OPTIONS (schema_name 'shop', table_name 'Customers');
CREATE FOREIGN TABLE orders (
    id bigint OPTIONS (key 'true') NOT NULL, customer_id int, amount numeric(12,2), placed timestamptz, note text)
    SERVER plan_server OPTIONS (schema_name 'shop', table_name 'orders');

-- The remote SQL of a statement, and what is left to do here.
CREATE FUNCTION plan.remote(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement LOOP
        IF line ~ '(Remote SQL|Filter|Join Cond|Hash Cond|Sort Key|Group Key):' OR line ~ '^ *(->)?  ?[A-Z][a-z]+ ?[A-Za-z ]*$'
           OR line ~ '(Scan|Aggregate|Sort|Limit|Join|Nested Loop|Unique|WindowAgg|Hash)' THEN
            RETURN NEXT regexp_replace(line, '^ +(->)? *', '');
        END IF;
    END LOOP;
END
$$;

-- Columns and conditions.
SELECT plan.remote('SELECT name FROM customers');
SELECT plan.remote('SELECT FROM customers');
SELECT plan.remote('SELECT name FROM customers WHERE id = 5 AND region <> ''nord'' AND active AND born > ''2000-01-01''');
SELECT plan.remote('SELECT id FROM customers WHERE name = ''O''''Brien \x'' OR name IS NULL OR (score > 1.5) IS NOT TRUE');
SELECT plan.remote('SELECT id FROM customers WHERE id = ANY (''{1,2,NULL}'') AND id <> ALL (''{}'') AND name IN (''a'', ''b,"{}'')');
SELECT plan.remote('SELECT id FROM customers WHERE name LIKE ''a\_%'' AND coalesce(region, name) IS DISTINCT FROM ''x'' AND CASE id WHEN 1 THEN active ELSE score > 2 END');
SELECT plan.remote('SELECT id FROM orders WHERE placed > now() - interval ''7 days'' AND note = ''unknown collation''');
-- What depends on a collation, a setting or a volatile function stays here.
SELECT plan.remote('SELECT id FROM customers WHERE name COLLATE "C" < ''m''');
SELECT plan.remote('SELECT id FROM customers WHERE name COLLATE "und-x-icu" < ''m'' AND upper(name COLLATE "und-x-icu") = ''A''');
SELECT plan.remote('SELECT id FROM customers WHERE score > random() AND born::text = ''2000-01-01''');
-- Joins.
SELECT plan.remote('SELECT c.name, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.active AND o.amount > 10');
SELECT plan.remote('SELECT c.name, o.amount FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.amount > 10 WHERE c.active');
SELECT plan.remote('SELECT c.name FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.amount > 10)');
SELECT plan.remote('SELECT c.name FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id)');
SELECT plan.remote('SELECT c.name, o.id FROM customers c FULL JOIN orders o ON o.customer_id = c.id');
-- Aggregates, HAVING, DISTINCT, ORDER BY, LIMIT, window functions.
SELECT plan.remote('SELECT count(*) FROM orders');
SELECT plan.remote('SELECT region, count(*) FILTER (WHERE active), sum(score), avg(id) + 1 FROM customers GROUP BY region HAVING count(*) > 1');
SELECT plan.remote('SELECT c.active, sum(o.amount) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.active ORDER BY 2 DESC LIMIT 3');
SELECT plan.remote('SELECT DISTINCT active, born FROM customers ORDER BY born DESC NULLS LAST, active');
SELECT plan.remote('SELECT * FROM orders ORDER BY amount DESC, id LIMIT 10 OFFSET 5');
SELECT plan.remote('SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY amount, id ROWS UNBOUNDED PRECEDING) FROM orders');
SELECT plan.remote('SELECT id FROM orders WHERE note < ''x'' COLLATE "und-x-icu" LIMIT 1');
-- DISTINCT, GROUP BY, windows and LIMIT stay here with what is another value for each row; what is one for all of them is no column.
SELECT plan.remote('SELECT DISTINCT active, now() FROM customers');
SELECT plan.remote('SELECT DISTINCT active, gen_random_uuid() FROM customers');
SELECT plan.remote('SELECT active, count(*) FROM customers GROUP BY active, random()');
SELECT plan.remote('SELECT sum(random()) FROM customers');
SELECT plan.remote('SELECT count(*) FILTER (WHERE random() < 0.5) FROM customers');
SELECT plan.remote('SELECT id, row_number() OVER (PARTITION BY random()) FROM orders');
SELECT plan.remote('SELECT id FROM orders ORDER BY amount, random() LIMIT 1');
SELECT plan.remote('SELECT id FROM orders LIMIT (random() * 3)::int');
SELECT plan.remote('SELECT DISTINCT active, random() < 0.5 FROM customers ORDER BY active LIMIT 3');
SELECT plan.remote('SELECT active, random() FROM customers GROUP BY active HAVING random() < 0.5 LIMIT 1');
-- Locks.
SELECT plan.remote('SELECT id FROM orders WHERE id = 1 FOR UPDATE');
SELECT plan.remote('SELECT id FROM orders WHERE customer_id = 1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED');
SELECT plan.remote('SELECT id, upper(note) FROM orders LIMIT 2 FOR SHARE');
SELECT plan.remote('SELECT id FROM orders LIMIT 2 OFFSET 1 FOR UPDATE');
SELECT plan.remote('SELECT id FROM orders WHERE upper(note) = ''X'' LIMIT 2 FOR UPDATE');
-- A group that WHERE fixes, and the side of a join that may be missing.
SELECT plan.remote('SELECT customer_id, count(*) FROM orders WHERE customer_id = 7 GROUP BY customer_id');
SELECT plan.remote('SELECT customer_id, note, sum(amount) FROM orders WHERE customer_id = 7 GROUP BY customer_id, note');
SELECT plan.remote('SELECT o.id, c.born FROM orders o LEFT JOIN customers c ON c.id = o.customer_id ORDER BY c.born LIMIT 10');
-- Operators that take any type, of which the client database may have others; JSON by its keys.
CREATE FOREIGN TABLE documents (id int, tags int[], body jsonb) SERVER plan_server OPTIONS (table_name 'documents');
SELECT plan.remote('SELECT id FROM documents WHERE tags && ARRAY[1] AND tags = ARRAY[1, 2]');
SELECT plan.remote('SELECT id FROM documents WHERE body ->> ''state'' = ''open'' AND body -> ''a'' ? ''b'' AND body #>> ''{c,d}'' IS NULL');
-- Partitions are sorted where they are.
CREATE TABLE events (id int, at timestamptz) PARTITION BY LIST (id);
CREATE FOREIGN TABLE events_1 PARTITION OF events FOR VALUES IN (1) SERVER plan_server;
CREATE FOREIGN TABLE events_2 PARTITION OF events FOR VALUES IN (2) SERVER plan_server;
SELECT plan.remote('SELECT * FROM events ORDER BY at DESC LIMIT 10');
-- A table whose encoding is not known beside one whose encoding is.
CREATE SERVER unknown_server FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection :'id');
CREATE FOREIGN TABLE notes (id int, note text) SERVER unknown_server OPTIONS (table_name 'notes', encoding 'UTF8');
CREATE FOREIGN TABLE open_notes (id int) SERVER unknown_server OPTIONS (query 'SELECT id FROM notes WHERE NOT done');
SELECT plan.remote('SELECT n.id FROM notes n JOIN open_notes o ON o.id = n.id WHERE n.note LIKE ''A%''');
SELECT plan.remote('SELECT n.id FROM notes n JOIN open_notes o ON o.id = n.id WHERE n.note LIKE ''A%'' AND n.id > 3 OR n.id = 7');
SELECT plan.remote('SELECT n.id FROM notes n JOIN open_notes o ON o.id = n.id WHERE n.id > 3');
-- Nothing is sent but the columns.
SET tenancy.enable_pushdown = off;
SELECT plan.remote('SELECT region, count(*) FROM customers WHERE id > 5 GROUP BY region');
RESET tenancy.enable_pushdown;

RESET search_path;
DROP SCHEMA plan CASCADE;
DROP SERVER plan_server;
DROP SERVER unknown_server;
