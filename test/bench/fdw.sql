-- Foreign tables over the measured table: ours, and those of the wrappers that are installed, in schemas that are named
-- after engine and wrapper: postgresql_ours, postgresql_postgres_fdw, postgresql_postgres_fdw_tuned, mariadb_mysql_fdw …
\set ON_ERROR_STOP 1
\getenv rows BENCH_ROWS
\getenv host CLIENT_PGHOST
\getenv port CLIENT_PGPORT
\getenv user CLIENT_PGUSER
\getenv password CLIENT_PGPASSWORD
\getenv database CLIENT_PGDATABASE
\getenv mysql_host MYSQL_HOST
\getenv mysql_port MYSQL_PORT
\getenv mysql_user MYSQL_USER
\getenv mysql_password MYSQL_PASSWORD
\getenv mysql_database MYSQL_DATABASE
\getenv sqlite_file BENCH_SQLITE
SELECT count(*) FILTER (WHERE name = 'mysql_fdw') > 0 AS with_mysql, count(*) FILTER (WHERE name = 'sqlite_fdw') > 0 AS with_sqlite
FROM pg_available_extensions \gset

-- The outer side of the parameterised join.
CREATE TABLE public.outer_side (id bigint PRIMARY KEY);
INSERT INTO public.outer_side SELECT i * 7919 % :rows + 1 FROM generate_series(1, 10000) AS i ON CONFLICT DO NOTHING;
GRANT SELECT ON public.outer_side TO tenancy_user;
ANALYZE public.outer_side;
SELECT format('GRANT CREATE ON DATABASE %I TO bench_async', current_database()) \gexec

CREATE EXTENSION postgres_fdw;
CREATE SERVER postgres_fdw FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'database');
CREATE SERVER postgres_fdw_tuned FOREIGN DATA WRAPPER postgres_fdw
OPTIONS (host :'host', port :'port', dbname :'database', fetch_size '10000', batch_size '1000');
CREATE USER MAPPING FOR bench_async SERVER postgres_fdw OPTIONS (user :'user', password :'password');
CREATE USER MAPPING FOR bench_async SERVER postgres_fdw_tuned OPTIONS (user :'user', password :'password');
GRANT USAGE ON FOREIGN SERVER postgres_fdw, postgres_fdw_tuned TO bench_async;
\if :with_mysql
    CREATE EXTENSION mysql_fdw;
    CREATE SERVER mysql_fdw FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host :'mysql_host', port :'mysql_port', fetch_size '10000');
    CREATE USER MAPPING FOR bench_async SERVER mysql_fdw OPTIONS (username :'mysql_user', password :'mysql_password');
    GRANT USAGE ON FOREIGN SERVER mysql_fdw TO bench_async;
\endif
\if :with_sqlite
    CREATE EXTENSION sqlite_fdw;
    CREATE SERVER sqlite_fdw FOREIGN DATA WRAPPER sqlite_fdw OPTIONS (database :'sqlite_file');
    GRANT USAGE ON FOREIGN SERVER sqlite_fdw TO bench_async;
\endif

\connect - bench_async
CREATE TEMP TABLE answer (body jsonb CHECK (body ->> 'status' = 'success'));
INSERT INTO answer SELECT tenancy.execute_query(connection, sql)
FROM (VALUES ('postgresql'), ('mariadb'), ('sqlite')) AS c(connection), (VALUES
    (1, 'CREATE TABLE dimension (id integer PRIMARY KEY, region varchar(20) NOT NULL)'),
    (3, 'CREATE TABLE written (id bigint PRIMARY KEY, n integer, name varchar(40), price decimal(12, 2), day date)')) AS s(number, sql)
ORDER BY number;
INSERT INTO answer SELECT tenancy.execute_query(connection, 'INSERT INTO dimension VALUES ' || listed)
FROM (VALUES ('postgresql'), ('mariadb'), ('sqlite')) AS c(connection),
    (SELECT string_agg(format('(%s, ''region %s'')', i, i % 20), ', ') AS listed FROM generate_series(0, 999) AS i) AS l;
INSERT INTO answer SELECT tenancy.execute_query('postgresql', 'ANALYZE');
INSERT INTO answer SELECT tenancy.execute_query('mariadb', 'ANALYZE TABLE measured, dimension');
INSERT INTO answer SELECT tenancy.execute_query('sqlite', 'ANALYZE');

SELECT tenancy.attach(engine, (engine || '_ours')::name) FROM (VALUES ('postgresql'), ('mariadb'), ('sqlite')) AS e(engine);
CREATE SCHEMA postgresql_postgres_fdw;
IMPORT FOREIGN SCHEMA public LIMIT TO (measured, dimension, written) FROM SERVER postgres_fdw INTO postgresql_postgres_fdw;
CREATE SCHEMA postgresql_postgres_fdw_tuned;
IMPORT FOREIGN SCHEMA public LIMIT TO (measured, dimension, written) FROM SERVER postgres_fdw_tuned INTO postgresql_postgres_fdw_tuned;
\if :with_mysql
    CREATE SCHEMA mariadb_mysql_fdw;
    IMPORT FOREIGN SCHEMA :"mysql_database" LIMIT TO (measured, dimension, written) FROM SERVER mysql_fdw INTO mariadb_mysql_fdw;
\endif
\if :with_sqlite
    CREATE SCHEMA sqlite_sqlite_fdw;
    IMPORT FOREIGN SCHEMA public LIMIT TO (measured, dimension, written) FROM SERVER sqlite_fdw INTO sqlite_sqlite_fdw;
\endif
-- Some wrappers have no statistics to offer, which is their affair.
\set ON_ERROR_STOP 0
SELECT format('ANALYZE %I.%I', n.nspname, t.relname) FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE t.relkind = 'f' AND t.relname <> 'written' \gexec
