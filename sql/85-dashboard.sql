
-- Dashboards: sums of the history, kept by a trigger of query_history, and the documents that are made of them.

-- Histograms of durations; src/dashboard/histogram.pure.hpp has their scale and format.

CREATE FUNCTION tenancy.histogram_collect_step(state internal, started timestamptz, finished timestamptz) RETURNS internal
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_collect_step';
COMMENT ON FUNCTION tenancy.histogram_collect_step(internal, timestamptz, timestamptz) IS 'transition of histogram_collect';
CREATE FUNCTION tenancy.histogram_merge_step(state internal, histogram bytea) RETURNS internal
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_merge_step';
COMMENT ON FUNCTION tenancy.histogram_merge_step(internal, bytea) IS 'transition of histogram_merge';
CREATE FUNCTION tenancy.histogram_result(state internal) RETURNS bytea
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_result';
COMMENT ON FUNCTION tenancy.histogram_result(internal) IS 'result of histogram_collect and histogram_merge';

CREATE AGGREGATE tenancy.histogram_collect(started timestamptz, finished timestamptz) (
    SFUNC = tenancy.histogram_collect_step, STYPE = internal, SSPACE = 10000, FINALFUNC = tenancy.histogram_result,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE tenancy.histogram_collect(timestamptz, timestamptz) IS 'histogram of the durations between two times';
CREATE AGGREGATE tenancy.histogram_merge(histogram bytea) (
    SFUNC = tenancy.histogram_merge_step, STYPE = internal, SSPACE = 10000, FINALFUNC = tenancy.histogram_result,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE tenancy.histogram_merge(bytea) IS 'sum of histograms';

CREATE FUNCTION tenancy.histogram_add(one bytea, other bytea) RETURNS bytea
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_add';
COMMENT ON FUNCTION tenancy.histogram_add(bytea, bytea) IS 'sum of two histograms';
CREATE FUNCTION tenancy.histogram_count(histogram bytea) RETURNS bigint
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_count';
COMMENT ON FUNCTION tenancy.histogram_count(bytea) IS 'how many durations are in a histogram';
CREATE FUNCTION tenancy.histogram_quantile(histogram bytea, fraction double precision) RETURNS double precision
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_histogram_quantile';
COMMENT ON FUNCTION tenancy.histogram_quantile(bytea, double precision)
    IS 'milliseconds that this fraction of the durations does not exceed, at most 1/64 off; NULL for an empty histogram';

CREATE FUNCTION tenancy.fingerprint(sql text, database_type text, OUT fingerprint bigint, OUT statement text)
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_fingerprint';
COMMENT ON FUNCTION tenancy.fingerprint(text, text)
    IS 'a statement without literals, parameters, comments and spaces, at most 500 bytes of it, and the hash of all of it';

-- The rollups. A bucket is a quarter of an hour: every offset of a time zone that is in use is a multiple of it, so days, weeks
-- and months of all zones are sums of buckets. A bucket without runs has no row.
CREATE TABLE tenancy.query_rollups (
    user_id                uuid NOT NULL,
    bucket                 timestamptz NOT NULL,
    database_connection_id uuid NOT NULL,
    source                 varchar(20) NOT NULL,
    status                 varchar(20) NOT NULL,
    runs                   bigint NOT NULL,
    row_count              bigint NOT NULL,
    result_bytes           bigint NOT NULL,
    total_ms               bigint NOT NULL,
    max_ms                 integer NOT NULL,
    cached                 bigint NOT NULL,
    truncated              bigint NOT NULL,
    latency                bytea NOT NULL,
    part                   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, bucket, database_connection_id, source, status, part)
) WITH (fillfactor = 70);
CREATE INDEX query_rollups_part_idx ON tenancy.query_rollups (part) WHERE part <> 0;
ALTER TABLE tenancy.query_rollups ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.query_rollups FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.query_rollups FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.query_rollups', '');

COMMENT ON TABLE tenancy.query_rollups IS 'query_history in sums per quarter of an hour';
COMMENT ON COLUMN tenancy.query_rollups.user_id IS 'ffffffff-ffff-ffff-ffff-ffffffffffff: all users together; the nil UUID: no user';
COMMENT ON COLUMN tenancy.query_rollups.bucket IS 'of started_at; where it begins';
COMMENT ON COLUMN tenancy.query_rollups.database_connection_id IS 'the nil UUID: no connection, or all of them together';
COMMENT ON COLUMN tenancy.query_rollups.total_ms IS 'sum of execution_time_ms';
COMMENT ON COLUMN tenancy.query_rollups.cached IS 'how many of the runs were answered from query_cache';
COMMENT ON COLUMN tenancy.query_rollups.truncated IS 'how many of the runs were cut by a limit';
COMMENT ON COLUMN tenancy.query_rollups.latency IS 'histogram of the durations, see tenancy.histogram_quantile()';
COMMENT ON COLUMN tenancy.query_rollups.part IS 'not 0: while old versions of rows could not be removed, this one began anew, see tenancy.fold_rollups(integer)';

CREATE TABLE tenancy.statement_rollups (
    user_id                uuid NOT NULL,
    day                    date NOT NULL,
    database_connection_id uuid NOT NULL,
    fingerprint            bigint NOT NULL,
    statement              text,
    runs                   bigint NOT NULL,
    failures               bigint NOT NULL,
    row_count              bigint NOT NULL,
    total_ms               bigint NOT NULL,
    max_ms                 integer NOT NULL,
    cached                 bigint NOT NULL,
    latency                bytea NOT NULL,
    last_started_at        timestamptz NOT NULL,
    last_failed_at         timestamptz,
    last_error_code        varchar(5),
    part                   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day, database_connection_id, fingerprint, part)
) WITH (fillfactor = 70);
CREATE INDEX statement_rollups_part_idx ON tenancy.statement_rollups (part) WHERE part <> 0;
CREATE INDEX statement_rollups_day_idx ON tenancy.statement_rollups (day);
ALTER TABLE tenancy.statement_rollups ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.statement_rollups FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.statement_rollups FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.statement_rollups', '');

