#!/usr/bin/python3
"""The server is stopped, or its postmaster killed, while queries run: history is then what was promised."""

import contextlib
import os
import re
import signal

from platform_server import PASSWORD, Platform, enter, settle
from tenancy import UNIQUE, Background, client_server, never, ok, pid_of, raised, remote_running, rows, run, same, value, wait_until

server = Platform("max_worker_processes = 16\ntenancy.databases = 'postgres'\ntenancy.health_interval = 1\n")
tokens = [settle(server)]
with contextlib.closing(server.connect()) as owner:
    tokens.append(value(owner, "SELECT tenancy.login('bob@example.com', %s)", PASSWORD))
with contextlib.closing(enter(server, tokens[1])) as first:
    rows(first, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'bob.db', options => '{\"create\": true}')")
TABLE = "restart_" + UNIQUE
client = client_server("client_owner")
rows(client, "CREATE TABLE %s (word text)" % TABLE)


def work(token, answered):
    """Queries until the session is lost"""
    with contextlib.closing(enter(server, token)) as session:
        while True:
            answered.append(value(session, "SELECT tenancy.execute_query('shop', %s)", "SELECT %d" % len(answered))["query_id"])


def insert(session, word):
    """A row of the client database, whose statement is in the platform's history if anything is"""
    return value(session, "SELECT tenancy.execute_query('pg', %s)", "INSERT INTO %s VALUES ('%s')" % (TABLE, word))["query_id"]


def fill(answered, name):
    """Rows of the client database until the session is lost; each start is to be in history before the client database hears of it"""
    with contextlib.closing(enter(server, tokens[0])) as session:
        rows(session, "SET tenancy.history_durability = 'started'")
        while True:
            answered.append(insert(session, "%s %d" % (name, len(answered))))


def unrecorded(admin):
    """Rows of the client database of whose statements history knows nothing"""
    inserted = {word for word, in rows(client, "SELECT word FROM " + TABLE)}
    known = {text for text, in rows(admin, "SELECT generated_sql_query FROM tenancy.query_history WHERE generated_sql_query LIKE %s",
                                    "INSERT INTO " + TABLE + "%")}
    return {word for word in inserted if "INSERT INTO %s VALUES ('%s')" % (TABLE, word) not in known}


def stop_fast():
    server.stop("fast")


def stop_immediately():
    server.stop("immediate")


def kill(*more):
    """What the kernel does when memory runs out; no process is told"""
    for pid in (server.postmaster(), *more):
        os.kill(pid, signal.SIGKILL)
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
    filled = [[] for _ in range(2)]
    jobs += [Background(raised, fill, answered, "%s %d" % (stop.__name__, i)) for i, answered in enumerate(filled)]
    answers += filled
    wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries WHERE generated_sql_query LIKE %s", "%" + marker + "%") == 3, 30,
               "three committed starts")
    wait_until(lambda: min(map(len, answers)) > 50, 60, "answers")
    stop()
    for job in jobs:
        ok(job.value() is not None, "a session has ended")
    wait_until(lambda: remote_running(marker) == 0 and remote_running("INSERT INTO " + TABLE) == 0, 30, "the end of statements on the client database")
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
        ok(0 <= more <= len(answers), "and nothing twice: each session had at most one run without an answer", more)
        same(unrecorded(admin), set(), "with durability started, nothing reached the client database that is not in history")
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


def started():
    """The postmaster is killed while history stands still: what began with `started` has not reached the client database"""
    with contextlib.closing(server.connect()) as admin:
        wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 30, "an empty queue")
        sessions = {word: enter(server, tokens[0]) for word in ("finished", "started")}
        for word, session in sessions.items():
            rows(session, "SET tenancy.history_durability = '%s'" % word)
            value(session, "SELECT tenancy.execute_query('pg', 'SELECT 1')")
        worker = value(admin, "SELECT worker_pid FROM tenancy.history_queue()")
        os.kill(worker, signal.SIGSTOP)
        jobs = [Background(raised, insert, session, word) for word, session in sessions.items()]
        wait_until(lambda: rows(client, "SELECT 1 FROM " + TABLE + " WHERE word = 'finished'"), 30, "the one that does not wait on the client database")
        wait_until(lambda: value(admin, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid_of(sessions["started"])) == "Extension", 30,
                   "the one that waits for the commit of its start")
        ok(never(lambda: rows(client, "SELECT 1 FROM " + TABLE + " WHERE word = 'started'"), 1), "it does not go on without it")
        kill(worker)
    for job, session in zip(jobs, sessions.values()):
        ok(job.value() is not None, "a session has ended")
        session.close()
    server.start()
    with contextlib.closing(server.connect()) as admin:
        wait_until(lambda: value(admin, "SELECT worker_pid FROM tenancy.history_queue()") is not None, 30, "the history worker")
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries") == 0, 30, "an end of each run")
        same(unrecorded(admin), {"finished"}, "what is on the client database and not in history is the one that did not wait, and only that")


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
    wait_until(lambda: not server.processes(), 10, "the end of the postmaster, which first removes the file that pg_ctl waits for")
    ok(True, "it has ended")
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


try:
    run(fast, immediate, killed, log, started, without_standby)
finally:
    rows(client, "DROP TABLE " + TABLE)
