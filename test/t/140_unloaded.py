#!/usr/bin/python3
"""A server whose shared_preload_libraries lost the extension: every function says so, nothing ends a process, and nothing is lost."""

import contextlib
import os

from platform_server import Platform, enter, settle
from tenancy import ok, pid_of, raised, rows, run, same, value

MESSAGE = 'pg_tenancy must be loaded via "shared_preload_libraries"'
HINT = 'Add pg_tenancy to "shared_preload_libraries" in postgresql.conf and restart the server.'
server = Platform()
token = settle(server)


def set_preloading(libraries):
    with open(os.path.join(server.data, "postgresql.conf"), "a", encoding="utf-8") as file:
        file.write("shared_preload_libraries = '%s'\n" % libraries)
    server.stop("fast")
    server.start()


def refused(session, statement, name):
    error = raised(rows, session, statement)
    same(error and (error.pgcode, error.diag.message_primary, error.diag.message_hint), ("55000", MESSAGE, HINT), name)


def calls(session):
    """Each function that is written in C and that SQL can call, and a call of it, which its strictness does not keep from being made"""
    found = rows(session, "SELECT p.oid::regprocedure::text, p.oid::regproc::text, ARRAY(SELECT format_type(nullif(t.oid, '\"any\"'::regtype), NULL)"
                 " FROM unnest(p.proargtypes) WITH ORDINALITY AS t (oid, place) ORDER BY t.place)"
                 " FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname = 'c'"
                 " AND p.pronamespace = 'tenancy'::regnamespace AND 'internal'::regtype <> ALL (p.proargtypes) ORDER BY 1")
    return [(signature, "ALTER FUNCTION %s CALLED ON NULL INPUT; SELECT %s(%s)" % (
        signature, name, ", ".join("NULL::" + (kind or "text") for kind in types))) for signature, name, types in found]


def unloaded():
    """Every function, what calls functions, and what needs none"""
    set_preloading("")
    session = server.connect()
    epoch, pid = value(session, "SELECT pg_postmaster_start_time()"), pid_of(session)
    found = calls(session)
    ok(len(found) > 50, "there are functions", len(found))
    for signature, call in found:
        refused(session, call, signature)
    refused(session, "UPDATE tenancy.database_connections SET port = 1 WHERE name = 'pg'", "a change of a connection")
    refused(session, "UPDATE tenancy.users SET is_active = false", "a change of a user")
    refused(session, "SELECT * FROM tenancy.history()", "history")
    refused(session, "SELECT tenancy.ask('shop', 'how many items')", "a question")
    refused(session, "SELECT * FROM shop.items", "a foreign table")
    refused(session, "INSERT INTO shop.items VALUES (3, 'pot')", "a row of a foreign table")
    same(rows(session, "SELECT state, hint IS NOT NULL FROM tenancy.status() WHERE item = 'preloading'"), [("error", True)], "status() says what to do")
    rows(session, "CREATE DATABASE copy TEMPLATE template0")
    with contextlib.closing(server.connect(dbname="copy")) as fresh:
        refused(fresh, "CREATE EXTENSION pg_tenancy", "the extension of another database")
        same(value(fresh, "SELECT to_regnamespace('tenancy')"), None, "of which nothing is made")
    rows(session, "DROP DATABASE copy")
    ok("COPY tenancy.query_history" in server.program("pg_dump", *server.reach()), "a dump needs no library")
    same((value(session, "SELECT pg_postmaster_start_time()"), pid_of(session)), (epoch, pid), "the session lives")
    ok("terminated by signal" not in server.log(), "no process has died")
    session.close()


def loaded():
    """As before, when it is back"""
    with contextlib.closing(server.connect()) as session:
        before = value(session, "SELECT count(*) FROM tenancy.query_history")
    set_preloading("pg_tenancy")
    with contextlib.closing(enter(server, token)) as session:
        same(value(session, "SELECT tenancy.execute_query('shop', 'SELECT count(*) FROM items')")["rows"], [[2]], "queries run")
        same(value(session, "SELECT count(*) FROM tenancy.query_history"), before + 1, "history goes on")
    with contextlib.closing(server.connect()) as session:
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "in the same chain")


run(unloaded, loaded)
