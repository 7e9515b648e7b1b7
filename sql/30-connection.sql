
-- Connections: which client databases belong to whom. Deleting one keeps its row, without secrets, for history.

CREATE TABLE tenancy.database_connections (
    id                          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                     uuid NOT NULL REFERENCES tenancy.users (id),
    name                        varchar(255) NOT NULL CHECK (name <> ''),
    database_type               varchar(50) NOT NULL CHECK (database_type IN ('postgresql', 'mysql', 'sqlite')),
    host                        varchar(255),
    port                        integer CHECK (port BETWEEN 1 AND 65535),
    database_name               varchar(255) NOT NULL,
    username                    varchar(255),
    password_encrypted          text,
    connection_string_encrypted text,
    credential_key_id           text,
    options                     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
    schema_json                 jsonb,
    is_active                   boolean NOT NULL DEFAULT true,
    version                     bigint NOT NULL DEFAULT 1,
    last_connected_at           timestamptz,
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now(),
    deleted_at                  timestamptz,
    schema_version              bigint NOT NULL DEFAULT 0,
    schema_detected_at          timestamptz,
    CHECK (database_type = 'sqlite' OR (host IS NOT NULL AND port IS NOT NULL AND username IS NOT NULL))
);
CREATE UNIQUE INDEX database_connections_user_id_name_key ON tenancy.database_connections (user_id, name)
    WHERE deleted_at IS NULL;
-- A large document is read many times as fast when it is not compressed.
ALTER TABLE tenancy.database_connections ALTER COLUMN schema_json SET STORAGE EXTERNAL;
ALTER TABLE tenancy.database_connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.database_connections
    USING (user_id = (SELECT tenancy.current_user_id()) AND deleted_at IS NULL);
CREATE POLICY admin ON tenancy.database_connections TO tenancy_admin USING (true) WITH CHECK (true);
SELECT pg_extension_config_dump('tenancy.database_connections', '');

COMMENT ON TABLE tenancy.database_connections IS 'client databases, each of one user; secrets are sealed';
COMMENT ON COLUMN tenancy.database_connections.password_encrypted IS 'base64(nonce[12] || tag[16] || ciphertext), AES-256-GCM, bound to user, row and column';
COMMENT ON COLUMN tenancy.database_connections.connection_string_encrypted IS 'the connection string as it was given, sealed like the password; NULL after a change without one';
COMMENT ON COLUMN tenancy.database_connections.credential_key_id IS 'the key of the key ring that sealed this row';
COMMENT ON COLUMN tenancy.database_connections.options IS 'driver options from the allow-list, see docs/connection.md';
COMMENT ON COLUMN tenancy.database_connections.version IS 'grows with every change; pooled connections of older versions are not used';
COMMENT ON COLUMN tenancy.database_connections.last_connected_at IS 'when a query last succeeded there';
COMMENT ON COLUMN tenancy.database_connections.schema_json IS 'what the client database has, as it was last detected, see docs/catalog.md; no change of the connection keeps it';
COMMENT ON COLUMN tenancy.database_connections.schema_version IS 'grows with every change of the schema that was detected';
COMMENT ON COLUMN tenancy.database_connections.schema_detected_at IS 'when the detection of schema_json began';
COMMENT ON COLUMN tenancy.database_connections.deleted_at IS 'deleted: no secrets, no access; the row stays because history refers to it';

CREATE FUNCTION tenancy.touch_connection() RETURNS trigger
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
CREATE TRIGGER touch BEFORE UPDATE ON tenancy.database_connections
    FOR EACH ROW EXECUTE FUNCTION tenancy.touch_connection();

