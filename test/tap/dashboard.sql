-- Dashboards agree with the history that they are sums of: random runs, time zones with every kind of offset.
BEGIN;
SELECT plan(38);
SET LOCAL tenancy.identity_scope = 'transaction';
SELECT setseed(0.42) IS NULL AS seeded \gset
SELECT tenancy.register('a@dash.example', 'a long password') AS a \gset
SELECT tenancy.register('b@dash.example', 'b long password') AS b \gset

-- Runs as the worker reports them, in statements of random size; the trigger of running_queries makes history of them.
CREATE FUNCTION pg_temp.run_some(users uuid[], days double precision, many integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tenancy.running_queries (id, user_id, generated_sql_query, execution_time_ms, row_count, status, source,
                                         connection_name, error_code, result_bytes, truncated, cached, started_at, finished_at)
    SELECT tenancy.make_uuid_v7(), users[1 + floor(random() * cardinality(users))],
           format('SELECT * FROM t%s WHERE a = %s', floor(random() * 20), g),
           CASE WHEN e.status <> 'lost' THEN e.microseconds / 1000 END, floor(random() * 100), e.status,
           (ARRAY['sql', 'ask', 'fdw', 'sample', 'catalog'])[1 + floor(random() * 5)], 'c',
           CASE e.status WHEN 'error' THEN '42703' WHEN 'timeout' THEN '57014' END, floor(random() * 10000), random() < 0.1,
           random() < 0.2, e.started, e.started + e.microseconds * interval '1 microsecond'
    FROM generate_series(1, many) AS g,
         LATERAL (SELECT timestamptz '2026-11-20 12:00+00' - days * random() * interval '1 day' + g * interval '1 microsecond' AS started,
                         floor(exp(random() * 16))::bigint AS microseconds,
                         (ARRAY['success', 'success', 'success', 'error', 'timeout', 'cancelled', 'denied', 'lost'])[1 + floor(random() * 8)] AS status) AS e
$$;
SELECT pg_temp.run_some(ARRAY[:'a'::uuid, :'b'::uuid, NULL], 400, (1 + random() * 100)::integer) FROM generate_series(1, 60) \g /dev/null

CREATE FUNCTION pg_temp.raw(subject uuid, since timestamptz, until timestamptz, bucket text, zone text)
RETURNS TABLE (at timestamptz, runs bigint, succeeded bigint, row_count bigint, bytes bigint, cached bigint, truncated bigint,
               total_ms bigint, average_ms numeric, max_ms integer, median double precision, p95 double precision) LANGUAGE sql AS $$
    SELECT date_trunc(bucket, q.started_at, zone), count(*), count(*) FILTER (WHERE q.status = 'success'), sum(q.row_count),
           sum(q.result_bytes), count(*) FILTER (WHERE q.cached), count(*) FILTER (WHERE q.truncated),
           coalesce(sum(q.execution_time_ms), 0), round(avg(q.execution_time_ms), 3), max(q.execution_time_ms),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM q.finished_at - q.started_at)::double precision * 1000)
               FILTER (WHERE q.status <> 'lost'),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM q.finished_at - q.started_at)::double precision * 1000)
               FILTER (WHERE q.status <> 'lost')
    FROM tenancy.query_history AS q
    WHERE (q.user_id = subject OR subject IS NULL) AND q.started_at >= since AND q.started_at < until
    GROUP BY 1
$$;
CREATE FUNCTION pg_temp.charted(subject uuid, since timestamptz, until timestamptz, bucket text, zone text)
RETURNS TABLE (at timestamptz, runs bigint, succeeded bigint, row_count bigint, bytes bigint, cached bigint, truncated bigint,
               total_ms bigint, average_ms numeric, max_ms integer, median double precision, p95 double precision) LANGUAGE sql AS $$
    SELECT date_trunc(bucket, p.at, zone), p.runs, p.succeeded, p.row_count, p.result_bytes, p.cached, p.truncated, p.total_ms,
           p.average_ms, p.max_ms, p.median_ms, p.p95_ms
    FROM jsonb_to_recordset(tenancy.dashboard_charts(since, until, bucket, zone, subject) -> 'points')
         AS p (at timestamptz, runs bigint, succeeded bigint, row_count bigint, result_bytes bigint, cached bigint, truncated bigint,
               total_ms bigint, average_ms numeric, max_ms integer, median_ms double precision, p95_ms double precision)
    WHERE p.runs > 0
