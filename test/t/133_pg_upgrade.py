#!/usr/bin/python3
"""pg_upgrade takes a platform along, with its users, credentials, history and foreign tables."""

import contextlib

from platform_server import Platform, enter, settle
from tenancy import run, rows, same, value

old = Platform()
token = settle(old)


def state(session):
    return {table: rows(session, 'SELECT t::text FROM tenancy."%s" AS t ORDER BY 1' % table) for table in
            ("users", "user_sessions", "database_connections", "query_history", "history_chain", "audit_log", "attachments")}


def upgrade():
    """Into a new cluster, as on the way to a new major version."""
    with contextlib.closing(old.connect()) as session:
        before = state(session)
    old.stop("fast")
    new = Platform(home=old.home)
    new.stop("fast")
    new.program("pg_upgrade", "--old-bindir=" + old._bin, "--new-bindir=" + new._bin, "--old-datadir=" + old.data, "--new-datadir=" + new.data,
                "--old-port=%d" % old.port, "--new-port=%d" % new.port, "--username=postgres", "--socketdir=" + new.directory)
    new.start()
    with contextlib.closing(new.connect()) as session:
        after = state(session)
        for table, wanted in before.items():
            same(after[table], wanted, table + " is what it was")
    with contextlib.closing(enter(new, token)) as session:
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 45')")["rows"], [[45]], "a credential opens")
        same(rows(session, "SELECT name FROM shop.items ORDER BY id"), [("tea",), ("cup",)], "a foreign table answers")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "history goes on in its chain")
        same(value(session, "SELECT email FROM tenancy.profile()"), "ada@example.com", "a session of before is logged in")
    with contextlib.closing(new.connect()) as session:
        version = value(session, "SELECT extversion FROM pg_extension WHERE extname = 'pg_tenancy'")
        rows(session, "ALTER EXTENSION pg_tenancy UPDATE")
        same(value(session, "SELECT extversion FROM pg_extension WHERE extname = 'pg_tenancy'"), version, "the extension is current")


run(upgrade)
