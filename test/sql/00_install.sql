-- The extension, two users, and a helper that shows an error with its SQLSTATE. Every other test builds on this.
CREATE EXTENSION pg_tenancy;
SELECT extname, extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'pg_tenancy') AS current
FROM pg_extension WHERE extname = 'pg_tenancy';

CREATE ROLE regress_app LOGIN;
GRANT tenancy_user TO regress_app;
CREATE ROLE regress_admin LOGIN;
GRANT tenancy_admin TO regress_admin;

CREATE SCHEMA probe;
GRANT USAGE ON SCHEMA probe TO PUBLIC;
CREATE FUNCTION probe.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                            hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN detail <> '' THEN E'\n  detail: ' || detail ELSE '' END
                 || CASE WHEN hint <> '' THEN E'\n  hint: ' || hint ELSE '' END;
END
$$;

-- Become the user of an email for the rest of the session, as people in psql do.
CREATE FUNCTION probe.become(email text) RETURNS boolean LANGUAGE sql AS $$
    SELECT set_config('tenancy.session', tenancy.login(email, 'correct horse ' || email), false) <> ''
$$;

SELECT tenancy.register('one@example.com', 'correct horse one@example.com', 'Ada', 'One', 'Shop Ltd') IS NOT NULL AS registered;
SELECT tenancy.register('two@example.com', 'correct horse two@example.com', 'Bob', 'Two', 'Works Ltd') IS NOT NULL AS registered;
