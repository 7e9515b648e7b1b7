-- What an application shows on its dashboard pages: figures, charts, analytics; of the own queries only, but for administrators.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('dash@example.com', 'correct horse dash@example.com') AS me \gset
SELECT tenancy.register('other@example.com', 'correct horse other@example.com') AS other \gset
SET ROLE regress_app;
SELECT probe.become('dash@example.com');
SELECT tenancy.create_connection('figures', connection_string => 'sqlite:figures.db?create=true') IS NOT NULL AS made;
SELECT tenancy.execute_query('figures', 'CREATE TABLE people (id integer, name text)') ->> 'status' AS status;
SELECT count(tenancy.execute_query('figures', format('INSERT INTO people VALUES (%s, ''secret %s'')', g, g))) FROM generate_series(1, 6) AS g;
SELECT count(tenancy.execute_query('figures', 'SELECT * FROM people WHERE id < ' || g)) FROM generate_series(1, 3) AS g;
SELECT tenancy.execute_query('figures', 'SELECT nonsense FROM people WHERE name = ''secret''') ->> 'status' AS status;
SELECT tenancy.execute_query('not mine', 'SELECT 1') ->> 'status' AS status;

-- The overview.
SELECT o -> 'connections' AS connections, o -> 'running' AS running, o -> 'runs_ever' AS runs_ever, o ->> 'time_zone' AS zone
FROM tenancy.dashboard_overview('Europe/Zurich') AS o;
SELECT s.span, f.runs, f.succeeded, f.failed, f.success_rate, f.row_count, f.cached, f.truncated, f.median_ms <= f.p95_ms AS ordered,
       f.total_ms >= f.max_ms AS summed
FROM tenancy.dashboard_overview('UTC') AS o,
     unnest(ARRAY['last_7_days', 'last_30_days', 'previous_30_days']) AS s (span),
     jsonb_to_record(o -> s.span) AS f (runs integer, succeeded integer, failed integer, success_rate numeric, row_count integer,
         cached integer, truncated integer, median_ms numeric, p95_ms numeric, max_ms integer, total_ms integer);
SELECT string_agg(key, ' ' ORDER BY key) AS figures FROM jsonb_each(tenancy.dashboard_overview() -> 'today');

-- Charts: each bucket has a point, whose places are those of the time zone.
SELECT jsonb_array_length(c -> 'points') BETWEEN 1 AND 2 AS points, c ->> 'bucket' AS bucket, c ->> 'time_zone' AS zone,
       (SELECT sum((p ->> 'runs')::integer) FROM jsonb_array_elements(c -> 'points') AS p) AS runs
FROM tenancy.dashboard_charts(now() - interval '6 days', now() + interval '1 hour', 'month', 'Asia/Kathmandu') AS c;
SET timezone = 'UTC';
SELECT p ->> 'at' AS at, p ->> 'runs' AS runs, p ->> 'success_rate' AS success_rate
FROM jsonb_array_elements(tenancy.dashboard_charts('2024-03-30 12:00+01', '2024-04-01 12:00+02', 'day', 'Europe/Zurich') -> 'points') AS p;
SELECT p ->> 'at' AS at
FROM jsonb_array_elements(tenancy.dashboard_charts('2024-10-27 00:30+02', '2024-10-27 03:30+01', 'hour', 'Europe/Zurich') -> 'points') AS p;
RESET timezone;
SELECT probe.error_of($$SELECT tenancy.dashboard_charts(now() - interval '1 day', now(), 'minute')$$);
SELECT probe.error_of($$SELECT tenancy.dashboard_charts(now(), now() - interval '1 day')$$);
SELECT probe.error_of($$SELECT tenancy.dashboard_charts('-infinity', now())$$);
SELECT probe.error_of($$SELECT tenancy.dashboard_charts('1900-01-01', now(), 'hour')$$);
SELECT probe.error_of($$SELECT tenancy.dashboard_charts(time_zone => 'Europe/Nowhere')$$);
SELECT probe.error_of($$SELECT tenancy.fingerprint(repeat(' ', 17000000), 'postgresql')$$);
SELECT probe.error_of($$SELECT tenancy.histogram_merge(h) FROM (VALUES ('\x01'::bytea), ('\x02'), (NULL)) AS t (h)$$);
SELECT probe.error_of($$SELECT tenancy.histogram_quantile('\x0180', 0.5)$$);
SELECT tenancy.histogram_quantile('\x01', 0.5) IS NULL AS empty;
SELECT probe.error_of($$SELECT tenancy.histogram_count('\x0180')$$);
SELECT tenancy.histogram_count('\x01') AS empty, tenancy.histogram_count('\x0100030102') AS five;

