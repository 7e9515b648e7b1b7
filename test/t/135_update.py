#!/usr/bin/python3
"""ALTER EXTENSION pg_tenancy UPDATE from the first released version makes what a fresh installation makes, and keeps every row."""

import contextlib

from installed import differences, objects
from tenancy import UNIQUE, connect, ok, rows, run, same, value

FIRST = "0.1"
UPDATED, FRESH = "updated_" + UNIQUE, "fresh_" + UNIQUE


@contextlib.contextmanager
def database(name):
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE DATABASE "%s"' % name)
        try:
            with contextlib.closing(connect(dbname=name)) as session:
                yield session
        finally:
            rows(admin, 'DROP DATABASE "%s" WITH (FORCE)' % name)


def current_version(session):
    return value(session, "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_tenancy'")


def same_objects():
    """Two installations, one updated and one fresh, object by object."""
    with database(FRESH) as fresh, database(UPDATED) as updated:
        rows(fresh, "CREATE EXTENSION pg_tenancy")
        rows(updated, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
        same(value(updated, "SELECT extversion FROM pg_extension WHERE extname = 'pg_tenancy'"), FIRST, "the first version installs")
        rows(updated, "ALTER EXTENSION pg_tenancy UPDATE")
        same(value(updated, "SELECT extversion FROM pg_extension WHERE extname = 'pg_tenancy'"), current_version(updated),
             "it is updated to the current version")
        wanted = objects(fresh)
        found = differences(objects(updated), wanted)
        ok(len(wanted) > 300, "a fresh installation has hundreds of objects", len(wanted))
        ok(not found, "the updated installation has the same, each with the same definition", "\n".join(found))


def fill(session):
    """A user, logged in, with a connection and a run in history, as the first version's tables hold them."""
    rows(session, "SET tenancy.identity_scope = 'session'")
    user = value(session, "SELECT tenancy.register('ada@example.com', 'correct horse battery')")
    rows(session, "SELECT set_config('tenancy.session', tenancy.login('ada@example.com', 'correct horse battery'), false)")
    rows(session, "INSERT INTO tenancy.database_connections (user_id, name, database_type, database_name, options)"
                  " VALUES (%s, 'lite', 'sqlite', 'update.db', '{\"create\": true}')", user)
    for statement in ("SELECT 1 AS one", "SELECT 1 AS uno", "DELETE FROM nowhere"):
        rows(session, "INSERT INTO tenancy.running_queries (id, user_id, database_connection_id, connection_name, generated_sql_query,"
                      " execution_time_ms, row_count, result_bytes, status, source, started_at, finished_at)"
                      " SELECT tenancy.make_uuid_v7(), user_id, id, name, %s, 7, 1, 10, 'success', 'sql', now(), now()"
                      " FROM tenancy.database_connections", statement)
    return user


def same_rows():
    """What the first version has stored is there after the update, and works."""
    with database(UPDATED) as session:
        rows(session, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
        user = fill(session)
        before = rows(session, "SELECT id, generated_sql_query, chain_seq, chain_hash FROM tenancy.query_history ORDER BY id")
        rows(session, "ALTER EXTENSION pg_tenancy UPDATE")
        same(rows(session, "SELECT id, generated_sql_query, chain_seq, chain_hash FROM tenancy.query_history ORDER BY id"), before,
             "history is as it was")
        same(value(session, "SELECT tenancy.current_user_id()"), user, "the session is still logged in")
        same(value(session, "SELECT tenancy.execute_query('lite', 'SELECT 2 AS two')")["rows"], [[2]], "the connection still opens")
        same(rows(session, "SELECT generated_sql_query FROM tenancy.history() ORDER BY id"), [("SELECT 1 AS one",), ("SELECT 1 AS uno",), ("DELETE FROM nowhere",), ("SELECT 2 AS two",)], "history goes on")
        same(value(session, "SELECT count(*) FROM tenancy.verify_history() WHERE problem IS NOT NULL"), 0, "its chain holds, across the update")


def own_privileges():
    """What the operator has granted and revoked stays, and a dump has it: pg_init_privs, which pg_dump takes for given, has not."""
    role = "signup_" + UNIQUE
    register = "tenancy.register(text, text, text, text, text)"
    privileges = ("SELECT 'register', x::text FROM pg_proc, unnest(proacl) AS x WHERE oid = '%s'::regprocedure"
                  " UNION ALL SELECT relname, x::text FROM pg_class, unnest(relacl) AS x WHERE relname IN ('query_history', 'users', 'database_connections')"
                  " AND relnamespace = 'tenancy'::regnamespace"
                  " UNION ALL SELECT 'role_name', x::text FROM pg_attribute, unnest(attacl) AS x WHERE attrelid = 'tenancy.role_bindings'::regclass"
                  " UNION ALL SELECT 'own', coalesce(proacl::text, 'default') FROM pg_proc WHERE proname = 'of_the_operator'"
                  " UNION ALL SELECT 'schema', x::text FROM pg_namespace, unnest(nspacl) AS x WHERE nspname = 'tenancy' ORDER BY 1, 2" % register)
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE ROLE "%s"' % role)
        try:
            with database(UPDATED) as session:
                rows(session, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
                rows(session, "REVOKE EXECUTE ON FUNCTION %s FROM tenancy_user" % register)
                rows(session, "CREATE FUNCTION tenancy.of_the_operator() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
                for right in ("EXECUTE ON FUNCTION " + register, "SELECT ON tenancy.query_history", "SELECT (role_name) ON tenancy.role_bindings",
                              "SELECT ON tenancy.users", "SELECT ON tenancy.database_connections", "USAGE ON SCHEMA tenancy"):
                    rows(session, 'GRANT %s TO "%s"' % (right, role))
                before = rows(session, privileges)
                ok(any(role in privilege for _, privilege in before), "there are privileges of the operator's own", before)
                rows(session, "ALTER EXTENSION pg_tenancy UPDATE")
                same(rows(session, privileges), before, "the update leaves them as they are")
                same(rows(session, "SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid), x::text FROM pg_init_privs AS i, unnest(i.initprivs) AS x"
                          " WHERE x::text LIKE %s", role + "%"), [], "and makes none of them the extension's")
                same(rows(session, "SELECT p.oid::regprocedure::text FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e'"
                          " CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS x"
                          " WHERE p.pronamespace = 'tenancy'::regnamespace AND x.grantee = 0"), [], "none of the extension's functions is for everybody")
        finally:
            rows(admin, 'DROP ROLE "%s"' % role)


run(same_objects, same_rows, own_privileges)