CREATE FUNCTION tenancy.create_connection(
    name text, database_type text DEFAULT NULL, host text DEFAULT NULL, port integer DEFAULT NULL,
    database_name text DEFAULT NULL, username text DEFAULT NULL, password text DEFAULT NULL,
    connection_string text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_create_connection';
COMMENT ON FUNCTION tenancy.create_connection(text, text, text, integer, text, text, text, text, jsonb)
    IS 'register a client database of the current user, by fields or by connection string; answers its id';

-- Whoever changes a connection in an open transaction must not hold up an administrator for long, nor the administrator a
-- rotation of keys.
CREATE FUNCTION tenancy.update_connection(
    connection text, name text DEFAULT NULL, database_type text DEFAULT NULL, host text DEFAULT NULL,
    port integer DEFAULT NULL, database_name text DEFAULT NULL, username text DEFAULT NULL,
    password text DEFAULT NULL, connection_string text DEFAULT NULL, options jsonb DEFAULT NULL,
    is_active boolean DEFAULT NULL)
RETURNS void LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_update_connection';
COMMENT ON FUNCTION tenancy.update_connection(text, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field, and a connection string replaces them all. A new type, host, port, username or TLS option needs the password again';
CREATE FUNCTION tenancy.update_connection(
    connection uuid, name text DEFAULT NULL, database_type text DEFAULT NULL, host text DEFAULT NULL,
    port integer DEFAULT NULL, database_name text DEFAULT NULL, username text DEFAULT NULL,
    password text DEFAULT NULL, connection_string text DEFAULT NULL, options jsonb DEFAULT NULL,
    is_active boolean DEFAULT NULL)
RETURNS void LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_update_connection';
COMMENT ON FUNCTION tenancy.update_connection(uuid, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field, and a connection string replaces them all. A new type, host, port, username or TLS option needs the password again';

CREATE FUNCTION tenancy.delete_connection(connection text) RETURNS void
STRICT LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_delete_connection';
COMMENT ON FUNCTION tenancy.delete_connection(text) IS 'forget a connection and its secrets; its history stays';
CREATE FUNCTION tenancy.delete_connection(connection uuid) RETURNS void
STRICT LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_delete_connection';
COMMENT ON FUNCTION tenancy.delete_connection(uuid) IS 'forget a connection and its secrets; its history stays';

CREATE FUNCTION tenancy.test_connection(
    connection text, OUT ok boolean, OUT code text, OUT message text, OUT server_version text, OUT latency_ms numeric)
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_test_connection';
COMMENT ON FUNCTION tenancy.test_connection(text)
    IS 'connect afresh and ask the server; code is ok, denied_address, dns, refused, timeout, tls, password, database or other';
CREATE FUNCTION tenancy.test_connection(
    connection uuid, OUT ok boolean, OUT code text, OUT message text, OUT server_version text, OUT latency_ms numeric)
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_test_connection';
COMMENT ON FUNCTION tenancy.test_connection(uuid)
    IS 'connect afresh and ask the server; code is ok, denied_address, dns, refused, timeout, tls, password, database or other';

-- What the last check of a connection found; the workers of health write it, for rows that 55-health.sql makes. It is not dumped, because it is found out again.
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

CREATE FUNCTION tenancy.user_has_access(user_id uuid, connection_id uuid) RETURNS boolean
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM tenancy.database_connections AS c
        WHERE c.id = user_has_access.connection_id AND c.user_id = user_has_access.user_id AND c.deleted_at IS NULL);
END;
COMMENT ON FUNCTION tenancy.user_has_access(uuid, uuid)
    IS 'does the connection belong to the user? A tenant can ask of themself only: of others the answer is false';

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

CREATE FUNCTION tenancy.pool()
RETURNS TABLE (connection_id uuid, user_id uuid, version bigint, database_type text, busy boolean, uses bigint,
               opened_at timestamptz, used_at timestamptz, server_version text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_pool';
COMMENT ON FUNCTION tenancy.pool()
    IS 'connections to client databases that this session keeps, of the current user; an admin sees all';

CREATE FUNCTION tenancy.close_connections() RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_close_connections';
COMMENT ON FUNCTION tenancy.close_connections()
    IS 'close the idle connections to client databases that this session keeps for the current user, or, for an admin, for anybody; answers how many';