COMMENT ON TABLE tenancy.statement_rollups IS 'query_history in sums per day (UTC) and fingerprint of a statement';
COMMENT ON COLUMN tenancy.statement_rollups.user_id IS 'ffffffff-ffff-ffff-ffff-ffffffffffff: all users together; the nil UUID: no user';
COMMENT ON COLUMN tenancy.statement_rollups.database_connection_id IS 'the nil UUID: no connection, or all of them together';
COMMENT ON COLUMN tenancy.statement_rollups.fingerprint IS 'see tenancy.fingerprint(); 0: the statements beyond the most frequent of the day';
COMMENT ON COLUMN tenancy.statement_rollups.statement IS 'the statement without its literals, cut at 500 bytes';
COMMENT ON COLUMN tenancy.statement_rollups.failures IS 'runs with another status than success';
COMMENT ON COLUMN tenancy.statement_rollups.part IS 'as in query_rollups';

CREATE TABLE tenancy.connection_rollups (
    day                    date NOT NULL,
    database_connection_id uuid NOT NULL,
    runs                   bigint NOT NULL,
    failures               bigint NOT NULL,
    row_count              bigint NOT NULL,
    result_bytes           bigint NOT NULL,
    total_ms               bigint NOT NULL,
    max_ms                 integer NOT NULL,
    cached                 bigint NOT NULL,
    truncated              bigint NOT NULL,
    latency                bytea NOT NULL,
    part                   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, database_connection_id, part)
) WITH (fillfactor = 70);
CREATE INDEX connection_rollups_part_idx ON tenancy.connection_rollups (part) WHERE part <> 0;
ALTER TABLE tenancy.connection_rollups ENABLE ROW LEVEL SECURITY;
CREATE POLICY admin ON tenancy.connection_rollups FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.connection_rollups', '');

COMMENT ON TABLE tenancy.connection_rollups IS 'query_history in sums per day (UTC) and connection, for administrators';
COMMENT ON COLUMN tenancy.connection_rollups.database_connection_id IS 'the nil UUID: no connection';
COMMENT ON COLUMN tenancy.connection_rollups.failures IS 'runs with another status than success';
COMMENT ON COLUMN tenancy.connection_rollups.part IS 'as in query_rollups';

CREATE VIEW tenancy.query_daily WITH (security_invoker = true) AS
    SELECT r.user_id, r.database_connection_id, (r.bucket AT TIME ZONE 'UTC')::date AS day, r.source, r.status,
           sum(r.runs)::bigint AS runs, sum(r.row_count)::bigint AS row_count, sum(r.result_bytes)::bigint AS result_bytes,
           sum(r.total_ms)::bigint AS total_ms, max(r.max_ms) AS max_ms, sum(r.cached)::bigint AS cached,
           sum(r.truncated)::bigint AS truncated
    FROM tenancy.query_rollups AS r
    WHERE r.user_id <> 'ffffffff-ffff-ffff-ffff-ffffffffffff'
    GROUP BY r.user_id, r.database_connection_id, day, r.source, r.status;
COMMENT ON VIEW tenancy.query_daily IS 'query_rollups per day (UTC)';

