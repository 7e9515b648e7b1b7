#!/usr/bin/python3
"""The query cache between sessions: one run for many, leaders that end early, writes while a read is on its way."""

import contextlib
import signal
import threading

from tenancy import (UNIQUE, Background, User, client_server, connect, is_up, kill_backend, never, ok, pid_of, raised, rows, run, same,
                     together, value, wait_until)

SESSIONS = 32
ITEMS, GATE, LOCK = "items_" + UNIQUE, "gate_" + UNIQUE, int(UNIQUE.partition("_")[0])
# A view hides from the platform that the statement waits for a lock: it takes its snapshot, then stands still.
SLOW = "SELECT (SELECT count(*) FROM %s) AS n FROM %s" % (ITEMS, GATE)


class Gate:
    """While it is shut, statements that read the view wait on the client's server."""

    def __enter__(self):
        self.session = client_server()
        rows(self.session, "SELECT pg_advisory_lock(%s)", LOCK)
        return self

    def __exit__(self, *_):
        self.session.close()

    def waiting(self):
        return value(self.session, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", LOCK)

    def wait_for(self, count):
        wait_until(lambda: self.waiting() == count, 60, "%d statements at the gate" % count)


def ask(session, sql=SLOW, name="shop", ttl="1 hour"):
    answer = value(session, "SELECT tenancy.execute_query(%s, %s, cache_ttl => %s::interval)", name, sql, ttl)
    return answer["status"], answer["cached"], answer["rows"]


def is_busy(session):
    """Is it in a query, and asleep?"""
    with contextlib.closing(connect()) as other:
        return value(other, "SELECT state = 'active' AND wait_event_type IS NOT NULL FROM pg_stat_activity WHERE pid = %s", pid_of(session))


def set_up():
    """A table, a gate, and a user with a connection to them."""
    with contextlib.closing(client_server()) as client:
        rows(client, "CREATE TABLE %s AS SELECT n FROM generate_series(1, 3) AS n" % ITEMS)
        rows(client, "CREATE VIEW %s AS SELECT pg_advisory_xact_lock_shared(%d) IS NULL AS open" % (GATE, LOCK))
        rows(client, "GRANT ALL ON %s, %s TO PUBLIC" % (ITEMS, GATE))


def scans():
    with contextlib.closing(client_server()) as client:
        return value(client, "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = %s", ITEMS)


def one_run_for_many():
    """32 sessions in transactions of their own miss at once: the client's server sees one statement."""
    user = User("many")
    user.postgres("shop")
    sessions = [user.connect(max_running_queries_per_user="0") for _ in range(SESSIONS)]
    before, asked = scans(), threading.Barrier(SESSIONS)

    def work(session):
        rows(session, "BEGIN")
        answer = ask(session)
        asked.wait()
        rows(session, "ROLLBACK")
        return answer

    with Gate() as gate:
        jobs = [Background(work, session) for session in sessions]
        gate.wait_for(1)
        wait_until(lambda: all(is_busy(session) for session in sessions), 60, "all sessions to wait")
        same(gate.waiting(), 1, "one of them is at the client's server")
    answers = [job.value() for job in jobs]
    same({(status, str(found)) for status, _, found in answers}, {("success", "[[3]]")}, "all have the answer")
    same(sum(not cached for _, cached, _ in answers), 1, "one of them has run it")
    same(ask(sessions[0]), ("success", True, [[3]]), "the answer outlives the transaction that it was read in")
    same(rows(sessions[0], "SELECT cached, count(*) FROM tenancy.query_history WHERE generated_sql_query = %s GROUP BY 1 ORDER BY 1", SLOW),
         [(False, 1), (True, SESSIONS)], "history tells hits from misses")
    for session in sessions:
        session.close()
    wait_until(lambda: scans() > before, 60, "the statistics of the client's server")
    same(scans() - before, 1, "the client's server has read the table once")


def leader_that_ends(what, end):
    """A follower takes over when its leader is gone."""
    user = User("leader")
    user.postgres("shop")
    first, second = user.connect(), user.connect()
    with Gate() as gate:
        leader = Background(ask, first)
        gate.wait_for(1)
        follower = Background(ask, second)
        wait_until(lambda: is_busy(second), 60, "the follower to wait")
        ok(never(lambda: gate.waiting() > 1, 0.3), "a second session waits for the first, " + what)
        end(pid_of(first))
        raised(leader.value)
        ok(not leader.running(), "the leader is gone, " + what)
        gate.wait_for(1)
        ok(follower.running(), "the follower runs it now, " + what)
    same(follower.value(), ("success", False, [[3]]), "and has the answer, " + what)
    same(ask(second), ("success", True, [[3]]), "which is kept, " + what)


def leader_cancelled():
    """The leader is cancelled."""
    def end(pid):
        with contextlib.closing(connect()) as other:
            rows(other, "SELECT pg_cancel_backend(%s)", pid)
    leader_that_ends("cancelled", end)


def leader_terminated():
    """The leader's session is terminated."""
    def end(pid):
        with contextlib.closing(connect()) as other:
            rows(other, "SELECT pg_terminate_backend(%s)", pid)
    leader_that_ends("terminated", end)


def leader_that_fails():
    """A failed run is nobody's answer: each follower finds out for itself, in the end not one after the other."""
    user = User("failing")
    user.postgres("shop")
    sessions = [user.connect() for _ in range(8)]
    failing = "SELECT 1 / (n - n) FROM %s, %s" % (ITEMS, GATE)
    with Gate() as gate:
        jobs = [Background(ask, session, failing) for session in sessions]
        gate.wait_for(1)
        wait_until(lambda: all(is_busy(session) for session in sessions), 60, "all sessions to wait")
    same([job.value() for job in jobs], [("error", False, [])] * 8, "all are told of the error")


def follower_in_a_hurry():
    """Who waits for another session does so for tenancy.statement_timeout at most."""
    user = User("hurry")
    user.postgres("shop")
    first, second = user.connect(), user.connect(statement_timeout="300ms")
    with Gate() as gate:
        leader = Background(ask, first)
        gate.wait_for(1)
        same(ask(second), ("timeout", False, []), "a follower is not kept for longer than its own time limit")
        third = user.connect()
        waiter = Background(ask, third)
        wait_until(lambda: is_busy(third), 60, "the follower to wait")
        with contextlib.closing(connect()) as other:
            rows(other, "SELECT pg_cancel_backend(%s)", pid_of(third))
        ok(raised(waiter.value) is not None, "a follower can be cancelled")
    same(leader.value(), ("success", False, [[3]]), "the leader does not notice")


def follower_for_longer():
    """The answer is kept for as long as the most patient of those who had it together wants."""
    user = User("patient")
    user.postgres("shop")
    first, second = user.connect(), user.connect()
    with Gate() as gate:
        leader = Background(ask, first, SLOW, "shop", "1 minute")
        gate.wait_for(1)
        follower = Background(ask, second)
        wait_until(lambda: is_busy(second), 60, "the follower to wait")
    same([leader.value()[1], follower.value()[1]], [False, True], "one runs it, the other has its answer")
    same(value(first, "SELECT expires_at - created_at > '59 minutes' FROM tenancy.query_cache"), True, "which is kept for an hour")


def write_in_between():
    """What was read before a write is not given to anybody who asks after it."""
    user = User("writer")
    user.postgres("shop")
    first, second, third = user.connect(), user.connect(), user.connect()
    with Gate() as gate:
        old = Background(ask, first)
        gate.wait_for(1)
        answer = value(third, "SELECT tenancy.execute_query('shop', %s)", "INSERT INTO %s VALUES (4)" % ITEMS)
        same(answer["status"], "success", "a row is written while the read is on its way")
        new = Background(ask, second)
        gate.wait_for(2)
        ok(True, "who asks now does not wait for the old answer")
    same(old.value(), ("success", False, [[3]]), "the first has the answer of its snapshot")
    same(new.value(), ("success", False, [[4]]), "the second sees the new row")
    same(ask(first), ("success", True, [[4]]), "the new answer is what is kept")
    answer = value(third, "SELECT tenancy.execute_query('shop', %s)", "DELETE FROM %s WHERE n = 4" % ITEMS)
    same(ask(first), ("success", False, [[3]]), "and no longer than until the next write")


def tenants_apart():
    """The same statement of two tenants at once runs twice."""
    users = [User("apart"), User("apart")]
    for user in users:
        user.postgres("shop")
    sessions = [user.connect() for user in users]
    with Gate() as gate:
        jobs = [Background(ask, session) for session in sessions]
        gate.wait_for(2)
        ok(True, "each tenant's statement is at the client's server")
    same([job.value()[1] for job in jobs], [False, False], "none has the other's answer")
    same([value(session, "SELECT count(DISTINCT user_id) FROM tenancy.query_cache") for session in sessions], [1, 1], "each sees their own")


def many_sessions_mixed():
    """Readers and a writer at once: no reader is ever told less than what was written before it asked."""
    user = User("mixed")
    user.postgres("shop")
    with contextlib.closing(client_server()) as client:
        rows(client, "CREATE TABLE counter_%s AS SELECT 0 AS n" % UNIQUE)
        rows(client, "GRANT ALL ON counter_%s TO PUBLIC" % UNIQUE)
    written, stale, hits, done = [0], [], [0], threading.Event()

    def write():
        with contextlib.closing(user.connect()) as session:
            for number in range(1, 41):
                value(session, "SELECT tenancy.execute_query('shop', %s)", "UPDATE counter_%s SET n = %d" % (UNIQUE, number))
                written[0] = number
        done.set()

    def read():
        with contextlib.closing(user.connect()) as session:
            while not done.is_set():
                least = written[0]
                _, cached, found = ask(session, "SELECT n FROM counter_%s" % UNIQUE)
                hits[0] += cached
                if found[0][0] < least:
                    stale.append((least, found))
    together([write] + [read] * 6)
    same(stale, [], "no answer is older than the last write before the question")
    ok(hits[0] > 0, "some of them were from the cache")


def leader_killed():
    """kill -9 of the leader restarts the server, and nothing of the cache is left."""
    user = User("killed")
    user.postgres("shop")
    first, second = user.connect(), user.connect()
    with Gate() as gate:
        leader = Background(ask, first)
        gate.wait_for(1)
        follower = Background(ask, second)
        wait_until(lambda: is_busy(second), 60, "the follower to wait")
        kill_backend(pid_of(first), signal.SIGKILL)
        ok(raised(leader.value) is not None and raised(follower.value) is not None, "both sessions are gone")
    wait_until(is_up, 60, "the server")
    with contextlib.closing(user.connect()) as session:
        same(ask(session), ("success", False, [[3]]), "after that the statement runs again")
        same(ask(session), ("success", True, [[3]]), "and is cached again")


def clean_up():
    """Leave the client's server as it was."""
    with contextlib.closing(client_server()) as client:
        rows(client, "DROP VIEW %s" % GATE)
        rows(client, "DROP TABLE %s, counter_%s" % (ITEMS, UNIQUE))


def expiry():
    """What has expired goes, however many answers before it have not: the lock is let go of in between."""
    user = User("many_answers")
    user.sqlite("lite")
    with contextlib.closing(user.connect(cache_size_per_user="32MB")) as session, contextlib.closing(connect()) as admin:
        def fill(count, ttl):
            return value(session, "SELECT count(*) FROM generate_series(1, %s) AS n WHERE tenancy.execute_query('lite', 'SELECT ' || n || ' AS a, ' || %s,"
                         " cache_ttl => %s::interval) ->> 'status' = 'success'", count, len(ttl), ttl)

        def kept():
            return value(admin, "SELECT value::bigint FROM tenancy.status_facts() WHERE fact = 'cache_answers'")

        def shown():
            return value(session, "SELECT count(*) FROM tenancy.query_cache")
        same(fill(2200, "1 hour"), 2200, "answers for an hour")
        same(fill(300, "10 ms"), 300, "and behind them some for a moment")
        wait_until(lambda: shown() == 2200, 60, "the end of these")
        rows(admin, "SELECT tenancy.expire_query_cache()")
        left = kept()
        ok(2200 <= left < 2500, "one call finds them all", left)


def crowd():
    """A tenant of many small answers, more than there are places in the cache, throws out its own."""
    many, few = User("many"), User("few")
    for user in (many, few):
        user.sqlite("lite")
    with contextlib.closing(many.connect(history_durability="async")) as crowding, contextlib.closing(few.connect()) as session:
        same(ask(session, "SELECT 1 AS a", "lite")[:2], ("success", False), "an answer is kept")
        places = value(crowding, "SELECT pg_size_bytes(current_setting('tenancy.cache_size')) / 8192")
        rows(crowding, "SELECT count(tenancy.execute_query('lite', 'SELECT ' || n || ' AS a', cache_ttl => '1 hour')) FROM generate_series(1, %s) AS n", places + 100)
        same(ask(session, "SELECT 1 AS a", "lite")[:2], ("success", True), "and is there when another user has asked for more than there is room for")


run(set_up, one_run_for_many, leader_cancelled, leader_terminated, leader_that_fails, follower_in_a_hurry, follower_for_longer, write_in_between,
    tenants_apart, many_sessions_mixed, leader_killed, expiry, crowd, clean_up)
