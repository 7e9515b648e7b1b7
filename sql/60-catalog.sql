
-- Catalog: what client databases have, as the platform last saw it.

-- Only the history worker writes this table, so that nobody's lock is in its way.
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

-- A run counts whether it failed or not: a DROP of two tables that fails at the second has dropped the first in MySQL.
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