-- Analytics.
SELECT tenancy.dashboard_analytics(now() - interval '1 day', now() + interval '1 hour') AS analytics \gset
SELECT c ->> 'name' AS name, c ->> 'database_type' AS type, c ->> 'runs' AS runs, c ->> 'failed' AS failed
FROM jsonb_array_elements(:'analytics'::jsonb -> 'connections') AS c;
SELECT s ->> 'status' AS status, s ->> 'runs' AS runs FROM jsonb_array_elements(:'analytics'::jsonb -> 'statuses') AS s;
SELECT s ->> 'source' AS source, s ->> 'runs' AS runs FROM jsonb_array_elements(:'analytics'::jsonb -> 'sources') AS s;
SELECT sum((h ->> 'runs')::integer) AS runs, bool_and((h ->> 'day')::integer BETWEEN 1 AND 7 AND (h ->> 'hour')::integer BETWEEN 0 AND 23) AS hours
FROM jsonb_array_elements(:'analytics'::jsonb -> 'hours_of_week') AS h;
SELECT s ->> 'statement' AS statement, s ->> 'connection' AS connection, s ->> 'runs' AS runs, s ->> 'failed' AS failed
FROM jsonb_array_elements(:'analytics'::jsonb #> '{statements,most_frequent}') AS s ORDER BY (s ->> 'runs')::integer DESC, 1;
SELECT s ->> 'statement' AS statement, s ->> 'failed' AS failed, s ->> 'last_error_code' AS code
FROM jsonb_array_elements(:'analytics'::jsonb #> '{statements,failing}') AS s ORDER BY 1;
SELECT bool_and(a.p95 >= b.p95) AS slowest_first
FROM (SELECT (s ->> 'p95_ms')::numeric AS p95, i FROM jsonb_array_elements(:'analytics'::jsonb #> '{statements,slowest}') WITH ORDINALITY AS t (s, i)) AS a,
     (SELECT (s ->> 'p95_ms')::numeric AS p95, i FROM jsonb_array_elements(:'analytics'::jsonb #> '{statements,slowest}') WITH ORDINALITY AS t (s, i)) AS b
WHERE b.i = a.i + 1;
SELECT :'analytics' LIKE '%secret%' AS leaks, :'analytics'::jsonb #> '{statements,other}' AS other;
SELECT jsonb_array_length(tenancy.dashboard_analytics(most => 2) #> '{statements,slowest}') AS most;
SELECT (SELECT sum(runs) FROM tenancy.query_daily) AS by_day, (SELECT sum(runs) FROM tenancy.query_rollups) AS by_quarter;

SELECT probe.error_of(format('SELECT tenancy.dashboard_analytics(%s)', arguments)) AS refused
FROM unnest(ARRAY['most => NULL', 'most => 0', 'most => -1', '"from" => NULL', '"until" => NULL', 'now(), now() - interval ''1 day''']) AS arguments;
SELECT tenancy.dashboard_analytics('-infinity', 'infinity') #>> '{total,runs}' AS ever;

-- Others, nobody, and administrators.
SELECT probe.error_of(format('SELECT tenancy.dashboard_overview(user_id => %L)', :'other'));
SELECT probe.error_of(format('SELECT tenancy.dashboard_charts(user_id => %L)', 'ffffffff-ffff-ffff-ffff-ffffffffffff'));
SELECT tenancy.dashboard_overview(user_id => :'me') #>> '{last_7_days,runs}' AS own;
SELECT tenancy.delete_connection('figures');
SELECT c ->> 'name' AS name, c ->> 'runs' AS runs, c ->> 'deleted' AS deleted, c ->> 'id' IS NULL AS denied
FROM jsonb_array_elements(tenancy.dashboard_analytics() -> 'connections') AS c;
SELECT probe.become('other@example.com');
SELECT tenancy.dashboard_overview() #>> '{last_30_days,runs}' AS runs, tenancy.dashboard_overview() -> 'connections' AS connections;
SELECT tenancy.dashboard_analytics() #>> '{total,runs}' AS runs, tenancy.dashboard_analytics() -> 'connections' AS connections;
SELECT (SELECT count(*) FROM tenancy.query_rollups), (SELECT count(*) FROM tenancy.statement_rollups), (SELECT count(*) FROM tenancy.connection_rollups), (SELECT count(*) FROM tenancy.query_daily);
SELECT set_config('tenancy.session', '', false);
SELECT probe.error_of('SELECT tenancy.dashboard_overview()');
SELECT probe.error_of('SELECT tenancy.rebuild_rollups()');
SET ROLE regress_admin;
SELECT tenancy.dashboard_overview(user_id => :'me') #>> '{last_7_days,runs}' AS one_user;
SELECT (tenancy.dashboard_overview() #>> '{last_7_days,runs}')::integer > 11 AS all_users;
SELECT c ->> 'name' AS name, c ->> 'deleted' AS deleted
FROM jsonb_array_elements(tenancy.dashboard_analytics(user_id => :'me') -> 'connections') AS c;
SELECT (a #>> '{total,runs}')::numeric = (SELECT sum((c ->> 'runs')::numeric) FROM jsonb_array_elements(a -> 'connections') AS c) AS all_connections,
       (a #>> '{total,runs}')::numeric = (SELECT sum((c ->> 'runs')::numeric) FROM jsonb_array_elements(a -> 'statuses') AS c) AS all_statuses
FROM tenancy.dashboard_analytics("until" => now() + interval '1 hour', most => 1000000) AS a;
RESET ROLE;
SELECT (SELECT sum(runs) FROM tenancy.query_rollups WHERE user_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff') = count(*) AS all_runs
FROM tenancy.query_history;
