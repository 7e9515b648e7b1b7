
-- Queries: statements in the client's own dialect, on the client's own database.

CREATE FUNCTION tenancy.query(connection text, sql text) RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_query';
COMMENT ON FUNCTION tenancy.query(text, text)
    IS 'run one statement on a client database: SELECT * FROM tenancy.query(''shop'', ''select …'') AS t(a int, b text)';
CREATE FUNCTION tenancy.query(connection uuid, sql text) RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_query';
COMMENT ON FUNCTION tenancy.query(uuid, text)
    IS 'run one statement on a client database: SELECT * FROM tenancy.query(id, ''select …'') AS t(a int, b text)';
CREATE FUNCTION tenancy.query(connection text, sql text, VARIADIC params "any") RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_query';
COMMENT ON FUNCTION tenancy.query(text, text, "any")
    IS 'the same with parameters, spelled as the client database does: $1, $2 on PostgreSQL, ? on MySQL and SQLite';
CREATE FUNCTION tenancy.query(connection uuid, sql text, VARIADIC params "any") RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_query';
COMMENT ON FUNCTION tenancy.query(uuid, text, "any")
    IS 'the same with parameters, spelled as the client database does: $1, $2 on PostgreSQL, ? on MySQL and SQLite';

CREATE FUNCTION tenancy.open_query(
    connection text, sql text, params jsonb DEFAULT NULL, cursor refcursor DEFAULT NULL) RETURNS refcursor
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_open_query';
COMMENT ON FUNCTION tenancy.open_query(text, text, jsonb, refcursor)
    IS 'open a cursor with the real column names and types of a statement on a client database; rows stream as they are fetched';
CREATE FUNCTION tenancy.open_query(
    connection uuid, sql text, params jsonb DEFAULT NULL, cursor refcursor DEFAULT NULL) RETURNS refcursor
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_open_query';
COMMENT ON FUNCTION tenancy.open_query(uuid, text, jsonb, refcursor)
    IS 'open a cursor with the real column names and types of a statement on a client database; rows stream as they are fetched';

CREATE FUNCTION tenancy.describe_query(connection text, sql text) RETURNS TABLE (name text, type text)
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_describe_query';
COMMENT ON FUNCTION tenancy.describe_query(text, text)
    IS 'names and types of the columns of a statement, prepared on the client database but not run';
CREATE FUNCTION tenancy.describe_query(connection uuid, sql text) RETURNS TABLE (name text, type text)
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_describe_query';
COMMENT ON FUNCTION tenancy.describe_query(uuid, text)
    IS 'names and types of the columns of a statement, prepared on the client database but not run';

CREATE FUNCTION tenancy.execute_query(
    connection text, sql text, params jsonb DEFAULT NULL, max_rows integer DEFAULT NULL,
    cache_ttl interval DEFAULT NULL) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_execute_query';
COMMENT ON FUNCTION tenancy.execute_query(text, text, jsonb, integer, interval)
    IS 'run one statement on a client database and answer JSON: query_id, status, columns, rows, row_count, truncated, cached, execution_time_ms, error';
CREATE FUNCTION tenancy.execute_query(
    connection uuid, sql text, params jsonb DEFAULT NULL, max_rows integer DEFAULT NULL,
    cache_ttl interval DEFAULT NULL) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_execute_query';
COMMENT ON FUNCTION tenancy.execute_query(uuid, text, jsonb, integer, interval)
    IS 'run one statement on a client database and answer JSON: query_id, status, columns, rows, row_count, truncated, cached, execution_time_ms, error';

-- The cache. It is in shared memory, so that an answer neither needs the transaction that produced it nor outlives the
-- server that knows what was written since.

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
