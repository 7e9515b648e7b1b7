#!/usr/bin/python3
"""The queue of history is shared fairly: what one tenant keeps in it never stops the queries of another."""

import contextlib
import os
import signal
import threading
import time

from tenancy import (Background, User, connect, execute, history, kill_backend, ok, pid_of, raised, rows, run, same, sqlstate, value,
                     wait_for_history, wait_until)

LONG = 3900 * 1024
AT_ONCE = 8  # seconds; a queue that is full has its users wait for ten


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


def history_worker(admin):
    return value(admin, "SELECT worker_pid FROM tenancy.history_queue()")


def hauler(admin):
    """The worker that writes runs with long texts; None: none is there."""
    return value(admin, "SELECT pid FROM pg_stat_activity"
                 " WHERE backend_type = 'pg_tenancy history hauler' AND datname = current_database()")


@contextlib.contextmanager
def stopped(admin, *workers):
    """Workers stand still, as if their disk did."""
    wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 30, "an empty queue")
    pids = [pid for pid in (worker(admin) for worker in workers) if pid is not None]
    for pid in pids:
        kill_backend(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def long_run(session, word):
    """A run with a text of a hundred kilobytes."""
    return execute(session, "lite", "SELECT '%s'" % word + " " * 100000)


def whole_chains(*users):
    with contextlib.closing(connect()) as admin:
        found = rows(admin, "SELECT u, v.problem FROM unnest(%s::uuid[]) AS u, tenancy.verify_history(u) AS v"
                     " WHERE v.problem IS NOT NULL", [user.id for user in users])
    same(found, [], "the hash chains are whole")


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
        with attacking(attacker, sessions=3, max_running_queries_per_user="0") as sessions:
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
            wait_until(lambda: queue(admin)[0] < capacity / 64, 60, "room in the queue")
            same(value(admin, "SELECT running FROM tenancy.history_queue()"), opened, "a run that is written keeps little room")
            for attack in sessions:
                rows(attack, "COMMIT")
        entries = wait_for_history("user_id = %s AND generated_sql_query LIKE 'SELECT 1 %%'", attacker.id, count=opened)
        same({(entry["generated_sql_query"] == padded(LONG), entry["connection_name"], entry["status"]) for entry in entries},
             {(True, "lite", "success")}, "each is in history with its whole text")
        wait_until(lambda: queue(admin)[0] == 0, 60, "an empty queue")


def own_share():
    """A tenant's share is a quarter of the queue; who wants more waits for the worker, and nobody else does."""
    attacker, victim = tenants()
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect(history_durability="async")) as session:
        capacity = queue(admin)[1]
        with attacking(attacker, sessions=2) as (first, second), \
                attacking(attacker, history_required="off") as (optional,):
            with stopped(admin, history_worker, hauler):
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
            wait_until(lambda: queue(admin)[0] < capacity / 8, 60, "room in the queue")
            same(sqlstate(open_cursor, first, LONG), None, "what the worker has written is the share's again")
        with contextlib.closing(attacker.connect()) as again:
            error, seconds = timed(raised, value, again, "SELECT tenancy.open_query('lite', 'SELECT 1' || repeat(' ', %s))",
                                   capacity // 4)
            same((error and error.pgcode, seconds < AT_ONCE), ("53400", True), "a text that is longer than a share is refused")
            same(execute(again, "lite", "SELECT 44 AS n")["status"], "success", "a share that is empty serves")
        wait_until(lambda: queue(admin)[0] == 0, 60, "an empty queue")


def crowd():
    """Long texts of as many users as have whole shares in the queue leave room for the short ones of others."""
    attackers, victim = [User("crowd%d" % number) for number in range(4)], User("victim")
    for user in (*attackers, victim):
        user.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect(history_durability="async")) as session, \
            contextlib.ExitStack() as stack:
        capacity = queue(admin)[1]
        share = capacity * 7 // 8 // 4
        sizes = [LONG] * (share // LONG)
        sizes.append(share - sum(sizes) - 8192)
        sessions = [stack.enter_context(attacking(user))[0] for user in attackers]
        late = stack.enter_context(attacking(victim))[0]
        for warm in (*sessions, late, session):
            execute(warm, "lite", "SELECT 'warm'")

        def fill_share(attack):
            """A share but for some kilobytes; the first refusal."""
            return next((error for error in (raised(open_cursor, attack, size) for size in sizes) if error is not None), None)

        with stopped(admin, history_worker, hauler):
            errors = [job.value() for job in [Background(fill_share, attack) for attack in sessions]]
            answer, seconds = timed(execute, session, "lite", padded(24000))
            same((answer["status"], seconds < AT_ONCE), ("success", True), "another tenant's query succeeds promptly")
            refused = [error for error in errors if error is not None]
            ok(len(refused) >= 2 and {error.pgcode for error in refused} == {"53200"}, "most of the others are refused", errors)
            ok(all("long text" in error.diag.message_primary and error.diag.message_hint for error in refused), "and learn why", errors)
            ok(3 * capacity / 8 < queue(admin)[0] < capacity / 2, "they have no more than half of what is open to starts", queue(admin))
            job = Background(raised, open_cursor, late, LONG)
            wait_until(lambda: value(admin, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid_of(late)) == "Extension", 30,
                       "a session that waits for room")
        same(job.value(), None, "who waits for that room gets it when the worker goes on")
        same([entry["status"] for entry in wait_for_history("id = %s", answer["query_id"])], ["success"], "the short run is in history")
        for attack in (*sessions, late):
            rows(attack, "ROLLBACK")
        wait_until(lambda: queue(admin)[0] == 0, 60, "an empty queue")
    whole_chains(*attackers, victim)


def turns():
    """Who waits for one run does not wait for the many of another."""
    attacker, victim = tenants()
    many = 1500
    flooding = "SELECT tenancy.execute_query('lite', $$SELECT 'flood'$$) FROM generate_series(1, 100)"
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect()) as session, \
            contextlib.closing(attacker.connect(history_durability="async")) as flood, contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(contextlib.closing(attacker.connect(max_running_queries_per_user="0"))) for _ in range(20)]
        for other in waiting:
            execute(other, "lite", "SELECT 'warm'")

        def queued(count):
            wait_until(lambda: value(admin, "SELECT queued FROM tenancy.history_queue()") == count, 30, "a queue of %d" % count)

        with stopped(admin, history_worker):
            for _ in range(many // 100):
                rows(flood, flooding)
            jobs = [Background(execute, other, "lite", "SELECT 'flood'") for other in waiting]
            queued(many + len(jobs))
            job = Background(execute, session, "lite", "SELECT 'awaited'")
            queued(many + len(jobs) + 1)
            for other in (*waiting, session):
                wait_until(lambda s=other: value(admin, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid_of(s))
                           == "Extension", 30, "a session that waits for its run to be written")
        answer = job.value()
        for other in jobs:
            other.value()
        flooded = wait_for_history("user_id = %s AND generated_sql_query = $$SELECT 'flood'$$", attacker.id,
                                   count=many + len(waiting), seconds=60)
    # Rows of one batch have the same created_at.
    batch = history("id = %s", answer["query_id"])[0]["created_at"]
    same(min(entry["created_at"] for entry in flooded), batch, "it is in the first batch")
    ok(sum(entry["created_at"] == batch for entry in flooded) < many, "which has no room for all of the others'")
    whole_chains(attacker, victim)


def short_batches():
    """Of users who both have runs written, nobody waits for a full batch of the other's."""
    attacker, victim = tenants()
    many, full = 100, 32
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect()) as session, \
            contextlib.closing(attacker.connect(history_durability="async")) as flood:
        # A worker whose commits take long, or which gets to work a second later, has reasons for a long one: not each time.
        for number in range(5):
            execute(session, "lite", "SELECT 'before'")
            with stopped(admin, history_worker):
                rows(flood, "SELECT tenancy.execute_query('lite', $$SELECT 'many %s'$$) FROM generate_series(1, %s)", number, many)
            written = wait_for_history("user_id = %s AND generated_sql_query = %s", attacker.id, "SELECT 'many %d'" % number, count=many, seconds=60)
            batches = len({entry["created_at"] for entry in written})
            if batches > 2 * many // full:
                break
    ok(batches > 2 * many // full, "their batches are shorter than a user's who is alone", batches)


def long_texts():
    """Long texts have a worker of their own: nobody's short ones wait for it, and users come in turns."""
    attacker, victim = tenants()
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect()) as session, \
            contextlib.closing(attacker.connect(history_durability="async")) as flood, \
            contextlib.closing(victim.connect(history_durability="async")) as quick:
        long_run(session, "first")
        wait_until(lambda: hauler(admin) is not None, 10, "a hauler")
        with stopped(admin, hauler):
            for number in range(30):
                long_run(flood, "flood %d" % number)
            own = long_run(quick, "victim")["query_id"]
            answer = execute(session, "lite", "SELECT 'short'")
            same([entry["status"] for entry in history("id = %s", answer["query_id"])], ["success"],
                 "a short run is written while long ones are not")
            answer = execute(flood, "lite", "SELECT 'own short one'")
            same(len(wait_for_history("id = %s", answer["query_id"])), 1, "so is one of the user who has long ones")
            same(len(history("id = %s OR user_id = %s AND length(generated_sql_query) > 1000", own, attacker.id)), 0,
                 "which wait meanwhile")
        wait_for_history("user_id = %s AND length(generated_sql_query) > 1000", attacker.id, count=30)
        wait_for_history("id = %s", own)
        written = rows(admin, "SELECT user_id, length(generated_sql_query) FROM tenancy.query_history WHERE user_id IN (%s, %s)"
                       " AND length(generated_sql_query) > 1000 AND generated_sql_query NOT LIKE '%%first%%' ORDER BY created_at",
                       attacker.id, victim.id)
        ok(victim.id in [user for user, _ in written[:3]], "the other's long one is written after one or two of the flood's", written)
        ok(all(length > 100000 for _, length in written), "each with its whole text")
        offered = value(admin, "SELECT CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE 'pglz' END FROM pg_settings"
                        " WHERE name = 'default_toast_compression'")
        same(rows(admin, "SELECT DISTINCT pg_column_compression(generated_sql_query) FROM tenancy.query_history"
                  " WHERE user_id = %s AND length(generated_sql_query) > 1000", attacker.id), [(offered,)], "compressed in the quicker way")
    whole_chains(attacker, victim)


