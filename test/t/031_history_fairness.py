#!/usr/bin/python3
"""The queue of history is shared fairly: what one tenant keeps in it never stops the queries of another."""

import contextlib
import os
import signal
import time

from tenancy import (User, connect, execute, history, kill_backend, ok, raised, rows, run, same, sqlstate, value,
                     wait_for_history, wait_until)

LONG = 3900 * 1024
AT_ONCE = 3  # seconds; a queue that is full has its users wait for ten


def queue(session):
    """Bytes in the queue, and its capacity."""
    return rows(session, "SELECT bytes, capacity FROM tenancy.history_queue()")[0]


def padded(size):
    return "SELECT 1" + " " * (size - len("SELECT 1"))


def open_cursor(session, size):
    """A run that lasts as long as its transaction."""
    return value(session, "SELECT tenancy.open_query('lite', %s)", padded(size))


def timed(function, *arguments):
    """What a call answers, and how long it took."""
    begun = time.monotonic()
    answer = function(*arguments)
    return answer, time.monotonic() - begun


def fill(session, size):
    """Open cursors in one transaction until one is refused; how many, and the refusal."""
    for count in range(1000):
        rows(session, "SAVEPOINT s")
        error = raised(open_cursor, session, size)
        if error is not None:
            rows(session, "ROLLBACK TO s")
            return count, error
    return count, None


@contextlib.contextmanager
def attacking(user, sessions=1, **settings):
    """Sessions of a tenant in open transactions."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(contextlib.closing(user.connect(**settings))) for _ in range(sessions)]
        for session in opened:
            rows(session, "BEGIN")
        yield opened


@contextlib.contextmanager
def stopped_worker(admin):
    """The worker stands still, as if its disk did."""
    wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 30, "an empty queue")
    pid = value(admin, "SELECT worker_pid FROM tenancy.history_queue()")
    kill_backend(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def tenants():
    """An attacker and a victim, each with a connection that has served."""
    attacker, victim = User("attacker"), User("victim")
    for user in (attacker, victim):
        user.sqlite()
        with contextlib.closing(user.connect()) as session:
            execute(session, "lite", "SELECT 'warm'")
    return attacker, victim


def open_cursors():
    """More text in open cursors than the queue can hold."""
    attacker, victim = tenants()
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect()) as session:
        capacity = queue(admin)[1]
        with attacking(attacker, sessions=3) as sessions:
            opened, outcomes = 0, set()
            while opened * LONG < capacity and outcomes <= {None, "53400"}:
                attack = sessions[opened % 3]
                rows(attack, "SAVEPOINT s")
                outcome = sqlstate(open_cursor, attack, LONG)
                outcomes.add(outcome)
                opened += outcome is None
                if outcome is not None:
                    rows(attack, "ROLLBACK TO s")
                    time.sleep(0.1)
            ok(outcomes <= {None, "53400"}, "who opens them too fast is told so", outcomes)
            ok(opened * LONG >= capacity, "the cursors are open", "%d of %d bytes" % (opened, LONG))
            answer, seconds = timed(execute, session, "lite", "SELECT 42 AS n")
            same((answer["status"], seconds < AT_ONCE), ("success", True), "another tenant's query succeeds promptly")
            wait_until(lambda: queue(admin)[0] < capacity / 64, 10, "room in the queue")
            same(value(admin, "SELECT running FROM tenancy.history_queue()"), opened, "a run that is written keeps little room")
            for attack in sessions:
                rows(attack, "COMMIT")
        entries = wait_for_history("user_id = %s AND generated_sql_query LIKE 'SELECT 1 %%'", attacker.id, count=opened)
        same({(entry["generated_sql_query"] == padded(LONG), entry["connection_name"], entry["status"]) for entry in entries},
             {(True, "lite", "success")}, "each is in history with its whole text")
        wait_until(lambda: queue(admin)[0] == 0, 10, "an empty queue")


def own_share():
    """A tenant's share is a quarter of the queue; who wants more waits for the worker, and nobody else does."""
    attacker, victim = tenants()
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect(history_durability="async")) as session:
        capacity = queue(admin)[1]
        with attacking(attacker, sessions=2) as (first, second), \
                attacking(attacker, history_required="off") as (optional,):
            with stopped_worker(admin):
                opened, error = fill(first, LONG)
                same(error and error.pgcode, "53400", "the attacker is refused")
                ok(error is not None and error.diag.message_hint and "share" in error.diag.message_primary,
                   "and learns why", error)
                ok(opened > 1 and sqlstate(open_cursor, second, LONG) == "53400", "the share is that of all sessions of a user")
                ok(capacity / 8 < queue(admin)[0] <= capacity / 4, "which hold a quarter of the queue", queue(admin))
                same(sqlstate(open_cursor, optional, LONG), "53400", "nobody gets around it unrecorded")
                answer, seconds = timed(execute, session, "lite", "SELECT 43 AS n")
                same((answer["status"], seconds < AT_ONCE), ("success", True), "another tenant is not refused")
            same(len(wait_for_history("id = %s", answer["query_id"])), 1, "and is in history")
            wait_until(lambda: queue(admin)[0] < capacity / 8, 10, "room in the queue")
            same(sqlstate(open_cursor, first, LONG), None, "what the worker has written is the share's again")
        with contextlib.closing(attacker.connect()) as again:
            error, seconds = timed(raised, open_cursor, again, capacity // 4)
            same((error and error.pgcode, seconds < AT_ONCE), ("53400", True), "a text that is longer than a share is refused")
            same(execute(again, "lite", "SELECT 44 AS n")["status"], "success", "a share that is empty serves")
        wait_until(lambda: queue(admin)[0] == 0, 10, "an empty queue")


run(open_cursors, own_share)
