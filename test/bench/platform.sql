-- The platform's side: one user, a role for each history durability that stands for that user, three client databases; a rival.
\set ON_ERROR_STOP 1
\getenv password BENCH_PASSWORD
CREATE ROLE bench_async LOGIN PASSWORD :'password' IN ROLE tenancy_user;
CREATE ROLE bench_finished LOGIN PASSWORD :'password' IN ROLE tenancy_user;
CREATE ROLE bench_started LOGIN PASSWORD :'password' IN ROLE tenancy_user;
ALTER ROLE bench_async SET tenancy.history_durability = 'async';
ALTER ROLE bench_finished SET tenancy.history_durability = 'finished';
ALTER ROLE bench_started SET tenancy.history_durability = 'started';
-- Thirty-two sessions of one user stand for those of many.
ALTER ROLE bench_async SET tenancy.max_running_queries_per_user = 0;
ALTER ROLE bench_finished SET tenancy.max_running_queries_per_user = 0;
ALTER ROLE bench_started SET tenancy.max_running_queries_per_user = 0;
SELECT tenancy.register('bench@example.com', :'password', 'Ben', 'Mark', 'Bench') AS user_id \gset
SELECT tenancy.bind_role(:'user_id', rolname) FROM pg_roles WHERE rolname LIKE 'bench\_%';
-- Another tenant, for what one may do to another.
CREATE ROLE bench_rival LOGIN PASSWORD :'password' IN ROLE tenancy_user;
SELECT tenancy.bind_role(tenancy.register('rival@example.com', :'password'), 'bench_rival');
CREATE TABLE public.lookup (id integer PRIMARY KEY, word text);
INSERT INTO public.lookup SELECT i, 'word ' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE public.committed (at timestamptz);
CREATE TABLE public.texts (text text);
GRANT SELECT ON public.lookup TO tenancy_user;
GRANT INSERT ON public.committed, public.texts TO tenancy_user;

\connect - bench_async
\getenv host CLIENT_PGHOST
\getenv port CLIENT_PGPORT
\getenv user CLIENT_PGUSER
\getenv password CLIENT_PGPASSWORD
\getenv database CLIENT_PGDATABASE
SELECT tenancy.create_connection('postgresql', 'postgresql', :'host', :'port', :'database', :'user', :'password');
\getenv host MYSQL_HOST
\getenv port MYSQL_PORT
\getenv user MYSQL_USER
\getenv password MYSQL_PASSWORD
\getenv database MYSQL_DATABASE
SELECT tenancy.create_connection('mariadb', 'mysql', :'host', :'port', :'database', :'user', :'password');
SELECT tenancy.create_connection('sqlite', 'sqlite', database_name => 'bench.db', options => '{"create": true}');

\connect - bench_rival
\getenv host CLIENT_PGHOST
\getenv port CLIENT_PGPORT
\getenv user CLIENT_PGUSER
\getenv password CLIENT_PGPASSWORD
\getenv database CLIENT_PGDATABASE
SELECT tenancy.create_connection('postgresql', 'postgresql', :'host', :'port', :'database', :'user', :'password');
SELECT tenancy.create_connection('sqlite', 'sqlite', database_name => 'bench.db', options => '{"create": true}');