def pace():
    """One user's long texts are written at 1 MB a second, at most, while others have runs written."""
    attacker, victim = tenants()
    texts, length, usual = 5, 1024 * 1024, 1.0
    with contextlib.closing(connect()) as admin, contextlib.closing(victim.connect()) as session, \
            contextlib.closing(attacker.connect(history_durability="async")) as flood, \
            contextlib.closing(attacker.connect(history_durability="started")) as started:
        long_run(flood, "first")
        wait_until(lambda: hauler(admin) is not None, 10, "a hauler")
        stop = threading.Event()

        def be_there():
            while not stop.is_set():
                execute(session, "lite", "SELECT 'there'")

        job = Background(be_there)
        for _ in range(texts):
            execute(flood, "lite", padded(length))
        written = wait_for_history("user_id = %s AND length(generated_sql_query) = %s", attacker.id, length, count=texts)
        rows(started, "BEGIN")
        open_cursor(started, length - 1)
        execute(flood, "lite", padded(length - 2))
        rows(started, "COMMIT")
        cursor, later = (wait_for_history("user_id = %s AND length(generated_sql_query) = %s", attacker.id, length - less)[0]["created_at"]
                         for less in (1, 2))
        ok(cursor < later, "a run whose texts are written ends without a pause", (cursor, later))
        stop.set()
        job.wait()
    times = sorted(entry["created_at"] for entry in written)
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
    # The first pause is missed when the other has had nothing written yet.
    ok(sorted(gaps)[1] > 0.9 * usual, "there is a pause after each", gaps)
    whole_chains(attacker, victim)


def without_a_hauler():
    """The worker for long texts is ended again and again, and each run is written once."""
    user = tenants()[0]
    with contextlib.closing(connect()) as admin, contextlib.closing(user.connect(history_durability="async")) as session:
        for number in range(60):
            long_run(session, "long %d" % number)
            execute(session, "lite", "SELECT 'short'")
            if number % 20 == 10:
                wait_until(lambda: hauler(admin) is not None, 10, "a hauler")
                rows(admin, "SELECT pg_terminate_backend(%s)", hauler(admin))
        found = wait_for_history("user_id = %s AND generated_sql_query <> $$SELECT 'warm'$$", user.id, count=120, seconds=60)
        same((len(found), len({entry["id"] for entry in found})), (120, 120), "all are there")
        wait_until(lambda: queue(admin)[0] == 0, 60, "an empty queue")
    whole_chains(user)


run(open_cursors, own_share, crowd, turns, short_batches, long_texts, pace, without_a_hauler)
