#!/usr/bin/python3
"""What one user may have of what all share: running queries, registered connections, rows and bytes. Each limit is one of all the
user's sessions together, says so in an error of class 53, gives back what it took however that ends, and is nobody else's."""

import contextlib
import signal

from tenancy import (UNIQUE, Background, User, app_role, connect, execute, kill_backend, make_role, ok, pid_of, raised, remote_running, rows, run, same,
                     sqlstate, value, wait_for_history, wait_until)

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
            same(found, state, "ten times: " + statement[:60])
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


def snapshots():
    """Transactions whose snapshots are older than each other's connections are counted together all the same"""
    user = User("early")
    limit = dict(max_stored_connections_per_user="2")
    sessions = [user.connect(**limit) for _ in range(3)]
    for session in sessions:
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM tenancy.database_connections")
    found = []
    for number, session in enumerate(sessions):
        found.append(sqlstate(rows, session, "SELECT tenancy.create_connection(%s, 'sqlite', database_name => 'x.db')", "r%d" % number))
        rows(session, "COMMIT")
    same(found, [None, None, "53400"], "two of three")
    rows(sessions[0], "SELECT tenancy.delete_connection(id) FROM tenancy.database_connections")
    state = sqlstate(rows, sessions[0], "SELECT tenancy.create_connection('n' || n, 'sqlite', database_name => 'x.db') FROM generate_series(1, 3) AS n")
    same(state, "53400", "so are those of one statement")
    for session in sessions:
        session.close()


CHECKED = ("""CREATE FUNCTION pg_temp.caught(v text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        BEGIN
            RAISE EXCEPTION 'caught';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        IF v = current_setting('test.bad', true) THEN
            RAISE EXCEPTION 'bad value' USING ERRCODE = 'ZZ001';
        END IF;
        RETURN true;
    END $$""", "CREATE DOMAIN pg_temp.checked AS text CHECK (pg_temp.caught(VALUE))")


def scanning_session(**settings):
    """A session of busy with a foreign table of 3000 rows, each value of which has an error raised and caught, and one without"""
    session = busy.connect(**settings)
    for statement in CHECKED:
        rows(session, statement)
    rows(session, "SET application_name = 'scan %s'" % busy.id)
    rows(session, "SET client_min_messages = warning")
    for table, kind in (("ft", "pg_temp.checked"), ("plain", "text")):
        rows(session, "CREATE FOREIGN TABLE pg_temp.%s (n int, v %s) SERVER scan_%s OPTIONS (schema_name 'main', table_name 'many', fetch_size '10')"
             % (table, kind, UNIQUE))
    return session


def counted(session):
    """Would a query of the user be one too many?"""
    return sqlstate(execute, session, "lite", "SELECT 1") == "53400"


def ended(number, count=None):
    """The ends of the scans from that number on, when there are count of them: status, rows, code and message"""
    found = wait_for_history("user_id = %s AND source = 'fdw' AND application_name = %s", busy.id, "scan " + busy.id, count=count or number)
    return [(row["status"], row["row_count"], row["error_code"], row["error_message"]) for row in found[number - 1:]]


