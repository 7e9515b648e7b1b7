
-- Health: connections come due, the workers check them.

CREATE FUNCTION tenancy.wake_health() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_wake_health';
COMMENT ON FUNCTION tenancy.wake_health() IS 'for watch_connection: have the workers look for connections to check when this transaction commits';

-- A new or changed connection is checked at once; one that is not active, or whose user is not, is not checked.
CREATE FUNCTION tenancy.watch_connection() RETURNS trigger
SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL THEN
        DELETE FROM tenancy.connection_health AS h WHERE h.connection_id = NEW.id;
        RETURN NULL;
    END IF;
    INSERT INTO tenancy.connection_health AS h (connection_id, user_id, next_check_at)
    VALUES (NEW.id, NEW.user_id,
            CASE WHEN NEW.is_active AND (SELECT u.is_active FROM tenancy.users AS u WHERE u.id = NEW.user_id) THEN now() END)
    ON CONFLICT (connection_id) DO UPDATE
        SET user_id = excluded.user_id, state = 'unknown', code = NULL, latency_ms = NULL, last_error = NULL,
            checked_at = NULL, since = now(), failures = 0, next_check_at = excluded.next_check_at, slow = true;
    PERFORM tenancy.wake_health();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenancy.watch_connection() IS 'trigger: a new or changed connection comes due';
CREATE TRIGGER watch_new AFTER INSERT ON tenancy.database_connections
    FOR EACH ROW EXECUTE FUNCTION tenancy.watch_connection();
CREATE TRIGGER watch_change AFTER UPDATE ON tenancy.database_connections
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION tenancy.watch_connection();

CREATE FUNCTION tenancy.watch_user() RETURNS trigger
SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tenancy.connection_health AS h
    SET next_check_at = CASE WHEN NEW.is_active AND c.is_active THEN now() END,
        state = 'unknown', code = NULL, latency_ms = NULL, last_error = NULL, checked_at = NULL, since = now(), failures = 0, slow = true
    FROM tenancy.database_connections AS c
    WHERE c.user_id = NEW.id AND c.id = h.connection_id;
    PERFORM tenancy.wake_health();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenancy.watch_user() IS 'trigger: connections of a user who is not active are not checked';
CREATE TRIGGER watch AFTER UPDATE OF is_active ON tenancy.users
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION tenancy.watch_user();

-- What an operator wants to know. Each item is a function status_<item> of the facts, so that one that fails spoils no other.

CREATE TYPE tenancy.finding AS (state text, value text, hint text);
COMMENT ON TYPE tenancy.finding IS 'what status() says of one item: ok, warning or error, what is there, and how to mend it';

