#!/usr/bin/python3
"""ALTER EXTENSION pg_tenancy UPDATE from the first released version makes what a fresh installation makes, and keeps every row."""

import contextlib
import os
import subprocess

from installed import differences, objects
from tenancy import UNIQUE, app_role, connect, environment, ok, private_directory, raised, rows, run, same, unprivileged, value

FIRST = "0.1"
UPDATED, FRESH = "updated_" + UNIQUE, "fresh_" + UNIQUE
BIN = subprocess.run([environment("PG_CONFIG"), "--bindir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


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


def errors_of(name, *arguments):
    """What a program of the server's version complains of."""
    done = subprocess.run(unprivileged(os.path.join(BIN, name), *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return [line for line in done.stdout.splitlines() if "error:" in line]


def restored():
    """A dump of the first version is restored into the first version, which is updated then, as docs/operations.md says."""
    reach = ("--host=" + environment("PGHOST"), "--port=" + environment("PGPORT"), "--username=" + environment("PGUSER"))
    dump = os.path.join(private_directory(), "dump")
    kept = ("SELECT id::text, generated_sql_query, chain_seq FROM tenancy.query_history UNION ALL SELECT id::text, email, 0 FROM tenancy.users"
            " UNION ALL SELECT id::text, name, version FROM tenancy.database_connections ORDER BY 1")
    with database(UPDATED) as session:
        rows(session, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
        fill(session)
        before = rows(session, kept)
        same(errors_of("pg_dump", "--format=custom", "--file=" + dump, *reach, UPDATED), [], "it is dumped")
    with database(FRESH) as session:
        rows(session, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
        same(errors_of("pg_restore", "--dbname=" + FRESH, *reach, dump),
             ['pg_restore: error: could not execute query: ERROR:  schema "tenancy" already exists'], "the schema is there already, all else is restored")
        rows(session, "ALTER EXTENSION pg_tenancy UPDATE")
        same(rows(session, kept), before, "every row is there")
        same(value(session, "SELECT sum(runs) FROM tenancy.query_daily"), 3, "the sums of dashboards are made")
        same(value(session, "SELECT count(*) FROM tenancy.verify_history() WHERE problem IS NOT NULL"), 0, "and the hash chains hold")


def dependants():
    """What others have made on what the update makes again: temporary things go, all others are named before anything is changed."""
    with database(UPDATED) as session, contextlib.closing(connect(user=app_role(), dbname=UPDATED)) as tenant:
        rows(session, "CREATE EXTENSION pg_tenancy VERSION '%s'" % FIRST)
        rows(session, "CREATE SCHEMA reports")
        rows(session, 'CREATE VIEW reports."all of them" AS SELECT c.name FROM tenancy.connections() AS c')
        rows(session, "CREATE FUNCTION reports.of_a_day(day date) RETURNS bigint LANGUAGE sql"
                      " BEGIN ATOMIC SELECT sum(d.runs) FROM tenancy.query_daily AS d WHERE d.day = of_a_day.day; END")
        rows(session, "CREATE TABLE reports.kept (daily tenancy.query_daily)")
        rows(session, "CREATE TABLE reports.parts (k integer, daily tenancy.query_daily) PARTITION BY LIST (k)")
        rows(session, "CREATE TYPE pg_temp.word AS ENUM ()")
        rows(session, "CREATE TABLE reports.half (daily tenancy.query_daily, word pg_temp.word)")
        rows(session, "CREATE TEMPORARY TABLE of_the_operator (daily tenancy.query_daily)")
        for made in ("VIEW own AS SELECT * FROM tenancy.connections()", "VIEW \"on it\" AS SELECT name FROM own",
                     "VIEW daily AS SELECT runs FROM tenancy.query_daily", "VIEW retried AS SELECT 1 AS one WHERE tenancy.history_retry() IS NULL",
                     "VIEW heads AS SELECT user_id, seq FROM tenancy.history_chain GROUP BY user_id"):
            rows(tenant, "CREATE TEMPORARY " + made)
        rows(tenant, "CREATE FUNCTION pg_temp.one(id uuid) RETURNS text LANGUAGE sql"
                     " BEGIN ATOMIC SELECT c.name FROM tenancy.get_client_connection(one.id, one.id) AS c; END")
        # What else a tenant can make of a type or a function.
        for made in ("TABLE pg_temp.of_days (day tenancy.query_daily, days tenancy.query_daily[])",
                     "TABLE pg_temp.retried_at (id integer DEFAULT 0 CHECK (tenancy.history_retry() IS NULL), name text DEFAULT tenancy.history_retry()::text)",
                     "TYPE pg_temp.pair AS (day tenancy.query_daily)", "DOMAIN pg_temp.day AS tenancy.query_daily",
                     "FUNCTION pg_temp.runs(tenancy.query_daily) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 1::bigint'",
                     "OPERATOR pg_temp.@ (RIGHTARG = tenancy.query_daily, FUNCTION = pg_temp.runs)",
                     "FUNCTION pg_temp.add(bigint, tenancy.query_daily) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
                     "AGGREGATE pg_temp.total(tenancy.query_daily) (SFUNC = pg_temp.add, STYPE = bigint)",
                     "TABLE pg_temp.parts (k integer, day tenancy.query_daily) PARTITION BY LIST (k)",
                     "TABLE pg_temp.part PARTITION OF pg_temp.parts FOR VALUES IN (1)",
                     "TYPE pg_temp.span AS RANGE (SUBTYPE = tenancy.query_daily)",
                     "TYPE pg_temp.word AS ENUM ()", "CAST (pg_temp.word AS tenancy.query_daily) WITH INOUT",
                     "POLICY retried ON pg_temp.of_days USING (EXISTS (SELECT FROM tenancy.connections()))"):
            rows(tenant, "CREATE " + made)
        temporary = value(tenant, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'")
        error = raised(rows, session, "ALTER EXTENSION pg_tenancy UPDATE")
        same((error and error.pgcode, error and error.diag.message_detail),
             ("2BP01", "function reports.of_a_day(pg_catalog.date)\ntable column reports.half.daily\ntable column reports.kept.daily\ntable column reports.parts.daily\nview reports.\"all of them\""),
             "what is not temporary is named")
        ok(error and "after the update" in error.diag.message_hint, "with what to do", error and error.diag.message_hint)
        same(value(tenant, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"), temporary, "nothing else is changed")
        rows(session, "DROP SCHEMA reports CASCADE")
        rows(session, "ALTER EXTENSION pg_tenancy UPDATE")
        same(value(session, "SELECT extversion FROM pg_extension WHERE extname = 'pg_tenancy'"), current_version(session), "then it is updated")
        same(rows(tenant, "SELECT oid::regclass::text FROM pg_class WHERE relpersistence = 't'"), [], "without what is temporary")
        same(value(tenant, "SELECT count(*) FROM tenancy.connections()"), 0, "and the tenant's session goes on")


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


run(same_objects, same_rows, restored, dependants, own_privileges)