def scans():
    """A scan is counted, and has not ended in history, as long as it reads: also when an error is caught on the way"""
    with contextlib.closing(busy.connect()) as session:
        execute(session, "lite", "CREATE TABLE many (n integer, v text)")
        execute(session, "lite", "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000) INSERT INTO many SELECT n, 'v' || n FROM c")
        rows(session, "CREATE SERVER scan_%s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')"
             % (UNIQUE, value(session, "SELECT id FROM tenancy.database_connections WHERE name = 'lite'")))
    with contextlib.closing(scanning_session(max_running_queries_per_user="1")) as session, \
            contextlib.closing(busy.connect(max_running_queries_per_user="1")) as second:
        same(value(session, "SELECT count(v) FROM pg_temp.ft"), 3000, "every row is read")
        same(ended(1), [("success", 3000, None, None)], "and the run is a success")
        rows(session, "BEGIN")
        rows(session, "DECLARE c CURSOR FOR SELECT v FROM pg_temp.ft")
        rows(session, "FETCH 15 FROM c")
        ok(counted(second), "a cursor that caught an error counts")
        same(len(rows(session, "FETCH 15 FROM c")), 15, "and reads on")
        ok(counted(second), "and still counts")
        rows(session, "COMMIT")
        same(ended(2)[0][:1], ("success",), "it ends when it is closed")

        rows(session, "SET test.bad = 'v5'")
        same(sqlstate(rows, session, "SELECT count(v) FROM pg_temp.ft"), "ZZ001", "an error that is not caught")
        same(ended(3), [("error", 10, "ZZ001", "bad value")], "is the end, with that error and not the caught one")
        ok(not counted(second), "and gives back its place")

        rows(session, "BEGIN")
        rows(session, "DECLARE c CURSOR FOR SELECT v FROM pg_temp.ft")
        rows(session, "FETCH 2 FROM c")
        rows(session, "SAVEPOINT s")
        same(sqlstate(rows, session, "FETCH 10 FROM c"), "ZZ001", "an error of a cursor inside of a savepoint")
        rows(session, "ROLLBACK TO s")
        ok(not counted(second), "is the end with the savepoint")
        same(ended(4), [("error", 10, "ZZ001", "bad value")], "and in history")
        ok(sqlstate(rows, session, "FETCH 10 FROM c") is not None, "the cursor reads no more")
        rows(session, "ROLLBACK")

    with contextlib.closing(scanning_session(max_running_queries_per_user="2")) as session:
        rows(session, "SET test.bad = 'v5'")
        rows(session, "BEGIN")
        rows(session, "DECLARE c CURSOR FOR SELECT v FROM pg_temp.ft")
        rows(session, "FETCH 2 FROM c")
        rows(session, "SAVEPOINT s")
        same(sqlstate(rows, session, "SELECT count(*) FROM pg_temp.plain"), "ZZ001", "an error of a cursor that another statement has to read to its end")
        rows(session, "ROLLBACK TO s")
        same(ended(5, 6)[:1], [("error", 10, "ZZ001", "bad value")], "is the end of the cursor")
        same(sqlstate(rows, session, "FETCH 10 FROM c"), "HV000", "which reads no more, as rows are gone")
        rows(session, "ROLLBACK")


def open_scans(session, *names):
    for name in names:
        rows(session, "DECLARE %s CURSOR FOR SELECT v FROM pg_temp.plain" % name)
        rows(session, "FETCH 15 FROM " + name)


def close(session, *names):
    for name in names:
        rows(session, "CLOSE " + name)


def refused_inside(session, call, *arguments):
    """The SQLSTATE of what is tried in a transaction that goes on"""
    rows(session, "SAVEPOINT s")
    state = sqlstate(call, session, *arguments)
    rows(session, "ROLLBACK TO s")
    return state


