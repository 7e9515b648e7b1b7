#!/usr/bin/python3
"""The server is stopped, or its postmaster killed, while queries run: history is then what was promised."""

import contextlib
import os
import re
import signal

from platform_server import PASSWORD, Platform, enter, settle
from tenancy import Background, ok, raised, remote_running, rows, run, same, value, wait_until

server = Platform("max_worker_processes = 16\ntenancy.databases = 'postgres'\ntenancy.health_interval = 1\n")
tokens = [settle(server)]
with contextlib.closing(server.connect()) as owner:
    tokens.append(value(owner, "SELECT tenancy.login('bob@example.com', %s)", PASSWORD))
with contextlib.closing(enter(server, tokens[1])) as first:
    rows(first, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'bob.db', options => '{\"create\": true}')")


def work(token, answered):
    """Queries until the session is lost"""
    with contextlib.closing(enter(server, token)) as session:
        while True:
            answered.append(value(session, "SELECT tenancy.execute_query('shop', %s)", "SELECT %d" % len(answered))["query_id"])


def stop_fast():
    server.stop("fast")


def stop_immediately():
    server.stop("immediate")


def kill():
    """What the kernel does when memory runs out; no process is told"""
    os.kill(server.postmaster(), signal.SIGKILL)
    wait_until(lambda: not server.processes(), 30, "the end of all processes of the server")
    server.forget_postmaster()


def restart(stop, ends):
    """Stop the server in that way amid runs of several kinds, start it, and look; ends are the states that runs may have come to"""
    marker = "%s %d" % (stop.__name__, os.getpid())
    admin = server.connect()
    long, cursor, started = enter(server, tokens[0]), enter(server, tokens[0]), enter(server, tokens[1])
    before = value(admin, "SELECT count(*) FROM tenancy.query_history")
    jobs = [Background(raised, rows, long, "SELECT tenancy.execute_query('pg', 'SELECT pg_sleep(600) /* %s */')" % marker)]
    rows(cursor, "BEGIN")
    rows(cursor, "SELECT tenancy.open_query('shop', 'SELECT 1 AS a /* %s */', NULL, 'c')" % marker)
    rows(started, "SET tenancy.history_durability = 'started'")
    jobs.append(Background(raised, rows, started, "SELECT count(*) FROM generate_series(1, 1000000), tenancy.query('shop',"
                           " 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n /* %s */') AS t(i bigint)" % marker))
    answers = [[] for _ in range(4)]
    jobs += [Background(raised, work, tokens[i % 2], answered) for i, answered in enumerate(answers)]
    wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries WHERE generated_sql_query LIKE %s", "%" + marker + "%") == 3, 30,
               "three committed starts")
    wait_until(lambda: min(map(len, answers)) > 50, 60, "answers")
    stop()
    for job in jobs:
        ok(job.value() is not None, "a session has ended")
    wait_until(lambda: remote_running(marker) == 0, 30, "the end of the statement on the client database")
    ok(True, "%s: nothing goes on running on the client database" % stop.__name__)
    for session in (admin, long, cursor, started):
        session.close()
    server.start()
    with contextlib.closing(server.connect()) as admin:
        wait_until(lambda: value(admin, "SELECT count(DISTINCT backend_type) FROM pg_stat_activity WHERE backend_type IN"
                                 " ('pg_tenancy history worker', 'pg_tenancy maintenance worker')") == 2, 30,
                   "the workers, which nobody has asked for: status() would")
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries") == 0, 30, "an end of each run")
        found = {status for status, in rows(admin, "SELECT status FROM tenancy.query_history WHERE generated_sql_query LIKE %s", "%" + marker + "%")}
        ok(found <= ends, "runs that were under way are %s" % " or ".join(sorted(ends)), found)
        same(value(admin, "SELECT count(*) FROM tenancy.query_history WHERE generated_sql_query LIKE %s", "%" + marker + "%"), 3, "all three of them")
        answered = [query_id for ids in answers for query_id in ids]
        same(value(admin, "SELECT count(*) FROM tenancy.query_history WHERE id::text = ANY (%s) AND status = 'success'", answered), len(answered),
             "each run that was answered is in history (%d)" % len(answered))
        more = value(admin, "SELECT count(*) FROM tenancy.query_history") - before - 3 - len(answered)
        ok(0 <= more <= 4, "and nothing twice: each session had at most one run without an answer", more)
        same(rows(admin, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the chains are whole")
        checked = value(admin, "SELECT max(checked_at) FROM tenancy.connection_health")
        wait_until(lambda: value(admin, "SELECT max(checked_at) FROM tenancy.connection_health") > checked, 30, "a check of a connection")
        ok(True, "connections are checked again")
    with contextlib.closing(enter(server, tokens[0])) as session:
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 43')")["rows"], [[43]], "queries run again")


def fast():
    """pg_ctl stop, amid queries"""
    restart(stop_fast, {"cancelled"})


def immediate():
    """pg_ctl stop -m immediate"""
    restart(stop_immediately, {"lost"})


def killed():
    """kill -9 of the postmaster"""
    restart(kill, {"lost", "cancelled"})


def without_standby():
    """A server whose standby is gone ends, although runs wait for it"""
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "ALTER SYSTEM SET synchronous_standby_names = 'gone'")
        rows(admin, "SELECT pg_reload_conf()")
        wait_until(lambda: value(admin, "SHOW synchronous_standby_names") == "gone", 30, "the new setting")
    session = enter(server, tokens[0])
    rows(session, "SET tenancy.history_durability = 'async'")
    same(value(session, "SELECT tenancy.execute_query('shop', 'SELECT 4712')")["status"], "success", "a query")
    with contextlib.closing(server.connect()) as admin:
        wait_until(lambda: value(admin, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type LIKE 'pg_tenancy history%%'") == 1,
                   30, "the worker to wait for the standby")
    server.stop("fast")
    same(server.processes(), [], "it has ended")
    server.start()
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "ALTER SYSTEM RESET synchronous_standby_names")
        rows(admin, "SELECT pg_reload_conf()")
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.query_history WHERE generated_sql_query = 'SELECT 4712'") == 1, 30, "its run")


def log():
    """The server's log tells it in PostgreSQL's manner"""
    marked = [int(count) for count in re.findall("pg_tenancy history: marked ([0-9]+) runs? as lost", server.log())]
    with contextlib.closing(server.connect()) as admin:
        lost = value(admin, "SELECT count(*) FROM tenancy.query_history WHERE status = 'lost'")
    ok(max(marked, default=0) >= 3, "of the three runs that were lost, and whatever the four sessions ran", marked)
    same(sum(marked), lost, "of each that history has, once")


run(fast, immediate, killed, log, without_standby)
