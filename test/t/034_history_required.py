#!/usr/bin/python3
"""What history cannot record is refused; with tenancy.history_required = off it runs, with a warning: no worker, no progress, no room."""

import contextlib
import os
import signal

from platform_server import PASSWORD, Platform, enter
from tenancy import Background, ok, raised, rows, run, same, value, wait_until

ROOM = 16000  # bytes of a statement: a user's share of the smallest queue holds several, and no hauler is wanted for one
UNRECORDED = 'The query runs unrecorded because "tenancy.history_required" is off.'


def prepare(server, *words):
    """Users with a connection each, which no query has used yet; their ids and tokens."""
    users = []
    with contextlib.closing(server.connect()) as owner:
        rows(owner, "CREATE EXTENSION pg_tenancy")
        for word in words:
            email = word + "@test.example"
            users.append((value(owner, "SELECT tenancy.register(%s, %s)", email, PASSWORD),
                          value(owner, "SELECT tenancy.login(%s, %s)", email, PASSWORD)))
    for _, token in users:
        with contextlib.closing(enter(server, token)) as session:
            rows(session, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'a.db', options => '{\"create\": true}')")
    return users


def execute(session, statement):
    return value(session, "SELECT tenancy.execute_query('lite', %s)", statement)


def optional(server, token):
    """A session for which history is not required, as only a superuser can have it."""
    session = enter(server, token)
    rows(session, "SET tenancy.history_required = off")
    return session


def warned(session, message, detail):
    """Has the session had this one warning, and no other?"""
    wanted = "WARNING:  %s\nDETAIL:  %s\n" % (message, detail)
    same([notice[:len(wanted)] for notice in session.notices], [wanted], "with a warning that says why")
    session.notices.clear()


def recorded(server, statement):
    with contextlib.closing(server.connect()) as admin:
        return value(admin, "SELECT count(*) FROM tenancy.query_history WHERE generated_sql_query = %s", statement)


@contextlib.contextmanager
def stopped_worker(server):
    """The history worker stands still, as if its disk did."""
    with contextlib.closing(server.connect()) as admin:
        wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 30, "an empty queue")
        worker = value(admin, "SELECT worker_pid FROM tenancy.history_queue()")
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def without_worker():
    """No process can be had for the worker."""
    server = Platform("max_worker_processes = 1\n")  # PostgreSQL's own
    (user, token), = prepare(server, "nobody")
    path = os.path.join(server.home, "sqlite", user, "a.db")
    with contextlib.closing(enter(server, token)) as session:
        error = raised(execute, session, "SELECT 1")
        same(error and (error.pgcode, error.diag.message_primary), ("55000", "the history worker is not running"), "a query is refused")
        ok(error is not None and "max_worker_processes" in error.diag.message_hint, "with a hint", error)
        ok(not os.path.exists(path), "before its database is opened")
        error = raised(rows, session, "SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a int)")
        same(error and error.pgcode, "55000", "so is tenancy.query")
    with contextlib.closing(optional(server, token)) as session:
        answer = execute(session, "SELECT 2")
        same((answer["status"], answer["rows"]), ("success", [[2]]), "when history is not required, it runs")
        warned(session, "the history worker is not running", UNRECORDED)
        ok(os.path.exists(path), "in its database")
        same(rows(session, "SELECT * FROM tenancy.query('lite', 'SELECT 3') AS t(a int)"), [(3,)], "so does tenancy.query")
        warned(session, "the history worker is not running", UNRECORDED)
        same(execute(session, "SELECT broken")["status"], "error", "an error is answered as ever")
        warned(session, "the history worker is not running", UNRECORDED)
    with contextlib.closing(server.connect()) as admin:
        same(value(admin, "SELECT count(*) FROM tenancy.query_history"), 0, "nothing of it is in history")
        found = rows(admin, "SET tenancy.history_required = off; SELECT state FROM tenancy.status() WHERE item = 'history settings'")
        same(found, [("warning",)], "status() warns of the setting")
    server.stop("fast")