def several_scans():
    """Sixteen runs on foreign tables in one session are one query together: a plan may have more of them than a user may have queries"""
    names = ["c%d" % number for number in range(16)]
    with contextlib.closing(scanning_session(max_running_queries_per_user="2")) as session, \
            contextlib.closing(busy.connect(max_running_queries_per_user="2")) as two, \
            contextlib.closing(scanning_session(max_running_queries_per_user="1")) as one:
        apart = "SELECT count(*) FROM (SELECT n FROM pg_temp.plain OFFSET 0) AS a JOIN (SELECT n FROM pg_temp.ft OFFSET 0) AS b USING (n)"
        same(value(one, apart), 3000, "a plan with two scans")
        rows(session, "BEGIN")
        open_scans(session, *names)
        ok(counted(one) and not counted(two), "sixteen scans have one place")
        same(sqlstate(rows, one, "SELECT count(*) FROM pg_temp.plain"), "53400", "which a scan of another session has not")
        open_scans(session, "another")
        ok(counted(two), "one more has a second place")
        close(session, "c0")
        ok(counted(one) and not counted(two), "which is free again when the first is closed")
        open_scans(session, "c0")
        close(session, "another")
        ok(counted(one) and not counted(two), "or the last")
        rows(session, "SELECT tenancy.open_query('lite', 'SELECT 1', NULL, 'query')")
        ok(counted(two), "a query has a place of its own")
        same(refused_inside(session, execute, "lite", "SELECT 1"), "53400", "another query of the session is one more")
        same(refused_inside(session, open_scans, "another"), "53400", "and so is another scan")
        close(session, *names)
        ok(counted(one) and not counted(two), "without the scans the query keeps its place")
        close(session, "query")
        ok(not counted(one), "and gives it back")
        for what, end in (("a savepoint", "ROLLBACK TO s"), ("a transaction that is rolled back", "ROLLBACK"), ("one that is committed", "COMMIT")):
            if end != "ROLLBACK TO s":
                rows(session, "ROLLBACK; BEGIN")
            rows(session, "SAVEPOINT s")
            open_scans(session, "c0", "c1", "c2")
            close(session, "c0")
            ok(counted(one) and not counted(two), what + ": the place has moved to another scan")
            rows(session, end)
            ok(not counted(one), what + ": the end gives it back")
        rows(session, "BEGIN")
        open_scans(session, "c0", "c1", "c2")
        close(session, "c1")
        ok(counted(one), "a session that is terminated: it has a place")
        kill_backend(pid_of(session), signal.SIGTERM)
        wait_until(lambda: not counted(one), 30, "the place that a session had when it was terminated")


def values_checked():
    """tenancy.query and cursors of open_query are not ended by errors that are caught either"""
    with contextlib.closing(scanning_session(max_running_queries_per_user="1")) as session, \
            contextlib.closing(busy.connect(max_running_queries_per_user="1")) as second:
        same(value(session, "SELECT count(v) FROM tenancy.query('lite', 'SELECT v FROM many') AS t(v pg_temp.checked)"), 3000, "every row is read")
        found = wait_for_history("user_id = %s AND application_name = %s AND source = 'sql'", busy.id, "scan " + busy.id)
        same((found[-1]["status"], found[-1]["row_count"]), ("success", 3000), "and the run is a success")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('lite', 'SELECT v FROM many', NULL, 'c')")
        rows(session, "FETCH 15 FROM c")
        ok(counted(second), "a cursor counts")
        rows(session, "COMMIT")


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
                        "max_registrations_per_hour", "max_connections_per_user", "max_attachments_per_user", "max_attached_tables_per_user"):
            same(sqlstate(rows, session, "SET tenancy.%s = 0" % setting), "42501", "SET tenancy.%s is refused" % setting)


