
-- Foreign tables: client databases as tables of the platform.

CREATE FUNCTION tenancy.tenant_fdw_handler() RETURNS fdw_handler
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_tenant_fdw_handler';
COMMENT ON FUNCTION tenancy.tenant_fdw_handler() IS 'handler of the foreign data wrapper tenant_fdw';

CREATE FUNCTION tenancy.tenant_fdw_validator(options text[], catalog oid) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_tenant_fdw_validator';
COMMENT ON FUNCTION tenancy.tenant_fdw_validator(text[], oid) IS 'validator of the options of tenant_fdw';

CREATE FOREIGN DATA WRAPPER tenant_fdw HANDLER tenancy.tenant_fdw_handler VALIDATOR tenancy.tenant_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER tenant_fdw IS 'tables of client databases: PostgreSQL, MySQL, MariaDB and SQLite';

-- Attachments: schemas whose foreign tables follow the tables of a connection.
CREATE TABLE tenancy.attachments (
    schema_name   name PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES tenancy.database_connections (id),
    server_name   name NOT NULL,
    user_id       uuid NOT NULL REFERENCES tenancy.users (id),
    remote_schema text NOT NULL,
    tables        text[],
    options       jsonb CHECK (jsonb_typeof(options) = 'object'),
    created_at    timestamptz NOT NULL DEFAULT now(),
    refreshed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attachments_user_id_idx ON tenancy.attachments (user_id);
CREATE INDEX attachments_connection_id_idx ON tenancy.attachments (connection_id);
ALTER TABLE tenancy.attachments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.attachments USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.attachments TO tenancy_admin USING (true) WITH CHECK (true);
SELECT pg_extension_config_dump('tenancy.attachments', '');

COMMENT ON TABLE tenancy.attachments IS 'schemas that tenancy.attach() has made, each with its foreign server';
COMMENT ON COLUMN tenancy.attachments.user_id IS 'the owner of the connection';
COMMENT ON COLUMN tenancy.attachments.tables IS 'the remote tables that were asked for; NULL: all, also those to come';
COMMENT ON COLUMN tenancy.attachments.options IS 'options of the server and of the import, see docs/fdw.md';

CREATE FUNCTION tenancy.attach(
    connection text, schema name, remote_schema text DEFAULT NULL, tables text[] DEFAULT NULL,
    options jsonb DEFAULT NULL) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_attach';
COMMENT ON FUNCTION tenancy.attach(text, name, text, text[], jsonb)
    IS 'make a new schema with a foreign table for each table of a connection; answers how many. Again: with other arguments';
CREATE FUNCTION tenancy.attach(
    connection uuid, schema name, remote_schema text DEFAULT NULL, tables text[] DEFAULT NULL,
    options jsonb DEFAULT NULL) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_attach';
COMMENT ON FUNCTION tenancy.attach(uuid, name, text, text[], jsonb)
    IS 'make a new schema with a foreign table for each table of a connection; answers how many. Again: with other arguments';

CREATE FUNCTION tenancy.detach(connection text, schema name) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_detach';
COMMENT ON FUNCTION tenancy.detach(text, name) IS 'drop an attached schema with its foreign tables and server; the client database keeps everything';
CREATE FUNCTION tenancy.detach(connection uuid, schema name) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_detach';
COMMENT ON FUNCTION tenancy.detach(uuid, name) IS 'drop an attached schema with its foreign tables and server; the client database keeps everything';

CREATE FUNCTION tenancy.refresh_attached(connection text, schema name)
RETURNS TABLE (change text, table_name text, column_name text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_refresh_attached';
COMMENT ON FUNCTION tenancy.refresh_attached(text, name)
    IS 'make the foreign tables of an attached schema what the remote tables are now; answers each change';
CREATE FUNCTION tenancy.refresh_attached(connection uuid, schema name)
RETURNS TABLE (change text, table_name text, column_name text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_refresh_attached';
COMMENT ON FUNCTION tenancy.refresh_attached(uuid, name)
    IS 'make the foreign tables of an attached schema what the remote tables are now; answers each change';

CREATE FUNCTION tenancy.attached()
RETURNS TABLE (schema_name name, connection varchar, connection_id uuid, server_name name, remote_schema text,
               tables text[], options jsonb, created_at timestamptz, refreshed_at timestamptz)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT a.schema_name, c.name, a.connection_id, a.server_name, a.remote_schema, a.tables, a.options, a.created_at,
           a.refreshed_at
    FROM tenancy.attachments AS a LEFT JOIN tenancy.database_connections AS c ON c.id = a.connection_id
    ORDER BY a.schema_name;
END;
COMMENT ON FUNCTION tenancy.attached()
    IS 'the attached schemas of the current user; an admin sees all. A deleted connection has no name';

-- An item of status(): roles that were made after a schema of their name was attached.
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
