#!/usr/bin/python3
"""pg_dump and restore keep everything that is the users'; credentials open with the key ring, and only with it."""

import base64
import contextlib
import os

from platform_server import PASSWORD, Platform, enter, make_ring, settle
from tenancy import ok, raised, rows, run, same, value

# What is not dumped: logins, queues, and what a worker finds out again.
NOT_KEPT = {"user_sessions", "running_queries"}

source = Platform()
settle(source)
home = source.home
with open(os.path.join(home, "ring"), encoding="ascii") as file:
    RING = file.read()
dump = os.path.join(source.directory, "dump")
source.program("pg_dump", "--format=custom", "--file=" + dump, *source.reach())
roles = source.program("pg_dumpall", "--roles-only", *source.reach()[:3])


def tables(session):
    return [name for name, in rows(session, "SELECT relname FROM pg_class WHERE relnamespace = 'tenancy'::regnamespace"
                                   " AND relkind = 'r' ORDER BY 1")]


def contents(session, table):
    return rows(session, 'SELECT t::text FROM tenancy."%s" AS t ORDER BY 1' % table)


def restore():
    """Into an empty server whose key ring is another one."""
    target = Platform()
    target.program("psql", "--no-psqlrc", "--quiet", "--file=-", *target.reach(), input="\n".join(
        line for line in roles.splitlines() if "postgres" not in line))
    target.program("pg_restore", "--exit-on-error", *target.reach(), dump)
    return target


target = restore()


def same_rows():
    """Row by row."""
    with contextlib.closing(source.connect()) as before, contextlib.closing(target.connect()) as after:
        for table in tables(before):
            if table == "encryption_keys":
                continue  # what the worker knows of the key ring
            if table in NOT_KEPT:
                same(contents(after, table), [], table + " begins empty")
            elif table == "connection_health":
                same(rows(after, "SELECT DISTINCT state, checked_at FROM tenancy.connection_health"), [("unknown", None)],
                     "connections are to be checked anew")
            elif table == "audit_log":
                kept = set(contents(after, table))
                ok(set(contents(before, table)) <= kept, "audit_log has all that it had")
            else:
                same(contents(after, table), contents(before, table), table + " is what it was")
        same(rows(after, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the hash chains hold")
        ok(rows(after, "SELECT 1 FROM tenancy.schema_touches AS t JOIN tenancy.database_connections AS c ON c.id = t.database_connection_id"
                " WHERE c.name = 'shop'"), "a schema that was known to be stale still is")
        same(value(after, "SELECT count(*) FROM pg_foreign_table"), 1, "foreign tables are there")


def keys():
    """Without the key a credential is refused clearly; with it, everything goes on."""
    with contextlib.closing(target.connect()) as session:
        token = value(session, "SELECT tenancy.login('ada@example.com', %s)", PASSWORD)
    ok(token, "the user logs in with the old password")
    ring = target.home
    with contextlib.closing(enter(target, token)) as session:
        error = raised(rows, session, "SELECT * FROM tenancy.query('pg', 'SELECT 42') AS t(a int)")
        same(error and error.pgcode, "28000", "another key ring opens nothing")
        ok(error and "not in the key ring" in str(error), "and that is what the error says", error)
    make_ring(ring, "k9 %s\n" % base64.b64encode(os.urandom(32)).decode())
    with contextlib.closing(target.connect()) as admin:
        found = rows(admin, "SELECT state, value FROM tenancy.status() WHERE item = 'credentials'")
        ok(found[0][0] == "error" and "not in the ring" in found[0][1], "status() tells an administrator", found)
    os.remove(os.path.join(ring, "ring"))
    with contextlib.closing(enter(target, token)) as session:
        error = raised(rows, session, "SELECT * FROM tenancy.query('pg', 'SELECT 42') AS t(a int)")
        same(error and error.pgcode, "58P01", "no key ring is another error")
    make_ring(ring, RING)
    with contextlib.closing(enter(target, token)) as session:
        same(rows(session, "SELECT * FROM tenancy.query('pg', 'SELECT 42') AS t(a int)"), [(42,)], "with the old ring the credential opens")
        before = value(session, "SELECT count(*) FROM tenancy.history()")
        rows(session, "SELECT tenancy.execute_query('pg', 'SELECT 43')")
        same(value(session, "SELECT count(*) FROM tenancy.history()"), before + 1, "history goes on where it was")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "in the same chain")


def again():
    """A dump of the restored database is restored, too."""
    second = os.path.join(target.directory, "dump")
    target.program("pg_dump", "--format=custom", "--file=" + second, *target.reach())
    target.program("createdb", *target.reach()[:3], "twice")
    target.program("pg_restore", "--exit-on-error", *target.reach("twice"), second)
    with contextlib.closing(target.connect(dbname="twice")) as session:
        same(value(session, "SELECT count(*) FROM tenancy.users"), 2, "with its users")


run(same_rows, keys, again)