def stored():
    """What the platform keeps of a text that a user gives is bounded, so that every row can be printed and dumped"""
    hollow = "jsonb_build_object(repeat(E'\\x01', 300000), NULL)"
    zeros = "jsonb_build_object('cache_ttl', repeat('0', 300000) || '5')"
    many = "jsonb_build_object('sslrootcert', repeat('x', 600000))"
    with contextlib.closing(busy.connect()) as session:
        def create(options):
            return sqlstate(rows, session, "SELECT tenancy.create_connection('big', 'sqlite', database_name => 'big.db', options => %s)" % options)
        for options, state in ((hollow, "22023"), (zeros, "22023"), (many, "54000"), ("'{\"create\": null}'", "22023"), ("'{\"cache_ttl\": \"0000000005\"}'", None)):
            same(create(options), state, "create_connection(…, options => %s)" % options)
        error = raised(rows, session, "SELECT tenancy.create_connection('null', 'sqlite', database_name => 'big.db', options => '{\"create\": null}')")
        ok(error is not None and "\"create\"" in error.diag.message_primary and error.diag.message_hint, "the error says which option, and what to do", error)
        for options, state in ((hollow, "22023"), (zeros, "22023"), (many, "54000"), ("'{}'", None)):
            same(sqlstate(rows, session, "SELECT tenancy.update_connection('big', options => %s)" % options), state, "update_connection(…, options => %s)" % options)
        for argument, state in (("options => " + hollow, "22023"), ("options => " + many, "54000"), ("options => '{\"fetch_size\": null}'", "22023"),
                                ("tables => array_fill('a'::text, '{600000}')", "54000"), ("tables => ARRAY[repeat('a', 5000000)]", "54000"),
                                ("remote_schema => repeat('a', 2000)", "42622")):
            same(sqlstate(rows, session, "SELECT tenancy.attach('lite', 'big_%s', %s)" % (UNIQUE, argument)), state, "attach(…, %s)" % argument)
        same(value(session, "SELECT max(pg_column_size(options)) < 1000 FROM tenancy.connections()"), True, "nothing large was stored")


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
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM tenancy.users")
        with contextlib.closing(as_app(max_sessions_per_user="3")) as other:
            tokens += [value(other, "SELECT tenancy.login(%s, %s)", user.email, user.password) for _ in range(3)]
        tokens.append(login())
        rows(session, "COMMIT")
        same([lives(token) for token in tokens], [False] * 6 + [True] * 3, "nor after a login in a transaction with an old snapshot")
        rows(session, "BEGIN")
        login()
        with contextlib.closing(as_app(max_sessions_per_user="3")) as other:
            same(sqlstate(rows, other, "SELECT tenancy.login(%s, %s)", user.email, user.password), None, "a login does not wait for another that is not committed")
        rows(session, "ROLLBACK")
        rows(session, "RESET SESSION AUTHORIZATION")
        rows(session, "SET tenancy.max_sessions_per_user = 0")
        tokens += [login() for _ in range(3)]
        same([lives(token) for token in tokens].count(True), 6, "0 is no limit")


def registrations():
    """Accounts that are made in an hour; the crash before has the server begin a new one"""
    def register(session, word):
        return sqlstate(rows, session, "SELECT tenancy.register(%s, 'a long password')", "%s.%s@test.example" % (word, UNIQUE))
    with contextlib.closing(as_app(max_registrations_per_hour="2")) as session, contextlib.closing(connect()) as admin:
        same([sqlstate(rows, session, "SELECT tenancy.register(%s, %s)", *pair) for pair in (("a@b", "x"), ("a@b", "y" * 2000), ("a", "a long password")) * 2],
             ["22023"] * 6, "what is no account")
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
        with contextlib.closing(busy.connect(max_registrations_per_hour="11")) as user:
            same([register(user, "guest%d" % n) for n in range(3)], [None, None, "53400"], "all users together make a tenth of them")
        with contextlib.closing(other.connect(max_registrations_per_hour="11")) as user:
            same(register(user, "guest3"), "53400", "in no session")
        role = make_role("bound")
        rows(admin, "SELECT tenancy.bind_role(%s, %s)", other.id, role)
        with contextlib.closing(connect()) as user:
            rows(user, "SET tenancy.max_registrations_per_hour = 11")
            rows(user, 'SET SESSION AUTHORIZATION "%s"' % role)
            same(register(user, "guest4"), "53400", "nor does a role that is a user's")
            rows(user, "BEGIN")
            rows(user, "SET LOCAL tenancy.session = 'tncy_none'")
            same(value(user, "SELECT tenancy.current_user_id()"), None, "which a token that is not valid makes nobody")
            same(register(user, "guest5"), "53400", "but no application")
            rows(user, "ROLLBACK")
            rows(admin, "SELECT tenancy.set_active(%s, false)", other.id)
            same(value(user, "SELECT tenancy.current_user_id()"), None, "an account that is switched off is nobody either")
            same(register(user, "guest6"), "53400", "and no application")
            rows(admin, "SELECT tenancy.set_active(%s, true)", other.id)
        with contextlib.closing(as_app(max_registrations_per_hour="11")) as session:
            same(register(session, "seventh"), None, "whoever is nobody has the rest")


run(connections, running, given_back, registered, snapshots, scans, several_scans, values_checked, sizes, stored, pooled, logins, crash, registrations)
