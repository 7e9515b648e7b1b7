#!/usr/bin/python3
"""Whatever ends a query ends it on both sides at once, on all engines, and the session works on."""

import contextlib
import itertools
import os
import socket
import statistics
import time

from tenancy import (UNIQUE, Background, User, connect, environment, execute, mysql, mysql_running, note, ok, person_role, pid_of,
                     raised, remote_running, rows, run, same, value, wait_for_history, wait_until)

TAKEN = []  # seconds, of each statement that was ended
LIMIT = 15.0  # seconds; a second is promised, the rest is for a busy machine. What is not ended takes a minute, or has no end

ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) AS n FROM c"


class Engine:
    def __init__(self, name, slow, stream, running):
        self.name, self.slow, self.stream, self.running = name, slow, stream, running


ENGINES = [
    Engine("pg", "SELECT 1 AS n FROM pg_sleep(60) /* %s */", "SELECT generate_series(1, 2000000000) AS n /* %s */", remote_running),
    # Not sleep(): the server looks by itself whether whoever asked for that is still there.
    Engine("my", "SELECT count(*) AS n FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b WHERE a.seq > b.seq /* %s */",
           "SELECT a.seq AS n FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b /* %s */", mysql_running),
    Engine("lite", ENDLESS + " /* %s */",
           "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c /* %s */", None),
]

_markers = 0


def marker():
    global _markers
    _markers += 1
    return "%s.%d" % (UNIQUE, _markers)


def make_tenant():
    user = User()
    for suffix, options in (("", {}), ("_short", {"statement_timeout": 700})):
        user.postgres("pg" + suffix, options)
        user.mysql("my" + suffix, options)
        user.sqlite("lite" + suffix, options)
    return user


def recorded(admin, mark):
    """Has history heard of it? Then the statement is on its way; a backend is active some time before."""
    return value(admin, "SELECT EXISTS (SELECT FROM tenancy.history_entries WHERE strpos(generated_sql_query, %s) > 0)", mark + " ")


def query(session, connection, statement):
    return rows(session, "SELECT count(*) FROM tenancy.query(%s, %s) AS t(x text)", connection, statement)


def move(session, connection, statement):
    """Read a cursor to its end, in one command that keeps no row; in one message, as a cancel that comes between two is not heard."""
    rows(session, "BEGIN; SELECT tenancy.open_query(%s, %s, NULL, 'c'); MOVE FORWARD ALL IN c", connection, statement)


class Ended:
    """A statement that runs in the background until end() is called: what it raised, and how long that took."""

    def __init__(self, engine, session, admin, call, connection, template, end):
        mark = marker()
        self.job = Background(raised, call, session, connection, template % mark)
        if engine.running is not None:
            wait_until(lambda: engine.running(mark) > 0 or not self.job.running(), 15, "the statement on the client's server")
        else:
            wait_until(lambda: recorded(admin, mark) or not self.job.running(), 15, "the statement")
        since = end()
        self.error = self.job.value(60)
        self.local = self.job.ended - (since or self.job.started)
        self.remote = 0.0
        if engine.running is not None:
            with contextlib.suppress(TimeoutError):
                self.remote = None
                self.remote = wait_until(lambda: engine.running(mark) == 0, LIMIT)
        self.mark = mark

    def check(self, label, wanted):
        code = self.error and (self.error.pgcode or "lost")
        TAKEN.append(self.local)
        ok(code in wanted and 0 <= self.local < LIMIT, label, "%r after %.3f s: %s" % (code, self.local, self.error))
        ok(self.remote is not None, label + ": gone from the client's server within %s s" % LIMIT)
        note("here %.3f s, there %s s later" % (self.local, "more than %s" % LIMIT if self.remote is None else "%.3f" % self.remote))


def send(admin, function, session):
    """Cancel or terminate the backend of a session; answers when."""
    now = time.monotonic()
    rows(admin, "SELECT %s(%%s)" % function, pid_of(session))
    return now


def works_again(session, engine, label):
    raised(rows, session, "ROLLBACK")
    answer = execute(session, engine.name, "SELECT 41 + 1 AS n")
    same((answer["status"], answer["rows"]), ("success", [[42]]), label + ": the session works again")


