#!/usr/bin/python3
"""What one user may have of what all share: running queries, registered connections, rows and bytes. Each limit is one of all the
user's sessions together, says so in an error of class 53, gives back what it took however that ends, and is nobody else's."""

import contextlib
import signal

from tenancy import (UNIQUE, Background, User, app_role, connect, execute, kill_backend, ok, pid_of, raised, remote_running, rows, run, same,
                     sqlstate, value, wait_until)

busy, other = User("busy"), User("other")


def open_cursors(session, count):
    """Runs that last as long as their transaction; the SQLSTATE of the one that is refused, or None."""
    for _ in range(count):
        rows(session, "SAVEPOINT s")
        state = sqlstate(rows, session, "SELECT tenancy.open_query('lite', 'SELECT 1')")
        if state is not None:
            rows(session, "ROLLBACK TO s")
            return state
    return None


def connections():
    for user in (busy, other):
        user.sqlite()
        user.postgres()
        with contextlib.closing(user.connect()) as session:
            same(execute(session, "lite", "SELECT 1")["status"], "success", "a query")


LIMITED = dict(max_running_queries_per_user="6")


def running():
    """Running queries are counted in all sessions, and open cursors with them"""
    with contextlib.closing(busy.connect(**LIMITED)) as first, contextlib.closing(busy.connect(**LIMITED)) as second, \
            contextlib.closing(other.connect(**LIMITED)) as stranger:
        rows(first, "BEGIN")
        rows(second, "BEGIN")
        same(open_cursors(first, 4), None, "four in one session")
        same(open_cursors(second, 3), "53400", "two and no third in another")
        error = raised(execute, first, "lite", "SELECT 1")
        ok(error is not None and error.pgcode == "53400" and "too many queries" in error.diag.message_primary and error.diag.message_hint,
           "the error says what is to be done", error)
        rows(first, "ROLLBACK")
        same(execute(stranger, "lite", "SELECT 1")["status"], "success", "somebody else has room")
        same(open_cursors(second, 2), None, "what was rolled back is given back")
        rows(second, "COMMIT")
        with contextlib.closing(busy.connect(max_running_queries_per_user="0")) as unlimited:
            rows(unlimited, "BEGIN")
            same(open_cursors(unlimited, 8), None, "0 is no limit")


def given_back():
    """However a query ends, its place is free again"""
    with contextlib.closing(busy.connect(**LIMITED)) as session:
        for statement, state in (("SELECT tenancy.execute_query('lite', 'SELECT nothing')", None), ("SELECT * FROM tenancy.query('lite', 'SELECT no') AS t(a int)", "42703"),
                                 ("SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a int, b int)", "42804"),
                                 ("SELECT tenancy.open_query('lite', 'SELECT no')", "42703"), ("SELECT tenancy.execute_query('none', 'SELECT 1')", None),
                                 ("SELECT 1 / 0 FROM tenancy.query('lite', 'SELECT 1') AS t(a int)", "22012")):
            for _ in range(10):
                found = sqlstate(rows, session, statement)
            ok(found not in ("53400",), "ten times: " + statement[:60], (found, state))
    for number, (what, end) in enumerate((("a cancelled query", "pg_cancel_backend"), ("a terminated session", "pg_terminate_backend"))):
        marker = "limits %s %d" % (busy.id, number)
        sessions = [busy.connect(**LIMITED) for _ in range(6)]
        jobs = [Background(raised, execute, session, "pg", "SELECT pg_sleep(60) /* %s */" % marker) for session in sessions]
        wait_until(lambda m=marker: remote_running(m) == 6, 30, "six queries")
        with contextlib.closing(busy.connect(**LIMITED)) as session, contextlib.closing(connect()) as admin:
            same(sqlstate(execute, session, "lite", "SELECT 1"), "53400", "six run, a seventh is refused")
            rows(admin, "SELECT %s(pid) FROM unnest(%%s) AS p (pid)" % end, [pid_of(each) for each in sessions])
            for job in jobs:
                job.wait(30)
            wait_until(lambda s=session: sqlstate(execute, s, "lite", "SELECT 1") is None, 10, "room")
            rows(session, "BEGIN")
            same(open_cursors(session, 6), None, what + " leaves its place")
        for each in sessions:
            with contextlib.suppress(Exception):
                each.close()


def crash():
    """A backend is killed, the server recovers, and no place is lost"""
    with contextlib.closing(busy.connect(**LIMITED)) as session:
        rows(session, "BEGIN")
        same(open_cursors(session, 6), None, "six run")
        kill_backend(pid_of(session), signal.SIGKILL)

    def works():
        with contextlib.suppress(Exception), contextlib.closing(busy.connect(**LIMITED)) as again:
            return execute(again, "lite", "SELECT 1")["status"] == "success"
        return False
    wait_until(works, 60, "the server")
    with contextlib.closing(busy.connect(**LIMITED)) as session:
        rows(session, "BEGIN")
        same(open_cursors(session, 6), None, "six run again")


def registered():
    """Registered connections, counted when many sessions register at the same time"""
    limit = dict(max_stored_connections_per_user="6")

    def register(name):
        with contextlib.closing(busy.connect(**limit)) as session:
            return sqlstate(rows, session, "SELECT tenancy.create_connection(%s, 'sqlite', database_name => 'x.db')", name)
    jobs = [Background(register, "n%d" % number) for number in range(12)]
    same(sorted(str(job.value(60)) for job in jobs), ["53400"] * 8 + ["None"] * 4, "two, and four more of twelve at once")
    with contextlib.closing(busy.connect(**limit)) as session, contextlib.closing(other.connect(**limit)) as stranger:
        name = value(session, "SELECT name FROM tenancy.database_connections WHERE name LIKE 'n%' LIMIT 1")
        same(sqlstate(rows, stranger, "SELECT tenancy.create_connection('n', 'sqlite', database_name => 'x.db')"), None, "somebody else may register")
        rows(session, "SELECT tenancy.delete_connection(%s)", name)
        same(register("again"), None, "a deleted one makes room")
        same(register("more"), "53400", "for one")


