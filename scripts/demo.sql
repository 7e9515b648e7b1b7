-- The workflow of two clients, as scripts/demo runs it. Each step is followed by :did, which checks it.
\set did '\\ir demo_step.sql'
\set expect 00000
\set surprises 0
\pset null '-'
\set ECHO queries

\echo '\n== 1. Two clients sign up on the platform ==\n'
SELECT tenancy.register('ada@shop.example', 'correct horse battery', 'Ada', 'Olsen', 'Olsen E-commerce') AS client1_id;
:did
SELECT tenancy.register('bob@works.example', 'staple tractor window', 'Bob', 'Meyer', 'Meyer Manufacturing') AS client2_id;
:did

\echo '\n== 2. Client 1 logs in. An application names the token in each transaction, people in psql once ==\n'
SELECT tenancy.login('ada@shop.example', 'correct horse battery') AS client1_token \gset
:did
\echo '    the application keeps the token\n'
BEGIN;
SELECT tenancy.authenticate(:'client1_token') AS client1_id;
:did
COMMIT;
SET tenancy.session = :'client1_token';
:did
\echo
SELECT email, first_name, last_name, company_name FROM tenancy.profile();
\set rows 1
:did

\echo '\n== 3. Client 1 registers a database: SQLite, an empty file of their own ==\n'
SELECT tenancy.create_connection('E-commerce Database', 'sqlite', database_name => 'ecommerce.db',
                                 options => '{"create": true}') AS shop \gset
:did
\echo '    its id is' :shop '\n'
SELECT ok, code, server_version FROM tenancy.test_connection('E-commerce Database') WHERE ok;
\set rows 1
:did
SELECT name, database_type, database_name, is_active FROM tenancy.connections();
\set rows 1
:did

\echo '\n== 4. Tables and rows, made through the platform in the client''s own database ==\n'
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('E-commerce Database', $$
    CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, price DECIMAL(10,2) NOT NULL)
$$) AS answer;
:did
SELECT answer ->> 'status' AS status
FROM tenancy.execute_query('E-commerce Database', $$
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, city VARCHAR(50))
$$) AS answer;
:did
SELECT answer ->> 'status' AS status
FROM tenancy.execute_query('E-commerce Database', $$
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
                         product_id INTEGER REFERENCES products (id), quantity INTEGER NOT NULL, ordered_on DATE NOT NULL)
