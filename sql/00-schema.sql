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

-- Roles belong to the whole cluster, so another database, or a restore, may have made them already, with their members. But whoever
-- may make roles may have made these beforehand: to log in as one, or to grant it to whom they like.
DO $$
DECLARE
    wanted text;
    found  record;
    holder record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tenancy_user', 'tenancy_admin'] LOOP
        SELECT r.oid, r.rolcanlogin INTO found FROM pg_catalog.pg_roles AS r WHERE r.rolname = wanted;
        IF found.oid IS NULL THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        ELSIF found.rolcanlogin THEN
            RAISE EXCEPTION 'role "%" exists already, and may log in', wanted USING ERRCODE = 'duplicate_object',
                HINT = pg_catalog.format('Drop it first, or ALTER ROLE %I NOLOGIN.', wanted);
        END IF;
        SELECT r.rolname AS name, pg_catalog.pg_get_userbyid(m.grantor) AS grantor INTO holder
        FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS r ON r.oid = m.member
        WHERE m.roleid = found.oid AND m.admin_option AND NOT r.rolsuper ORDER BY r.rolname LIMIT 1;
        IF holder.name IS NOT NULL THEN
            RAISE EXCEPTION 'role "%" exists already, and role "%" may grant it', wanted, holder.name USING ERRCODE = 'duplicate_object',
                DETAIL = pg_catalog.format('Role "%s" is no superuser and has the ADMIN OPTION on it.', holder.name),
                HINT = pg_catalog.format('Drop it first, or REVOKE ADMIN OPTION FOR %I FROM %I GRANTED BY %I CASCADE. '
                                         'Grant it again afterwards if it is meant to be so.', wanted, holder.name, holder.grantor);
        END IF;
    END LOOP;
END
$$;

COMMENT ON SCHEMA tenancy IS 'pg_tenancy: users, their databases, queries and history';
