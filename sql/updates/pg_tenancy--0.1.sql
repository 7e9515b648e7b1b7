\echo Use "CREATE EXTENSION pg_tenancy" to load this file. \quit

-- Schema and roles. The schema itself comes from the control file.

SET LOCAL search_path TO pg_catalog, pg_temp;

-- The shared memory and the worker exist only when the library was preloaded; fail here, with the hint, before any object is made.
CREATE FUNCTION tenancy.assert_preloaded() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_assert_preloaded';
COMMENT ON FUNCTION tenancy.assert_preloaded() IS 'raise unless pg_tenancy is in shared_preload_libraries';
SELECT tenancy.assert_preloaded();

-- Roles belong to the whole cluster, so another database may have made them already.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tenancy_user', 'tenancy_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

COMMENT ON SCHEMA tenancy IS 'pg_tenancy: users, their databases, queries and history';

-- Identity: users, their sessions, and the database roles that are users without a token.

CREATE FUNCTION tenancy.current_user_id() RETURNS uuid
STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_current_user_id';
COMMENT ON FUNCTION tenancy.current_user_id()
    IS 'the user that this transaction belongs to, by its token or by session_user; NULL for nobody';

CREATE FUNCTION tenancy.require_user_id() RETURNS uuid
STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_require_user_id';
COMMENT ON FUNCTION tenancy.require_user_id() IS 'current_user_id(), or error 28000 for nobody';

CREATE FUNCTION tenancy.is_admin() RETURNS boolean
STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_is_admin';
COMMENT ON FUNCTION tenancy.is_admin() IS 'is the current role a member of tenancy_admin, or a superuser?';

