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