$$;
-- What is in one and not in the other, and percentiles beyond 1/64 (and what rounding to microseconds adds).
CREATE FUNCTION pg_temp.differences(subject uuid, since timestamptz, until timestamptz, bucket text, zone text)
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s: %s %s', zone, bucket, r, c)
    FROM pg_temp.raw(subject, since, until, bucket, zone) AS r
    FULL JOIN pg_temp.charted(subject, since, until, bucket, zone) AS c USING (at)
    WHERE (r.runs, r.succeeded, r.row_count, r.bytes, r.cached, r.truncated, r.total_ms, r.average_ms, r.max_ms)
              IS DISTINCT FROM (c.runs, c.succeeded, c.row_count, c.bytes, c.cached, c.truncated, c.total_ms, c.average_ms, c.max_ms)
       OR abs(r.median - c.median) > r.median / 64 + 0.001 OR abs(r.p95 - c.p95) > r.p95 / 64 + 0.001
       OR (r.median IS NULL) <> (c.median IS NULL)
$$;

SELECT is_empty(format($q$
    SELECT pg_temp.differences(s.subject, '2025-10-01', '2026-11-21', b.bucket, %L)
    FROM (VALUES (%L::uuid), (%L::uuid), (NULL)) AS s(subject), (VALUES ('day'), ('week'), ('month')) AS b(bucket)
$q$, zone, :'a', :'b'), zone || ': points are sums of the runs of their days, weeks and months')
FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Chatham',
                  'America/Santiago']) AS zone;
SELECT is_empty(format($q$SELECT pg_temp.differences(NULL, '2026-03-20', '2026-04-20', 'hour', %L)$q$, zone), zone || ': and of their hours')
FROM unnest(ARRAY['Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kolkata']) AS zone;
SELECT is(count(*)::integer, jsonb_array_length(tenancy.dashboard_charts('2026-03-29 00:00+01', '2026-03-30 00:00+02', 'hour', 'Europe/Berlin') -> 'points'),
          'a day that loses an hour has 23 points')
FROM generate_series(1, 23);

-- A day begins with its first midnight: Havana's clocks show two of them on a day, Santiago's none, where the next instant is it.
SELECT is(tenancy.dashboard_instant(local, zone), instant::timestamptz, format('%s in %s', local, zone))
FROM (VALUES (timestamp '2024-11-03 00:00', 'America/Havana', '2024-11-03 04:00+00'), ('2024-11-03 01:00', 'America/Havana', '2024-11-03 06:00+00'),
             ('2024-11-04 00:00', 'America/Havana', '2024-11-04 05:00+00'), ('2024-09-08 00:00', 'America/Santiago', '2024-09-08 04:00+00'))
     AS t (local, zone, instant);
SELECT is(ARRAY(SELECT (p ->> 'at')::timestamptz FROM jsonb_array_elements(
              tenancy.dashboard_charts('2024-11-02 12:00+00', '2024-11-04 12:00+00', 'day', 'America/Havana') -> 'points') AS p),
          '{2024-11-02 04:00+00, 2024-11-03 04:00+00, 2024-11-04 05:00+00}'::timestamptz[], 'so does the point of a day');
-- The last point is that of the last instant, where the clocks are changed at the midnight that ends the span, too.
SELECT is((SELECT max((p ->> 'at')::timestamptz) FROM jsonb_array_elements(
               tenancy.dashboard_charts(until::timestamptz - interval '7 days', until::timestamptz, 'day', zone) -> 'points') AS p),
          last::timestamptz, 'the last day of a week until a change of clocks in ' || zone)
FROM (VALUES ('America/Havana', '2026-11-01 05:00+00', '2026-11-01 04:00+00'), ('America/Santiago', '2026-09-06 04:00+00', '2026-09-05 04:00+00'),
             ('Africa/Cairo', '2026-04-23 22:00+00', '2026-04-22 22:00+00'), ('Asia/Beirut', '2026-03-28 22:00+00', '2026-03-27 22:00+00'))
     AS t (zone, until, last);
