#!/usr/bin/python3
"""A disk that is full: history waits for room and loses nothing, an operator sees why, and nobody has to do anything but make room."""

import base64
import contextlib
import os

from platform_server import Platform, enter, settle
from small_disk import MEGABYTE, disks
from tenancy import Background, note, ok, raised, rows, run, same, value, wait_until

SETTINGS = """
tenancy.history_queue_size = 16MB
tenancy.health_interval = 1
tenancy.databases = 'platform'
max_worker_processes = 16
min_wal_size = 32MB
max_wal_size = 64MB
autovacuum = off
"""
WORKERS = "SELECT backend_type, pid FROM pg_stat_activity WHERE backend_type ~ '^pg_tenancy (history|maintenance) worker' AND datname = 'platform' ORDER BY 1"


def noise(size):
    """Text that does not become smaller when it is compressed"""
    return base64.b64encode(os.urandom(size * 3 // 4)).decode()


def insert(session, size=MEGABYTE // 2):
    """A row in the tenant's database, with a statement of that size; the answer"""
    return value(session, "SELECT tenancy.execute_query('shop', %s)", "INSERT INTO items VALUES (NULL, 'row') /* %s */" % noise(size))


def item(admin, name):
    return rows(admin, "SELECT state, value, hint FROM tenancy.status() WHERE item = %s", name)[0]


def counts(admin, session):
    """What the tenant's database has of these inserts, and what history has of them: all, different ones, and ended well"""
    there = value(session, "SELECT tenancy.execute_query('shop', 'SELECT count(*) FROM items WHERE name = ''row''')")["rows"][0][0]
    return there, *rows(admin, "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE status = 'success') FROM tenancy.query_history"
                        " WHERE generated_sql_query LIKE 'INSERT INTO items VALUES (NULL%%'")[0]


def platform(place):
    """A server whose platform database lies there, or where databases do; a session of its superuser there, one of a tenant, and the workers' pids"""
    server = Platform(SETTINGS)
    with contextlib.closing(server.connect()) as session:
        if place is not None:
            rows(session, "CREATE TABLESPACE small LOCATION '%s'" % place)
        rows(session, "CREATE DATABASE platform" + (" TABLESPACE small" if place is not None else ""))
    token = settle(server, "platform")
    admin, session = server.connect(dbname="platform"), enter(server, token, "platform")
    wait_until(lambda: len(rows(admin, WORKERS)) == 2, 30, "the workers")
    return server, admin, session


def no_room_for_tables(disk):
    server, admin, session = platform(disk.place("tables"))
    answered = [insert(session)["query_id"]]
    workers = rows(admin, WORKERS)
    disk.fill(server)
    while True:
        error = raised(insert, session)
        if error is not None:
            break
    same(error.pgcode, "55000", "a query whose history cannot be written is an error, when it has waited")
    ok("could not confirm" in str(error) and "made no progress for 10 seconds" in str(error), "which says why", error)
    state, text, hint = item(admin, "history worker")
    ok(state == "error" and "cannot write since" in text and disk.full in text and "tries again" in hint, "status() says why and since when",
       (state, text, hint))
    wait_until(lambda: item(admin, "history queue")[0] != "ok", 10, "a warning of what waits for how long")
    log = server.log()
    ok("pg_tenancy history: could not write, will try again: could not" in log and disk.full in log, "the log says it", log[-2000:])
    same(log.count("pg_tenancy history: could not write, will try again"), 1, "once a minute, not with each try")
    same(rows(admin, WORKERS), workers, "the workers are the same")
    ok(value(session, "SELECT count(*) FROM tenancy.history()") >= len(answered), "history can be read")
    same(raised(rows, session, "SELECT * FROM tenancy.profile()"), None, "and so can all that is only read")

    rows(session, "SET tenancy.history_durability = 'async'")
    error = None
    for _ in range(40):
        error = raised(insert, session)
        if error is not None:
            break
    ok(error is not None and error.pgcode in ("53400", "53200"), "a queue that is full takes no more", error)
    ok("queue" in str(error) and "history" in str(error), "which says what is full", error)
    state, text, hint = item(admin, "history queue")
    ok(state != "ok" and "disk" in hint, "status() says so, too", (state, text, hint))

    disk.empty(server)
    wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 60, "an empty queue")
    there, entries, different, well = counts(admin, session)
    same((entries, different, well), (there, there, there), "with room again, each statement that ran is in history, once; those refused did not run")
    same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the chain is whole")
    same((item(admin, "history worker")[0], item(admin, "history queue")[0]), ("ok", "ok"), "status() is content")
    same(rows(admin, WORKERS), workers, "with the same workers")
    ok("pg_tenancy history: writes again after" in server.log(), "the log says that it is over")
    checked = value(admin, "SELECT max(checked_at) FROM tenancy.connection_health")
    wait_until(lambda: value(admin, "SELECT max(checked_at) FROM tenancy.connection_health") > checked, 30, "a check of a connection")
    ok(True, "connections are checked")
    server.stop("fast")


def is_open(server):
    return raised(lambda: server.connect().close()) is None


def take_answers(session, answered):
    """Rows until there is no answer any more; the error that ends it"""
    while True:
        error = raised(lambda: answered.append(insert(session, MEGABYTE)["query_id"]))
        if error is not None:
            return error


def no_room_for_wal(disk):
    server, admin, session = platform(None)
    server.may_crash = True
    token = value(session, "SELECT current_setting('tenancy.session')")
    admin.close()
    session.close()
    server.stop("fast")
    disk.hold_wal(server)
    server.start()
    session, busy, admin = enter(server, token, "platform"), enter(server, token, "platform"), server.connect(dbname="platform")
    answered = [insert(session)["query_id"]]
    job = Background(raised, rows, busy, "SELECT tenancy.execute_query('pg', 'SELECT pg_sleep(600)')")
    wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries WHERE generated_sql_query LIKE '%pg_sleep%'") == 1, 30, "a run under way")
    disk.fill(server)
    error = take_answers(session, answered)
    ok(error.pgcode is None and job.wait().result is not None, "without room for WAL all sessions end", error)
    ok("PANIC" in server.log() and disk.full in server.log(), "PostgreSQL's log says why", server.log()[-2000:])
    wait_until(lambda: server.postmaster() is None or "all server processes terminated" in server.log(), 60, "the end of all sessions")
    disk.empty(server)
    wait_until(lambda: server.postmaster() is None or is_open(server), 60, "crash recovery, or the end of the server")
    if server.postmaster() is None:
        server.start()
    with contextlib.closing(enter(server, token, "platform")) as session, contextlib.closing(server.connect(dbname="platform")) as admin:
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries") == 0 and item(admin, "history worker")[0] == "ok", 30, "the worker")
        same(rows(admin, "SELECT status FROM tenancy.query_history WHERE generated_sql_query LIKE '%pg_sleep%'"), [("lost",)], "the run under way is lost")
        same(value(admin, "SELECT count(*) FROM tenancy.query_history WHERE id::text = ANY (%s) AND status = 'success'", answered), len(answered),
             "each run that was answered is in history (%d)" % len(answered))
        there, entries, different, _ = counts(admin, session)
        ok(entries == different and len(answered) <= entries <= there, "nothing is there twice, nor what did not run", (there, entries, different))
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 43')")["rows"], [[43]], "queries run again")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the chain is whole")
    server.stop("fast")


def tables():
    """History waits until there is room for its rows, and sessions are told"""
    for disk in disks(160, 16):
        note("tables: " + type(disk).__name__)
        no_room_for_tables(disk)
        disk.close()


def wal():
    """A server that cannot write its WAL crashes; when there is room, it has what it had promised"""
    for disk in disks(200, 1):
        note("WAL: " + type(disk).__name__)
        no_room_for_wal(disk)
        disk.close()


run(tables, wal)
