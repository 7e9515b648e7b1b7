#!/usr/bin/python3
"""A backend's memory does not grow with the size of a result, nor with the number of queries."""

import contextlib
import time

from tenancy import User, execute, memory, note, ok, pid_of, rows, run, same, value

ROWS = 5_000_000
CALLS = 100_000
STREAM_LIMIT = 32 * 1024  # kB
CALLS_LIMIT = 8 * 1024

TALL = {
    "pg": "SELECT generate_series(1, %d)",
    "my": "SELECT seq FROM seq_1_to_%d",
    "lite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT %d) SELECT n FROM c",
}


def make_tenant():
    user = User()
    user.postgres()
    user.mysql()
    user.sqlite()
    return user


class Watch:
    """How much a backend grows from its warm state."""

    def __init__(self, session):
        self.session = session
        self.before = memory(pid_of(session))
        self.start = time.monotonic()

    def check(self, limit, name, peak=True):
        """Growth at most, shared memory that was touched included; or the private growth that stayed."""
        after = memory(pid_of(self.session))
        most = after["most"] - self.before["now"]
        stayed = after["private"] - self.before["private"]
        ok((most if peak else stayed) < limit, "%s: memory grows by less than %d MB" % (name, limit // 1024),
           "at most by %d kB, private memory by %d kB" % (most, stayed))
        note("%.1f s, %+d kB at most, %+d kB stayed private" % (time.monotonic() - self.start, most, stayed))


def through_query(session, engine, count):
    return value(session, "SELECT count(*) FROM tenancy.query(%s, %s) AS t(n bigint)", engine, TALL[engine] % count)


def through_cursor(session, engine, count):
    """FETCH 10000 again and again; answers how many rows there were and the last one."""
    rows(session, "BEGIN")
    rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'c')", engine, TALL[engine] % count)
    total, last = 0, None
    while batch := rows(session, "FETCH 10000 FROM c"):
        total += len(batch)
        last = batch[-1][0]
    rows(session, "COMMIT")
    return total, last


def tall_results():
    """Five million rows."""
    user = make_tenant()
    for engine in TALL:
        for label, read, wanted in (("query", through_query, ROWS), ("open_query", through_cursor, (ROWS, ROWS))):
            with contextlib.closing(user.connect(statement_timeout="10min")) as session:
                read(session, engine, 200_000)
                watch = Watch(session)
                same(read(session, engine, ROWS), wanted, "%s, %s: every row arrived" % (engine, label))
                watch.check(STREAM_LIMIT, "%s, %s" % (engine, label))


def many_calls():
    """A hundred thousand point queries in one session."""
    user = make_tenant()
    with contextlib.closing(user.connect(history_durability="async")) as session:
        for engine, place in (("pg", "$1::int"), ("my", "?"), ("lite", "?")):
            statement = "SELECT %s AS n" % place

            def call(count, engine=engine, statement=statement):
                return value(session, "SELECT count(*) FROM generate_series(1, %s) AS g, LATERAL tenancy.execute_query(%s, %s,"
                             " jsonb_build_array(g)) AS a WHERE a ->> 'status' = 'success' AND a #>> '{rows,0,0}' = g::text",
                             count, engine, statement)
            calls = CALLS if engine == "pg" else CALLS // 5
            for _ in range(20):
                call(100)
            watch = Watch(session)
            right = sum(call(100) for _ in range(calls // 100))
            same(right, calls, "%s: %d right answers" % (engine, calls))
            watch.check(CALLS_LIMIT, "%s, %d calls of execute_query" % (engine, calls), peak=False)

        watch = Watch(session)
        same(call(10_000), 10_000, "lite: 10000 calls in one statement")
        watch.check(CALLS_LIMIT, "lite, 10000 calls in one statement", peak=False)


def failures():
    """Errors leave nothing behind either."""
    user = make_tenant()
    with contextlib.closing(user.connect(history_durability="async")) as session:
        for engine in TALL:
            def fail(count, engine=engine):
                return value(session, "SELECT count(*) FROM generate_series(1, %s) AS g, LATERAL tenancy.execute_query(%s,"
                             " 'SELECT * FROM missing_' || g) AS a WHERE a ->> 'status' = 'error'", count, engine)
            for _ in range(5):
                fail(100)
            watch = Watch(session)
            same(sum(fail(100) for _ in range(50)), 5000, "%s: 5000 failures" % engine)
            watch.check(CALLS_LIMIT, "%s, 5000 failures" % engine, peak=False)
            same(execute(session, engine, "SELECT 1 AS n")["rows"], [[1]], engine + ": and the next query works")


run(tall_results, many_calls, failures)