-- Where clocks are changed by half an hour, an hour is one of an hour and a half, or its second half is an hour of its own.
SELECT is(ARRAY(SELECT p ->> 'at' FROM jsonb_array_elements(tenancy.dashboard_charts(since::timestamptz, until::timestamptz, 'hour', 'Australia/Lord_Howe') -> 'points') AS p
                ORDER BY 1)::timestamptz[], points::timestamptz[], 'hours begin when the clocks of Lord Howe Island show them: ' || what)
FROM (VALUES ('set back', '2026-04-04 13:15+00', '2026-04-04 17:00+00', '{2026-04-04 13:00+00, 2026-04-04 14:00+00, 2026-04-04 15:00+00, 2026-04-04 15:30+00, 2026-04-04 16:30+00}'),
             ('set forward', '2026-10-03 14:30+00', '2026-10-03 17:00+00', '{2026-10-03 14:30+00, 2026-10-03 15:30+00, 2026-10-03 16:00+00}'),
             ('from the second half on', '2026-04-04 15:00+00', '2026-04-04 15:30+00', '{2026-04-04 15:00+00}'))
     AS t (what, since, until, points);

-- CET and the like name both a time zone and one of its offsets.
SELECT is((tenancy.dashboard_charts('2026-07-01 12:00+00', '2026-07-01 13:00+00', 'day', 'cet') #>> '{points,0,at}')::timestamptz,
          '2026-06-30 22:00+00'::timestamptz, 'a day of CET in summer');
CREATE FUNCTION pg_temp.documents(zone text) RETURNS jsonb[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', 'UTC', true); -- as instants are shown
    RETURN ARRAY[tenancy.dashboard_overview(zone), tenancy.dashboard_charts('2026-06-01', '2026-06-30', 'day', zone),
                 tenancy.dashboard_analytics('2026-06-01', '2026-06-30', zone)];
END
$$;
SELECT ok(pg_temp.documents('CET') = pg_temp.documents('Europe/Brussels'), 'all documents of CET are those of Brussels');
CREATE FUNCTION pg_temp.shown(at timestamptz, zone text) RETURNS timestamp LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', zone, true);
    RETURN at::timestamp;
END
$$;
SELECT is_empty($q$
    SELECT n.name, at
    FROM (SELECT DISTINCT n.name FROM pg_timezone_names AS n JOIN pg_timezone_abbrevs AS a ON a.abbrev = upper(n.name)) AS n,
         unnest('{2026-01-01 12:00+00, 2026-07-01 12:00+00}'::timestamptz[]) AS at
    WHERE at AT TIME ZONE (tenancy.dashboard_overview(n.name) ->> 'time_zone') <> pg_temp.shown(at, n.name)
$q$, 'no zone''s name is taken for another offset than a session with it has');
SET LOCAL TimeZone = 'UTC';

-- A time zone whose clocks are set back from 1:00 to 0:00 today, from UTC to an hour less.
SELECT tenancy.register('midnight@dash.example', 'a long password') AS midnight,
       format('WST1WDT,%s/0,%s/1', (d.day + 100) % 365, d.day) AS falling
FROM (SELECT extract(doy FROM now() AT TIME ZONE 'UTC')::integer - 1 AS day) AS d \gset
INSERT INTO tenancy.running_queries (id, user_id, generated_sql_query, execution_time_ms, row_count, status, source, started_at, finished_at)
SELECT tenancy.make_uuid_v7(), :'midnight', 'SELECT 1', 1, 1, 'success', 'sql', t.at, t.at + interval '1 millisecond'
FROM generate_series(date_trunc('day', now(), 'UTC') - interval '30 minutes', date_trunc('day', now(), 'UTC') + interval '90 minutes', '1 hour') AS t (at);
SELECT is(tenancy.dashboard_overview(:'falling', :'midnight') #>> '{today,runs}', '2', 'both hours after midnight are today''s, those before are not');

SELECT tenancy.dashboard_analytics('2025-10-01', '2026-11-21', 'Asia/Kathmandu', :'a', 1000) AS analytics \gset
SELECT is((SELECT sum((c ->> 'runs')::bigint) FROM jsonb_array_elements(:'analytics'::jsonb -> part) AS c),
          (:'analytics'::jsonb #>> '{total,runs}')::numeric, part || ' add up to the total')
FROM unnest(ARRAY['connections', 'statuses', 'sources', 'hours_of_week']) AS part;
SELECT set_eq(
    format($q$SELECT (h ->> 'day')::integer AS day, (h ->> 'hour')::integer AS hour, (h ->> 'runs')::bigint AS runs FROM jsonb_array_elements(%L::jsonb -> 'hours_of_week') AS h$q$, :'analytics'),
    format($q$SELECT extract(isodow FROM l)::integer AS day, extract(hour FROM l)::integer AS hour, count(*)
              FROM tenancy.query_history, LATERAL (SELECT started_at AT TIME ZONE 'Asia/Kathmandu' AS l) AS t
              WHERE user_id = %L GROUP BY 1, 2$q$, :'a'), 'hours of the week are local hours');
SELECT set_eq(
    format($q$SELECT s ->> 'statement' AS statement, (s ->> 'runs')::bigint AS runs, (s ->> 'failed')::bigint AS failed
              FROM jsonb_array_elements(%L::jsonb #> '{statements,most_frequent}') AS s$q$, :'analytics'),
    format($q$SELECT regexp_replace(lower(generated_sql_query), ' = .*', ' = ?') AS statement, count(*) AS runs,
                     count(*) FILTER (WHERE status <> 'success') AS failed
              FROM tenancy.query_history WHERE user_id = %L GROUP BY 1$q$, :'a'), 'statements are counted by what they have in common');

-- An administrator's list of all connections is of whole days.
SELECT set_eq(
    format($q$SELECT (c ->> 'id')::uuid AS id, (c ->> 'runs')::bigint AS runs, (c ->> 'failed')::bigint AS failed, (c ->> 'row_count')::bigint AS row_count,
                     (c ->> 'total_ms')::bigint AS total_ms FROM jsonb_array_elements(%L::jsonb -> 'connections') AS c$q$,
           tenancy.dashboard_analytics('2026-03-01 12:00+00', '2026-06-01 12:00+00', most => 1000)),
    $q$SELECT database_connection_id AS id, count(*) AS runs, count(*) FILTER (WHERE status <> 'success') AS failed, sum(row_count)::bigint AS row_count,
              sum(execution_time_ms)::bigint AS total_ms
       FROM tenancy.query_history WHERE started_at >= '2026-03-01 00:00+00' AND started_at < '2026-06-02 00:00+00' GROUP BY 1$q$,
    'connections of all users are summed over the days that the span touches');

-- Rebuilt, the rollups are the same; what a restore copies into the history is not added to them.
CREATE TEMP TABLE kept AS SELECT * FROM tenancy.query_rollups;
CREATE TEMP TABLE kept_statements AS SELECT * FROM tenancy.statement_rollups;
CREATE TEMP TABLE kept_connections AS SELECT * FROM tenancy.connection_rollups;
SELECT tenancy.rebuild_rollups() AS rebuilt \gset
SELECT results_eq('SELECT * FROM tenancy.query_rollups ORDER BY 1, 2, 3, 4, 5', 'SELECT * FROM kept ORDER BY 1, 2, 3, 4, 5',
                  'rebuilt sums are the ones that were kept');
SELECT results_eq('SELECT * FROM tenancy.statement_rollups ORDER BY 1, 2, 3, 4', 'SELECT * FROM kept_statements ORDER BY 1, 2, 3, 4',
                  'and so are statements');
SELECT results_eq('SELECT * FROM tenancy.connection_rollups ORDER BY 1, 2', 'SELECT * FROM kept_connections ORDER BY 1, 2',
                  'and connections');
INSERT INTO tenancy.query_history SELECT (jsonb_populate_record(q, jsonb_build_object('id', gen_random_uuid(), 'chain_seq', 1000000))).* FROM tenancy.query_history AS q LIMIT 1;
SELECT results_eq('SELECT sum(runs) FROM tenancy.query_rollups', 'SELECT sum(runs) FROM kept', 'a copied row is not counted again');
SELECT * FROM finish();
ROLLBACK;