def without_progress():
    """The worker stands still: what has run cannot be confirmed, and is recorded when it goes on."""
    server = Platform()
    (_, token), = prepare(server, "waiting")
    message = "could not confirm that the query was recorded in history"
    with (contextlib.closing(enter(server, token)) as strict, contextlib.closing(optional(server, token)) as loose,
          contextlib.closing(enter(server, token)) as woken):
        execute(strict, "SELECT 'warm'")
        rows(woken, "SET client_connection_check_interval = '100ms'")
        rows(woken, "SET statement_timeout = '60s'")
        with stopped_worker(server):
            jobs = [Background(raised, execute, strict, "SELECT 'strict'"), Background(execute, loose, "SELECT 'loose'"),
                    Background(raised, execute, woken, "SELECT 'woken'")]
            error = jobs[0].value()
            same(error and (error.pgcode, error.diag.message_primary), ("55000", message), "an answer is held back, and an error says why")
            error = jobs[2].value()
            same(error and error.pgcode, "55000", "also where a timer wakes the session up all the time")
            same(jobs[1].value()["status"], "success", "when history is not required, it is given")
            warned(loose, message, "The history worker made no progress for 10 seconds; it will write the run when it can.")
            same((recorded(server, "SELECT 'strict'"), recorded(server, "SELECT 'loose'")), (0, 0), "neither is in history yet")
        for statement in ("SELECT 'strict'", "SELECT 'loose'"):
            wait_until(lambda s=statement: recorded(server, s) == 1, 30, "the run in history")
        ok(True, "when the worker goes on, both are")
        same(execute(loose, "SELECT 'after'")["status"], "success", "and runs are confirmed again")
        same((loose.notices, recorded(server, "SELECT 'after'")), ([], 1), "without a warning")
    server.stop("fast")


def without_room():
    """The queue is full, of several users' runs, and the worker stands still."""
    server = Platform("tenancy.history_queue_size = '1MB'\n")
    *crowd, (_, token) = prepare(server, *("user%d" % number for number in range(7)))
    message = "the queue of pg_tenancy history is full"

    def padded(word):
        return ("SELECT '%s'" % word).ljust(ROOM)

    def fill(number):
        """Runs of one user until there is no more room; how many, and what is said of the next one."""
        with contextlib.closing(enter(server, crowd[number][1])) as session:
            rows(session, "SET tenancy.history_durability = 'async'")
            for count in range(1000):
                error = raised(execute, session, padded("%d %d" % (number, count)))
                if error is not None:
                    return count, error.pgcode
        return count, None
    with contextlib.closing(enter(server, token)) as strict, contextlib.closing(optional(server, token)) as loose:
        execute(strict, "SELECT 'warm'")
        with stopped_worker(server):
            filled = [job.value() for job in [Background(fill, number) for number in range(len(crowd))]]
            same({code for _, code in filled} | {"53400"}, {"53200", "53400"}, "users fill the queue, or their shares of it")
            jobs = [Background(raised, execute, strict, padded("strict")), Background(execute, loose, padded("loose"))]
            error = jobs[0].value()
            same(error and (error.pgcode, error.diag.message_primary), ("53200", message), "another user's query is refused")
            ok(error is not None and "tenancy.history_queue_size" in error.diag.message_hint, "with a hint", error)
            answer = jobs[1].value()
            same((answer["status"], answer["rows"]), ("success", [["loose"]]), "when history is not required, it runs")
            warned(loose, message, UNRECORDED)
        wanted = sum(count for count, _ in filled)
        with contextlib.closing(server.connect()) as admin:
            wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.query_history") == wanted + 1, 60, "all that was taken, in history")
            same(execute(loose, padded("later"))["status"], "success", "with room again, it is recorded")
            same((loose.notices, recorded(server, padded("later")), recorded(server, padded("loose"))), ([], 1, 0), "and what ran unrecorded stays so")
            same(rows(admin, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "the chains are whole")
    server.stop("fast")


run(without_worker, without_progress, without_room)
