
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

COMMENT ON TABLE tenancy.user_sessions IS 'logins; an expired one goes with the user''s next login, or a day later';
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

-- lock_timeout: whoever holds what these wait for, an address in an open transaction or the own row, must not hold up others for long.
CREATE FUNCTION tenancy.register(email text, password text, first_name text DEFAULT NULL, last_name text DEFAULT NULL,
                                 company_name text DEFAULT NULL)
RETURNS uuid LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_register';
COMMENT ON FUNCTION tenancy.register(text, text, text, text, text) IS 'make a user account; answers its id';

-- Functions that take a password are not STRICT: with a NULL argument, they still have to hide the others.
CREATE FUNCTION tenancy.login(email text, password text) RETURNS text
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_login';
COMMENT ON FUNCTION tenancy.login(text, text) IS 'check a password and begin a session; answers its token';

CREATE FUNCTION tenancy.authenticate(token text) RETURNS uuid
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_authenticate';
COMMENT ON FUNCTION tenancy.authenticate(text)
    IS 'give this transaction the identity of a session; answers the user''s id, raises 28000 for a token that is not valid';

CREATE FUNCTION tenancy.logout() RETURNS boolean
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_logout';
COMMENT ON FUNCTION tenancy.logout() IS 'end the session of this transaction''s token; false when there was none';

CREATE FUNCTION tenancy.logout_everywhere() RETURNS integer
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_logout_everywhere';
COMMENT ON FUNCTION tenancy.logout_everywhere() IS 'end all sessions of the current user; answers how many there were';

CREATE FUNCTION tenancy.change_password(old_password text, new_password text) RETURNS void
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_change_password';
COMMENT ON FUNCTION tenancy.change_password(text, text)
    IS 'change the current user''s password and end the user''s other sessions';

CREATE FUNCTION tenancy.reset_password(user_id uuid, new_password text) RETURNS void
LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_reset_password';
COMMENT ON FUNCTION tenancy.reset_password(uuid, text)
    IS 'for administrators: give a user a new password and end all of the user''s sessions';

CREATE FUNCTION tenancy.set_active(user_id uuid, is_active boolean) RETURNS void
STRICT LANGUAGE c SET lock_timeout = '10s' AS 'MODULE_PATHNAME', 'tenancy_set_active';
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

-- Users have no privilege to update: with it, they could lock their rows for as long as they like.
CREATE FUNCTION tenancy.update_profile(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
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
