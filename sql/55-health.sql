
-- Health: connections come due, the workers check them.

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
    VALUES (NEW.id, NEW.user_id, CASE WHEN NEW.is_active THEN now() END)
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
    SET next_check_at = CASE WHEN NEW.is_active AND c.is_active THEN now() END
    FROM tenancy.database_connections AS c
    WHERE c.user_id = NEW.id AND c.id = h.connection_id;
    PERFORM tenancy.wake_health();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tenancy.watch_user() IS 'trigger: connections of a user who is not active are not checked';
CREATE TRIGGER watch AFTER UPDATE OF is_active ON tenancy.users
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION tenancy.watch_user();
