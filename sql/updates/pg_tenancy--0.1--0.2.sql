\echo Use "ALTER EXTENSION pg_tenancy UPDATE" to load this file. \quit

-- From 0.1 to 0.2: the catalog, questions in plain language, the cache, health, dashboards, and the proof of the history.
-- Run it with a server that has loaded the library of 0.2: restart it first.

SET LOCAL search_path TO pg_catalog, pg_temp;

DO $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'pg_tenancy is updated at isolation level read committed only'
            USING ERRCODE = 'active_sql_transaction', HINT = 'SET default_transaction_isolation = ''read committed'' first.';
    END IF;
END
$$;

-- What others have made on what is dropped below would keep it from going. Any tenant can make temporary tables, views, functions and
-- types, which end with their session anyway: they go now. All else is named before anything is changed.
DO $$
DECLARE
    dependant record;
    kept      text[] := '{}';
BEGIN
    FOR dependant IN
        WITH RECURSIVE dropped (class, object) AS (
            SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc AS p
            WHERE p.oid IN ('tenancy.connections()'::pg_catalog.regprocedure, 'tenancy.history_retry()'::pg_catalog.regprocedure,
                            'tenancy.get_client_connection(uuid, uuid)'::pg_catalog.regprocedure)
            UNION ALL
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, 'tenancy.query_daily'::pg_catalog.regclass::pg_catalog.oid
            UNION ALL
            SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type AS t
            WHERE t.oid IN ('tenancy.query_daily'::pg_catalog.regtype, 'tenancy.query_daily[]'::pg_catalog.regtype)
            UNION ALL
            SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint AS k
            WHERE k.conrelid = 'tenancy.history_chain'::pg_catalog.regclass AND k.contype = 'p'
        -- Rules, defaults, constraints and policies are a part of something; what a table is partitioned by is one of itself.
        ), parts (class, object, of_class, of_object, of_part) AS (
            SELECT d.classid, d.objid, d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend AS d
            WHERE d.deptype IN ('a', 'i') AND (d.refclassid, d.refobjid) <> (d.classid, d.objid)
        ), made (class, object, part) AS (
            SELECT d.classid, d.objid, d.objsubid
            FROM dropped AS x
            JOIN pg_catalog.pg_depend AS d ON d.refclassid = x.class AND d.refobjid = x.object AND d.deptype = 'n'
            -- The policies of a table look at its columns, too, but are dropped with it.
            WHERE NOT EXISTS (SELECT FROM parts AS p JOIN dropped AS y ON y.class = p.of_class AND y.object = p.of_object
                              WHERE p.class = d.classid AND p.object = d.objid)
            UNION
            SELECT p.of_class, p.of_object, p.of_part FROM made AS m JOIN parts AS p ON p.class = m.class AND p.object = m.object
        )
        SELECT DISTINCT o.type, o.identity, CASE WHEN whole.type IN ('function', 'procedure', 'aggregate') THEN 'routine' ELSE whole.type END AS kind,
               whole.identity AS whole, EXISTS (
                   SELECT FROM pg_catalog.pg_depend AS d
                   LEFT JOIN pg_catalog.pg_type AS t ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobjid
                   JOIN pg_catalog.pg_namespace AS n
                       ON n.oid = CASE WHEN m.class = 'pg_catalog.pg_cast'::pg_catalog.regclass THEN t.typnamespace
                                       WHEN d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN d.refobjid END
                   WHERE d.classid = m.class AND d.objid = m.object AND n.nspname LIKE 'pg\_temp\_%') AS passes
        FROM made AS m, pg_catalog.pg_identify_object(m.class, m.object, m.part) AS o, pg_catalog.pg_identify_object(m.class, m.object, 0) AS whole
        -- What has gone since has no identity.
        WHERE whole.identity IS NOT NULL AND o.identity IS NOT NULL
          AND NOT EXISTS (SELECT FROM parts AS p WHERE p.class = m.class AND p.object = m.object)
        ORDER BY o.type, o.identity
    LOOP
        IF dependant.passes THEN
            EXECUTE pg_catalog.format('DROP %s IF EXISTS %s CASCADE', dependant.kind, dependant.whole);
        ELSE
            kept := kept || (dependant.type || ' ' || dependant.identity);
        END IF;
    END LOOP;
    IF kept <> '{}' THEN
        RAISE EXCEPTION 'cannot update pg_tenancy because other objects depend on what is made again'
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = pg_catalog.array_to_string(kept, E'\n'),
                  HINT = 'Drop them, and make them again after the update.';
    END IF;
END
$$;
DROP FUNCTION tenancy.connections(), tenancy.get_client_connection(uuid, uuid), tenancy.history_retry();
-- The daily sums of 0.1 are made again, from the history, below.
ALTER EXTENSION pg_tenancy DROP TABLE tenancy.query_daily;
DROP TABLE tenancy.query_daily;

COMMENT ON TABLE tenancy.user_sessions IS 'logins; an expired one goes with the user''s next login, or a day later';
ALTER FUNCTION tenancy.register(text, text, text, text, text) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.login(text, text) CALLED ON NULL INPUT SET lock_timeout = '10s';
ALTER FUNCTION tenancy.authenticate(text) CALLED ON NULL INPUT;
ALTER FUNCTION tenancy.logout() SET lock_timeout = '10s';
ALTER FUNCTION tenancy.logout_everywhere() SET lock_timeout = '10s';
ALTER FUNCTION tenancy.change_password(text, text) CALLED ON NULL INPUT SET lock_timeout = '10s';
ALTER FUNCTION tenancy.create_connection(text, text, text, integer, text, text, text, text, jsonb) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.reset_password(uuid, text) CALLED ON NULL INPUT SET lock_timeout = '10s';
ALTER FUNCTION tenancy.set_active(uuid, boolean) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.rotate_encryption_key() SET lock_timeout = '10s';
ALTER FUNCTION tenancy.update_connection(text, text, text, text, integer, text, text, text, text, jsonb, boolean) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.update_connection(uuid, text, text, text, integer, text, text, text, text, jsonb, boolean) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.delete_connection(text) SET lock_timeout = '10s';
ALTER FUNCTION tenancy.delete_connection(uuid) SET lock_timeout = '10s';
CREATE OR REPLACE FUNCTION tenancy.update_profile(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
                                                  company_name text DEFAULT NULL)
RETURNS void SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
BEGIN
    UPDATE tenancy.users AS u
    SET first_name = coalesce(update_profile.first_name, u.first_name),
        last_name = coalesce(update_profile.last_name, u.last_name),
        company_name = coalesce(update_profile.company_name, u.company_name)
    WHERE u.id = (SELECT tenancy.require_user_id());
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user was made since the transaction began'
            USING ERRCODE = 'serialization_failure', HINT = 'Try again in a new transaction.';
    END IF;
END
$$;

CREATE FUNCTION tenancy.key_ids()
RETURNS TABLE (key_id text, active boolean) LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_key_ids';
COMMENT ON FUNCTION tenancy.key_ids() IS 'the ids of the keys in the key ring';
ALTER TABLE tenancy.database_connections
    ADD COLUMN schema_version bigint NOT NULL DEFAULT 0,
    ADD COLUMN schema_detected_at timestamptz;