-- Addresses are compared by their ASCII letters in the "C" collation: the index does not depend on a locale library.
CREATE TABLE tenancy.users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email         varchar(255) NOT NULL
                  CHECK (email COLLATE "C" ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'),
    password_hash varchar(255) NOT NULL,
    first_name    varchar(100),
    last_name     varchar(100),
    company_name  varchar(255),
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON tenancy.users (lower(email COLLATE "C"));
ALTER TABLE tenancy.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.users USING (id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.users TO tenancy_admin USING (true) WITH CHECK (true);
SELECT pg_extension_config_dump('tenancy.users', '');

COMMENT ON TABLE tenancy.users IS 'user accounts of the platform';
COMMENT ON COLUMN tenancy.users.email IS 'unique whatever the case of its letters';
COMMENT ON COLUMN tenancy.users.password_hash IS '$scrypt$ln=…,r=8,p=1$salt$hash; anything else is a password that nobody has';
COMMENT ON COLUMN tenancy.users.is_active IS 'false: no login, no identity';

CREATE FUNCTION tenancy.touch_user() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenancy.touch_user() IS 'trigger: keep updated_at';
CREATE TRIGGER touch BEFORE UPDATE ON tenancy.users
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION tenancy.touch_user();

-- Sessions are not dumped: a restored platform asks everybody to log in again.
CREATE TABLE tenancy.user_sessions (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          uuid NOT NULL REFERENCES tenancy.users (id) ON DELETE CASCADE,
    token_hash       bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz NOT NULL,
    revoked_at       timestamptz,
    client_addr      inet,
    application_name text
);
CREATE INDEX user_sessions_user_id_idx ON tenancy.user_sessions (user_id, expires_at);
ALTER TABLE tenancy.user_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.user_sessions USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.user_sessions TO tenancy_admin USING (true) WITH CHECK (true);

COMMENT ON TABLE tenancy.user_sessions IS 'logins; an expired one goes with the user''s next login';
COMMENT ON COLUMN tenancy.user_sessions.token_hash IS 'SHA-256 of the token, which the server does not keep';
COMMENT ON COLUMN tenancy.user_sessions.revoked_at IS 'when it was ended before its time';
COMMENT ON COLUMN tenancy.user_sessions.client_addr IS 'where the login came from; NULL for a local socket';

CREATE TABLE tenancy.role_bindings (
    role_name  name PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES tenancy.users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX role_bindings_user_id_idx ON tenancy.role_bindings (user_id);
ALTER TABLE tenancy.role_bindings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.role_bindings USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.role_bindings TO tenancy_admin USING (true) WITH CHECK (true);
SELECT pg_extension_config_dump('tenancy.role_bindings', '');

COMMENT ON TABLE tenancy.role_bindings IS 'database roles whose sessions are a user without a token';
COMMENT ON COLUMN tenancy.role_bindings.role_name IS 'compared with session_user; unbind a role before it is renamed or dropped';

CREATE FUNCTION tenancy.register(email text, password text, first_name text DEFAULT NULL, last_name text DEFAULT NULL,
                                 company_name text DEFAULT NULL)
RETURNS uuid LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_register';
COMMENT ON FUNCTION tenancy.register(text, text, text, text, text) IS 'make a user account; answers its id';

CREATE FUNCTION tenancy.login(email text, password text) RETURNS text
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_login';
COMMENT ON FUNCTION tenancy.login(text, text) IS 'check a password and begin a session; answers its token';

CREATE FUNCTION tenancy.authenticate(token text) RETURNS uuid
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_authenticate';
COMMENT ON FUNCTION tenancy.authenticate(text)
    IS 'give this transaction the identity of a session; answers the user''s id, raises 28000 for a token that is not valid';

CREATE FUNCTION tenancy.logout() RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_logout';
COMMENT ON FUNCTION tenancy.logout() IS 'end the session of this transaction''s token; false when there was none';

CREATE FUNCTION tenancy.logout_everywhere() RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_logout_everywhere';
COMMENT ON FUNCTION tenancy.logout_everywhere() IS 'end all sessions of the current user; answers how many there were';

CREATE FUNCTION tenancy.change_password(old_password text, new_password text) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_change_password';
COMMENT ON FUNCTION tenancy.change_password(text, text)
    IS 'change the current user''s password and end the user''s other sessions';

CREATE FUNCTION tenancy.reset_password(user_id uuid, new_password text) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_reset_password';
COMMENT ON FUNCTION tenancy.reset_password(uuid, text)
    IS 'for administrators: give a user a new password and end all of the user''s sessions';

CREATE FUNCTION tenancy.set_active(user_id uuid, is_active boolean) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_set_active';
COMMENT ON FUNCTION tenancy.set_active(uuid, boolean)
    IS 'for administrators: let a user in, or keep the user out and end all of the user''s sessions';

CREATE FUNCTION tenancy.unlock_account(email text) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_unlock_account';
COMMENT ON FUNCTION tenancy.unlock_account(text) IS 'for administrators: forget the failed logins of an email address';

CREATE FUNCTION tenancy.bind_role(user_id uuid, role_name name) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_bind_role';
COMMENT ON FUNCTION tenancy.bind_role(uuid, name)
    IS 'for administrators: sessions of a database role are this user without a token';

CREATE FUNCTION tenancy.unbind_role(role_name name) RETURNS boolean
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_unbind_role';
COMMENT ON FUNCTION tenancy.unbind_role(name) IS 'for administrators: undo bind_role; false when the role was not bound';

CREATE FUNCTION tenancy.profile()
RETURNS TABLE (id uuid, email varchar, first_name varchar, last_name varchar, company_name varchar, is_active boolean,
               created_at timestamptz, updated_at timestamptz)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT u.id, u.email, u.first_name, u.last_name, u.company_name, u.is_active, u.created_at, u.updated_at
    FROM tenancy.users AS u
    WHERE u.id = (SELECT tenancy.require_user_id());
END;
COMMENT ON FUNCTION tenancy.profile() IS 'the current user';

CREATE FUNCTION tenancy.update_profile(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
                                       company_name text DEFAULT NULL)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE tenancy.users AS u
    SET first_name = coalesce(update_profile.first_name, u.first_name),
        last_name = coalesce(update_profile.last_name, u.last_name),
        company_name = coalesce(update_profile.company_name, u.company_name)
    WHERE u.id = (SELECT tenancy.require_user_id());
END;
COMMENT ON FUNCTION tenancy.update_profile(text, text, text) IS 'change the current user''s names; NULL keeps one';

CREATE FUNCTION tenancy.sessions()
RETURNS TABLE (id uuid, created_at timestamptz, expires_at timestamptz, client_addr inet, application_name text)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT s.id, s.created_at, s.expires_at, s.client_addr, s.application_name
    FROM tenancy.user_sessions AS s
    WHERE s.user_id = (SELECT tenancy.require_user_id()) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    ORDER BY s.created_at DESC;
END;
COMMENT ON FUNCTION tenancy.sessions() IS 'where the current user is logged in';

-- Credentials: sealing with the keys of the key ring, which is never in the database.

CREATE FUNCTION tenancy.encrypt_database_password(password text) RETURNS text
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_encrypt_database_password';
COMMENT ON FUNCTION tenancy.encrypt_database_password(text)
    IS 'for administrators: base64(nonce[12] || tag[16] || ciphertext), AES-256-GCM with the active key';

CREATE FUNCTION tenancy.decrypt_database_password(encrypted_password text) RETURNS text
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_decrypt_database_password';
COMMENT ON FUNCTION tenancy.decrypt_database_password(text)
    IS 'for administrators: undo encrypt_database_password; stored credentials, which are bound to their rows, do not open';

CREATE FUNCTION tenancy.rotate_encryption_key()
RETURNS TABLE (key_id text, before bigint, after bigint) LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_rotate_encryption_key';
COMMENT ON FUNCTION tenancy.rotate_encryption_key()
    IS 'for administrators: seal all credentials with the active key, all or nothing; answers connections by key before and after';

CREATE FUNCTION tenancy.key_ring()
RETURNS TABLE (key_id text, active boolean, connections bigint) LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_key_ring';
COMMENT ON FUNCTION tenancy.key_ring()
    IS 'for administrators: the ids of the keys and how many connections each has sealed; active is NULL for a key that is not in the ring';

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
    CHECK (database_type = 'sqlite' OR (host IS NOT NULL AND port IS NOT NULL AND username IS NOT NULL))
);
CREATE UNIQUE INDEX database_connections_user_id_name_key ON tenancy.database_connections (user_id, name)
    WHERE deleted_at IS NULL;
ALTER TABLE tenancy.database_connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.database_connections
    USING (user_id = (SELECT tenancy.current_user_id()) AND deleted_at IS NULL);
CREATE POLICY admin ON tenancy.database_connections TO tenancy_admin USING (true) WITH CHECK (true);
SELECT pg_extension_config_dump('tenancy.database_connections', '');

COMMENT ON TABLE tenancy.database_connections IS 'client databases, each of one user; secrets are sealed';
COMMENT ON COLUMN tenancy.database_connections.password_encrypted IS 'base64(nonce[12] || tag[16] || ciphertext), AES-256-GCM, bound to user, row and column';
COMMENT ON COLUMN tenancy.database_connections.connection_string_encrypted IS 'the connection string as it was given, sealed like the password';
COMMENT ON COLUMN tenancy.database_connections.credential_key_id IS 'the key of the key ring that sealed this row';
COMMENT ON COLUMN tenancy.database_connections.options IS 'driver options from the allow-list, see docs/connection.md';
COMMENT ON COLUMN tenancy.database_connections.version IS 'grows with every change; pooled connections of older versions are not used';
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
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION tenancy.touch_connection() IS 'trigger: a changed connection gets a new version';
CREATE TRIGGER touch BEFORE UPDATE ON tenancy.database_connections
    FOR EACH ROW EXECUTE FUNCTION tenancy.touch_connection();

CREATE FUNCTION tenancy.create_connection(
    name text, database_type text DEFAULT NULL, host text DEFAULT NULL, port integer DEFAULT NULL,
    database_name text DEFAULT NULL, username text DEFAULT NULL, password text DEFAULT NULL,
    connection_string text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_create_connection';
COMMENT ON FUNCTION tenancy.create_connection(text, text, text, integer, text, text, text, text, jsonb)
    IS 'register a client database of the current user, by fields or by connection string; answers its id';

CREATE FUNCTION tenancy.update_connection(
    connection text, name text DEFAULT NULL, database_type text DEFAULT NULL, host text DEFAULT NULL,
    port integer DEFAULT NULL, database_name text DEFAULT NULL, username text DEFAULT NULL,
    password text DEFAULT NULL, connection_string text DEFAULT NULL, options jsonb DEFAULT NULL,
    is_active boolean DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_update_connection';
COMMENT ON FUNCTION tenancy.update_connection(text, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field. A new type, host, port, username or TLS option needs the password again';
CREATE FUNCTION tenancy.update_connection(
    connection uuid, name text DEFAULT NULL, database_type text DEFAULT NULL, host text DEFAULT NULL,
    port integer DEFAULT NULL, database_name text DEFAULT NULL, username text DEFAULT NULL,
    password text DEFAULT NULL, connection_string text DEFAULT NULL, options jsonb DEFAULT NULL,
    is_active boolean DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_update_connection';
COMMENT ON FUNCTION tenancy.update_connection(uuid, text, text, text, integer, text, text, text, text, jsonb, boolean)
    IS 'change a connection; NULL keeps a field. A new type, host, port, username or TLS option needs the password again';

CREATE FUNCTION tenancy.delete_connection(connection text) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_delete_connection';
COMMENT ON FUNCTION tenancy.delete_connection(text) IS 'forget a connection and its secrets; its history stays';
CREATE FUNCTION tenancy.delete_connection(connection uuid) RETURNS void
STRICT LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_delete_connection';
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

CREATE FUNCTION tenancy.connections()
RETURNS TABLE (id uuid, name varchar, database_type varchar, host varchar, port integer, database_name varchar,
               username varchar, options jsonb, is_active boolean, version bigint, last_connected_at timestamptz,
               created_at timestamptz, updated_at timestamptz)
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.id, c.name, c.database_type, c.host, c.port, c.database_name, c.username, c.options, c.is_active,
           c.version, c.last_connected_at, c.created_at, c.updated_at
    FROM tenancy.database_connections AS c
    WHERE c.deleted_at IS NULL
    ORDER BY c.name, c.id;
END;
COMMENT ON FUNCTION tenancy.connections() IS 'the connections of the current user, without secrets; an admin sees all';

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
               created_at timestamptz, updated_at timestamptz)
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
    IS 'close the idle connections to client databases that this session keeps; answers how many';

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
ALTER TABLE tenancy.running_queries ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.running_queries FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.running_queries FOR SELECT TO tenancy_admin USING (true);

COMMENT ON TABLE tenancy.running_queries IS 'queries that are running, or whose final row has to wait for a lock; its triggers write query_history';
COMMENT ON COLUMN tenancy.running_queries.transaction_id IS 'the transaction that ran the query, when it had written something: its new rows are not visible yet';

CREATE TABLE tenancy.query_history (
    id                     uuid PRIMARY KEY,
    user_id                uuid REFERENCES tenancy.users (id),
    database_connection_id uuid REFERENCES tenancy.database_connections (id),
    natural_language_query text,
    generated_sql_query    text,
    execution_time_ms      integer,
    row_count              integer,
    status                 varchar(20) NOT NULL
                           CHECK (status IN ('success', 'error', 'timeout', 'cancelled', 'denied', 'lost')),
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
CREATE INDEX query_history_database_connection_id_idx ON tenancy.query_history (database_connection_id, id);
ALTER TABLE tenancy.query_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.query_history FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.query_history FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.query_history', '');

COMMENT ON TABLE tenancy.query_history IS 'every query that ended, for good: rows are never changed';
COMMENT ON COLUMN tenancy.query_history.id IS 'the query_id of the answer: a version 7 UUID, so ids are in the order of starts';
COMMENT ON COLUMN tenancy.query_history.user_id IS 'NULL for nobody, or for a user whose transaction was rolled back';
COMMENT ON COLUMN tenancy.query_history.database_connection_id IS 'NULL when it was denied, or when its transaction was rolled back; connection_name remains';
COMMENT ON COLUMN tenancy.query_history.status IS 'success, error, timeout, cancelled, denied, or lost when the server died before the end';
COMMENT ON COLUMN tenancy.query_history.source IS 'sql, ask, fdw, sample or catalog';
COMMENT ON COLUMN tenancy.query_history.error_code IS 'SQLSTATE';
COMMENT ON COLUMN tenancy.query_history.truncated IS 'a limit of rows or bytes cut the result';
COMMENT ON COLUMN tenancy.query_history.cached IS 'answered from query_cache';
COMMENT ON COLUMN tenancy.query_history.role_name IS 'session_user';
COMMENT ON COLUMN tenancy.query_history.chain_seq IS 'place in the user''s hash chain, from 1 without gaps';
COMMENT ON COLUMN tenancy.query_history.chain_hash IS 'sha256(chain_hash of the row before || history_entry_digest of this row)';

CREATE TABLE tenancy.history_chain (
    user_id uuid PRIMARY KEY,
    seq     bigint NOT NULL,
    hash    bytea NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE tenancy.history_chain ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.history_chain FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.history_chain FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.history_chain', '');

COMMENT ON TABLE tenancy.history_chain IS 'the last link of each user''s hash chain; keep a copy elsewhere to notice a cut tail';
COMMENT ON COLUMN tenancy.history_chain.user_id IS 'the nil UUID is the chain of runs without a user';

CREATE TABLE tenancy.query_daily (
    user_id                uuid NOT NULL,
    database_connection_id uuid NOT NULL,
    day                    date NOT NULL,
    source                 varchar(20) NOT NULL,
    status                 varchar(20) NOT NULL,
    runs                   bigint NOT NULL,
    row_count              bigint NOT NULL,
    result_bytes           bigint NOT NULL,
    total_ms               bigint NOT NULL,
    max_ms                 integer NOT NULL,
    cached                 bigint NOT NULL,
    truncated              bigint NOT NULL,
    PRIMARY KEY (user_id, day, database_connection_id, source, status)
) WITH (fillfactor = 70);
ALTER TABLE tenancy.query_daily ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenancy.query_daily FOR SELECT USING (user_id = (SELECT tenancy.current_user_id()));
CREATE POLICY admin ON tenancy.query_daily FOR SELECT TO tenancy_admin USING (true);
SELECT pg_extension_config_dump('tenancy.query_daily', '');

COMMENT ON TABLE tenancy.query_daily IS 'query_history in sums per day (UTC), for dashboards; the nil UUID stands for no user or no connection';
COMMENT ON COLUMN tenancy.query_daily.total_ms IS 'sum of execution_time_ms';
COMMENT ON COLUMN tenancy.query_daily.cached IS 'how many of the runs were answered from query_cache';
COMMENT ON COLUMN tenancy.query_daily.truncated IS 'how many of the runs were cut by a limit';

CREATE FUNCTION tenancy.make_uuid_v7() RETURNS uuid
PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_make_uuid_v7';
COMMENT ON FUNCTION tenancy.make_uuid_v7() IS 'a UUID of version 7: later ones are greater';

CREATE FUNCTION tenancy.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'cannot % rows of "%.%"', lower(TG_OP), TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', DETAIL = 'The table is append-only, for everybody.';
END
$$;
COMMENT ON FUNCTION tenancy.refuse_change() IS 'trigger: an append-only table';
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

-- Every column but the hash itself, created_at and updated_at, spelled so that no setting changes it.
CREATE FUNCTION tenancy.history_entry_digest(entry tenancy.query_history) RETURNS bytea
STABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT sha256(convert_to(ROW(
        (entry).id, (entry).user_id, (entry).database_connection_id, (entry).natural_language_query,
        (entry).generated_sql_query, (entry).execution_time_ms, (entry).row_count, (entry).status,
        (entry).error_message, (entry).result_hash, (entry).source, (entry).connection_name, (entry).error_code,
        (entry).result_bytes, (entry).truncated, (entry).cached, extract(epoch FROM (entry).started_at),
        extract(epoch FROM (entry).finished_at), (entry).application_name, (entry).client_addr,
        (entry).role_name, (entry).backend_pid, (entry).chain_seq)::text, 'UTF8'));
END;
COMMENT ON FUNCTION tenancy.history_entry_digest(tenancy.query_history)
    IS 'SHA-256 of a row of query_history, the link that it adds to the user''s hash chain';

CREATE FUNCTION tenancy.history_retry() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_history_retry';
COMMENT ON FUNCTION tenancy.history_retry() IS 'for write_history: ask the worker, in whose session it runs, to try again later';

-- Moves ended runs to query_history, with all that follows from them. Spelled so that every access to a table is a lookup
-- in its primary key, whatever the planner knew of its size when it made the plan. Never waits for a lock on users or connections:
-- a run whose user or connection is locked against references, or still invisible because its own transaction made it,
-- stays in running_queries until the worker tries again.
CREATE FUNCTION tenancy.write_history() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    ended  bigint;
    moved  bigint;
BEGIN
    SELECT count(*) INTO ended FROM reported WHERE status <> 'running';
    IF ended = 0 THEN
        RETURN NULL;
    END IF;

    WITH owner AS MATERIALIZED (
        SELECT u.id FROM tenancy.users AS u
        WHERE u.id = ANY (ARRAY(SELECT DISTINCT r.user_id FROM reported AS r WHERE r.status <> 'running'))
        FOR KEY SHARE OF u SKIP LOCKED
    ), target AS MATERIALIZED (
        SELECT c.id, c.last_connected_at FROM tenancy.database_connections AS c
        WHERE c.id = ANY (ARRAY(SELECT DISTINCT r.database_connection_id FROM reported AS r WHERE r.status <> 'running'))
        FOR KEY SHARE OF c SKIP LOCKED
    ), ready AS MATERIALIZED (
        SELECT r.*, o.id AS owner_id, t.id AS target_id
        FROM reported AS r
        LEFT JOIN owner AS o ON o.id = r.user_id
        LEFT JOIN target AS t ON t.id = r.database_connection_id
        WHERE r.status <> 'running'
          AND (o.id IS NOT NULL OR r.user_id IS NULL OR NOT (
                   coalesce(pg_xact_status(r.transaction_id) = 'in progress', false)
                   OR (SELECT u.id FROM tenancy.users AS u WHERE u.id = r.user_id) IS NOT NULL))
          AND (t.id IS NOT NULL OR r.database_connection_id IS NULL OR NOT (
                   coalesce(pg_xact_status(r.transaction_id) = 'in progress', false)
                   OR (SELECT c.id FROM tenancy.database_connections AS c WHERE c.id = r.database_connection_id) IS NOT NULL))
    ), entry AS (
        SELECT ROW(r.id, r.owner_id, r.target_id, r.natural_language_query, r.generated_sql_query, r.execution_time_ms,
                   r.row_count, r.status, r.error_message, r.result_hash, now(), now(), r.source, r.connection_name,
                   r.error_code, r.result_bytes, coalesce(r.truncated, false), coalesce(r.cached, false), r.started_at,
                   coalesce(r.finished_at, now()), r.application_name, r.client_addr, r.role_name, r.backend_pid,
                   coalesce(h.seq, 0) + row_number() OVER (PARTITION BY r.owner_id ORDER BY r.finished_at, r.id),
                   NULL)::tenancy.query_history AS row,
               h.hash AS head
        FROM ready AS r
        LEFT JOIN LATERAL (SELECT c.seq, c.hash FROM tenancy.history_chain AS c
                           WHERE c.user_id = coalesce(r.owner_id, nobody) LIMIT 1) AS h ON true
        -- Else it is written already: the worker died between its commit and noting it.
        WHERE (SELECT q.id FROM tenancy.query_history AS q WHERE q.id = r.id) IS NULL
    ), link AS MATERIALIZED (
        SELECT e.row,
               tenancy.history_chain_hash(e.head, tenancy.history_entry_digest(e.row))
                   OVER (PARTITION BY (e.row).user_id ORDER BY (e.row).chain_seq) AS hash
        FROM entry AS e
    ), written AS (
        INSERT INTO tenancy.query_history AS q (
            id, user_id, database_connection_id, natural_language_query, generated_sql_query, execution_time_ms,
            row_count, status, error_message, result_hash, created_at, updated_at, source, connection_name, error_code,
            result_bytes, truncated, cached, started_at, finished_at, application_name, client_addr, role_name,
            backend_pid, chain_seq, chain_hash)
        SELECT (l.row).id, (l.row).user_id, (l.row).database_connection_id, (l.row).natural_language_query,
               (l.row).generated_sql_query, (l.row).execution_time_ms, (l.row).row_count, (l.row).status,
               (l.row).error_message, (l.row).result_hash, (l.row).created_at, (l.row).updated_at, (l.row).source,
               (l.row).connection_name, (l.row).error_code, (l.row).result_bytes, (l.row).truncated, (l.row).cached,
               (l.row).started_at, (l.row).finished_at, (l.row).application_name, (l.row).client_addr,
               (l.row).role_name, (l.row).backend_pid, (l.row).chain_seq, l.hash
        FROM link AS l
        ORDER BY (l.row).id
        RETURNING q.user_id, q.database_connection_id, q.source, q.status, q.started_at, q.finished_at, q.execution_time_ms,
                  q.row_count, q.result_bytes, q.truncated, q.cached, q.chain_seq, q.chain_hash
    ), chained AS (
        INSERT INTO tenancy.history_chain AS h (user_id, seq, hash)
        SELECT DISTINCT ON (w.user_id) coalesce(w.user_id, nobody), w.chain_seq, w.chain_hash
        FROM written AS w
        ORDER BY w.user_id, w.chain_seq DESC
        ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
    ), summed AS (
        INSERT INTO tenancy.query_daily AS d (
            user_id, database_connection_id, day, source, status, runs, row_count, result_bytes, total_ms, max_ms,
            cached, truncated)
        SELECT coalesce(w.user_id, nobody), coalesce(w.database_connection_id, nobody),
               (w.started_at AT TIME ZONE 'UTC')::date, w.source, w.status, count(*), coalesce(sum(w.row_count), 0),
               coalesce(sum(w.result_bytes), 0), coalesce(sum(w.execution_time_ms), 0),
               coalesce(max(w.execution_time_ms), 0), count(*) FILTER (WHERE w.cached),
               count(*) FILTER (WHERE w.truncated)
        FROM written AS w
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (user_id, day, database_connection_id, source, status) DO UPDATE SET
            runs = d.runs + excluded.runs,
            row_count = d.row_count + excluded.row_count,
            result_bytes = d.result_bytes + excluded.result_bytes,
            total_ms = d.total_ms + excluded.total_ms,
            max_ms = greatest(d.max_ms, excluded.max_ms),
            cached = d.cached + excluded.cached,
            truncated = d.truncated + excluded.truncated
    ), stale AS (
        SELECT t.id, max(w.finished_at) AS seen
        FROM target AS t
        JOIN written AS w ON w.database_connection_id = t.id AND w.status = 'success' AND NOT w.cached
        WHERE t.last_connected_at IS NULL OR t.last_connected_at < w.finished_at - interval '1 second'
        GROUP BY t.id
    ), free AS MATERIALIZED (
        SELECT c.id FROM tenancy.database_connections AS c
        WHERE c.id = ANY (ARRAY(SELECT s.id FROM stale AS s))
        FOR NO KEY UPDATE OF c SKIP LOCKED
    ), connected AS (
        UPDATE tenancy.database_connections AS c SET last_connected_at = s.seen
        FROM stale AS s JOIN free AS f ON f.id = s.id
        WHERE c.id = s.id
    )
    DELETE FROM tenancy.running_queries AS r WHERE r.id = ANY (ARRAY(SELECT ready.id FROM ready));

    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved < ended THEN
        PERFORM tenancy.history_retry();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenancy.write_history()
    IS 'trigger: ended runs become rows of query_history, with hash chain, daily sums and last_connected_at';
CREATE TRIGGER write_inserted AFTER INSERT ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.write_history();
CREATE TRIGGER write_updated AFTER UPDATE ON tenancy.running_queries REFERENCING NEW TABLE AS reported
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.write_history();

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

CREATE FUNCTION tenancy.history(
    connection text DEFAULT NULL, status text DEFAULT NULL, source text DEFAULT NULL, search text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, before uuid DEFAULT NULL, max_rows integer DEFAULT 100)
RETURNS SETOF tenancy.history_entries
STABLE LANGUAGE sql
BEGIN ATOMIC
    SELECT e.*
    FROM tenancy.history_entries AS e
    WHERE (history.connection IS NULL OR e.connection_name = history.connection
           OR e.database_connection_id::text = lower(history.connection))
      AND (history.status IS NULL OR e.status = history.status)
      AND (history.source IS NULL OR e.source = history.source)
      AND (history.search IS NULL OR strpos(lower(e.generated_sql_query), lower(history.search)) > 0
           OR strpos(lower(e.natural_language_query), lower(history.search)) > 0)
      AND (history.since IS NULL OR e.started_at >= history.since)
      AND (history.until IS NULL OR e.started_at < history.until)
      AND (history.before IS NULL OR e.id < history.before)
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

COMMENT ON TABLE tenancy.audit_log IS 'who changed users, sessions, role bindings and connections; never a secret';
COMMENT ON COLUMN tenancy.audit_log.user_id IS 'who did it: the identity of the transaction, else the user whose row it is';
COMMENT ON COLUMN tenancy.audit_log.role_name IS 'session_user';
COMMENT ON COLUMN tenancy.audit_log.object_type IS 'the table';
COMMENT ON COLUMN tenancy.audit_log.object_id IS 'the row''s id, or the name of a bound role';
COMMENT ON COLUMN tenancy.audit_log.old IS 'a deleted row, or the former values of changed columns; a secret is <changed>';
COMMENT ON COLUMN tenancy.audit_log.new IS 'an inserted row, or the new values of changed columns';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenancy.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE FUNCTION tenancy.write_audit() RETURNS trigger
SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
            lower(TG_OP), TG_TABLE_NAME, coalesce(seen ->> 'id', seen ->> 'role_name'), old_row, new_row);
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
-- touch_connection() gives each change that matters a new version: the worker's notes of time stay out cheaply.
CREATE TRIGGER audit_change AFTER UPDATE ON tenancy.database_connections
    FOR EACH ROW WHEN (OLD.version <> NEW.version OR OLD.user_id <> NEW.user_id) EXECUTE FUNCTION tenancy.write_audit();

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

-- Every GRANT and REVOKE. Nothing is for PUBLIC; tenancy_user is what a platform's login role gets for its users,
-- tenancy_admin is that and sight of everybody's rows. What is not named here, only the extension's own code calls.

REVOKE ALL ON ALL TABLES IN SCHEMA tenancy FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenancy FROM PUBLIC;
REVOKE ALL ON SCHEMA tenancy FROM PUBLIC;

GRANT tenancy_user TO tenancy_admin;
GRANT USAGE ON SCHEMA tenancy TO tenancy_user;

-- Identity. Row-level security keeps to the own rows; hashes of passwords and tokens are not for reading.
GRANT EXECUTE ON FUNCTION
    tenancy.current_user_id(), tenancy.require_user_id(), tenancy.is_admin(),
    tenancy.register(text, text, text, text, text), tenancy.login(text, text), tenancy.authenticate(text),
    tenancy.logout(), tenancy.logout_everywhere(), tenancy.change_password(text, text),
    tenancy.profile(), tenancy.update_profile(text, text, text), tenancy.sessions()
    TO tenancy_user;
GRANT SELECT (id, email, first_name, last_name, company_name, is_active, created_at, updated_at),
      UPDATE (first_name, last_name, company_name) ON tenancy.users TO tenancy_user;
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

-- Connections. Ciphertexts are not for reading, not even the own ones; all writing is done by functions.
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
              version, last_connected_at, created_at, updated_at, deleted_at)
    ON tenancy.database_connections TO tenancy_user;

-- History and audit: to read.
GRANT SELECT ON tenancy.running_queries, tenancy.query_history, tenancy.query_daily, tenancy.history_chain,
    tenancy.audit_log, tenancy.history_entries TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.history(text, text, text, text, timestamptz, timestamptz, uuid, integer), tenancy.history_entry(uuid)
    TO tenancy_user;
GRANT EXECUTE ON FUNCTION tenancy.history_queue() TO tenancy_admin;

-- Queries.
GRANT EXECUTE ON FUNCTION
    tenancy.query(text, text), tenancy.query(uuid, text),
    tenancy.query(text, text, "any"), tenancy.query(uuid, text, "any"),
    tenancy.open_query(text, text, jsonb, refcursor), tenancy.open_query(uuid, text, jsonb, refcursor),
    tenancy.describe_query(text, text), tenancy.describe_query(uuid, text),
    tenancy.execute_query(text, text, jsonb, integer, interval), tenancy.execute_query(uuid, text, jsonb, integer, interval)
    TO tenancy_user;

-- Foreign tables. Whoever may use a connection may make a server for it; the identity is checked when it is used.
GRANT USAGE ON FOREIGN DATA WRAPPER tenant_fdw TO tenancy_user;
GRANT SELECT ON tenancy.attachments TO tenancy_user;
GRANT EXECUTE ON FUNCTION
    tenancy.attach(text, name, text, text[], jsonb), tenancy.attach(uuid, name, text, text[], jsonb),
    tenancy.detach(text, name), tenancy.detach(uuid, name),
    tenancy.refresh_attached(text, name), tenancy.refresh_attached(uuid, name), tenancy.attached()
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