CREATE FUNCTION tenancy.status_facts() RETURNS TABLE (fact text, value text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_status_facts';
COMMENT ON FUNCTION tenancy.status_facts() IS 'for status(): what shared memory, the key ring and files say';

CREATE FUNCTION tenancy.status_version(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN e.extversion = facts ->> 'library_version' THEN 'ok' ELSE 'error' END,
           format('extension %s, library %s', e.extversion, facts ->> 'library_version'),
           CASE WHEN e.extversion <> facts ->> 'library_version'
                THEN 'Run ALTER EXTENSION pg_tenancy UPDATE, or restart the server if the library was installed after its start.' END
    FROM pg_extension AS e WHERE e.extname = 'pg_tenancy';
END;
COMMENT ON FUNCTION tenancy.status_version(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_server(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN old THEN 'warning' ELSE 'ok' END, current_setting('server_version'),
           CASE WHEN old THEN 'Update to the newest minor release: this one has known holes in row-level security (CVE-2025-8713 and before).' END
    FROM (SELECT v < 150014 OR v BETWEEN 160000 AND 160009 OR v BETWEEN 170000 AND 170005 AS old
          FROM (SELECT (facts ->> 'server_version_num')::integer AS v) AS n) AS s;
END;
COMMENT ON FUNCTION tenancy.status_server(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_preloading(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.preloaded THEN 'ok' ELSE 'error' END, current_setting('shared_preload_libraries'),
           CASE WHEN NOT s.preloaded THEN 'Add pg_tenancy to shared_preload_libraries and restart the server: without it nobody logs in and no query runs.' END
    FROM (SELECT coalesce((facts ->> 'preloaded')::boolean, false) AS preloaded) AS s;
END;
COMMENT ON FUNCTION tenancy.status_preloading(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_sessions(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.used >= s.allowed THEN 'error' WHEN s.used > 0.9 * s.allowed THEN 'warning' ELSE 'ok' END,
           format('%s of %s, and %s more for superusers', s.used, s.allowed, s.reserved),
           CASE WHEN s.used > 0.9 * s.allowed
                THEN 'Applications cannot connect when all are used; history and checks go on. Pool connections, see docs/operations.md, or raise max_connections.' END
    FROM (SELECT count(*) AS used, current_setting('max_connections')::integer - r.reserved AS allowed, r.reserved
          FROM (SELECT current_setting('superuser_reserved_connections')::integer
                       + coalesce(current_setting('reserved_connections', true)::integer, 0)) AS r (reserved),
               pg_stat_activity AS a
          WHERE a.backend_type = 'client backend'
          GROUP BY r.reserved) AS s;
END;
COMMENT ON FUNCTION tenancy.status_sessions(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_transactions(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN t.age > interval '1 hour' THEN 'warning' ELSE 'ok' END,
           CASE WHEN t.age IS NULL THEN 'none is open'
                ELSE format('the oldest is open for %s, %s', date_trunc('second', t.age), t.holder) END,
           CASE WHEN t.age > interval '1 hour'
                THEN 'Dead rows of all tables are kept for it. End it (pg_terminate_backend, ROLLBACK PREPARED), and set idle_in_transaction_session_timeout.' END
    FROM (VALUES (1)) AS always (one)
    LEFT JOIN (
        SELECT clock_timestamp() - a.xact_start AS age, format('in process %s', a.pid) AS holder
        FROM pg_stat_activity AS a
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
          AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum AS v WHERE v.pid = a.pid)
        UNION ALL
        SELECT clock_timestamp() - p.prepared, format('prepared as %L', p.gid)
        FROM pg_prepared_xacts AS p
        WHERE p.database = current_database()
        ORDER BY 1 DESC NULLS LAST
        LIMIT 1) AS t ON true;
END;
COMMENT ON FUNCTION tenancy.status_transactions(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_history_worker(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN facts ? 'history_trouble' THEN 'error'
                WHEN pg_is_in_recovery() OR (facts ->> 'history_ready')::boolean THEN 'ok'
                WHEN (facts ->> 'history_pending')::bigint > 0 THEN 'error' ELSE 'warning' END,
           CASE WHEN pg_is_in_recovery() THEN 'none on a standby: queries on client databases are refused here'
                WHEN facts ? 'history_trouble' THEN format('cannot write since %s: %s', facts ->> 'history_troubled', facts ->> 'history_trouble')
                WHEN facts ? 'history_pid' THEN format('process %s since %s', facts ->> 'history_pid', facts ->> 'history_since')
                ELSE 'not running' END,
           CASE WHEN facts ? 'history_trouble' THEN 'It tries again each second: remove the cause, and what waits is written. Do not stop the server before, as it waits in its memory.'
                WHEN NOT pg_is_in_recovery() AND NOT (facts ->> 'history_ready')::boolean
                THEN 'It starts with the first query or connection, or with the server for tenancy.databases. If it does not, see the server log; max_worker_processes may be too low.' END;
END;
COMMENT ON FUNCTION tenancy.status_history_worker(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_history_queue(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN q.fill > 0.85 OR q.age > interval '1 minute' THEN 'error'
                WHEN q.fill > 0.5 OR q.age > interval '10 seconds' THEN 'warning' ELSE 'ok' END,
           format('%s unwritten, %s running, %s of %s (%s %%)%s', facts ->> 'history_pending', facts ->> 'history_running',
                  pg_size_pretty((facts ->> 'history_bytes')::bigint), pg_size_pretty((facts ->> 'history_capacity')::bigint),
                  round(100 * q.fill), coalesce(', oldest unwritten for ' || q.age, '')),
           CASE WHEN q.fill > 0.5 OR q.age > interval '10 seconds'
                THEN 'The worker does not keep up: look in the server log and at the disk; tenancy.history_queue_size is how much may wait.' END
    FROM (SELECT (facts ->> 'history_bytes')::numeric / nullif((facts ->> 'history_capacity')::numeric, 0) AS fill,
                 date_trunc('second', clock_timestamp() - (facts ->> 'history_oldest')::timestamptz) AS age) AS q;
END;
COMMENT ON FUNCTION tenancy.status_history_queue(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_history_settings(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN loose THEN 'warning' ELSE 'ok' END,
           format('durability %s, %s', current_setting('tenancy.history_durability'),
                  CASE WHEN current_setting('tenancy.history_required')::boolean THEN 'required' ELSE 'not required' END),
           CASE WHEN loose THEN 'Queries may be missing from history: set tenancy.history_durability = finished or started, tenancy.history_required = on.' END
    FROM (SELECT current_setting('tenancy.history_durability') = 'async' OR NOT current_setting('tenancy.history_required')::boolean AS loose) AS s;
END;
COMMENT ON FUNCTION tenancy.status_history_settings(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_history_retention(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Ids are in the order of starts.
    oldest  timestamptz := (SELECT q.created_at FROM tenancy.query_history AS q ORDER BY q.id LIMIT 1);
    allowed interval := nullif(current_setting('tenancy.history_retention', true), '');
    late    boolean := coalesce(allowed > interval '0' AND oldest < now() - allowed - interval '1 hour', false);
BEGIN
    RETURN (CASE WHEN late THEN 'warning' ELSE 'ok' END,
            format('oldest run of %s, kept for %s', coalesce(oldest::text, 'never'),
                   CASE WHEN allowed > interval '0' THEN allowed::text ELSE 'ever' END),
            CASE WHEN late THEN 'Pruning does not keep up: see the maintenance worker, and tenancy.verify_history(), as a chain with a gap at its beginning is kept.' END);
END
$$;
COMMENT ON FUNCTION tenancy.status_history_retention(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_maintenance_worker(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN facts ? 'turned_away' OR NOT facts ? 'maintenance_pid' AND NOT pg_is_in_recovery() THEN 'warning' ELSE 'ok' END,
           CASE WHEN facts ? 'maintenance_pid' THEN format('process %s since %s', facts ->> 'maintenance_pid', facts ->> 'maintenance_since')
                ELSE 'not running' END,
           CASE WHEN facts ? 'turned_away'
                THEN format('No process could be had at %s: raise max_worker_processes.', facts ->> 'turned_away')
                WHEN NOT facts ? 'maintenance_pid' AND NOT pg_is_in_recovery()
                THEN 'It runs beside the history worker, and makes way for it when max_worker_processes is used up.' END;
END;
COMMENT ON FUNCTION tenancy.status_maintenance_worker(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_worker_processes(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.had < s.wanted THEN 'warning' ELSE 'ok' END,
           format('%s allowed, %s useful', s.had, s.wanted),
           CASE WHEN s.had < s.wanted THEN format('Set max_worker_processes to %s or more: for each database two of history, one of maintenance and tenancy.health_workers processes, beside what else uses them.', s.wanted) END
    FROM (SELECT current_setting('max_worker_processes')::integer AS had,
                 1 + greatest(1, cardinality(string_to_array(nullif(current_setting('tenancy.databases'), ''), ',')))
                     * (3 + current_setting('tenancy.health_workers')::integer) AS wanted) AS s;
END;
COMMENT ON FUNCTION tenancy.status_worker_processes(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_databases(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE facts ->> 'listed' WHEN 'yes' THEN 'ok' WHEN 'no' THEN 'warning' ELSE 'error' END, current_setting('tenancy.databases'),
           CASE facts ->> 'listed'
               WHEN 'yes' THEN NULL
               WHEN 'no' THEN format('Add %I to tenancy.databases: after a restart, nothing is checked or pruned here before the first query or connection.', current_database())
               ELSE 'It is no list of names, so that no worker starts with the server: separate names by commas, and quote those with capitals.' END;
END;
COMMENT ON FUNCTION tenancy.status_databases(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_connections(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN h.late > 0 AND current_setting('tenancy.health_interval') <> '0' THEN 'warning' ELSE 'ok' END,
           format('%s up, %s down, %s unknown, %s checks late, %s health workers%s', h.up, h.down, h.unknown, h.late,
                  facts ->> 'health_workers', CASE current_setting('tenancy.health_interval') WHEN '0' THEN ', checks are off' ELSE '' END),
           CASE WHEN h.late > 0 AND current_setting('tenancy.health_interval') <> '0'
                THEN 'Raise tenancy.health_workers or tenancy.health_interval, and see whether max_worker_processes leaves room.' END
    FROM (SELECT count(*) FILTER (WHERE c.state = 'up') AS up, count(*) FILTER (WHERE c.state = 'down') AS down,
                 count(*) FILTER (WHERE c.state = 'unknown') AS unknown,
                 count(*) FILTER (WHERE c.next_check_at < now() - greatest(interval '10 seconds', current_setting('tenancy.health_interval')::interval)) AS late
          FROM tenancy.connection_health AS c) AS h;
END;
COMMENT ON FUNCTION tenancy.status_connections(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_query_cache(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.hogged THEN 'warning' ELSE 'ok' END,
           CASE WHEN facts ? 'cache_capacity'
                THEN format('%s answers, %s of %s (%s %%)', facts ->> 'cache_answers', pg_size_pretty((facts ->> 'cache_bytes')::bigint),
                            pg_size_pretty((facts ->> 'cache_capacity')::bigint), round(100 * (facts ->> 'cache_bytes')::numeric / (facts ->> 'cache_capacity')::numeric))
                ELSE 'off: tenancy.cache_size is 0' END,
           CASE WHEN s.hogged THEN 'One user''s answers can take all of it: tenancy.cache_size should be several times tenancy.cache_size_per_user.' END
    FROM (SELECT coalesce((facts ->> 'cache_capacity')::bigint <= pg_size_bytes(current_setting('tenancy.cache_size_per_user')), false) AS hogged) AS s;
END;
COMMENT ON FUNCTION tenancy.status_query_cache(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_key_ring(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN facts ? 'key_error' THEN 'error' ELSE 'ok' END,
           coalesce(facts ->> 'key_error', 'active key ' || (facts ->> 'key_active')),
           CASE WHEN facts ? 'key_error' THEN 'Credentials can be neither stored nor opened: see tenancy.key_file and docs/credential.md.' END;
END;
COMMENT ON FUNCTION tenancy.status_key_ring(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_credentials(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN c.orphaned > 0 THEN 'error' WHEN c.old > 0 THEN 'warning' ELSE 'ok' END,
           format('%s sealed, %s of them with another key than the active one%s', c.sealed, c.old,
                  CASE WHEN c.orphaned > 0 THEN format(', %s with a key that is not in the ring', c.orphaned) ELSE '' END),
           CASE WHEN c.orphaned > 0 THEN 'Put the missing key back into the ring, or give these connections their passwords anew with tenancy.update_connection().'
                WHEN c.old > 0 THEN 'Run tenancy.rotate_encryption_key() before the older key is taken out of the ring.' END
    FROM (SELECT count(*) AS sealed, count(*) FILTER (WHERE d.credential_key_id <> facts ->> 'key_active') AS old,
                 count(*) FILTER (WHERE CASE WHEN facts ? 'key_error' THEN false
                                              ELSE d.credential_key_id <> ALL (ARRAY(SELECT k.key_id FROM tenancy.key_ids() AS k)) END) AS orphaned
          FROM tenancy.database_connections AS d WHERE d.credential_key_id IS NOT NULL) AS c;
END;
COMMENT ON FUNCTION tenancy.status_credentials(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_sqlite_root(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.found IS NULL OR s.found = 'directory own 700' THEN 'ok'
                WHEN s.found ~ '^directory own 7[0145][0145]$' THEN 'warning' ELSE 'error' END,
           coalesce(nullif(current_setting('tenancy.sqlite_root'), '') || ': ' || s.found, 'not set: no SQLite databases'),
           CASE WHEN s.found <> 'directory own 700'
                THEN 'tenancy.sqlite_root should be a directory of the server''s operating system user with mode 0700.' END
    FROM (SELECT facts ->> 'sqlite_root' AS found) AS s;
END;
COMMENT ON FUNCTION tenancy.status_sqlite_root(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_allowed_networks(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN facts ? 'networks_error' THEN 'error' WHEN s.everywhere THEN 'warning' ELSE 'ok' END,
           coalesce(facts ->> 'networks_error', nullif(current_setting('tenancy.allowed_networks'), ''), 'public addresses only'),
           CASE WHEN facts ? 'networks_error' THEN 'No client database can be reached until tenancy.allowed_networks is a list of networks.'
                WHEN s.everywhere THEN 'Tenants reach every host that this server reaches: list the networks that are meant.' END
    FROM (SELECT current_setting('tenancy.allowed_networks') ~ '/0\M' AS everywhere) AS s;
END;
COMMENT ON FUNCTION tenancy.status_allowed_networks(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_llm_api_key(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.found IS NULL OR s.found ~ '^file own [4-7]00$' THEN 'ok' ELSE 'error' END,
           coalesce(s.found, 'not set'),
           CASE WHEN s.found !~ '^file own [4-7]00$' THEN 'tenancy.llm_api_key_file should be a file that only the server''s operating system user can read.' END
    FROM (SELECT facts ->> 'llm_key' AS found) AS s;
END;
COMMENT ON FUNCTION tenancy.status_llm_api_key(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_crash_safety(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.unsafe THEN 'error' ELSE 'ok' END,
           format('fsync %s, full_page_writes %s', current_setting('fsync'), current_setting('full_page_writes')),
           CASE WHEN s.unsafe THEN 'A crash of the machine can destroy the database: switch both on.' END
    FROM (SELECT current_setting('fsync') = 'off' OR current_setting('full_page_writes') = 'off' AS unsafe) AS s;
END;
COMMENT ON FUNCTION tenancy.status_crash_safety(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status_logging(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.tells THEN 'warning' ELSE 'ok' END,
           format('log_statement %s, log_parameter_max_length %s, log_parameter_max_length_on_error %s', current_setting('log_statement'),
                  current_setting('log_parameter_max_length'), current_setting('log_parameter_max_length_on_error')),
           CASE WHEN s.tells THEN 'Passwords and tokens in bind parameters reach the server log: set log_parameter_max_length = 0 and log_parameter_max_length_on_error = 0.' END
    FROM (SELECT current_setting('log_parameter_max_length_on_error') <> '0' OR current_setting('log_parameter_max_length') <> '0'
                 AND (current_setting('log_statement') <> 'none' OR current_setting('log_min_duration_statement') <> '-1'
                      OR current_setting('log_min_duration_sample') <> '-1' OR current_setting('log_duration')::boolean) AS tells) AS s;
END;
COMMENT ON FUNCTION tenancy.status_logging(jsonb) IS 'for status()';

CREATE FUNCTION tenancy.status() RETURNS TABLE (item text, state text, value text, hint text)
SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    facts jsonb := '{}';
BEGIN
    BEGIN
        SELECT jsonb_object_agg(f.fact, f.value) INTO facts FROM tenancy.status_facts() AS f;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'facts', 'error', SQLERRM, 'The items below lack what it would have told.';
    END;
    FOREACH item IN ARRAY ARRAY[
        'version', 'server', 'preloading', 'sessions', 'transactions', 'history_worker', 'history_queue', 'history_settings', 'history_retention', 'maintenance_worker',
        'worker_processes', 'databases', 'connections', 'attachments', 'query_cache', 'key_ring', 'credentials', 'sqlite_root', 'allowed_networks',
        'llm_api_key', 'crash_safety', 'logging']
    LOOP
        BEGIN
            EXECUTE format('SELECT f.state, f.value, f.hint FROM tenancy.%I($1) AS f', 'status_' || item)
            INTO status.state, status.value, status.hint USING facts;
        EXCEPTION WHEN OTHERS THEN
            state := 'error';
            value := SQLERRM;
            hint := 'This item could not be looked into.';
        END;
        item := replace(item, '_', ' ');
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION tenancy.status()
    IS 'for administrators: what works, what does not, what is unwise, and how to mend it; no item can make the function fail';
