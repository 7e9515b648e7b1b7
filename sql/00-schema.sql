\echo Use "CREATE EXTENSION pg_tenancy" to load this file. \quit

-- Schema and roles. The schema itself comes from the control file.

SET LOCAL search_path TO pg_catalog, pg_temp;

-- A schema that somebody made beforehand stays theirs: functions of their own in it would be taken for ours.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
               WHERE n.nspname = 'tenancy' AND (
                   NOT (r.rolsuper OR r.rolname = current_user)
                   OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                              WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
                                AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass))) THEN
        RAISE EXCEPTION 'schema "tenancy" exists already' USING ERRCODE = 'duplicate_schema',
            DETAIL = 'It belongs to a role that is no superuser, or it is not empty.', HINT = 'Drop it first.';
    END IF;
END
$$;

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
