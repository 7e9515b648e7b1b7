
-- Every GRANT and REVOKE. PUBLIC gets nothing; a platform's login role is granted tenancy_user for its users, and tenancy_admin to
-- see everybody's rows as well. Only the extension's own code calls functions that are not named here.

REVOKE ALL ON ALL TABLES IN SCHEMA tenancy FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenancy FROM PUBLIC;
REVOKE ALL ON SCHEMA tenancy FROM PUBLIC;

GRANT tenancy_user TO tenancy_admin;
GRANT USAGE ON SCHEMA tenancy TO tenancy_user;

-- Identity. Row-level security shows users only their own rows; hashes of passwords and tokens cannot be read.
GRANT EXECUTE ON FUNCTION
    tenancy.current_user_id(), tenancy.require_user_id(), tenancy.is_admin(),
    tenancy.register(text, text, text, text, text), tenancy.login(text, text), tenancy.authenticate(text),
    tenancy.logout(), tenancy.logout_everywhere(), tenancy.change_password(text, text),
    tenancy.profile(), tenancy.update_profile(text, text, text), tenancy.sessions()
    TO tenancy_user;
GRANT SELECT (id, email, first_name, last_name, company_name, is_active, created_at, updated_at)
    ON tenancy.users TO tenancy_user;
GRANT SELECT (id, user_id, created_at, expires_at, revoked_at, client_addr, application_name)
    ON tenancy.user_sessions TO tenancy_user;
GRANT SELECT ON tenancy.role_bindings TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.reset_password(uuid, text), tenancy.set_active(uuid, boolean), tenancy.unlock_account(text),
    tenancy.bind_role(uuid, name), tenancy.unbind_role(name)
    TO tenancy_admin;

-- Credentials.
GRANT EXECUTE ON FUNCTION
    tenancy.encrypt_database_password(text), tenancy.decrypt_database_password(text),
    tenancy.rotate_encryption_key(), tenancy.key_ring()
    TO tenancy_admin;

-- Connections. Ciphertexts cannot be read, not even one's own; only functions write.
GRANT EXECUTE ON FUNCTION
    tenancy.create_connection(text, text, text, integer, text, text, text, text, jsonb),
    tenancy.update_connection(text, text, text, text, integer, text, text, text, text, jsonb, boolean),
    tenancy.update_connection(uuid, text, text, text, integer, text, text, text, text, jsonb, boolean),
    tenancy.delete_connection(text), tenancy.delete_connection(uuid),
    tenancy.test_connection(text), tenancy.test_connection(uuid),
    tenancy.connections(), tenancy.user_has_access(uuid, uuid), tenancy.get_client_connection(uuid, uuid),
    tenancy.pool(), tenancy.close_connections()
    TO tenancy_user;
GRANT SELECT (id, user_id, name, database_type, host, port, database_name, username, options, schema_json, is_active,
              version, last_connected_at, created_at, updated_at, deleted_at, schema_version, schema_detected_at)
    ON tenancy.database_connections TO tenancy_user;

GRANT SELECT ON tenancy.connection_health TO tenancy_user;
GRANT EXECUTE ON FUNCTION tenancy.status() TO tenancy_admin;

-- History and audit: to read.
GRANT SELECT ON tenancy.running_queries, tenancy.query_history, tenancy.history_chain,
    tenancy.history_pruned, tenancy.audit_log, tenancy.history_entries TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.history(text, text, text, text, timestamptz, timestamptz, uuid, integer), tenancy.history_entry(uuid),
    tenancy.first_uuid(timestamptz), tenancy.verify_history(uuid), tenancy.history_anchor(uuid), tenancy.verify_anchor(text)
    TO tenancy_user;
GRANT SELECT ON tenancy.encryption_keys TO tenancy_admin;
GRANT EXECUTE ON FUNCTION tenancy.history_queue() TO tenancy_admin;

-- Queries.
GRANT EXECUTE ON FUNCTION
    tenancy.query(text, text), tenancy.query(uuid, text),
    tenancy.query(text, text, "any"), tenancy.query(uuid, text, "any"),
    tenancy.open_query(text, text, jsonb, refcursor), tenancy.open_query(uuid, text, jsonb, refcursor),
    tenancy.describe_query(text, text), tenancy.describe_query(uuid, text),
    tenancy.execute_query(text, text, jsonb, integer, interval), tenancy.execute_query(uuid, text, jsonb, integer, interval),
    tenancy.query_cache_entries()
    TO tenancy_user;
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

-- Foreign tables. Whoever may use a connection may make a server for it; the identity is checked when it is used.
GRANT USAGE ON FOREIGN DATA WRAPPER tenant_fdw TO tenancy_user;
GRANT SELECT ON tenancy.attachments TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.attach(text, name, text, text[], jsonb), tenancy.attach(uuid, name, text, text[], jsonb),
    tenancy.detach(text, name), tenancy.detach(uuid, name),
    tenancy.refresh_attached(text, name), tenancy.refresh_attached(uuid, name), tenancy.attached()
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
-- them. So only ids are sampled in tables with the rows of many users; every plan here goes by a key anyway.
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