def slow_queries():
    """A query that waits: cancel, timeouts, termination."""
    user = make_tenant()
    with contextlib.closing(connect()) as admin:
        for engine in ENGINES:
            every_way(user, engine, admin, "slow query", query, engine.slow)
            answers(user, engine, admin)


def streams():
    """A query whose rows are streaming, into tenancy.query and into a cursor."""
    user = make_tenant()
    with contextlib.closing(connect()) as admin:
        for engine in ENGINES:
            every_way(user, engine, admin, "stream", query, engine.stream)
            every_way(user, engine, admin, "cursor", move, engine.stream)


def foreign_tables():
    """A scan of a foreign table: one that waits, and one whose rows are streaming."""
    user, schema, numbers = make_tenant(), "cancel_" + UNIQUE, itertools.count()

    def scan(session, connection, statement):
        table = "%s.t%d" % (schema, next(numbers))
        with contextlib.closing(connect()) as maker:
            rows(maker, "CREATE FOREIGN TABLE %s (n bigint) SERVER %s_%s OPTIONS (query '%s')" % (table, connection, schema, statement))
            rows(maker, 'GRANT SELECT ON %s TO "%s"' % (table, person_role()))
        return rows(session, "SELECT count(*) FROM (SELECT n FROM %s OFFSET 0) AS t" % table)

    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE SCHEMA %s; GRANT USAGE ON SCHEMA %s TO "%s"' % (schema, schema, person_role()))
        servers = rows(admin, "SELECT name, id FROM tenancy.database_connections WHERE user_id = %s", user.id)
        for name, connection in servers:
            rows(admin, "CREATE SERVER %s_%s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (name, schema, connection))
        for engine in ENGINES:
            every_way(user, engine, admin, "foreign table that waits", scan, engine.slow)
            every_way(user, engine, admin, "foreign table", scan, engine.stream)
        rows(admin, "DROP SCHEMA %s CASCADE" % schema)
        for name, _ in servers:
            rows(admin, "DROP SERVER %s_%s" % (name, schema))


def every_way(user, engine, admin, word, call, template):
    name = "%s, %s" % (engine.name, word)
    session = user.connect()

    ended = Ended(engine, session, admin, call, engine.name, template, lambda: send(admin, "pg_cancel_backend", session))
    ended.check(name + ": pg_cancel_backend", ("57014",))
    works_again(session, engine, name + ", cancelled")

    rows(session, "SET statement_timeout = '700ms'")
    ended = Ended(engine, session, admin, call, engine.name, template, lambda: None)
    ended.local -= 0.7
    ended.check(name + ": statement_timeout", ("57014",))
    raised(rows, session, "ROLLBACK")
    rows(session, "RESET statement_timeout")
    works_again(session, engine, name + ", statement_timeout")

    ended = Ended(engine, session, admin, call, engine.name + "_short", template, lambda: None)
    ended.local -= 0.7
    ended.check(name + ": statement_timeout of the connection", ("57014",))
    works_again(session, engine, name + ", option")

    with contextlib.closing(user.connect(statement_timeout="700ms")) as hurried:
        ended = Ended(engine, hurried, admin, call, engine.name, template, lambda: None)
        ended.local -= 0.7
        ended.check(name + ": tenancy.statement_timeout", ("57014",))
        works_again(hurried, engine, name + ", setting")

    ends_session(user, engine, admin, name + ": pg_terminate_backend", session, call, template,
                 lambda: send(admin, "pg_terminate_backend", session), ("57P01", "lost"))


def ends_session(user, engine, admin, name, session, call, template, end, wanted):
    """A statement in whose middle its session ends"""
    pid = pid_of(session)
    ended = Ended(engine, session, admin, call, engine.name, template, end)
    ended.check(name, wanted)
    wait_until(lambda: value(admin, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 0, LIMIT, "the end of the backend")
    entry = wait_for_history("strpos(generated_sql_query, %s) > 0 AND user_id = %s", ended.mark + " ", user.id)[0]
    same((entry["status"], entry["error_code"]), ("cancelled", "57P01"), name + ": in history")


def vanish(session):
    """The client's end of a session closes its socket without a word; answers when."""
    now = time.monotonic()
    with socket.socket(fileno=os.dup(session.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
    return now


def lost_sessions():
    """A client that goes away in the middle of a query, when the server looks for that; and a transaction that takes too long, since 17."""
    user = make_tenant()
    with contextlib.closing(connect()) as admin:
        for engine in ENGINES:
            for word, call, template in (("slow query", query, engine.slow), ("stream", query, engine.stream), ("cursor", move, engine.stream)):
                name, session = "%s, %s: " % (engine.name, word), user.connect()
                rows(session, "SET client_connection_check_interval = '100ms'")
                ends_session(user, engine, admin, name + "a client that has gone", session, call, template,
                             lambda s=session: vanish(s), ("lost",))
                if admin.server_version >= 170000:
                    session = user.connect()
                    rows(session, "SET transaction_timeout = '700ms'")
                    ends_session(user, engine, admin, name + "transaction_timeout", session, call, template, lambda: None, ("25P04", "lost"))


def answers(user, engine, admin):
    """execute_query raises for a cancel, which is the caller's own wish, and answers a timeout."""
    session = user.connect()
    answer = execute(session, engine.name + "_short", engine.slow % marker())
    same((answer["status"], answer["error"] and answer["error"]["sqlstate"]), ("timeout", "57014"),
         engine.name + ", execute_query: a timeout is an answer")
    ended = Ended(engine, session, admin, execute, engine.name, engine.slow, lambda: send(admin, "pg_cancel_backend", session))
    ended.check(engine.name + ", execute_query: pg_cancel_backend", ("57014",))
    works_again(session, engine, engine.name + ", execute_query")
    session.close()


def cursors_left():
    """A cursor that is closed early, or that its transaction leaves, stops the remote query as well."""
    user = make_tenant()
    for engine in ENGINES:
        session = user.connect()
        mark = marker()
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'c')", engine.name, engine.stream % mark)
        same(len(rows(session, "FETCH 10 FROM c")), 10, engine.name + ": ten rows of a cursor")
        start = time.monotonic()
        rows(session, "CLOSE c")
        here = time.monotonic() - start
        there = wait_until(lambda e=engine, m=mark: e.running(m) == 0, LIMIT) if engine.running else 0.0
        ok(here < LIMIT, engine.name + ": CLOSE of an endless cursor", "%.3f s" % here)
        note("here %.3f s, there %.3f s later" % (here, there))
        rows(session, "COMMIT")
        works_again(session, engine, engine.name + ", closed cursor")

        rows(session, "BEGIN")
        mark = marker()
        rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'c')", engine.name, engine.stream % mark)
        rows(session, "FETCH 10 FROM c")
        ok(raised(rows, session, "SELECT 1 / 0") is not None, engine.name + ": an error of the transaction")
        if engine.running:
            with contextlib.suppress(TimeoutError):
                there = None
                there = wait_until(lambda e=engine, m=mark: e.running(m) == 0, LIMIT)
            ok(there is not None, engine.name + ": ends the remote statement of a cursor at once, not at ROLLBACK")
        works_again(session, engine, engine.name + ", failed transaction")
        session.close()


def many_rows(engine):
    """A table of so many rows that their end is not there when the first have been read"""
    return {"pg": "CREATE TABLE %s AS SELECT n, repeat('x', 200) AS t FROM generate_series(1, 100000) AS n",
            "my": "CREATE TABLE %s AS SELECT seq AS n, repeat('x', 200) AS t FROM seq_1_to_100000",
            "lite": "CREATE TABLE %s AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT n, hex(zeroblob(100)) AS t FROM c"
            }[engine.name]


def writes():
    """What writes is not stopped when enough of its rows have come, nor said to have failed when it has not."""
    user = make_tenant()
    session = user.connect()
    for engine in ENGINES:
        if engine.name == "my" and environment("MYSQL_FLAVOUR") == "mysql":
            continue  # has no RETURNING
        table = "cut_" + UNIQUE
        left = "SELECT count(*) FROM " + table

        def rest(connection=engine.name):
            return execute(session, connection, left)["rows"][0][0]

        same(execute(session, engine.name, many_rows(engine) % table)["status"], "success", engine.name + ": a table")
        answer = value(session, "SELECT tenancy.execute_query(%s, %s, max_rows => 10)", engine.name, "DELETE FROM %s WHERE n > 50000 RETURNING n, t" % table)
        same((answer["status"], answer["row_count"], answer["truncated"]), ("success", 10, True), engine.name + ": ten rows of what it deletes")
        same(rest(), 50000, engine.name + ": and all are deleted")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'c')", engine.name, "DELETE FROM %s WHERE n > 100 RETURNING n, t" % table)
        rows(session, "FETCH 10 FROM c")
        rows(session, "CLOSE c")
        rows(session, "COMMIT")
        same(rest(), 100, engine.name + ": closing a cursor stops no DELETE")
        for call, code, count in (("open_query('%s', 'DELETE FROM %s WHERE n > 40')", "42P11", 60),
                                  ("query('%s', 'DELETE FROM %s RETURNING n, t') AS t(n bigint)", "42804", 40)):
            error = raised(rows, session, "SELECT * FROM tenancy." + call % (engine.name, table))
            same(error and error.pgcode, code, engine.name + ": what returns other rows than are wanted")
            wait_until(lambda: rows(session, "SELECT status, row_count FROM tenancy.history(max_rows => 1)") == [("success", count)], LIMIT,
                       "the history of it")
            ok(True, engine.name + ": has been run, as history says")
        same(rest(), 0, engine.name + ": and has written")
        execute(session, engine.name, "DROP TABLE " + table)
    error = raised(value, session, "SELECT tenancy.open_query('pg', 'SELECT 1 AS a INTO %s')" % table)
    same(error and error.pgcode, "42P11", "a SELECT that makes a table has no rows")
    same(execute(session, "pg", "DROP TABLE " + table)["status"], "success", "but has made it")
    same(rows(session, "SELECT status FROM tenancy.history(search => 'INTO " + table + "')"), [("success",)], "as history says")
    session.close()


def harmless_interrupts():
    """An interrupt that ends nothing ends nothing, however often it comes, while SQLite works"""
    user = make_tenant()
    session, table, schema = user.connect(), "ticked_" + UNIQUE, "ticked_%s" % UNIQUE
    rows(session, "SET client_connection_check_interval = '100ms'; SET statement_timeout = '60s'")
    series = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4000000) "
    answer = execute(session, "lite", series + "SELECT count(*) FROM c")
    same((answer["status"], answer["rows"]), ("success", [[4000000]]), "a client that is looked for: one answer")
    execute(session, "lite", "CREATE TABLE %s (id INTEGER PRIMARY KEY, n INTEGER)" % table)
    same(execute(session, "lite", "INSERT INTO %s (n) %s SELECT n FROM c" % (table, series))["row_count"], 4000000, "a table")
    rows(session, "SELECT tenancy.attach('lite', %s)", schema)
    same(raised(rows, session, "UPDATE %s.%s SET n = n + 1" % (schema, table)), None, "a client that is looked for: what writes goes on")
    rows(session, "RESET client_connection_check_interval")
    with contextlib.closing(connect()) as admin:
        job = Background(raised, rows, session, "UPDATE %s.%s SET n = n + 1" % (schema, table))
        asked = 0
        while job.running():
            rows(admin, "SELECT pg_log_backend_memory_contexts(%s)", pid_of(session))
            asked += 1
            time.sleep(0.02)
        same(job.value(60), None, "what is asked of its memory goes on")
        ok(asked > 5, "and has been asked", asked)
    same(value(session, "SELECT min(n) FROM %s.%s" % (schema, table)), 3, "both have written")
    session.close()


def promptly():
    """One that a busy machine holds up is none; most are ended within the second that is promised"""
    ok(statistics.median(TAKEN) < 1, "the median of %d is below a second" % len(TAKEN), sorted(TAKEN))


mysql("SELECT 1 FROM seq_1_to_1")
run(slow_queries, streams, foreign_tables, lost_sessions, cursors_left, writes, harmless_interrupts, promptly)
