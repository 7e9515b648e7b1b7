-- A tenant who sends nothing but different statements: rollups stay small and their sums right.
BEGIN;
SELECT plan(8);
SELECT tenancy.register('crowd@dash.example', 'a long password') AS crowd \gset
CREATE FUNCTION pg_temp.run_texts(crowd uuid, first integer, last integer, repeated integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tenancy.running_queries (id, user_id, generated_sql_query, execution_time_ms, row_count, status, source, started_at, finished_at)
    SELECT tenancy.make_uuid_v7(), crowd, format('SELECT c%s', g), 1, 1, 'success', 'sql', t.noon, t.noon + interval '1 millisecond'
    FROM generate_series(first, last) AS g, generate_series(1, repeated), (VALUES (timestamptz '2026-11-20 12:00+00')) AS t (noon)
$$;
SELECT pg_temp.run_texts(:'crowd', 1, 10, 5) \g /dev/null
SELECT pg_temp.run_texts(:'crowd', 1 + 200 * n, 200 + 200 * n, 1) FROM generate_series(0, 29) AS n \g /dev/null

SELECT cmp_ok(count(*), '<=', 1201::bigint, '6000 different statements of a day are at most 1000, a statement''s worth of new ones, and others')
FROM tenancy.statement_rollups WHERE user_id = :'crowd';
SELECT is(sum(runs), 6050::numeric, 'whose sum is right') FROM tenancy.statement_rollups WHERE user_id = :'crowd';
SELECT is(count(*), 1::bigint, 'others are one row') FROM tenancy.statement_rollups WHERE user_id = :'crowd' AND fingerprint = 0;
SELECT is(count(*), 10::bigint, 'the frequent ones are there') FROM tenancy.statement_rollups WHERE user_id = :'crowd' AND runs > 5 AND fingerprint <> 0;
SELECT cmp_ok(count(*), '<=', 1201::bigint, 'the sums of all users are bounded too')
FROM tenancy.statement_rollups WHERE user_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff' AND day = '2026-11-20';
SELECT is(tenancy.dashboard_analytics('2026-11-20', '2026-11-21', 'UTC', :'crowd') #>> '{statements,other,runs}',
          (SELECT runs::text FROM tenancy.statement_rollups WHERE user_id = :'crowd' AND fingerprint = 0), 'a dashboard says how many are others');

-- Parts of the same statements are no other statements.
SELECT tenancy.register('parted@dash.example', 'a long password') AS parted \gset
SELECT pg_temp.run_texts(:'parted', 1, 300, 1) \g /dev/null
INSERT INTO tenancy.statement_rollups
SELECT s.user_id, s.day, s.database_connection_id, s.fingerprint, s.statement, s.runs, s.failures, s.row_count, s.total_ms, s.max_ms, s.cached,
       s.latency, s.last_started_at, s.last_failed_at, s.last_error_code, n.part
FROM tenancy.statement_rollups AS s, generate_series(1, 5) AS n (part) WHERE s.user_id = :'parted';
SELECT is(tenancy.fold_statements(:'parted', '2026-11-20'), 0::bigint, '300 statements in six parts are not too many');
SELECT pg_temp.run_texts(:'parted', 301, 1100, 1) \g /dev/null
SELECT is(count(*), 300::bigint, 'and when there are too many, the most frequent ones stay')
FROM (SELECT FROM tenancy.statement_rollups WHERE user_id = :'parted' AND fingerprint <> 0 GROUP BY fingerprint HAVING sum(runs) = 6) AS f;
SELECT * FROM finish();
ROLLBACK;
