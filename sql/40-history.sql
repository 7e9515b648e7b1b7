
-- History: every query, written by the background worker in its own transactions, and the audit of accounts and connections.

-- Runs that the worker has heard of and that are not in query_history yet. No foreign keys: a run may refer to rows of a
-- transaction that is not committed, and a lock on those rows must not hold up the worker.
CREATE TABLE tenancy.running_queries (
    id                     uuid PRIMARY KEY,
    user_id                uuid,
    database_connection_id uuid,
    natural_language_query text,
    generated_sql_query    text,
    execution_time_ms      integer,
    row_count              integer,
    status                 varchar(20) NOT NULL,
    error_message          text,
    result_hash            varchar(64),
    source                 varchar(20) NOT NULL,
    connection_name        text,
    error_code             varchar(5),
    result_bytes           bigint,
    truncated              boolean,
    cached                 boolean,
    started_at             timestamptz NOT NULL,
    finished_at            timestamptz,
    application_name       text,
    client_addr            inet,
    role_name              name,
    backend_pid            integer,
    transaction_id         xid8
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
-- With this index, a page of history need not go through the rows of others, nor through dead ones.
CREATE INDEX running_queries_user_id_idx ON tenancy.running_queries (user_id, id DESC);
ALTER TABLE tenancy.running_queries ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.running_queries FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.running_queries FOR SELECT TO tenancy_admin USING (true);

COMMENT ON TABLE tenancy.running_queries IS 'queries that are running, or whose final row has to wait for a lock; its triggers write query_history';
COMMENT ON COLUMN tenancy.running_queries.transaction_id IS 'the transaction that ran the query, when it had written something: its new rows are not visible yet';

-- The runs that wait, so that a look at them need not go through all that was ever in running_queries and cannot be removed yet.
-- The worker makes the list anew when it starts.
CREATE UNLOGGED TABLE tenancy.deferred_queries (
    id     uuid PRIMARY KEY,
    failed boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE tenancy.deferred_queries ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE tenancy.deferred_queries IS 'the runs of running_queries that have ended and wait for a lock';
COMMENT ON COLUMN tenancy.deferred_queries.failed IS 'when the run could be written, it could not be stored, not even without its texts';

CREATE TABLE tenancy.query_history (
    id                     uuid PRIMARY KEY,
    user_id                uuid REFERENCES tenancy.users (id),
    database_connection_id uuid REFERENCES tenancy.database_connections (id),
    natural_language_query text,
    generated_sql_query    text,
    execution_time_ms      integer,
    row_count              integer,
    status                 varchar(20) NOT NULL
                           CHECK (status IN ('success', 'error', 'timeout', 'cancelled', 'denied', 'lost', 'refused')),
    error_message          text,
    result_hash            varchar(64),
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    source                 varchar(20) NOT NULL CHECK (source IN ('sql', 'ask', 'fdw', 'sample', 'catalog')),
    connection_name        text,
    error_code             varchar(5),
    result_bytes           bigint,
    truncated              boolean NOT NULL DEFAULT false,
    cached                 boolean NOT NULL DEFAULT false,
    started_at             timestamptz NOT NULL,
    finished_at            timestamptz NOT NULL,
    application_name       text,
    client_addr            inet,
    role_name              name,
    backend_pid            integer,
    chain_seq              bigint NOT NULL,
    chain_hash             bytea NOT NULL
);
CREATE INDEX query_history_user_id_idx ON tenancy.query_history (user_id, id DESC);
CREATE UNIQUE INDEX query_history_chain_seq_key ON tenancy.query_history (user_id, chain_seq);
CREATE INDEX query_history_database_connection_id_idx ON tenancy.query_history (database_connection_id, id);
ALTER TABLE tenancy.query_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.query_history FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.query_history FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.query_history', '');

COMMENT ON TABLE tenancy.query_history IS 'every query that ended, for good: rows are never changed';
COMMENT ON COLUMN tenancy.query_history.id IS 'the query_id of the answer: a version 7 UUID, so ids are in the order of starts';
COMMENT ON COLUMN tenancy.query_history.user_id IS 'the owner of the connection, also when an administrator uses it (role_name tells); who asked, when the connection was denied. NULL for nobody, or for a user made by a transaction that was rolled back';
COMMENT ON COLUMN tenancy.query_history.database_connection_id IS 'NULL when it was denied to who asked, or when a transaction that was rolled back had made the connection; connection_name remains';
COMMENT ON COLUMN tenancy.query_history.status IS 'success, error, timeout, cancelled, denied, refused (a question without an SQL statement that may run), or lost when the server died before the end';
COMMENT ON COLUMN tenancy.query_history.source IS 'sql, ask, fdw, sample or catalog';
COMMENT ON COLUMN tenancy.query_history.error_code IS 'SQLSTATE';
COMMENT ON COLUMN tenancy.query_history.truncated IS 'a limit of rows or bytes cut the result';
COMMENT ON COLUMN tenancy.query_history.cached IS 'answered from query_cache';
COMMENT ON COLUMN tenancy.query_history.role_name IS 'session_user';
COMMENT ON COLUMN tenancy.query_history.chain_seq IS 'place in the user''s hash chain, from 1 without gaps';
COMMENT ON COLUMN tenancy.query_history.chain_hash IS 'sha256(chain_hash of the row before || history_entry_digest of this row)';

CREATE TABLE tenancy.history_chain (
    user_id uuid,
    seq     bigint NOT NULL,
    hash    bytea NOT NULL,
    part    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, part)
) WITH (fillfactor = 50);
ALTER TABLE tenancy.history_chain ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.history_chain FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.history_chain FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.history_chain', '');

COMMENT ON TABLE tenancy.history_chain IS 'the last link of each user''s hash chain; history_anchor() gives a signed copy to keep elsewhere';
COMMENT ON COLUMN tenancy.history_chain.user_id IS 'the nil UUID is the chain of runs without a user';
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

CREATE FUNCTION tenancy.make_uuid_v7() RETURNS uuid
PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_make_uuid_v7';
COMMENT ON FUNCTION tenancy.make_uuid_v7() IS 'a UUID of version 7: later ones are greater';

CREATE FUNCTION tenancy.first_uuid(at timestamptz) RETURNS uuid
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_first_uuid';
COMMENT ON FUNCTION tenancy.first_uuid(timestamptz) IS 'not greater than any UUID of version 7 that is made at that time or later';

CREATE FUNCTION tenancy.refuse_change() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_refuse_change';
COMMENT ON FUNCTION tenancy.refuse_change() IS 'trigger: an append-only table, whose rows only prune_history() deletes';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenancy.query_history
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

-- The hash chain.

CREATE FUNCTION tenancy.history_chain_step(state bytea, head bytea, digest bytea) RETURNS bytea
IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_chain_step';
COMMENT ON FUNCTION tenancy.history_chain_step(bytea, bytea, bytea)
    IS 'transition of history_chain_hash: sha256(state || digest), where the first state is head';
CREATE AGGREGATE tenancy.history_chain_hash(head bytea, digest bytea) (
    SFUNC = tenancy.history_chain_step, STYPE = bytea, PARALLEL = SAFE
);
COMMENT ON AGGREGATE tenancy.history_chain_hash(bytea, bytea)
    IS 'hash of a chain of digests that goes on from head; as a window function, the hash at each link';

CREATE FUNCTION tenancy.history_entry_digest(entry tenancy.query_history) RETURNS bytea
IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_entry_digest';
COMMENT ON FUNCTION tenancy.history_entry_digest(tenancy.query_history)
    IS 'SHA-256 of a row of query_history, the link that it adds to the user''s hash chain';

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

CREATE FUNCTION tenancy.history_horizon(relation regclass) RETURNS bigint
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_horizon';
COMMENT ON FUNCTION tenancy.history_horizon(regclass)
    IS 'what transactions before this one have replaced in the table can be removed';

-- Can a run be written, as far as the user or the connection that it names goes? It can when that is locked for the run, or when
-- there is none and none will appear, since the run's transaction, which may have made it, is over. The function is inlined, so
-- that tables are asked only where there is no lock.
CREATE FUNCTION tenancy.history_is_settled(named uuid, locked uuid, transaction_id xid8, is_there boolean) RETURNS boolean
LANGUAGE sql
RETURN locked IS NOT NULL OR named IS NULL
    OR NOT (coalesce(pg_catalog.pg_xact_status(transaction_id) = 'in progress', false) OR is_there);
COMMENT ON FUNCTION tenancy.history_is_settled(uuid, uuid, xid8, boolean)
    IS 'for retry_history: is the user or connection of a run locked for it, or certain to be none?';

CREATE FUNCTION tenancy.write_history() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_write_history';
COMMENT ON FUNCTION tenancy.write_history()
    IS 'trigger: ended runs become rows of query_history, with hash chain and last_connected_at';
CREATE TRIGGER write_inserted AFTER INSERT ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.write_history();
CREATE TRIGGER write_updated AFTER UPDATE ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.write_history();

-- Runs that write_history() left for later are written as far as they can be now: no row is rewritten for nothing, no transaction is
-- long, and no look goes through more than a part of the list. A run that cannot be stored is tried without its message, then without
-- its texts, and else comes last.
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

-- What users see.

CREATE VIEW tenancy.history_entries WITH (security_invoker = true) AS
    SELECT id, user_id, database_connection_id, connection_name, source, natural_language_query, generated_sql_query,
           status, execution_time_ms, row_count, result_bytes, truncated, cached, error_code, error_message, result_hash,
           started_at, finished_at, application_name, client_addr, role_name
    FROM tenancy.query_history
    UNION ALL
    SELECT id, user_id, database_connection_id, connection_name, source, natural_language_query, generated_sql_query,
           status, execution_time_ms, row_count, result_bytes, truncated, cached, error_code, error_message, result_hash,
           started_at, finished_at, application_name, client_addr, role_name
    FROM tenancy.running_queries;
COMMENT ON VIEW tenancy.history_entries IS 'query_history and what is still running, of the current user; an admin sees all';

-- Each table is read with its own order and limit: the newest rows come from the end of the index on (user_id, id), until enough are
-- found. No plan may read all rows to sort them, whatever the planner, without statistics of these tables, expects of the conditions.
-- Ids are in the order of time; a run that waited for room in the queue began up to some seconds after its id was made. Bounds of ids
-- are subqueries, because row-level security keeps functions that are not leakproof away from indexes.
CREATE FUNCTION tenancy.history(
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
COMMENT ON FUNCTION tenancy.history(text, text, text, text, timestamptz, timestamptz, uuid, integer)
    IS 'the current user''s queries, newest first; connection is a name or an id, before is the last id of the page before';

CREATE FUNCTION tenancy.history_entry(id uuid) RETURNS tenancy.history_entries
STABLE STRICT LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_entry tenancy.history_entries;
BEGIN
    SELECT e.* INTO found_entry FROM tenancy.history_entries AS e WHERE e.id = history_entry.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'query "%" does not exist', history_entry.id USING ERRCODE = 'no_data_found';
    END IF;
    RETURN found_entry;
END
$$;
COMMENT ON FUNCTION tenancy.history_entry(uuid) IS 'one query of the current user; P0002 when there is none with that id';

CREATE FUNCTION tenancy.history_queue(
    OUT worker_pid integer, OUT queued integer, OUT running integer, OUT bytes bigint, OUT capacity bigint, OUT commits bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_queue';
COMMENT ON FUNCTION tenancy.history_queue()
    IS 'the history worker of this database and its queue; bytes and capacity are of all databases';

-- The audit of accounts, sessions and connections.

CREATE TABLE tenancy.audit_log (
    id          uuid PRIMARY KEY DEFAULT tenancy.make_uuid_v7(),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_id     uuid,
    role_name   name NOT NULL DEFAULT session_user,
    action      varchar(20) NOT NULL,
    object_type varchar(63) NOT NULL,
    object_id   text NOT NULL,
    old         jsonb,
    new         jsonb
);
CREATE INDEX audit_log_user_id_idx ON tenancy.audit_log (user_id, id DESC);
CREATE INDEX audit_log_object_id_idx ON tenancy.audit_log (object_id, id DESC);
ALTER TABLE tenancy.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.audit_log FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.audit_log FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.audit_log', '');

COMMENT ON TABLE tenancy.audit_log IS 'who changed users, sessions, role bindings, connections and keys; never a secret';
COMMENT ON COLUMN tenancy.audit_log.user_id IS 'who did it: the identity of the transaction, else the user whose row it is';
COMMENT ON COLUMN tenancy.audit_log.role_name IS 'session_user';
COMMENT ON COLUMN tenancy.audit_log.object_type IS 'the table';
COMMENT ON COLUMN tenancy.audit_log.object_id IS 'the row''s id, the name of a bound role, or the id of a key';
COMMENT ON COLUMN tenancy.audit_log.old IS 'a deleted row, or the former values of changed columns; a secret is <changed>';
COMMENT ON COLUMN tenancy.audit_log.new IS 'an inserted row, or the new values of changed columns';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenancy.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

-- Plans for given values hold them, hashes of passwords too, and PostgreSQL shows them to who has plans printed (debug_print_plan).
CREATE FUNCTION tenancy.write_audit() RETURNS trigger
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
COMMENT ON FUNCTION tenancy.write_audit() IS 'trigger: who changed what, without secrets';
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.users
    FOR EACH ROW EXECUTE FUNCTION tenancy.write_audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.user_sessions
    FOR EACH ROW EXECUTE FUNCTION tenancy.write_audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.role_bindings
    FOR EACH ROW EXECUTE FUNCTION tenancy.write_audit();
CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON tenancy.database_connections
    FOR EACH ROW EXECUTE FUNCTION tenancy.write_audit();
-- touch_connection() gives each change that matters a new version, so last_connected_at, which the worker writes, is not audited.
CREATE TRIGGER audit_change AFTER UPDATE ON tenancy.database_connections
    FOR EACH ROW WHEN (OLD.version <> NEW.version OR OLD.user_id <> NEW.user_id) EXECUTE FUNCTION tenancy.write_audit();

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