-- Hostile texts: a user's statements of a day are counted one by one up to a limit. Beyond twice that, the least frequent
-- ones become one row. They are looked for rarely and by chance, so that nobody can write around it.
CREATE FUNCTION tenancy.fold_statements(user_id uuid, day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    kept   CONSTANT integer := 500;
    folded bigint;
BEGIN
    IF (SELECT count(*) FROM (SELECT DISTINCT s.database_connection_id, s.fingerprint FROM tenancy.statement_rollups AS s
                              WHERE s.user_id = fold_statements.user_id AND s.day = fold_statements.day) AS k) <= 2 * kept THEN
        RETURN 0;
    END IF;
    WITH excess AS (
        DELETE FROM tenancy.statement_rollups AS s
        USING (SELECT e.database_connection_id, e.fingerprint FROM tenancy.statement_rollups AS e
               WHERE e.user_id = fold_statements.user_id AND e.day = fold_statements.day AND e.fingerprint <> 0
               GROUP BY e.database_connection_id, e.fingerprint
               ORDER BY sum(e.runs) DESC, max(e.last_started_at) DESC OFFSET kept) AS x
        WHERE s.user_id = fold_statements.user_id AND s.day = fold_statements.day
          AND s.database_connection_id = x.database_connection_id AND s.fingerprint = x.fingerprint
        RETURNING s.*
    )
    INSERT INTO tenancy.statement_rollups AS s (
        user_id, day, database_connection_id, fingerprint, runs, failures, row_count, total_ms, max_ms, cached, latency,
        last_started_at, last_failed_at, last_error_code)
    SELECT e.user_id, e.day, nobody, 0, sum(e.runs), sum(e.failures), sum(e.row_count), sum(e.total_ms), max(e.max_ms),
           sum(e.cached), tenancy.histogram_merge(e.latency), max(e.last_started_at), max(e.last_failed_at),
           (array_agg(e.last_error_code ORDER BY e.last_failed_at DESC NULLS LAST))[1]
    FROM excess AS e
    GROUP BY e.user_id, e.day
    ON CONFLICT (user_id, day, database_connection_id, fingerprint, part) DO UPDATE SET
        runs = s.runs + excluded.runs,
        failures = s.failures + excluded.failures,
        row_count = s.row_count + excluded.row_count,
        total_ms = s.total_ms + excluded.total_ms,
        max_ms = greatest(s.max_ms, excluded.max_ms),
        cached = s.cached + excluded.cached,
        latency = tenancy.histogram_add(s.latency, excluded.latency),
        last_started_at = greatest(s.last_started_at, excluded.last_started_at),
        last_failed_at = greatest(s.last_failed_at, excluded.last_failed_at),
        last_error_code = CASE WHEN s.last_failed_at > excluded.last_failed_at OR excluded.last_failed_at IS NULL
                               THEN s.last_error_code ELSE excluded.last_error_code END;
    GET DIAGNOSTICS folded = ROW_COUNT;
    RETURN folded;
END
$$;
COMMENT ON FUNCTION tenancy.fold_statements(uuid, date)
    IS 'when a user has more than 1000 different statements on a day, sum up all but the 500 most frequent';

CREATE FUNCTION tenancy.roll_up(ids uuid[]) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_roll_up';
COMMENT ON FUNCTION tenancy.roll_up(uuid[]) IS 'add these rows of query_history to the rollups';

CREATE FUNCTION tenancy.write_rollups() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_write_rollups';
COMMENT ON FUNCTION tenancy.write_rollups() IS 'trigger: new rows of query_history are added to the rollups';
-- The trigger counts only what write_history() writes: rows that a restore copies are in the rollups that it copies too.
CREATE TRIGGER write_rollups AFTER INSERT ON tenancy.query_history REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION tenancy.write_rollups();

-- A part whose old versions are still kept is left alone: to fold it would only make more of them. A part of the future was
-- restored from another cluster.
CREATE FUNCTION tenancy.fold_rollups(most integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    horizon CONSTANT bigint := tenancy.history_horizon('tenancy.query_rollups');
    future  CONSTANT bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    folded  bigint := 0;
    done    bigint;
BEGIN
    PERFORM tenancy.take_turn('sums');
    WITH part AS (
        DELETE FROM tenancy.query_rollups AS r
        USING (SELECT DISTINCT p.user_id, p.bucket, p.database_connection_id, p.source, p.status
               FROM (SELECT * FROM tenancy.query_rollups AS o
                     WHERE o.part <> 0 AND (o.part < horizon OR o.part > future) ORDER BY o.part LIMIT most) AS p) AS k
        WHERE r.user_id = k.user_id AND r.bucket = k.bucket AND r.database_connection_id = k.database_connection_id
          AND r.source = k.source AND r.status = k.status
        RETURNING r.*
    )
    INSERT INTO tenancy.query_rollups (
        user_id, bucket, database_connection_id, source, status, runs, row_count, result_bytes, total_ms, max_ms, cached,
        truncated, latency)
    SELECT p.user_id, p.bucket, p.database_connection_id, p.source, p.status, sum(p.runs), sum(p.row_count),
           sum(p.result_bytes), sum(p.total_ms), max(p.max_ms), sum(p.cached), sum(p.truncated),
           tenancy.histogram_merge(p.latency)
    FROM part AS p
    GROUP BY p.user_id, p.bucket, p.database_connection_id, p.source, p.status;
    GET DIAGNOSTICS done = ROW_COUNT;
    folded := folded + done;
    WITH part AS (
        DELETE FROM tenancy.statement_rollups AS s
        USING (SELECT DISTINCT p.user_id, p.day, p.database_connection_id, p.fingerprint
               FROM (SELECT * FROM tenancy.statement_rollups AS o
                     WHERE o.part <> 0 AND (o.part < horizon OR o.part > future) ORDER BY o.part LIMIT most) AS p) AS k
        WHERE s.user_id = k.user_id AND s.day = k.day AND s.database_connection_id = k.database_connection_id
          AND s.fingerprint = k.fingerprint
        RETURNING s.*
    )
    INSERT INTO tenancy.statement_rollups (
        user_id, day, database_connection_id, fingerprint, statement, runs, failures, row_count, total_ms, max_ms, cached,
        latency, last_started_at, last_failed_at, last_error_code)
    SELECT p.user_id, p.day, p.database_connection_id, p.fingerprint, min(p.statement), sum(p.runs), sum(p.failures),
           sum(p.row_count), sum(p.total_ms), max(p.max_ms), sum(p.cached), tenancy.histogram_merge(p.latency),
           max(p.last_started_at), max(p.last_failed_at),
           (array_agg(p.last_error_code ORDER BY p.last_failed_at DESC NULLS LAST))[1]
    FROM part AS p
    GROUP BY p.user_id, p.day, p.database_connection_id, p.fingerprint;
    GET DIAGNOSTICS done = ROW_COUNT;
    folded := folded + done;
    WITH part AS (
        DELETE FROM tenancy.connection_rollups AS c
        USING (SELECT DISTINCT p.day, p.database_connection_id
               FROM (SELECT * FROM tenancy.connection_rollups AS o
                     WHERE o.part <> 0 AND (o.part < horizon OR o.part > future) ORDER BY o.part LIMIT most) AS p) AS k
        WHERE c.day = k.day AND c.database_connection_id = k.database_connection_id
        RETURNING c.*
    )
    INSERT INTO tenancy.connection_rollups (
        day, database_connection_id, runs, failures, row_count, result_bytes, total_ms, max_ms, cached, truncated, latency)
    SELECT p.day, p.database_connection_id, sum(p.runs), sum(p.failures), sum(p.row_count), sum(p.result_bytes),
           sum(p.total_ms), max(p.max_ms), sum(p.cached), sum(p.truncated), tenancy.histogram_merge(p.latency)
    FROM part AS p
    GROUP BY p.day, p.database_connection_id;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN folded + done;
END
$$;
COMMENT ON FUNCTION tenancy.fold_rollups(integer)
    IS 'for the maintenance worker: make one row again of the parts of some sums; how many rows that are, 0 when none are left';

CREATE FUNCTION tenancy.rebuild_rollups() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since   timestamptz;
    last_id uuid;
    ids     uuid[];
    total   bigint := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'rollups are rebuilt at isolation level read committed only'
            USING ERRCODE = 'active_sql_transaction', DETAIL = 'An older snapshot would not see every run.';
    END IF;
    -- From here on no other transaction deletes a row of the history, or adds one to both history and rollups.
    PERFORM tenancy.take_turn('pruning');
    PERFORM tenancy.take_turn('sums');
    -- What was pruned from the history can only be kept.
    since := coalesce((SELECT date_trunc('day', max(p.until), 'UTC') + interval '24 hours' FROM tenancy.history_pruned AS p), '-infinity');
    last_id := tenancy.first_uuid(since - interval '1 minute');
    DELETE FROM tenancy.query_rollups AS r WHERE r.bucket >= since;
    DELETE FROM tenancy.statement_rollups AS s WHERE s.day >= (since AT TIME ZONE 'UTC')::date;
    DELETE FROM tenancy.connection_rollups AS c WHERE c.day >= (since AT TIME ZONE 'UTC')::date;
    LOOP
        ids := ARRAY(SELECT q.id FROM tenancy.query_history AS q WHERE q.id > last_id ORDER BY q.id LIMIT 10000);
        EXIT WHEN ids = '{}';
        last_id := ids[cardinality(ids)];
        ids := ARRAY(SELECT q.id FROM tenancy.query_history AS q WHERE q.id = ANY (ids) AND q.started_at >= since);
        PERFORM tenancy.roll_up(ids);
        total := total + cardinality(ids);
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION tenancy.rebuild_rollups()
    IS 'for the owner: make the rollups of the days that are whole in query_history anew; its writing waits meanwhile';

-- Documents.

CREATE FUNCTION tenancy.dashboard_subject(user_id uuid) RETURNS uuid
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tenancy.is_admin() THEN
        RETURN coalesce(dashboard_subject.user_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    END IF;
    IF dashboard_subject.user_id <> tenancy.require_user_id() THEN
        RAISE EXCEPTION 'permission denied for the dashboard of another user' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN tenancy.require_user_id();
END
$$;
COMMENT ON FUNCTION tenancy.dashboard_subject(uuid)
    IS 'whose sums a dashboard shows: an administrator''s choice or all users, otherwise the current user; 42501 for another';

CREATE FUNCTION tenancy.dashboard_figures(
    runs numeric, succeeded numeric, row_count numeric, result_bytes numeric, cached numeric, truncated numeric,
    total_ms numeric, max_ms integer, latency bytea)
RETURNS jsonb IMMUTABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'runs', coalesce(runs, 0), 'succeeded', coalesce(succeeded, 0), 'failed', coalesce(runs - succeeded, 0),
        'success_rate', round(succeeded / nullif(runs, 0), 4),
        'row_count', coalesce(row_count, 0), 'result_bytes', coalesce(result_bytes, 0), 'truncated', coalesce(truncated, 0),
        'cached', coalesce(cached, 0), 'cache_hit_rate', round(cached / nullif(runs, 0), 4),
        'total_ms', coalesce(total_ms, 0), 'average_ms', round(total_ms / nullif(tenancy.histogram_count(latency), 0), 3),
        'median_ms', round(tenancy.histogram_quantile(latency, 0.5)::numeric, 3),
        'p95_ms', round(tenancy.histogram_quantile(latency, 0.95)::numeric, 3),
        'max_ms', CASE WHEN tenancy.histogram_count(latency) > 0 THEN max_ms END);
END;
COMMENT ON FUNCTION tenancy.dashboard_figures(numeric, numeric, numeric, numeric, numeric, numeric, numeric, integer, bytea)
    IS 'the figures that every part of a dashboard has';

-- Where clocks are set back over midnight, PostgreSQL takes the second midnight, but the day begins with the first. No clock is set
-- back by more than three hours, so the first one has the offset of three hours before.
CREATE FUNCTION tenancy.dashboard_instant(local timestamp, zone text) RETURNS timestamptz
STABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE WHEN e.earlier AT TIME ZONE zone = local THEN e.earlier ELSE local AT TIME ZONE zone END
    FROM (SELECT (local - (b.before AT TIME ZONE zone - b.before AT TIME ZONE 'UTC')) AT TIME ZONE 'UTC' AS earlier
          FROM (SELECT local AT TIME ZONE zone - interval '3 hours' AS before) AS b) AS e;
END;
COMMENT ON FUNCTION tenancy.dashboard_instant(timestamp, text) IS 'the first instant at which the clocks of a time zone show this';

-- AT TIME ZONE and date_trunc() take a name such as CET, of a time zone and of one of its offsets, for the offset without summer time.
-- So it is replaced by another name of the zone in tzdata.
CREATE FUNCTION tenancy.dashboard_zone(time_zone text) RETURNS text
STABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE upper(z.zone) WHEN 'CET' THEN 'Europe/Brussels' WHEN 'MET' THEN 'Europe/Brussels' WHEN 'EET' THEN 'Europe/Athens'
                              WHEN 'WET' THEN 'Europe/Lisbon' ELSE z.zone END
    FROM (SELECT coalesce(dashboard_zone.time_zone, current_setting('TimeZone')) AS zone) AS z;
END;
COMMENT ON FUNCTION tenancy.dashboard_zone(text) IS 'the time zone of a dashboard, by default the session''s, by a name that is no abbreviation';

CREATE FUNCTION tenancy.dashboard_since("from" timestamptz, "until" timestamptz) RETURNS timestamptz
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF "from" IS NULL OR "until" IS NULL OR "until" <= "from" THEN
        RAISE EXCEPTION 'a dashboard needs a time to begin and a later time to end' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN date_bin('15 minutes', "from", 'epoch');
END
$$;
COMMENT ON FUNCTION tenancy.dashboard_since(timestamptz, timestamptz)
    IS 'the quarter of an hour in which the span of a dashboard begins; 22023 for no span';

CREATE FUNCTION tenancy.dashboard_most(most integer) RETURNS integer
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF most IS NULL OR most < 1 THEN
        RAISE EXCEPTION '"most" must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN most;
END
$$;
COMMENT ON FUNCTION tenancy.dashboard_most(integer) IS 'how long the lists of dashboard_analytics are; 22023 below 1';

CREATE FUNCTION tenancy.dashboard_overview(time_zone text DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS jsonb
STABLE LANGUAGE sql
BEGIN ATOMIC
    WITH asked AS MATERIALIZED (
        SELECT tenancy.dashboard_subject(dashboard_overview.user_id) AS subject, z.zone,
               date_trunc('day', now() AT TIME ZONE z.zone) AS today
        FROM (SELECT tenancy.dashboard_zone(dashboard_overview.time_zone) AS zone) AS z
    ), span AS MATERIALIZED (
        SELECT a.subject, s.name, tenancy.dashboard_instant(a.today - s.days_ago * interval '1 day', a.zone) AS since,
               tenancy.dashboard_instant(a.today + (s.days - s.days_ago) * interval '1 day', a.zone) AS until
        FROM asked AS a,
             (VALUES ('today', 0, 1), ('yesterday', 1, 1), ('last_7_days', 6, 7), ('last_30_days', 29, 30),
                     ('previous_30_days', 59, 30)) AS s (name, days_ago, days)
    ), figures AS (
        SELECT s.name, tenancy.dashboard_figures(sum(r.runs), coalesce(sum(r.runs) FILTER (WHERE r.status = 'success'), 0),
                   sum(r.row_count), sum(r.result_bytes), sum(r.cached), sum(r.truncated), sum(r.total_ms), max(r.max_ms),
                   tenancy.histogram_merge(r.latency)) AS figures
        FROM span AS s
        LEFT JOIN tenancy.query_rollups AS r ON r.user_id = s.subject AND r.bucket >= s.since AND r.bucket < s.until
        GROUP BY s.name
    )
    SELECT jsonb_build_object(
               'as_of', now(), 'time_zone', a.zone,
               'connections', (
                   SELECT jsonb_build_object('total', count(*), 'active', count(*) FILTER (WHERE c.is_active))
                   FROM tenancy.database_connections AS c
                   WHERE c.deleted_at IS NULL
                     AND (c.user_id = a.subject OR a.subject = 'ffffffff-ffff-ffff-ffff-ffffffffffff')),
               'running', (
                   SELECT count(*) FROM tenancy.running_queries AS r
                   WHERE r.status = 'running'
                     AND (r.user_id = a.subject OR a.subject = 'ffffffff-ffff-ffff-ffff-ffffffffffff')),
               'runs_ever', (
                   SELECT coalesce(sum(h.seq), 0) FROM tenancy.history_chain AS h
                   WHERE h.user_id = a.subject OR a.subject = 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
           || (SELECT jsonb_object_agg(f.name, f.figures) FROM figures AS f)
    FROM asked AS a;
END;
COMMENT ON FUNCTION tenancy.dashboard_overview(text, uuid)
    IS 'connections, running queries, and figures of today, yesterday, 7 and 30 days; an administrator sees all users, or one';

-- The points of a chart and where they begin, local midnights and months included; an hour that a clock is set back over is two points.
-- Points are joined by key, which is what date_trunc() makes of an instant: for a day with two midnights, and for an hour in which
-- clocks are changed, that is not where the point begins.
CREATE FUNCTION tenancy.dashboard_points("from" timestamptz, "until" timestamptz, bucket text, zone text)
RETURNS TABLE (key timestamptz, at timestamptz)
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    width CONSTANT interval := CASE bucket WHEN 'hour' THEN '1 hour' WHEN 'day' THEN '1 day' WHEN 'week' THEN '7 days'
                                           WHEN 'month' THEN '1 month' END;
    most  CONSTANT integer := 10000;
    since CONSTANT timestamptz := tenancy.dashboard_since("from", "until");
BEGIN
    IF width IS NULL THEN
        RAISE EXCEPTION 'invalid bucket "%"', bucket
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Buckets are hour, day, week and month.';
    ELSIF "until" > "from" + most * width THEN -- true of infinite ones, too
        RAISE EXCEPTION 'a chart has at most % points', most
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Use a wider bucket, or a shorter time.';
    END IF;
    IF bucket = 'hour' THEN
        -- Clocks are changed by quarters of an hour, so these cannot be counted in local time. The first hour may begin before "from".
        RETURN QUERY SELECT date_trunc('hour', q, zone), min(q)
                     FROM generate_series(since - interval '45 minutes', "until" - interval '1 microsecond', interval '15 minutes') AS q
                     GROUP BY 1 HAVING max(q) >= since;
    ELSE
        RETURN QUERY SELECT l AT TIME ZONE zone, tenancy.dashboard_instant(l, zone)
                     FROM generate_series(date_trunc(bucket, "from" AT TIME ZONE zone),
                                          ("until" - interval '1 microsecond') AT TIME ZONE zone, width) AS l;
    END IF;
END
$$;
COMMENT ON FUNCTION tenancy.dashboard_points(timestamptz, timestamptz, text, text)
    IS 'the beginnings of the buckets (hour, day, week or month of a time zone) that overlap a span of time';

CREATE FUNCTION tenancy.dashboard_charts(
    "from" timestamptz DEFAULT now() - interval '30 days', "until" timestamptz DEFAULT now(), bucket text DEFAULT 'day',
    time_zone text DEFAULT NULL, user_id uuid DEFAULT NULL)
RETURNS jsonb
STABLE LANGUAGE sql
BEGIN ATOMIC
    WITH asked AS MATERIALIZED (
        SELECT tenancy.dashboard_subject(dashboard_charts.user_id) AS subject,
               tenancy.dashboard_zone(dashboard_charts.time_zone) AS zone
    ), point AS MATERIALIZED (
        SELECT p.key, p.at FROM asked AS a, tenancy.dashboard_points(dashboard_charts."from", dashboard_charts."until",
                                                                     dashboard_charts.bucket, a.zone) AS p
    ), summed AS MATERIALIZED (
        SELECT date_trunc(dashboard_charts.bucket, r.bucket, a.zone) AS key, sum(r.runs) AS runs,
               coalesce(sum(r.runs) FILTER (WHERE r.status = 'success'), 0) AS succeeded, sum(r.row_count) AS row_count,
               sum(r.result_bytes) AS result_bytes, sum(r.cached) AS cached, sum(r.truncated) AS truncated,
               sum(r.total_ms) AS total_ms, max(r.max_ms) AS max_ms, tenancy.histogram_merge(r.latency) AS latency
        FROM asked AS a
        JOIN tenancy.query_rollups AS r ON r.user_id = a.subject
        WHERE r.bucket >= date_bin('15 minutes', dashboard_charts."from", 'epoch') AND r.bucket < dashboard_charts."until"
        GROUP BY 1
    )
    SELECT jsonb_build_object(
        'from', dashboard_charts."from", 'until', dashboard_charts."until", 'bucket', dashboard_charts.bucket,
        'time_zone', a.zone,
        'points', (
            SELECT jsonb_agg(jsonb_build_object('at', p.at)
                             || tenancy.dashboard_figures(s.runs, s.succeeded, s.row_count, s.result_bytes, s.cached,
                                                          s.truncated, s.total_ms, s.max_ms, s.latency)
                             ORDER BY p.at)
            FROM point AS p LEFT JOIN summed AS s ON s.key = p.key))
    FROM asked AS a;
END;
COMMENT ON FUNCTION tenancy.dashboard_charts(timestamptz, timestamptz, text, text, uuid)
    IS 'figures per hour, day, week or month of a time zone, also those without a run';

CREATE FUNCTION tenancy.dashboard_statements(
    subject uuid, "from" timestamptz, "until" timestamptz, most integer, OUT slowest jsonb, OUT most_frequent jsonb,
    OUT most_time jsonb, OUT failing jsonb, OUT other jsonb)
STABLE LANGUAGE sql
BEGIN ATOMIC
    WITH summed AS MATERIALIZED (
        SELECT s.database_connection_id, s.fingerprint, min(s.statement) AS statement, sum(s.runs) AS runs,
               sum(s.failures) AS failures, sum(s.total_ms) AS total_ms, max(s.last_started_at) AS last_started_at,
               max(s.last_failed_at) AS last_failed_at,
               (array_agg(s.last_error_code ORDER BY s.last_failed_at DESC NULLS LAST))[1] AS last_error_code,
               sum(s.row_count) AS row_count, sum(s.cached) AS cached, max(s.max_ms) AS max_ms,
               tenancy.histogram_merge(s.latency) AS latency
        FROM tenancy.statement_rollups AS s
        WHERE s.user_id = dashboard_statements.subject
          AND s.day >= (dashboard_statements."from" AT TIME ZONE 'UTC')::date
          AND s.day <= ((dashboard_statements."until" - interval '1 microsecond') AT TIME ZONE 'UTC')::date
        GROUP BY s.database_connection_id, s.fingerprint
    ), ranked AS MATERIALIZED (
        SELECT s.*,
               row_number() OVER (ORDER BY s.fingerprint = 0, tenancy.histogram_quantile(s.latency, 0.95) DESC NULLS LAST,
                                  s.runs DESC, s.fingerprint) AS slow,
               row_number() OVER (ORDER BY s.fingerprint = 0, s.runs DESC, s.fingerprint) AS frequent,
               row_number() OVER (ORDER BY s.fingerprint = 0, s.total_ms DESC, s.fingerprint) AS heavy,
               row_number() OVER (ORDER BY s.fingerprint = 0, s.failures DESC, s.runs, s.fingerprint) AS failed
        FROM summed AS s
    ), shown AS MATERIALIZED (
        SELECT r.slow, r.frequent, r.heavy, r.failed, r.failures, r.fingerprint,
               jsonb_build_object(
                   'fingerprint', r.fingerprint::text, 'statement', r.statement,
                   'connection_id', nullif(r.database_connection_id, '00000000-0000-0000-0000-000000000000'),
                   'connection', (SELECT c.name FROM tenancy.database_connections AS c WHERE c.id = r.database_connection_id),
                   'last_started_at', r.last_started_at, 'last_failed_at', r.last_failed_at,
                   'last_error_code', r.last_error_code)
               || (tenancy.dashboard_figures(r.runs, r.runs - r.failures, r.row_count, NULL, r.cached, NULL, r.total_ms, r.max_ms,
                                             r.latency) - ARRAY['result_bytes', 'truncated']) AS document
        FROM ranked AS r
        WHERE least(r.slow, r.frequent, r.heavy, r.failed) <= dashboard_statements.most OR r.fingerprint = 0
    )
    SELECT coalesce(jsonb_agg(s.document ORDER BY s.slow)
                    FILTER (WHERE s.fingerprint <> 0 AND s.slow <= dashboard_statements.most), '[]'),
           coalesce(jsonb_agg(s.document ORDER BY s.frequent)
                    FILTER (WHERE s.fingerprint <> 0 AND s.frequent <= dashboard_statements.most), '[]'),
           coalesce(jsonb_agg(s.document ORDER BY s.heavy)
                    FILTER (WHERE s.fingerprint <> 0 AND s.heavy <= dashboard_statements.most), '[]'),
           coalesce(jsonb_agg(s.document ORDER BY s.failed)
                    FILTER (WHERE s.fingerprint <> 0 AND s.failed <= dashboard_statements.most AND s.failures > 0), '[]'),
           (jsonb_agg(s.document) FILTER (WHERE s.fingerprint = 0)) -> 0
    FROM shown AS s;
END;
COMMENT ON FUNCTION tenancy.dashboard_statements(uuid, timestamptz, timestamptz, integer)
    IS 'the statements part of dashboard_analytics';

CREATE FUNCTION tenancy.dashboard_analytics(
    "from" timestamptz DEFAULT now() - interval '30 days', "until" timestamptz DEFAULT now(), time_zone text DEFAULT NULL,
    user_id uuid DEFAULT NULL, most integer DEFAULT 20)
RETURNS jsonb
STABLE LANGUAGE sql
BEGIN ATOMIC
    WITH asked AS MATERIALIZED (
        SELECT tenancy.dashboard_subject(dashboard_analytics.user_id) AS subject,
               tenancy.dashboard_zone(dashboard_analytics.time_zone) AS zone,
               tenancy.dashboard_since(dashboard_analytics."from", dashboard_analytics."until") AS since,
               tenancy.dashboard_most(dashboard_analytics.most) AS most
    ), part AS MATERIALIZED (
        SELECT r.*, extract(isodow FROM r.bucket AT TIME ZONE a.zone)::integer AS day,
               extract(hour FROM r.bucket AT TIME ZONE a.zone)::integer AS hour, true AS counts
        FROM asked AS a
        JOIN tenancy.query_rollups AS r ON r.user_id = a.subject
        WHERE r.bucket >= a.since AND r.bucket < dashboard_analytics."until"
    ), connection_part AS (
        SELECT p.database_connection_id, p.runs, CASE p.status WHEN 'success' THEN p.runs ELSE 0 END AS succeeded,
               p.row_count, p.result_bytes, p.cached, p.truncated, p.total_ms, p.max_ms, p.latency
        FROM part AS p, asked AS a
        WHERE a.subject <> 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        UNION ALL
        -- The quarters of an hour of all users have no connections, and those of each user are too many to be read for all.
        SELECT r.database_connection_id, r.runs, r.runs - r.failures, r.row_count, r.result_bytes, r.cached, r.truncated,
               r.total_ms, r.max_ms, r.latency
        FROM asked AS a
        JOIN tenancy.connection_rollups AS r
          ON r.day >= (a.since AT TIME ZONE 'UTC')::date
         AND r.day <= ((dashboard_analytics."until" - interval '1 microsecond') AT TIME ZONE 'UTC')::date
        WHERE a.subject = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
    ), summed AS (
        SELECT p.counts, p.status, p.source, p.day, p.hour,
               tenancy.dashboard_figures(sum(p.runs), coalesce(sum(p.runs) FILTER (WHERE p.status = 'success'), 0),
                   sum(p.row_count), sum(p.result_bytes), sum(p.cached), sum(p.truncated), sum(p.total_ms), max(p.max_ms),
                   tenancy.histogram_merge(p.latency)) AS figures
        FROM part AS p
        GROUP BY GROUPING SETS ((p.counts), (p.status), (p.source), (p.day, p.hour))
    ), connection AS (
        SELECT p.database_connection_id, sum(p.runs) AS runs,
               tenancy.dashboard_figures(sum(p.runs), sum(p.succeeded), sum(p.row_count), sum(p.result_bytes),
                   sum(p.cached), sum(p.truncated), sum(p.total_ms), max(p.max_ms), tenancy.histogram_merge(p.latency)) AS figures
        FROM connection_part AS p
        GROUP BY p.database_connection_id
        ORDER BY runs DESC, p.database_connection_id
        LIMIT (SELECT a.most FROM asked AS a)
    )
    SELECT jsonb_build_object(
        'from', dashboard_analytics."from", 'until', dashboard_analytics."until", 'time_zone', a.zone,
        'total', coalesce((SELECT s.figures FROM summed AS s WHERE s.counts),
                          tenancy.dashboard_figures(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)),
        'connections', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'id', nullif(n.database_connection_id, '00000000-0000-0000-0000-000000000000'), 'name', c.name,
                       'database_type', c.database_type,
                       -- Row-level security hides a deleted connection from its user.
                       'deleted', n.database_connection_id <> '00000000-0000-0000-0000-000000000000'
                                  AND (c.id IS NULL OR c.deleted_at IS NOT NULL)) || n.figures
                       ORDER BY n.runs DESC, n.database_connection_id), '[]')
            FROM connection AS n LEFT JOIN tenancy.database_connections AS c ON c.id = n.database_connection_id),
        'statuses', (SELECT coalesce(jsonb_agg(jsonb_build_object('status', s.status) || s.figures ORDER BY s.status), '[]')
                     FROM summed AS s WHERE s.status IS NOT NULL),
        'sources', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', s.source) || s.figures ORDER BY s.source), '[]')
                    FROM summed AS s WHERE s.source IS NOT NULL),
        'hours_of_week', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('day', s.day, 'hour', s.hour) || s.figures ORDER BY s.day, s.hour), '[]')
            FROM summed AS s WHERE s.day IS NOT NULL),
        'statements', jsonb_build_object('slowest', t.slowest, 'most_frequent', t.most_frequent, 'most_time', t.most_time,
                                         'failing', t.failing, 'other', t.other))
    FROM asked AS a, tenancy.dashboard_statements(a.subject, dashboard_analytics."from", dashboard_analytics."until", a.most) AS t;
END;
COMMENT ON FUNCTION tenancy.dashboard_analytics(timestamptz, timestamptz, text, uuid, integer)
    IS 'figures per connection, status, source and hour of the week; slowest, most frequent and failing statements';
