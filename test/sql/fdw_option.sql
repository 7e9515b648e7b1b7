-- Options of tenant_fdw: what each object takes, and what is said of everything else.
SET tenancy.identity_scope = 'session';
SELECT probe.become('one@example.com');
\set id '00000000-0000-7000-8000-000000000001'

-- The wrapper and user mappings take none.
SELECT probe.error_of($$ALTER FOREIGN DATA WRAPPER tenant_fdw OPTIONS (ADD fetch_size '1')$$);
SELECT probe.error_of(format($$CREATE SERVER options FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection %L)$$, :'id'));
SELECT probe.error_of($$CREATE USER MAPPING FOR CURRENT_USER SERVER options OPTIONS (password 'secret')$$);
SELECT probe.error_of($$CREATE USER MAPPING FOR CURRENT_USER SERVER options$$);
SELECT probe.error_of($$DROP USER MAPPING FOR CURRENT_USER SERVER options$$);

-- Servers.
SELECT probe.error_of($$CREATE SERVER other FOREIGN DATA WRAPPER tenant_fdw$$);
SELECT probe.error_of(format($$CREATE SERVER other FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection %L)$$, v))
FROM unnest(ARRAY['shop', '', upper('0000000A-0000-7000-8000-000000000001'), '{00000000-0000-7000-8000-000000000001}', '00000000000070008000000000000001']) AS v;
SELECT v, probe.error_of(format($$ALTER SERVER options OPTIONS (ADD %s)$$, v))
FROM unnest(ARRAY['fetchsize ''1''', 'nonsense ''1''', 'table_name ''t''', 'column_name ''c''', 'password ''x''', 'host ''h''',
                  'fetch_size ''0''', 'fetch_size ''-1''', 'fetch_size ''1e3''', 'fetch_size ''1000001''', 'batch_size ''''', 'batch_size '' 7''',
                  'updatable ''maybe''', 'truncatable ''2''', 'async_capable ''''', 'keep_connections ''x''', 'use_remote_estimate ''x''',
                  'trust_remote_collation ''x''', 'fdw_startup_cost ''-1''', 'fdw_startup_cost ''NaN''', 'fdw_tuple_cost ''x''',
                  'fdw_tuple_cost ''infinity''']) AS v;
SELECT v, probe.error_of(format($$ALTER SERVER options OPTIONS (ADD %s)$$, v))
FROM unnest(ARRAY['fetch_size ''1000000''', 'batch_size ''1''', 'updatable ''off''', 'truncatable ''false''', 'async_capable ''on''',
                  'keep_connections ''no''', 'use_remote_estimate ''true''', 'trust_remote_collation ''yes''', 'fdw_startup_cost ''0.5''',
                  'fdw_tuple_cost ''0''']) AS v;
SELECT probe.error_of($$ALTER SERVER options OPTIONS (SET connection 'elsewhere')$$);
SELECT probe.error_of($$ALTER SERVER options OPTIONS (DROP connection)$$);
SELECT probe.error_of($$ALTER SERVER options OPTIONS (SET connection '00000000-0000-7000-8000-000000000002')$$);

-- Tables.
SELECT probe.error_of($$CREATE FOREIGN TABLE probe.t (a int) SERVER options OPTIONS (schema_name '', table_name 'weird "name"')$$);
SELECT v, probe.error_of(format($$ALTER FOREIGN TABLE probe.t OPTIONS (ADD %s)$$, v))
FROM unnest(ARRAY['tablename ''x''', 'connection ''x''', 'keep_connections ''on''', 'fetch_size ''0''', 'query ''SELECT 1''', 'updatable ''x''', 'upsert ''x''', 'upsert ''true''']) AS v;
SELECT probe.error_of($$CREATE FOREIGN TABLE probe.q (a int) SERVER options OPTIONS (query 'SELECT 1', table_name 't')$$);
SELECT probe.error_of($$CREATE FOREIGN TABLE probe.q (a int) SERVER options OPTIONS (query '  ')$$);
SELECT probe.error_of($$CREATE FOREIGN TABLE probe.q (a int) SERVER options OPTIONS (query 'SELECT 1', fetch_size '5')$$);

-- Columns.
SELECT v, probe.error_of(format($$ALTER FOREIGN TABLE probe.t ALTER a OPTIONS (ADD %s)$$, v))
FROM unnest(ARRAY['columnname ''x''', 'table_name ''x''', 'key ''x''', 'generated ''2''', 'identity ''''', 'indexed ''?''',
                  'column_name ''''', 'native_type ''int''', 'collation ''x''', 'key ''true''', 'generated ''false''', 'identity ''off''', 'indexed ''on''']) AS v;
\d probe.t

-- A server can lose its connection only behind the validator's back; then it cannot be used.
ALTER FOREIGN DATA WRAPPER tenant_fdw NO VALIDATOR;
ALTER SERVER options OPTIONS (DROP connection);
ALTER FOREIGN DATA WRAPPER tenant_fdw VALIDATOR tenancy.tenant_fdw_validator;
SELECT probe.error_of($$IMPORT FOREIGN SCHEMA public FROM SERVER options INTO probe$$);
SELECT probe.error_of($$SELECT * FROM probe.t$$);

-- What a tenant may do with the wrapper: make servers, of connections that are theirs alone. Nothing tells whether there is another.
SELECT tenancy.create_connection('options', connection_string => 'sqlite:options.db') AS mine \gset
SELECT probe.become('two@example.com');
SELECT tenancy.create_connection('options', connection_string => 'sqlite:options.db') AS theirs \gset
SELECT probe.become('one@example.com');
SET ROLE regress_app;
SELECT replace(probe.error_of(format($$CREATE SERVER other FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection %L)$$, v)), v, '…')
FROM unnest(ARRAY[:'id', :'theirs']) AS v;
SELECT probe.error_of(format($$CREATE SERVER mine FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection %L)$$, :'mine'));
SELECT replace(probe.error_of(format($$ALTER SERVER mine OPTIONS (SET connection %L)$$, :'theirs')), :'theirs', '…');
SELECT probe.error_of($$ALTER SERVER mine OPTIONS (ADD fetch_size '7')$$);
SELECT probe.error_of($$ALTER FOREIGN DATA WRAPPER tenant_fdw NO VALIDATOR$$);
DROP SERVER mine;
RESET ROLE;
DROP SERVER options CASCADE;