-- A large document is read in a fraction of the time when it is not compressed.
ALTER TABLE tenancy.database_connections ALTER COLUMN schema_json SET STORAGE EXTERNAL;
COMMENT ON COLUMN tenancy.database_connections.schema_json IS 'what the client database has, as it was last detected, see docs/catalog.md; no change of the connection keeps it';
COMMENT ON COLUMN tenancy.database_connections.schema_version IS 'grows with every change of the schema that was detected';
COMMENT ON COLUMN tenancy.database_connections.schema_detected_at IS 'when the detection of schema_json began';

CREATE OR REPLACE FUNCTION tenancy.touch_connection() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.name, NEW.database_type, NEW.host, NEW.port, NEW.database_name, NEW.username, NEW.password_encrypted,
        NEW.connection_string_encrypted, NEW.options, NEW.is_active, NEW.deleted_at)
       IS DISTINCT FROM
       (OLD.name, OLD.database_type, OLD.host, OLD.port, OLD.database_name, OLD.username, OLD.password_encrypted,
        OLD.connection_string_encrypted, OLD.options, OLD.is_active, OLD.deleted_at)
    THEN
        NEW.version := OLD.version + 1;
        NEW.updated_at := now();
        NEW.schema_json := NULL;
        NEW.schema_detected_at := NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenancy.touch_connection() IS 'trigger: a changed connection gets a new version, and no schema until it is detected again';

