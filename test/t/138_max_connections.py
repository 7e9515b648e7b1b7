#!/usr/bin/python3
"""All connections to the platform are taken: who has one works on, history is written, workers come back, and an operator sees it."""

import contextlib

import psycopg2

from platform_server import Platform, settle
from tenancy import Background, ok, rows, run, same, together, value, wait_until

ALLOWED, RESERVED = 8, 3
server = Platform("max_connections = %d\nsuperuser_reserved_connections = %d\nmax_worker_processes = 16\ntenancy.databases = 'postgres'\n"
                  "tenancy.health_interval = 1\n" % (ALLOWED, RESERVED))
token = settle(server)
with contextlib.closing(server.connect()) as owner:
    rows(owner, "CREATE ROLE app LOGIN IN ROLE tenancy_user; ALTER ROLE app SET tenancy.identity_scope = 'session'")


def tenant():
    session = server.connect(user="app")
    rows(session, "SELECT set_config('tenancy.session', %s, false)", token)
    return session


def refusal(**settings):
    """What a session that cannot connect is told, and where it is told it"""
    try:
        server.connect(**settings).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return None


def item(admin, name):
    return rows(admin, "SELECT state, value, hint FROM tenancy.status() WHERE item = %s", name)[0]


def worker(admin, kind):
    return value(admin, "SELECT pid FROM pg_stat_activity WHERE backend_type = %s", "pg_tenancy %s worker" % kind)


def taken():
    """Tenants have all connections that they may have"""
    wait_until(lambda: value(admin, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == 1, 30, "other sessions to end")
    same(item(admin, "sessions")[0], "ok", "status() is content before")
    sessions = [tenant() for _ in range(ALLOWED - RESERVED - 1)]
    ok("connection slots are reserved" in (refusal(user="app") or ""), "another tenant is told why", refusal(user="app"))
    same(value(sessions[0], "SELECT tenancy.execute_query('pg', 'SELECT 42')")["rows"], [[42]], "who is connected queries")
    state, text, hint = item(admin, "sessions")
    same((state, text), ("error", "%d of %d, and %d more for superusers" % (ALLOWED - RESERVED, ALLOWED - RESERVED, RESERVED)), "status() says it")
    ok("max_connections" in hint, "and what is to be done", hint)
    before = value(admin, "SELECT count(*) FROM tenancy.query_history")
    together([lambda s=session: [value(s, "SELECT tenancy.execute_query('shop', 'SELECT 1')") for _ in range(50)] for session in sessions])
    same(value(admin, "SELECT count(*) FROM tenancy.query_history") - before, 50 * len(sessions), "history is written")

    more = [server.connect() for _ in range(RESERVED)]
    ok("too many clients" in (refusal() or ""), "when superusers have taken what is theirs, they are told as well", refusal())
    for kind in ("history", "maintenance"):
        old = worker(admin, kind)
        rows(admin, "SELECT pg_terminate_backend(%s)", old)
        wait_until(lambda k=kind, o=old: worker(admin, k) not in (None, o), 30, "another %s worker" % kind)
        ok(True, "the %s worker comes back: it needs no connection of these" % kind)
    jobs = [Background(value, session, "SELECT tenancy.execute_query('shop', 'SELECT 2')") for session in sessions]
    same({job.value()["status"] for job in jobs}, {"success"}, "queries are answered")
    checked = value(admin, "SELECT max(checked_at) FROM tenancy.connection_health")
    wait_until(lambda: value(admin, "SELECT max(checked_at) FROM tenancy.connection_health") > checked, 30, "a check of a connection")
    ok(True, "connections are checked")
    for session in more + sessions:
        session.close()
    wait_until(lambda: refusal(user="app") is None, 30, "a free connection")
    same(rows(admin, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the chain is whole")
    wait_until(lambda: item(admin, "sessions")[0] == "ok", 30, "a status() that is content")


admin = server.connect()
run(taken)