def sizes():
    """Rows and bytes of an answer"""
    with contextlib.closing(busy.connect(max_query_bytes="1MB", max_result_bytes="1MB", max_result_rows="10")) as session:
        many = "SELECT repeat('x', 1000) FROM generate_series(1, 2000)"
        error = raised(rows, session, "SELECT count(*) FROM tenancy.query('pg', %s) AS t(a text)", many)
        ok(error is not None and error.pgcode == "53400" and "too large" in error.diag.message_primary, "tenancy.query has an end", error)
        same(value(session, "SELECT count(*) FROM tenancy.query('pg', 'SELECT generate_series(1, 2000)') AS t(a int)"), 2000, "which is one of bytes")
        answer = execute(session, "pg", many)
        same((answer["row_count"], answer["truncated"]), (10, True), "execute_query has one of rows")
        answer = execute(session, "pg", "SELECT repeat('x', 600000) FROM generate_series(1, 5)")
        same((answer["row_count"] < 5, answer["truncated"]), (True, True), "and of bytes")
    with contextlib.closing(busy.connect()) as session:
        for setting in ("max_running_queries_per_user", "max_stored_connections_per_user", "max_query_bytes", "max_sessions_per_user", "max_pool_size",
                        "max_registrations_per_hour", "max_connections_per_user"):
            same(sqlstate(rows, session, "SET tenancy.%s = 0" % setting), "42501", "SET tenancy.%s is refused" % setting)


def pooled():
    """Connections that one session keeps, of each user who has been in it"""
    user = User("keeper")
    for number in range(3):
        user.sqlite("keep %d" % number)
    kept = "SELECT count(*) FROM tenancy.pool()"
    with contextlib.closing(user.connect(max_connections_per_user="2", max_pool_size="3")) as session:
        for number in (0, 1, 2, 0):
            same(execute(session, "keep %d" % number, "SELECT 1")["status"], "success", "a query on connection %d" % number)
        same(value(session, kept), 2, "two connections are kept")
        rows(session, "BEGIN")
        for number in (1, 0):
            rows(session, "SELECT tenancy.open_query('keep %d', 'SELECT 1')" % number)
        rows(session, "SAVEPOINT s")
        same(sqlstate(rows, session, "SELECT tenancy.open_query('keep 2', 'SELECT 1')"), "53300", "while both are busy there is no third")
        rows(session, "ROLLBACK TO s")
        rows(session, "SELECT set_config('tenancy.session', %s, false)", other.token)
        same(execute(session, "lite", "SELECT 1")["status"], "success", "another user of the session has room")
        rows(session, "COMMIT")


def as_app(**settings):
    """A session of the application's role, with settings that it could not choose"""
    session = connect()
    for name, setting in settings.items():
        rows(session, "SELECT set_config('tenancy.' || %s, %s, false)", name, setting)
    rows(session, 'SET SESSION AUTHORIZATION "%s"' % app_role())
    return session


def logins():
    """A login more than may be ends the oldest one, and nobody else's"""
    user, stranger = User("often"), User("seldom")
    with contextlib.closing(as_app(max_sessions_per_user="3")) as session, contextlib.closing(connect()) as admin:
        def lives(token):
            return sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token) is None

        def login():
            return value(session, "SELECT tenancy.login(%s, %s)", user.email, user.password)
        tokens = [user.token] + [login() for _ in range(3)]
        same([lives(token) for token in tokens], [False, True, True, True], "of four logins the first has ended")
        ok(lives(stranger.token), "somebody else's has not")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.authenticate(%s), tenancy.logout()", tokens[3])
        rows(session, "COMMIT")
        tokens.append(login())
        same([lives(token) for token in tokens], [False, True, True, False, True], "one that was logged out makes room first")
        same(value(admin, "SELECT count(*) FROM tenancy.user_sessions WHERE user_id = %s", user.id), 3, "no more rows are kept")
        rows(session, "RESET SESSION AUTHORIZATION")
        rows(session, "SET tenancy.max_sessions_per_user = 0")
        tokens += [login() for _ in range(3)]
        same([lives(token) for token in tokens].count(True), 6, "0 is no limit")


def registrations():
    """Accounts that are made in an hour; the crash before has the server begin a new one"""
    def register(session, word):
        return sqlstate(rows, session, "SELECT tenancy.register(%s, 'a long password')", "%s.%s@test.example" % (word, UNIQUE))
    with contextlib.closing(as_app(max_registrations_per_hour="2")) as session, contextlib.closing(connect()) as admin:
        rows(session, "BEGIN")
        same(register(session, "first"), None, "one account")
        rows(session, "ROLLBACK")
        same((register(session, "second"), register(session, "third")), (None, "53400"), "counts when it is rolled back, too: there is one more, and no third")
        with contextlib.closing(as_app(max_registrations_per_hour="2")) as another:
            same(register(another, "fourth"), "53400", "in no session")
        rows(admin, "SET tenancy.max_registrations_per_hour = 2")
        same(register(admin, "fifth"), None, "an administrator makes as many as are wanted")
        with contextlib.closing(as_app(max_registrations_per_hour="0")) as free:
            same(register(free, "sixth"), None, "0 is no limit")


run(connections, running, given_back, registered, sizes, pooled, logins, crash, registrations)