-- What the last check of a connection found; 55-health.sql keeps it. Not dumped: it is found out again.
CREATE TABLE tenancy.connection_health (
    connection_id uuid PRIMARY KEY REFERENCES tenancy.database_connections (id) ON DELETE CASCADE,
    user_id       uuid NOT NULL,
    state         varchar(20) NOT NULL DEFAULT 'unknown' CHECK (state IN ('unknown', 'up', 'down')),
    code          varchar(20),
    latency_ms    double precision,
    last_error    text,
    checked_at    timestamptz,
    since         timestamptz NOT NULL DEFAULT now(),
    failures      integer NOT NULL DEFAULT 0,
    next_check_at timestamptz,
    slow          boolean NOT NULL DEFAULT true
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX connection_health_next_check_at_idx ON tenancy.connection_health (slow, next_check_at)
    WHERE next_check_at IS NOT NULL;
CREATE INDEX connection_health_state_idx ON tenancy.connection_health (user_id) WHERE state = 'down';
ALTER TABLE tenancy.connection_health ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.connection_health FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.connection_health FOR SELECT TO tenancy_admin USING (true);
COMMENT ON TABLE tenancy.connection_health IS 'what the last check of each connection found';
COMMENT ON COLUMN tenancy.connection_health.state IS 'up, down, or unknown: not checked yet, or not by a fault of the client database';
COMMENT ON COLUMN tenancy.connection_health.code IS 'as test_connection answers it';
COMMENT ON COLUMN tenancy.connection_health.latency_ms IS 'of one question on an established connection; NULL unless up';
COMMENT ON COLUMN tenancy.connection_health.last_error IS 'why it is not up; NULL when it is';
COMMENT ON COLUMN tenancy.connection_health.since IS 'when this state began';
COMMENT ON COLUMN tenancy.connection_health.failures IS 'checks in a row that did not find it up';
COMMENT ON COLUMN tenancy.connection_health.next_check_at IS 'NULL: the connection or its user is not active';
COMMENT ON COLUMN tenancy.connection_health.slow IS 'its last check, or that of another connection of the user to its server, took long, or there was none: checked apart from the others';

CREATE FUNCTION tenancy.connections()
RETURNS TABLE (id uuid, name varchar, database_type varchar, host varchar, port integer, database_name varchar,
               username varchar, options jsonb, is_active boolean, version bigint, last_connected_at timestamptz,
               created_at timestamptz, updated_at timestamptz, state varchar, latency_ms double precision, last_error text,
               since timestamptz, checked_at timestamptz)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.id, c.name, c.database_type, c.host, c.port, c.database_name, c.username, c.options, c.is_active,
           c.version, c.last_connected_at, c.created_at, c.updated_at, coalesce(h.state, 'unknown'), h.latency_ms,
           h.last_error, h.since, h.checked_at
    FROM tenancy.database_connections AS c
    LEFT JOIN tenancy.connection_health AS h ON h.connection_id = c.id
    WHERE c.deleted_at IS NULL
    ORDER BY c.name, c.id;
END;
COMMENT ON FUNCTION tenancy.connections() IS 'the connections of the current user with their health, without secrets; an admin sees all';
COMMENT ON FUNCTION tenancy.close_connections()
    IS 'close the idle connections to client databases that this session keeps for the current user, or, for an admin, for anybody; answers how many';

CREATE FUNCTION tenancy.get_client_connection(user_id uuid, connection_id uuid)
RETURNS TABLE (id uuid, name varchar, database_type varchar, host varchar, port integer, database_name varchar,
               username varchar, options jsonb, is_active boolean, version bigint, last_connected_at timestamptz,
               created_at timestamptz, updated_at timestamptz, state varchar, latency_ms double precision, last_error text,
               since timestamptz, checked_at timestamptz)
STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT tenancy.user_has_access(get_client_connection.user_id, get_client_connection.connection_id) THEN
        RAISE EXCEPTION 'permission denied for connection "%"', get_client_connection.connection_id
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'The connection does not exist or belongs to somebody else.';
    END IF;
    RETURN QUERY SELECT c.* FROM tenancy.connections() AS c WHERE c.id = get_client_connection.connection_id;
END
$$;
COMMENT ON FUNCTION tenancy.get_client_connection(uuid, uuid)
    IS 'the settings of a connection, without secrets, after the check that it is the user''s; 42501 otherwise';
ALTER TABLE tenancy.query_history
    DROP CONSTRAINT query_history_status_check,
    ADD CONSTRAINT query_history_status_check
        CHECK (status IN ('success', 'error', 'timeout', 'cancelled', 'denied', 'lost', 'refused'));

CREATE UNIQUE INDEX query_history_chain_seq_key ON tenancy.query_history (user_id, chain_seq);
COMMENT ON COLUMN tenancy.query_history.status IS 'success, error, timeout, cancelled, denied, refused (a question without an SQL statement that may run), or lost when the server died before the end';

-- So that a page of history need not go through the rows of others, nor through what is left of them.
CREATE INDEX running_queries_user_id_idx ON tenancy.running_queries (user_id, id DESC);
-- The runs that wait, so that a look at them need not go through all that was ever in running_queries and cannot be removed yet.
-- The worker makes the list anew when it starts.
CREATE UNLOGGED TABLE tenancy.deferred_queries (
    id     uuid PRIMARY KEY,
    failed boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE tenancy.deferred_queries ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy.deferred_queries IS 'the runs of running_queries that have ended and wait for a lock';
COMMENT ON COLUMN tenancy.deferred_queries.failed IS 'when the run could be written, it could not be stored, not even without its texts';
INSERT INTO tenancy.deferred_queries (id) SELECT r.id FROM tenancy.running_queries AS r WHERE r.status <> 'running';

ALTER TABLE tenancy.history_chain
    ADD COLUMN part bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT history_chain_pkey,
    ADD PRIMARY KEY (user_id, part);
COMMENT ON TABLE tenancy.history_chain IS 'the last link of each user''s hash chain; history_anchor() gives a signed copy to keep elsewhere';
COMMENT ON COLUMN tenancy.history_chain.part IS 'grows when the row begins anew, because its old versions could not be removed; there is one row per user';

CREATE TABLE tenancy.history_pruned (
    user_id uuid PRIMARY KEY,
    seq     bigint NOT NULL,
    hash    bytea NOT NULL,
    until   timestamptz NOT NULL
);
ALTER TABLE tenancy.history_pruned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.history_pruned FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.history_pruned FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.history_pruned', '');
COMMENT ON TABLE tenancy.history_pruned IS 'the last row of each hash chain that was pruned: what is left of the chain begins after it';
COMMENT ON COLUMN tenancy.history_pruned.until IS 'when that row was written';

CREATE FUNCTION tenancy.first_uuid(at timestamptz) RETURNS uuid
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_first_uuid';
COMMENT ON FUNCTION tenancy.first_uuid(timestamptz) IS 'not greater than any UUID of version 7 that is made at that time or later';

CREATE OR REPLACE FUNCTION tenancy.refuse_change() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_refuse_change';
COMMENT ON FUNCTION tenancy.refuse_change() IS 'trigger: an append-only table, whose rows only prune_history() deletes';

CREATE OR REPLACE FUNCTION tenancy.history_entry_digest(entry tenancy.query_history) RETURNS bytea
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_entry_digest';

CREATE FUNCTION tenancy.verify_history(
    user_id uuid DEFAULT NULL, OUT user_id uuid, OUT row_count bigint, OUT seq bigint, OUT id uuid, OUT problem text,
    OUT detail text)
RETURNS SETOF record
STABLE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_verify_history';
COMMENT ON FUNCTION tenancy.verify_history(uuid)
    IS 'walk the current user''s hash chain, for administrators all of them or one: what is wrong first, or NULL';

CREATE FUNCTION tenancy.history_anchor(
    user_id uuid DEFAULT NULL, OUT user_id uuid, OUT seq bigint, OUT hash bytea, OUT at timestamptz, OUT anchor text)
RETURNS SETOF record
STABLE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_anchor';
COMMENT ON FUNCTION tenancy.history_anchor(uuid)
    IS 'the head of the current user''s hash chain, for administrators of all, signed with the active key: keep it elsewhere';

CREATE FUNCTION tenancy.verify_anchor(
    anchor text, OUT user_id uuid, OUT seq bigint, OUT at timestamptz, OUT problem text, OUT detail text)
STABLE STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_verify_anchor';
COMMENT ON FUNCTION tenancy.verify_anchor(text)
    IS 'is a kept anchor genuine, and is its row still where it was? NULL is no problem';

-- Can a run be written, as far as the user or the connection that it names goes? It is locked for the run, or there is none and
-- none will appear: its transaction, which may have made it, is over. Inlined, so that tables are asked only where no lock was had.
CREATE FUNCTION tenancy.history_is_settled(named uuid, locked uuid, transaction_id xid8, is_there boolean) RETURNS boolean
LANGUAGE sql
RETURN locked IS NOT NULL OR named IS NULL
    OR NOT (coalesce(pg_catalog.pg_xact_status(transaction_id) = 'in progress', false) OR is_there);
COMMENT ON FUNCTION tenancy.history_is_settled(uuid, uuid, xid8, boolean)
    IS 'for retry_history: is the user or connection of a run locked for it, or certain to be none?';

CREATE FUNCTION tenancy.history_horizon(relation regclass) RETURNS bigint
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_horizon';
COMMENT ON FUNCTION tenancy.history_horizon(regclass)
    IS 'what transactions before this one have replaced in the table can be removed';

CREATE OR REPLACE FUNCTION tenancy.write_history() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_write_history';
COMMENT ON FUNCTION tenancy.write_history()
    IS 'trigger: ended runs become rows of query_history, with hash chain and last_connected_at';

-- What write_history() left for later, as far as it can go now: no row is rewritten for nothing, no transaction is long, and no look goes
-- through more than a part of the list. A run that cannot be stored goes without its message, then without its texts, or else comes last.
CREATE FUNCTION tenancy.retry_run(run uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_out text;
    problem text;
BEGIN
    FOREACH left_out IN ARRAY ARRAY['nothing', 'message', 'texts'] LOOP
        BEGIN
            CASE left_out
            WHEN 'nothing' THEN
                UPDATE tenancy.running_queries AS r SET status = r.status WHERE r.id = run;
            WHEN 'message' THEN
                UPDATE tenancy.running_queries AS r SET error_message = 'the message of this run could not be stored'
                WHERE r.id = run;
            WHEN 'texts' THEN
                UPDATE tenancy.running_queries AS r
                SET connection_name = NULL, natural_language_query = NULL, generated_sql_query = NULL, application_name = NULL,
                    error_message = 'the texts of this run could not be stored'
                WHERE r.id = run;
            END CASE;
            RETURN;
        EXCEPTION
            WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR internal_error THEN
                problem := SQLERRM;
            WHEN out_of_memory THEN
                problem := SQLERRM;
                EXIT;
        END;
    END LOOP;
    UPDATE tenancy.deferred_queries AS d SET failed = true WHERE d.id = run AND NOT d.failed;
    IF FOUND THEN
        RAISE WARNING 'could not write run % to the history: %', run, problem;
    END IF;
END
$$;
COMMENT ON FUNCTION tenancy.retry_run(uuid) IS 'part of retry_history(): one run, without its message or its texts when it cannot be stored with them';

CREATE FUNCTION tenancy.retry_history(max_rows integer, max_bytes bigint, after uuid, OUT moved bigint, OUT waiting boolean, OUT last uuid)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most   CONSTANT integer := 1000;
    listed uuid[] := ARRAY(SELECT d.id FROM tenancy.deferred_queries AS d WHERE d.id > after ORDER BY d.id LIMIT most);
    ready  uuid[];
    run    uuid;
BEGIN
    WITH left_over AS MATERIALIZED (
        SELECT r.id, r.user_id, r.database_connection_id, r.transaction_id,
               coalesce(octet_length(r.generated_sql_query), 0) + coalesce(octet_length(r.natural_language_query), 0) AS bytes
        FROM tenancy.running_queries AS r
        WHERE r.id = ANY (listed) AND r.status <> 'running'
    ), owner AS MATERIALIZED (
        SELECT u.id FROM tenancy.users AS u
        WHERE u.id = ANY (ARRAY(SELECT DISTINCT l.user_id FROM left_over AS l))
        FOR KEY SHARE OF u SKIP LOCKED
    ), target AS MATERIALIZED (
        SELECT c.id FROM tenancy.database_connections AS c
        WHERE c.id = ANY (ARRAY(SELECT DISTINCT l.database_connection_id FROM left_over AS l))
        FOR KEY SHARE OF c SKIP LOCKED
    ), free AS MATERIALIZED (
        SELECT l.id, row_number() OVER w AS place, sum(l.bytes) OVER w - l.bytes AS bytes_before
        FROM left_over AS l
        LEFT JOIN owner AS o ON o.id = l.user_id
        LEFT JOIN target AS t ON t.id = l.database_connection_id
        JOIN tenancy.deferred_queries AS d ON d.id = l.id
        WHERE tenancy.history_is_settled(
                  l.user_id, o.id, l.transaction_id,
                  (SELECT u.id FROM tenancy.users AS u WHERE u.id = l.user_id) IS NOT NULL)
          AND tenancy.history_is_settled(
                  l.database_connection_id, t.id, l.transaction_id,
                  (SELECT c.id FROM tenancy.database_connections AS c WHERE c.id = l.database_connection_id) IS NOT NULL)
        WINDOW w AS (ORDER BY d.failed, l.id)
    )
    SELECT array_agg(f.id) INTO ready FROM free AS f WHERE f.place <= max_rows AND f.bytes_before < max_bytes;
    BEGIN
        UPDATE tenancy.running_queries AS r SET status = r.status WHERE r.id = ANY (ready);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR internal_error OR out_of_memory THEN
        FOREACH run IN ARRAY ready LOOP
            PERFORM tenancy.retry_run(run);
        END LOOP;
    END;
    DELETE FROM tenancy.deferred_queries AS d
    WHERE d.id = ANY (listed) AND (SELECT true FROM tenancy.running_queries AS r WHERE r.id = d.id) IS NULL;
    GET DIAGNOSTICS moved = ROW_COUNT;
    waiting := EXISTS (SELECT FROM tenancy.deferred_queries AS d);
    last := listed[most];
END
$$;
COMMENT ON FUNCTION tenancy.retry_history(integer, bigint, uuid)
    IS 'for the history worker: give runs that were left for later, listed after that one, to write_history() again; how many went, whether any wait, where to go on';

-- Each table with its own order and limit, and no plan that would read all rows to sort them, whatever the planner, which has no statistics
-- of these tables, expects of the conditions: the newest rows come from the end of the index on (user_id, id), until enough are found. Ids
-- are in the order of time; a run that waited for room in the queue began up to some seconds after its id was made. Their bounds are
-- subqueries, because row-level security keeps functions that are not leakproof away from indexes.
CREATE OR REPLACE FUNCTION tenancy.history(
    connection text DEFAULT NULL, status text DEFAULT NULL, source text DEFAULT NULL, search text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, before uuid DEFAULT NULL, max_rows integer DEFAULT 100)
RETURNS SETOF tenancy.history_entries
STABLE LANGUAGE sql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
BEGIN ATOMIC
    SELECT e.*
    FROM (
        (SELECT q.id, q.user_id, q.database_connection_id, q.connection_name, q.source, q.natural_language_query,
                q.generated_sql_query, q.status, q.execution_time_ms, q.row_count, q.result_bytes, q.truncated,
                q.cached, q.error_code, q.error_message, q.result_hash, q.started_at, q.finished_at,
                q.application_name, q.client_addr, q.role_name
         FROM tenancy.query_history AS q
         WHERE (history.connection IS NULL OR q.connection_name = history.connection
               OR q.database_connection_id::text = lower(history.connection))
          AND (history.status IS NULL OR q.status = history.status)
          AND (history.source IS NULL OR q.source = history.source)
          AND (history.search IS NULL OR strpos(lower(q.generated_sql_query), lower(history.search)) > 0
               OR strpos(lower(q.natural_language_query), lower(history.search)) > 0)
          AND q.started_at >= coalesce(history.since, '-infinity')
          AND q.started_at < coalesce(history.until, 'infinity')
          AND q.id >= (SELECT tenancy.first_uuid(coalesce(history.since - interval '1 minute', '-infinity')))
          AND q.id < (SELECT least(history.before, tenancy.first_uuid(coalesce(history.until + interval '61 minutes', 'infinity'))))
         ORDER BY q.id DESC
         LIMIT history.max_rows)
        UNION ALL
        (SELECT r.id, r.user_id, r.database_connection_id, r.connection_name, r.source, r.natural_language_query,
                r.generated_sql_query, r.status, r.execution_time_ms, r.row_count, r.result_bytes, r.truncated,
                r.cached, r.error_code, r.error_message, r.result_hash, r.started_at, r.finished_at,
                r.application_name, r.client_addr, r.role_name
         FROM tenancy.running_queries AS r
         WHERE (history.connection IS NULL OR r.connection_name = history.connection
               OR r.database_connection_id::text = lower(history.connection))
          AND (history.status IS NULL OR r.status = history.status)
          AND (history.source IS NULL OR r.source = history.source)
          AND (history.search IS NULL OR strpos(lower(r.generated_sql_query), lower(history.search)) > 0
               OR strpos(lower(r.natural_language_query), lower(history.search)) > 0)
          AND r.started_at >= coalesce(history.since, '-infinity')
          AND r.started_at < coalesce(history.until, 'infinity')
          AND r.id >= (SELECT tenancy.first_uuid(coalesce(history.since - interval '1 minute', '-infinity')))
          AND r.id < (SELECT least(history.before, tenancy.first_uuid(coalesce(history.until + interval '61 minutes', 'infinity'))))
         ORDER BY r.id DESC
         LIMIT history.max_rows)
    ) AS e
    ORDER BY e.id DESC
    LIMIT history.max_rows;
END;
COMMENT ON TABLE tenancy.audit_log IS 'who changed users, sessions, role bindings, connections and keys; never a secret';
COMMENT ON COLUMN tenancy.audit_log.object_id IS 'the row''s id, the name of a bound role, or the id of a key';

-- Plans for given values hold them, hashes of passwords too, and PostgreSQL shows them to who has plans printed (debug_print_plan).
CREATE OR REPLACE FUNCTION tenancy.write_audit() RETURNS trigger
SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    secrets   CONSTANT text[] := ARRAY['password_hash', 'token_hash', 'password_encrypted', 'connection_string_encrypted'];
    untold    CONSTANT text[] := ARRAY['updated_at', 'version', 'last_connected_at', 'schema_json'];
    old_row   jsonb := to_jsonb(OLD) - untold;
    new_row   jsonb := to_jsonb(NEW) - untold;
    seen      jsonb := coalesce(new_row, old_row);
    changed   text[];
    hidden    jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(n.key) INTO changed FROM jsonb_each(new_row) AS n WHERE n.value IS DISTINCT FROM old_row -> n.key;
        IF changed IS NULL THEN
            RETURN NULL;
        END IF;
        SELECT coalesce(jsonb_object_agg(s.name, '<changed>'), '{}') INTO hidden
        FROM unnest(secrets) AS s (name) WHERE s.name = ANY (changed);
        SELECT jsonb_object_agg(o.key, o.value) || hidden INTO old_row FROM jsonb_each(old_row) AS o WHERE o.key = ANY (changed);
        SELECT jsonb_object_agg(n.key, n.value) || hidden INTO new_row FROM jsonb_each(new_row) AS n WHERE n.key = ANY (changed);
    ELSE
        old_row := old_row - secrets;
        new_row := new_row - secrets;
    END IF;
    INSERT INTO tenancy.audit_log (user_id, action, object_type, object_id, old, new)
    VALUES (coalesce(tenancy.current_user_id(), (seen ->> CASE TG_TABLE_NAME WHEN 'users' THEN 'id' ELSE 'user_id' END)::uuid),
            lower(TG_OP), TG_TABLE_NAME, coalesce(seen ->> 'id', seen ->> 'role_name', seen ->> 'key_id'), old_row, new_row);
    RETURN NULL;
END
$$;

-- The key ring is outside of the database. Its ids, as they were last seen, are here so that a change of it is audited too.
CREATE TABLE tenancy.encryption_keys (
    key_id    text PRIMARY KEY,
    is_active boolean NOT NULL
);
ALTER TABLE tenancy.encryption_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY admin ON tenancy.encryption_keys FOR SELECT TO tenancy_admin USING (true);
COMMENT ON TABLE tenancy.encryption_keys IS 'the ids of the keys in the key ring, when note_key_ring() last looked';

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.encryption_keys
    FOR EACH ROW EXECUTE FUNCTION tenancy.write_audit();

CREATE FUNCTION tenancy.note_key_ring() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ring jsonb;
BEGIN
    BEGIN
        SELECT coalesce(jsonb_object_agg(k.key_id, k.active), '{}') INTO ring FROM tenancy.key_ids() AS k;
    EXCEPTION WHEN OTHERS THEN
        -- No ring, or none that can be read now: nothing is known of its keys.
        RETURN;
    END;
    DELETE FROM tenancy.encryption_keys AS e WHERE NOT ring ? e.key_id;
    UPDATE tenancy.encryption_keys AS e SET is_active = (ring -> e.key_id)::boolean
    WHERE e.is_active <> (ring -> e.key_id)::boolean;
    INSERT INTO tenancy.encryption_keys (key_id, is_active)
    SELECT r.key, r.value::boolean FROM jsonb_each(ring) AS r ON CONFLICT (key_id) DO NOTHING;
END
$$;
COMMENT ON FUNCTION tenancy.note_key_ring() IS 'for the maintenance worker: audit what changed in the key ring since it last looked';

CREATE FUNCTION tenancy.take_turn(work text) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_take_turn';
COMMENT ON FUNCTION tenancy.take_turn(text)
    IS 'until the transaction ends, nobody else does this work: pruning (of history) or sums (of dashboards)';

-- Retention. The rows of a chain go in its order, so that what is left is a chain that begins where history_pruned says.
CREATE FUNCTION tenancy.prune_chain(owner uuid, most bigint, before timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    chain CONSTANT uuid := coalesce(owner, '00000000-0000-0000-0000-000000000000');
    pruned bigint := coalesce((SELECT p.seq FROM tenancy.history_pruned AS p WHERE p.user_id = chain), 0);
    gone   bigint;
BEGIN
    WITH candidate AS (
        SELECT q.id, q.chain_seq, q.created_at FROM tenancy.query_history AS q
        WHERE q.user_id = owner AND q.chain_seq > pruned AND q.chain_seq <= pruned + most
        UNION ALL
        SELECT q.id, q.chain_seq, q.created_at FROM tenancy.query_history AS q
        WHERE owner IS NULL AND q.user_id IS NULL AND q.chain_seq > pruned AND q.chain_seq <= pruned + most
    ), placed AS (
        -- Only as far as no row is missing: a gap stays for verify_history() to find.
        SELECT c.id, bool_and(c.created_at < before) OVER w AND c.chain_seq = pruned + row_number() OVER w AS goes
        FROM candidate AS c WINDOW w AS (ORDER BY c.chain_seq)
    ), deleted AS (
        DELETE FROM tenancy.query_history AS q
        WHERE q.id = ANY (ARRAY(SELECT p.id FROM placed AS p WHERE p.goes))
        RETURNING q.chain_seq, q.chain_hash, q.created_at
    ), noted AS (
        INSERT INTO tenancy.history_pruned AS p (user_id, seq, hash, until)
        SELECT chain, d.chain_seq, d.chain_hash, d.created_at FROM deleted AS d ORDER BY d.chain_seq DESC LIMIT 1
        ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, until = excluded.until
    )
    SELECT count(*) INTO gone FROM deleted;
    -- The first row may also be younger than those behind it, when a clock was ahead.
    IF gone = 0 AND NOT EXISTS (SELECT FROM tenancy.query_history AS q WHERE q.user_id = owner AND q.chain_seq = pruned + 1)
       AND NOT (owner IS NULL AND EXISTS (SELECT FROM tenancy.query_history AS q WHERE q.user_id IS NULL AND q.chain_seq = pruned + 1)) THEN
        RAISE WARNING 'history of user "%" is not pruned, because row % of its chain is missing', chain, pruned + 1
            USING HINT = 'See tenancy.verify_history().';
    END IF;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION tenancy.prune_chain(uuid, bigint, timestamptz) IS 'part of prune_history(): the oldest rows of one chain';

CREATE FUNCTION tenancy.prune_rows(max_rows integer, history_before timestamptz, audit_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    broken uuid[] := '{}';
    gone   bigint := 0;
    logged bigint;
    chain  record;
BEGIN
    PERFORM tenancy.take_turn('pruning');
    PERFORM tenancy.note_key_ring();
    -- Chains with a gap at their beginning stay as they are, and must not take the places of others for good.
    LOOP
        FOR chain IN
            SELECT c.user_id, count(*) AS many
            FROM (SELECT q.user_id FROM tenancy.query_history AS q
                  WHERE q.id < tenancy.first_uuid(history_before) AND q.created_at < history_before
                    AND coalesce(q.user_id, nobody) <> ALL (broken)
                  ORDER BY q.id LIMIT max_rows) AS c
            GROUP BY c.user_id
        LOOP
            logged := tenancy.prune_chain(chain.user_id, chain.many, history_before);
            IF logged = 0 THEN
                broken := broken || coalesce(chain.user_id, nobody);
            END IF;
            gone := gone + logged;
        END LOOP;
        EXIT WHEN gone > 0 OR NOT FOUND;
    END LOOP;
    DELETE FROM tenancy.audit_log AS a
    WHERE a.id = ANY (ARRAY(SELECT l.id FROM tenancy.audit_log AS l
                            WHERE l.id < tenancy.first_uuid(audit_before) AND l.at < audit_before
                            ORDER BY l.id LIMIT max_rows));
    GET DIAGNOSTICS logged = ROW_COUNT;
    RETURN gone + logged;
END
$$;
COMMENT ON FUNCTION tenancy.prune_rows(integer, timestamptz, timestamptz)
    IS 'body of prune_history(), without which the tables refuse it';

CREATE FUNCTION tenancy.prune_history(max_rows integer DEFAULT 1000) RETURNS bigint
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_prune_history';
COMMENT ON FUNCTION tenancy.prune_history(integer)
    IS 'for the maintenance worker: delete so many of the oldest rows beyond tenancy.history_retention and audit_retention; answers how many went';

CREATE FUNCTION tenancy.query_cache_entries(
    OUT key bytea, OUT user_id uuid, OUT database_connection_id uuid, OUT connection_version bigint, OUT query text,
    OUT row_count bigint, OUT size bigint, OUT truncated boolean, OUT hits bigint, OUT created_at timestamptz,
    OUT last_used_at timestamptz, OUT expires_at timestamptz) RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_query_cache_entries';
COMMENT ON FUNCTION tenancy.query_cache_entries() IS 'for query_cache: the cached answers of the current user; of everybody for an admin';

CREATE VIEW tenancy.query_cache WITH (security_invoker = true) AS
    SELECT e.key, e.user_id, e.database_connection_id, e.connection_version, e.query, e.row_count, e.size, e.truncated,
           e.hits, e.created_at, e.last_used_at, e.expires_at
    FROM tenancy.query_cache_entries() AS e;
COMMENT ON VIEW tenancy.query_cache IS 'answers that execute_query may give again: own ones, and everybody''s for an admin';
COMMENT ON COLUMN tenancy.query_cache.key IS 'SHA-256 of everything that the answer depends on';
COMMENT ON COLUMN tenancy.query_cache.user_id IS 'who asked, and may be answered from it';
COMMENT ON COLUMN tenancy.query_cache.connection_version IS 'of the connection; answers of older versions are not given any more';
COMMENT ON COLUMN tenancy.query_cache.query IS 'the statement, or its first 255 bytes';
COMMENT ON COLUMN tenancy.query_cache.size IS 'bytes of shared memory';
COMMENT ON COLUMN tenancy.query_cache.hits IS 'how often it was given again';
COMMENT ON COLUMN tenancy.query_cache.created_at IS 'when the statement began to run';

CREATE FUNCTION tenancy.expire_query_cache() RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_expire_query_cache';
COMMENT ON FUNCTION tenancy.expire_query_cache() IS 'for the maintenance worker: forget cached answers that nobody may be given any more; how many there were';

CREATE FUNCTION tenancy.wake_health() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_wake_health';
COMMENT ON FUNCTION tenancy.wake_health() IS 'for watch_connection: have the workers look for connections to check when this transaction commits';

-- A new or changed connection is checked at once; one that is not active, or not its user's any more, is not.
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

CREATE FUNCTION tenancy.status_attachments(facts jsonb) RETURNS tenancy.finding
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN s.misplaced IS NULL THEN 'ok' ELSE 'warning' END,
           format('%s attached schemas', s.attached) || coalesce(', named like a role: ' || s.misplaced, ''),
           CASE WHEN s.misplaced IS NOT NULL
                THEN 'Unqualified names of these roles may mean the tenant''s tables, by "$user" in search_path. Run tenancy.detach(connection_id, schema_name) for each row of tenancy.attached(), each in its own transaction, and attach under another name.' END
    FROM (SELECT count(*) AS attached, string_agg(quote_ident(a.schema_name), ', ' ORDER BY a.schema_name) FILTER (WHERE r.rolname IS NOT NULL) AS misplaced
          FROM tenancy.attachments AS a LEFT JOIN pg_roles AS r ON r.rolname = a.schema_name) AS s;
END;
COMMENT ON FUNCTION tenancy.status_attachments(jsonb) IS 'for status()';

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

-- Written by the history worker alone, so that no lock of anybody is in its way.
CREATE TABLE tenancy.schema_touches (
    database_connection_id uuid PRIMARY KEY,
    user_id                uuid,
    touched_at             timestamptz NOT NULL
) WITH (fillfactor = 70);
ALTER TABLE tenancy.schema_touches ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.schema_touches FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.schema_touches FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.schema_touches', '');
COMMENT ON TABLE tenancy.schema_touches
    IS 'when a statement that may have changed the schema of a client database last ended: a schema detected before is stale';

CREATE FUNCTION tenancy.may_define(sql text) RETURNS boolean
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_may_define';
COMMENT ON FUNCTION tenancy.may_define(text) IS 'may the statement change the schema of a client database? By its first word, or an INTO behind SELECT, WITH or EXPLAIN; true when in doubt';

-- Whatever became of the run: a DROP of two tables that fails at the second has dropped the first in MySQL.
CREATE FUNCTION tenancy.touch_schemas() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO tenancy.schema_touches AS t (database_connection_id, user_id, touched_at)
    SELECT r.database_connection_id, max(r.user_id::text)::uuid, max(r.finished_at)
    FROM reported AS r
    WHERE r.status NOT IN ('running', 'denied') AND r.source NOT IN ('catalog', 'sample')
      AND r.database_connection_id IS NOT NULL AND tenancy.may_define(r.generated_sql_query)
    GROUP BY r.database_connection_id
    ORDER BY r.database_connection_id
    ON CONFLICT (database_connection_id) DO UPDATE
        SET user_id = excluded.user_id, touched_at = greatest(t.touched_at, excluded.touched_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenancy.touch_schemas() IS 'trigger: runs that may have changed a schema make what is cached of it stale';

CREATE TRIGGER touch_inserted AFTER INSERT ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.touch_schemas();

CREATE TRIGGER touch_updated AFTER UPDATE ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.touch_schemas();

CREATE FUNCTION tenancy.detect_client_schema(connection text) RETURNS jsonb
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_detect_client_schema';
COMMENT ON FUNCTION tenancy.detect_client_schema(text)
    IS 'ask the client database for its tables, columns and keys, keep the answer as the connection''s schema, and return it';

CREATE FUNCTION tenancy.detect_client_schema(connection uuid) RETURNS jsonb
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_detect_client_schema';
COMMENT ON FUNCTION tenancy.detect_client_schema(uuid)
    IS 'ask the client database for its tables, columns and keys, keep the answer as the connection''s schema, and return it';

CREATE FUNCTION tenancy.schema(connection text, refresh boolean DEFAULT false) RETURNS jsonb
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_schema';
COMMENT ON FUNCTION tenancy.schema(text, boolean)
    IS 'the schema of a client database as docs/catalog.md describes it: from the cache, or detected when that is missing, stale, too old, or refresh is set';

CREATE FUNCTION tenancy.schema(connection uuid, refresh boolean DEFAULT false) RETURNS jsonb
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_schema';
COMMENT ON FUNCTION tenancy.schema(uuid, boolean)
    IS 'the schema of a client database as docs/catalog.md describes it: from the cache, or detected when that is missing, stale, too old, or refresh is set';

CREATE FUNCTION tenancy.schema_place(document jsonb, table_name text) RETURNS integer
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_schema_place';
COMMENT ON FUNCTION tenancy.schema_place(jsonb, text)
    IS 'which of the tables of a schema, from 1, a name means: name or schema.name, each as it is or in quotes; 42P01 names close ones';

CREATE FUNCTION tenancy.tables(connection text)
RETURNS TABLE (schema text, name text, kind text, columns integer, row_estimate bigint, primary_key text[], comment text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT t.item ->> 'schema', t.item ->> 'name', t.item ->> 'kind', jsonb_array_length(t.item -> 'columns'),
           (t.item ->> 'row_estimate')::bigint, ARRAY(SELECT jsonb_array_elements_text(t.item -> 'primary_key')),
           t.item ->> 'comment'
    FROM jsonb_array_elements(tenancy.schema(tables.connection) -> 'tables') WITH ORDINALITY AS t (item, place)
    ORDER BY t.place;
END;
COMMENT ON FUNCTION tenancy.tables(text)
    IS 'the tables and views of a client database';

CREATE FUNCTION tenancy.tables(connection uuid)
RETURNS TABLE (schema text, name text, kind text, columns integer, row_estimate bigint, primary_key text[], comment text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.* FROM tenancy.tables(tables.connection::text) AS f;
END;
COMMENT ON FUNCTION tenancy.tables(uuid)
    IS 'the tables and views of a client database';

CREATE FUNCTION tenancy.columns(connection text, of_table text DEFAULT NULL)
RETURNS TABLE (table_schema text, table_name text, name text, "position" integer, type text, native_type text,
               nullable boolean, in_primary_key boolean, generated boolean, default_value text, comment text, distinct_values text[])
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT t.item ->> 'schema', t.item ->> 'name', c.item ->> 'name', c.place::integer, c.item ->> 'type',
           c.item ->> 'native_type', (c.item ->> 'nullable')::boolean, t.item -> 'primary_key' ? (c.item ->> 'name'),
           (c.item ->> 'generated')::boolean, c.item ->> 'default', c.item ->> 'comment',
           CASE WHEN c.item ? 'values' THEN ARRAY(SELECT jsonb_array_elements_text(c.item -> 'values')) END
    FROM (SELECT d.document, tenancy.schema_place(d.document, columns.of_table) AS wanted
          FROM (SELECT tenancy.schema(columns.connection) AS document OFFSET 0) AS d OFFSET 0) AS s,
         jsonb_array_elements(s.document -> 'tables') WITH ORDINALITY AS t (item, place),
         jsonb_array_elements(t.item -> 'columns') WITH ORDINALITY AS c (item, place)
    WHERE columns.of_table IS NULL OR t.place = s.wanted
    ORDER BY t.place, c.place;
END;
COMMENT ON FUNCTION tenancy.columns(text, text)
    IS 'the columns of a client database, or of one table of it';

CREATE FUNCTION tenancy.columns(connection uuid, of_table text DEFAULT NULL)
RETURNS TABLE (table_schema text, table_name text, name text, "position" integer, type text, native_type text,
               nullable boolean, in_primary_key boolean, generated boolean, default_value text, comment text, distinct_values text[])
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.* FROM tenancy.columns(columns.connection::text, columns.of_table) AS f;
END;
COMMENT ON FUNCTION tenancy.columns(uuid, text)
    IS 'the columns of a client database, or of one table of it';

CREATE FUNCTION tenancy.relationships(connection text)
RETURNS TABLE (name text, table_schema text, table_name text, columns text[], referenced_schema text, referenced_table text,
               referenced_columns text[])
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT k.item ->> 'name', t.item ->> 'schema', t.item ->> 'name',
           ARRAY(SELECT jsonb_array_elements_text(k.item -> 'columns')), k.item -> 'references' ->> 'schema',
           k.item -> 'references' ->> 'table', ARRAY(SELECT jsonb_array_elements_text(k.item -> 'references' -> 'columns'))
    FROM jsonb_array_elements(tenancy.schema(relationships.connection) -> 'tables') WITH ORDINALITY AS t (item, place),
         jsonb_array_elements(t.item -> 'foreign_keys') WITH ORDINALITY AS k (item, place)
    ORDER BY t.place, k.place;
END;
COMMENT ON FUNCTION tenancy.relationships(text)
    IS 'the foreign keys of a client database';

CREATE FUNCTION tenancy.relationships(connection uuid)
RETURNS TABLE (name text, table_schema text, table_name text, columns text[], referenced_schema text, referenced_table text,
               referenced_columns text[])
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.* FROM tenancy.relationships(relationships.connection::text) AS f;
END;
COMMENT ON FUNCTION tenancy.relationships(uuid)
    IS 'the foreign keys of a client database';

CREATE FUNCTION tenancy.schema_changes(connection text)
RETURNS TABLE (version bigint, detected_at timestamptz, change text, table_schema text, table_name text, column_name text,
               what text, before text, after text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT (s.document ->> 'version')::bigint, (s.document ->> 'detected_at')::timestamptz, c.item ->> 'change',
           c.item ->> 'schema', c.item ->> 'table', c.item ->> 'column', c.item ->> 'what', c.item ->> 'before',
           c.item ->> 'after'
    FROM (SELECT tenancy.schema(schema_changes.connection) AS document OFFSET 0) AS s,
         jsonb_array_elements(s.document -> 'changes') WITH ORDINALITY AS c (item, place)
    ORDER BY c.place;
END;
COMMENT ON FUNCTION tenancy.schema_changes(text)
    IS 'what made the current version of a client database''s schema different from the version before';

CREATE FUNCTION tenancy.schema_changes(connection uuid)
RETURNS TABLE (version bigint, detected_at timestamptz, change text, table_schema text, table_name text, column_name text,
               what text, before text, after text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.* FROM tenancy.schema_changes(schema_changes.connection::text) AS f;
END;
COMMENT ON FUNCTION tenancy.schema_changes(uuid)
    IS 'what made the current version of a client database''s schema different from the version before';

CREATE FUNCTION tenancy.sample_data(connection text, table_name text, n integer DEFAULT 10) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_sample_data';
COMMENT ON FUNCTION tenancy.sample_data(text, text, integer)
    IS 'some rows of a table or view of a client database, as execute_query answers; 42P01 names close tables when there is none of that name';

CREATE FUNCTION tenancy.sample_data(connection uuid, table_name text, n integer DEFAULT 10) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_sample_data';
COMMENT ON FUNCTION tenancy.sample_data(uuid, text, integer)
    IS 'some rows of a table or view of a client database, as execute_query answers; 42P01 names close tables when there is none of that name';

CREATE FUNCTION tenancy.translate(
    connection text, question text, OUT sql text, OUT translator text, OUT understood text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_translate';
COMMENT ON FUNCTION tenancy.translate(text, text)
    IS 'the SELECT that answers a question about a client database, prepared there but not run; sql is NULL when it is refused, and understood says why';

CREATE FUNCTION tenancy.translate(
    connection uuid, question text, OUT sql text, OUT translator text, OUT understood text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_translate';
COMMENT ON FUNCTION tenancy.translate(uuid, text)
    IS 'the SELECT that answers a question about a client database, prepared there but not run; sql is NULL when it is refused, and understood says why';

CREATE FUNCTION tenancy.ask(connection text, question text) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_ask';
COMMENT ON FUNCTION tenancy.ask(text, text)
    IS 'answer a question about a client database: the JSON of execute_query, and question, sql, translator, understood; status may be refused';

CREATE FUNCTION tenancy.ask(connection uuid, question text) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_ask';
COMMENT ON FUNCTION tenancy.ask(uuid, text)
    IS 'answer a question about a client database: the JSON of execute_query, and question, sql, translator, understood; status may be refused';

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

-- Only what write_history() writes: rows that a restore copies are in the rollups that it copies too.
CREATE TRIGGER write_rollups AFTER INSERT ON tenancy.query_history REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION tenancy.write_rollups();

-- A part whose old versions are still kept is left alone: to fold it would only make more of them. One of the future was restored
-- from another cluster.
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

-- Where clocks are set back over midnight, PostgreSQL takes the second one; the day begins with the first. No clock is set back by more
-- than three hours, and the offset of then tells the first one's.
CREATE FUNCTION tenancy.dashboard_instant(local timestamp, zone text) RETURNS timestamptz
STABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE WHEN e.earlier AT TIME ZONE zone = local THEN e.earlier ELSE local AT TIME ZONE zone END
    FROM (SELECT (local - (b.before AT TIME ZONE zone - b.before AT TIME ZONE 'UTC')) AT TIME ZONE 'UTC' AS earlier
          FROM (SELECT local AT TIME ZONE zone - interval '3 hours' AS before) AS b) AS e;
END;
COMMENT ON FUNCTION tenancy.dashboard_instant(timestamp, text) IS 'the first instant at which the clocks of a time zone show this';

-- AT TIME ZONE and date_trunc() take what names both a time zone and one of its offsets for the offset, without summer time. What tzdata
-- has for the same zone names nothing else.
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

-- Where the points of a chart begin, local midnights and months included; an hour that a clock is set back over is two. By the key, what
-- date_trunc() makes of an instant, they are joined: it is not where a day with two midnights begins, nor an hour that clocks are changed in.
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

-- Privileges of what is new here, or made again; those of all else are as the operator has left them. What a script grants or revokes is a
-- part of the extension, with all other privileges of the same object: no dump would have those that are the operator's. Whatever 0.1 made
-- of functions, which had to be taken from PUBLIC, has its privileges of then in pg_init_privs.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT p.oid::pg_catalog.regprocedure AS object
        FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_tenancy'
        WHERE p.pronamespace = 'tenancy'::pg_catalog.regnamespace
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i WHERE i.classoid = d.classid AND i.objoid = p.oid)
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made.object);
    END LOOP;
END
$$;
REVOKE ALL ON
    tenancy.connection_health, tenancy.deferred_queries, tenancy.history_pruned, tenancy.encryption_keys, tenancy.query_cache,
    tenancy.schema_touches, tenancy.query_rollups, tenancy.statement_rollups, tenancy.connection_rollups, tenancy.query_daily
    FROM PUBLIC;

-- Identity: update_profile() writes the profile, with the rights of the extension's owner.
REVOKE UPDATE (first_name, last_name, company_name) ON tenancy.users FROM tenancy_user;

-- Connections.
GRANT EXECUTE ON FUNCTION tenancy.connections(), tenancy.get_client_connection(uuid, uuid) TO tenancy_user;
GRANT SELECT (schema_version, schema_detected_at) ON tenancy.database_connections TO tenancy_user;

GRANT SELECT ON tenancy.connection_health TO tenancy_user;
GRANT EXECUTE ON FUNCTION tenancy.status() TO tenancy_admin;

-- History and audit: to read.
GRANT SELECT ON tenancy.history_pruned TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.first_uuid(timestamptz), tenancy.verify_history(uuid), tenancy.history_anchor(uuid), tenancy.verify_anchor(text)
    TO tenancy_user;
GRANT SELECT ON tenancy.encryption_keys TO tenancy_admin;

-- Queries.
GRANT EXECUTE ON FUNCTION tenancy.query_cache_entries() TO tenancy_user;
GRANT SELECT ON tenancy.query_cache TO tenancy_user;

-- Catalog.
GRANT SELECT ON tenancy.schema_touches TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.detect_client_schema(text), tenancy.detect_client_schema(uuid),
    tenancy.schema(text, boolean), tenancy.schema(uuid, boolean),
    tenancy.tables(text), tenancy.tables(uuid), tenancy.columns(text, text), tenancy.columns(uuid, text),
    tenancy.relationships(text), tenancy.relationships(uuid), tenancy.schema_changes(text), tenancy.schema_changes(uuid),
    tenancy.sample_data(text, text, integer), tenancy.sample_data(uuid, text, integer), tenancy.schema_place(jsonb, text)
    TO tenancy_user;

-- Questions.
GRANT EXECUTE ON FUNCTION
    tenancy.translate(text, text), tenancy.translate(uuid, text), tenancy.ask(text, text), tenancy.ask(uuid, text)
    TO tenancy_user;

-- Dashboards. The functions read with the rights of their caller.
GRANT SELECT ON tenancy.query_rollups, tenancy.statement_rollups, tenancy.connection_rollups, tenancy.query_daily TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.dashboard_overview(text, uuid), tenancy.dashboard_charts(timestamptz, timestamptz, text, text, uuid),
    tenancy.dashboard_analytics(timestamptz, timestamptz, text, uuid, integer),
    tenancy.dashboard_subject(uuid), tenancy.dashboard_zone(text), tenancy.dashboard_since(timestamptz, timestamptz),
    tenancy.dashboard_most(integer), tenancy.dashboard_instant(timestamp, text),
    tenancy.dashboard_points(timestamptz, timestamptz, text, text),
    tenancy.dashboard_statements(uuid, timestamptz, timestamptz, integer),
    tenancy.dashboard_figures(numeric, numeric, numeric, numeric, numeric, numeric, numeric, integer, bytea),
    tenancy.histogram_merge(bytea), tenancy.histogram_count(bytea), tenancy.histogram_quantile(bytea, double precision),
    tenancy.fingerprint(text, text)
    TO tenancy_user;

-- Row-level security hides rows, but the planner's estimates come from statistics of everybody's rows, and EXPLAIN shows
-- them. So of tables with the rows of many users only ids are sampled; every plan here goes by a key anyway.
DO $$
DECLARE
    sampled record;
BEGIN
    FOR sampled IN
        SELECT c.oid::pg_catalog.regclass AS object, CASE c.relkind WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END AS kind,
               CASE c.relkind WHEN 'i' THEN a.attnum::pg_catalog.text ELSE pg_catalog.quote_ident(a.attname) END AS attribute
        FROM pg_catalog.pg_class AS c
        LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'tenancy'::pg_catalog.regnamespace
          AND (c.relkind = 'r' AND c.relrowsecurity AND a.attname <> 'id'
               OR c.relkind = 'i' AND i.indkey[a.attnum - 1] = 0)
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s ALTER COLUMN %s SET STATISTICS 0', sampled.kind, sampled.object, sampled.attribute);
    END LOOP;
END
$$;

-- What is kept beside the history begins with what there is.
SELECT tenancy.rebuild_rollups();
INSERT INTO tenancy.connection_health (connection_id, user_id, next_check_at)
SELECT c.id, c.user_id, CASE WHEN c.is_active AND u.is_active THEN now() END
FROM tenancy.database_connections AS c JOIN tenancy.users AS u ON u.id = c.user_id
WHERE c.deleted_at IS NULL;

COMMENT ON COLUMN tenancy.database_connections.connection_string_encrypted IS 'the connection string as it was given, sealed like the password; NULL after a change without one';
COMMENT ON COLUMN tenancy.database_connections.last_connected_at IS 'when a query last succeeded there';
COMMENT ON FUNCTION tenancy.update_connection(text, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field, and a connection string replaces them all. A new type, host, port, username or TLS option needs the password again';
COMMENT ON FUNCTION tenancy.update_connection(uuid, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field, and a connection string replaces them all. A new type, host, port, username or TLS option needs the password again';
COMMENT ON COLUMN tenancy.query_history.user_id IS 'the owner of the connection, also when an administrator uses it (role_name tells); who asked, when the connection was denied. NULL for nobody, or for a user made by a transaction that was rolled back';
COMMENT ON COLUMN tenancy.query_history.database_connection_id IS 'NULL when it was denied to who asked, or when a transaction that was rolled back had made the connection; connection_name remains';
