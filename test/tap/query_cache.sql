-- Properties of the query cache: whose it is, what it adds up to, what it leaves behind.
BEGIN;
SELECT plan(18);
SET LOCAL tenancy.identity_scope = 'transaction';
CREATE ROLE tap_cache;
GRANT tenancy_user TO tap_cache;
SELECT tenancy.register('cache-a@tap.example', 'a long password') AS a \gset
SELECT tenancy.register('cache-b@tap.example', 'b long password') AS b \gset
SELECT tenancy.login('cache-a@tap.example', 'a long password') AS token_a \gset
SELECT tenancy.login('cache-b@tap.example', 'b long password') AS token_b \gset
SELECT tenancy.authenticate(:'token_a') \gset
SELECT tenancy.create_connection('mine', 'sqlite', database_name => 'cache.db', options => '{"create": true}') AS connection_a \gset
SELECT tenancy.authenticate(:'token_b') \gset
SELECT tenancy.create_connection('mine', 'sqlite', database_name => 'cache.db', options => '{"create": true}') AS connection_b \gset
CREATE FUNCTION pg_temp.ask(connection text, n int, ttl interval DEFAULT '1 hour') RETURNS boolean LANGUAGE sql AS $$
    SELECT (r ->> 'cached')::boolean FROM tenancy.execute_query(connection, format('SELECT %s AS n', n), cache_ttl => ttl) AS r
$$;

SELECT tenancy.authenticate(:'token_a') \gset
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 0::bigint, 'what was never asked is not cached');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 50::bigint, 'what was asked is');
SELECT tenancy.authenticate(:'token_b') \gset
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 0::bigint, 'another user is answered from nothing of it');
SELECT results_eq(format('SELECT DISTINCT user_id FROM tenancy.query_cache_entries() WHERE user_id IN (%L, %L) ORDER BY 1', :'a', :'b'),
                  format('SELECT v::uuid FROM unnest(ARRAY[%L, %L]) AS v ORDER BY v::uuid', :'a', :'b'), 'an administrator sees both');
SET LOCAL ROLE tap_cache;
CREATE TEMP TABLE seen AS SELECT * FROM tenancy.query_cache;
RESET ROLE;
SELECT is((SELECT array_agg(DISTINCT user_id) FROM seen), ARRAY[:'b'::uuid], 'a tenant sees their own only');
SELECT is((SELECT array_agg(DISTINCT database_connection_id) FROM seen), ARRAY[:'connection_b'::uuid], 'of their connections only');
SELECT is((SELECT count(*) FROM seen), 50::bigint, 'and all of them');
SELECT ok((SELECT bool_and(hits = 0 AND row_count = 1 AND size > 0 AND NOT truncated AND created_at <= last_used_at
                           AND expires_at = created_at + interval '1 hour' AND octet_length(key) = 32) FROM seen), 'with plausible figures');
SELECT set_config('tenancy.session', '', true) \gset
SET LOCAL ROLE tap_cache;
CREATE TEMP TABLE seen_by_nobody AS SELECT * FROM tenancy.query_cache;
RESET ROLE;
SELECT is((SELECT count(*) FROM seen_by_nobody), 0::bigint, 'who has no identity sees nothing');
SELECT ok(NOT has_function_privilege('tenancy_user', 'tenancy.expire_query_cache()', 'EXECUTE')
          AND NOT has_function_privilege('tenancy_admin', 'tenancy.expire_query_cache()', 'EXECUTE'), 'expiring is the worker''s');
SELECT tenancy.authenticate(:'token_a') \gset
SELECT tenancy.execute_query('mine', 'CREATE TABLE t (n integer)') IS NOT NULL AS written \gset
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 0::bigint, 'a write empties it');
SELECT tenancy.authenticate(:'token_b') \gset
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 50::bigint, 'of the database that was written to');
-- An administrator, as this session's role is one, may use the connections of others.
CREATE FUNCTION pg_temp.ask_by_id(connection uuid, n int) RETURNS boolean LANGUAGE sql AS $$
    SELECT (r ->> 'cached')::boolean FROM tenancy.execute_query(connection, format('SELECT %s AS n', n), cache_ttl => '1 hour') AS r
$$;
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask_by_id(:'connection_a', n)) FROM generate_series(1, 50) AS n), 0::bigint,
          'an administrator is answered from nothing of who owns the connection');
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask_by_id(:'connection_a', n)) FROM generate_series(1, 50) AS n), 50::bigint, 'but from what they have asked');
SELECT tenancy.authenticate(:'token_a') \gset
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(1, 50) AS n), 50::bigint, 'and the owner from their own');
SELECT tenancy.authenticate(:'token_b') \gset
SET LOCAL tenancy.cache_size_per_user = '4kB';
SELECT is((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(51, 150) AS n), 0::bigint, 'what was never asked comes from nowhere');
SELECT cmp_ok((SELECT count(*) FILTER (WHERE pg_temp.ask('mine', n)) FROM generate_series(150, 141, -1) AS n), '>', 0::bigint, 'and answers from the newest');
SELECT cmp_ok((SELECT sum(size) FROM tenancy.query_cache_entries() WHERE user_id = :'b'), '<=', 4096::numeric, 'and never grows beyond itself');
SELECT * FROM finish();
ROLLBACK;