$$) AS answer;
:did
SELECT answer ->> 'status' AS status
FROM tenancy.execute_query('E-commerce Database', $$
    CREATE TABLE sales_data (id INTEGER PRIMARY KEY, product_name VARCHAR(100), region VARCHAR(50),
                             sales_amount DECIMAL(10,2), sales_date DATE)
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('E-commerce Database', $$
    INSERT INTO products (name, price) VALUES ('Kettle', 39.90), ('Lamp', 24.50), ('Desk', 189.00)
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('E-commerce Database', $$
    INSERT INTO customers (name, city) VALUES ('Mara', 'Oslo'), ('Jens', 'Bergen')
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('E-commerce Database', $$
    INSERT INTO orders (customer_id, product_id, quantity, ordered_on)
    VALUES (1, 1, 2, '2026-03-02'), (1, 3, 1, '2026-03-05'), (2, 2, 4, '2026-03-05')
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('E-commerce Database', $$
    INSERT INTO sales_data (product_name, region, sales_amount, sales_date)
    VALUES ('Kettle', 'North', 79.80, '2026-03-02'), ('Desk', 'North', 189.00, '2026-03-05'), ('Lamp', 'West', 98.00, '2026-03-05')
$$) AS answer;
:did

\echo '\n== 5. Client 1 queries the database: as a table, with parameters, joined, and as JSON ==\n'
SELECT * FROM tenancy.query('E-commerce Database',
    'SELECT product_name, region, sales_amount, sales_date FROM sales_data ORDER BY id')
    AS sales(product_name text, region text, sales_amount numeric(10,2), sales_date date);
\set rows 3
:did
SELECT * FROM tenancy.query('E-commerce Database',
    'SELECT c.name, p.name, o.quantity * p.price FROM orders o JOIN customers c ON c.id = o.customer_id
     JOIN products p ON p.id = o.product_id WHERE c.city = ? ORDER BY o.id', 'Oslo')
    AS bought(customer text, product text, total numeric(10,2));
\set rows 2
:did
SELECT region, sum(sales_amount) AS revenue
FROM tenancy.query('E-commerce Database', 'SELECT region, sales_amount FROM sales_data')
    AS sales(region text, sales_amount numeric(10,2))
GROUP BY region ORDER BY region;
\set rows 2
:did
SELECT answer ->> 'status' AS status, answer -> 'columns' AS columns, answer -> 'rows' AS rows
FROM tenancy.execute_query('E-commerce Database', 'SELECT name, price FROM products WHERE price > ? ORDER BY price', '[30]') AS answer;
\set rows 1
:did

\echo '\n== 6. Every query is in the history ==\n'
SELECT status, row_count, regexp_replace(left(generated_sql_query, 70), '\s+', ' ', 'g') AS query
FROM tenancy.history(max_rows => 5);
\set rows 5
:did
SELECT id AS client1_query FROM tenancy.history(max_rows => 1) \gset
:did
\echo
SELECT status, row_count, generated_sql_query FROM tenancy.history_entry(:'client1_query');
\set rows 1
:did
SELECT count(*) AS queries, count(*) FILTER (WHERE status <> 'success') AS failures
FROM tenancy.history() HAVING count(*) = 12 AND bool_and(status = 'success');
\set rows 1
:did

\echo '\n== 7. Client 1 asks in plain language: one SELECT is made of the question, checked, and run read-only ==\n'
SELECT answer ->> 'understood' AS understood, answer ->> 'sql' AS sql, answer -> 'rows' AS rows
FROM tenancy.ask('E-commerce Database', 'total sales amount per region') AS answer WHERE answer ->> 'status' = 'success';
\set rows 1
:did
SELECT answer ->> 'understood' AS understood, answer ->> 'sql' AS sql, answer -> 'rows' AS rows
FROM tenancy.ask('E-commerce Database', 'total quantity per product in March 2026') AS answer
WHERE answer ->> 'status' = 'success' AND json_array_length(answer -> 'rows') = 3;
\set rows 1
:did
SELECT answer ->> 'status' AS status, answer ->> 'understood' AS understood
FROM tenancy.ask('E-commerce Database', 'Which customers are happy?') AS answer WHERE answer ->> 'status' = 'refused';
\set rows 1
:did
SELECT status, natural_language_query, generated_sql_query IS NOT NULL AS has_sql FROM tenancy.history(source => 'ask');
\set rows 3
:did

\echo '\n== 8. The database as a schema of foreign tables: plain SQL, of which SQLite does what it does exactly ==\n'
SELECT tenancy.attach('E-commerce Database', 'shop') AS tables;
\set rows 1
:did
SELECT c.name, sum(o.quantity) AS bought FROM shop.customers AS c JOIN shop.orders AS o ON o.customer_id = c.id
GROUP BY c.name ORDER BY c.name;
\set rows 2
:did
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM shop.orders WHERE quantity > 1;
:did
INSERT INTO shop.customers (id, name, city) VALUES (100, 'Nina Lund', 'Bergen') RETURNING id, name;
\set rows 1
:did
DELETE FROM shop.customers WHERE id = 100;
\set rows 1
:did

\echo '\n== 9. Client 2 logs in, in another session, with a database of their own ==\n'
\connect -
SELECT tenancy.login('bob@works.example', 'staple tractor window') AS client2_token \gset
:did
\echo '    the application keeps the token\n'
SET tenancy.session = :'client2_token';
:did
\echo
SELECT name, database_type FROM tenancy.connections();
\set rows 0
:did
SELECT tenancy.create_connection('Manufacturing Database', 'sqlite', database_name => 'manufacturing.db',
                                 options => '{"create": true}') AS works \gset
:did
\echo '    its id is' :works '\n'
SELECT answer ->> 'status' AS status
FROM tenancy.execute_query('Manufacturing Database', $$
    CREATE TABLE inventory (id INTEGER PRIMARY KEY, product_name VARCHAR(100), quantity INT, warehouse VARCHAR(50), last_updated TIMESTAMP)
$$) AS answer;
:did
SELECT answer ->> 'status' AS status
FROM tenancy.execute_query('Manufacturing Database', $$
    CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name VARCHAR(100), country VARCHAR(50))
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('Manufacturing Database', $$
    INSERT INTO inventory (product_name, quantity, warehouse, last_updated)
    VALUES ('Bearing', 1200, 'Hall A', '2026-03-04 08:15:00'), ('Gear', 310, 'Hall B', '2026-03-04 09:40:00')
$$) AS answer;
:did
SELECT answer ->> 'status' AS status, answer ->> 'row_count' AS row_count
FROM tenancy.execute_query('Manufacturing Database', $$
    INSERT INTO suppliers (name, country) VALUES ('Nordic Steel', 'SE'), ('Alpen Gears', 'AT')
$$) AS answer;
:did
SELECT * FROM tenancy.query('Manufacturing Database',
    'SELECT product_name, quantity, warehouse, last_updated FROM inventory ORDER BY id')
    AS stock(product_name text, quantity int, warehouse text, last_updated timestamp);
\set rows 2
:did
SELECT * FROM tenancy.query('Manufacturing Database', 'SELECT name, country FROM suppliers ORDER BY id')
    AS suppliers(name text, country text);
\set rows 2
:did

\echo '\n== 10. Client 2 is refused at everything of client 1''s, by name and by id ==\n'
SELECT * FROM tenancy.query('E-commerce Database', 'SELECT name FROM customers') AS t(name text);
\set expect 42501
:did
SELECT * FROM tenancy.query(:'shop'::uuid, 'SELECT name FROM customers') AS t(name text);
\set expect 42501
:did
SELECT answer ->> 'status' AS status, answer -> 'error' ->> 'sqlstate' AS sqlstate
FROM tenancy.execute_query(:'shop'::uuid, 'DELETE FROM orders') AS answer
WHERE answer ->> 'status' = 'denied' AND answer -> 'error' ->> 'sqlstate' = '42501';
\set rows 1
:did
SELECT tenancy.open_query(:'shop'::uuid, 'SELECT name FROM customers');
\set expect 42501
:did
SELECT name FROM shop.customers;
\set expect 42501
:did
SELECT * FROM tenancy.test_connection(:'shop'::uuid);
\set expect 42501
:did
SELECT tenancy.update_connection(:'shop'::uuid, name => 'mine now');
\set expect 42501
:did
SELECT tenancy.delete_connection(:'shop'::uuid);
\set expect 42501
:did
SELECT tenancy.delete_connection('E-commerce Database');
\set expect 42501
:did
SELECT * FROM tenancy.history_entry(:'client1_query');
\set expect P0002
:did

\echo '\n== 11. Nor do the tables themselves show more than client 2''s own rows, or any secret ==\n'
SELECT email, company_name FROM tenancy.users;
\set rows 1
:did
SELECT name, database_type FROM tenancy.database_connections;
\set rows 1
:did
SELECT count(*) AS entries_of_others FROM tenancy.query_history
WHERE user_id IS DISTINCT FROM tenancy.current_user_id() HAVING count(*) = 0;
\set rows 1
:did
SELECT name, password_encrypted FROM tenancy.database_connections;
\set expect 42501
:did
SELECT email, password_hash FROM tenancy.users;
\set expect 42501
:did
SELECT tenancy.decrypt_database_password('AAAA');
\set expect 42501
:did
UPDATE tenancy.database_connections SET user_id = tenancy.current_user_id();
\set expect 42501
:did
DELETE FROM tenancy.query_history;
\set expect 42501
:did

\echo '\n== 12. A session without a token is nobody; a made-up token is nobody ==\n'
\connect -
SELECT count(*) AS connections_of_nobody FROM tenancy.connections() HAVING count(*) = 0;
\set rows 1
:did
SELECT * FROM tenancy.query(:'shop'::uuid, 'SELECT name FROM customers') AS t(name text);
\set expect 28000
:did
SELECT tenancy.authenticate('made up');
\set expect 28000
:did
SELECT tenancy.login('ada@shop.example', 'guessed password');
\set expect 28P01
:did

\echo '\n== 13. Client 1 still has everything, and selects the database from a list ==\n'
SET tenancy.session = :'client1_token';
:did
\echo
SELECT name, database_type, database_name, last_connected_at IS NOT NULL AS was_connected FROM tenancy.connections();
\set rows 1
:did
SELECT * FROM tenancy.query('E-commerce Database', 'SELECT count(*) FROM orders') AS t(orders bigint) WHERE orders = 3;
\set rows 1
:did

\set ECHO none
SELECT :surprises = 0 AS all_as_expected \gset
\if :all_as_expected
    \echo '\nAll as expected: each client reached their own databases and history, and nothing of the other''s.'
\else
    \echo '\nNot every step did what it should.'
    \set ON_ERROR_STOP on
    DO $$ BEGIN RAISE EXCEPTION 'the demo failed'; END $$;
\endif
