
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
