#!/usr/bin/python3
"""A tenant who uses everything that SQL allows, and a client database that answers what it likes: nobody else's rows are seen,
no code of theirs runs with our rights, no call ends the server."""

import collections
import contextlib
import os
import socket
import struct

from rogue import DONE, TEXT, FalsePostgres, data, description, message
from tenancy import (UNIQUE, User, app_role, connect, environment, execute, is_up, memory, ok, person_role, pid_of,
                     raised, rows, run, same, sqlstate, value, wait_for_history, wait_until)
from traps import TRAPS

SCHEMA = "mallory_" + UNIQUE
CHECKPOINTER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
mallory = User("mallory")
victim = User("victim")
with contextlib.closing(connect()) as superuser:
    checkpointer = value(superuser, CHECKPOINTER)


def own_schema():
    """A schema of the tenant's role, where it may make what it likes."""
    with contextlib.closing(connect()) as session:
        rows(session, 'CREATE SCHEMA "%s" AUTHORIZATION "%s"' % (SCHEMA, person_role()))


def own(session):
    rows(session, 'SET search_path = "%s", pg_temp, pg_catalog' % SCHEMA)
    return session


def expect(wanted, *statements, session=None):
    """Run the statements in one session of mallory's: the last one ends with wanted, an SQLSTATE or None, the others well."""
    with contextlib.closing(session or mallory.connect()) as used:
        for statement in statements[:-1]:
            rows(used, statement)
        return same(sqlstate(rows, used, statements[-1]), wanted, statements[-1][:100])


def connections():
    """Both have connections, queries in history, and changed accounts"""
    own_schema()
    for user in (mallory, victim):
        user.postgres("pg")
        user.sqlite("lite")
        with contextlib.closing(user.connect()) as session:
            same(execute(session, "lite", "SELECT 1")["status"], "success", "a query of " + user.email.partition(".")[0])
            rows(session, "SELECT tenancy.update_profile(%s)", "name")


# Code of the tenant's


def workload():
    """Statements that reach every own statement of the extension that a tenant can cause."""
    return (("SELECT tenancy.execute_query('lite', 'SELECT 1')->>'status'",),
            ("SELECT tenancy.login(%s, %s)", mallory.email, mallory.password),
            ("SELECT tenancy.change_password(%s, %s)", mallory.password, mallory.password),
            ("SELECT tenancy.update_connection('lite', name => 'lite', options => '{\"create\": true}')",),
            ("SELECT tenancy.create_connection('more', 'sqlite', database_name => 'more.db')",),
            ("SELECT tenancy.delete_connection('more')",),
            ("SELECT tenancy.update_profile('first', 'last')",),
            ("SELECT ok FROM tenancy.test_connection('lite')",),
            ("SELECT count(*) FROM tenancy.connections(), tenancy.profile(), tenancy.sessions(), tenancy.history(max_rows => 1)",),
            ("SELECT (tenancy.history_entry(id)).status FROM tenancy.query_history LIMIT 1",),
            ("SELECT a FROM tenancy.query('pg', 'SELECT $1::timestamptz', tenancy.current_user_id()::text::uuid IS NULL) AS t(a text)"
             " WHERE false",))


def traps():
    """Operators, functions and tables of the tenant's come first in search_path: none of them runs"""
    with contextlib.closing(own(mallory.connect())) as session:
        rows(session, TRAPS)
        ok(raised(rows, session, "SELECT 'a'::text = 'b'::text") is not None, "the traps work")
        for statement, *arguments in workload():
            error = raised(rows, session, statement, *arguments)
            ok(error is None or "trap" not in str(error), "trapped: " + statement[:60], error)


SETTINGS = ("transform_null_equals = on", "array_nulls = off", "bytea_output = escape", "datestyle = 'SQL, DMY'",
            "intervalstyle = iso_8601", "timezone = 'Asia/Kathmandu'", "extra_float_digits = -15", "standard_conforming_strings = off",
            "plan_cache_mode = force_custom_plan", "plan_cache_mode = force_generic_plan", "enable_indexscan = off", "jit_above_cost = 0",
            "default_transaction_isolation = serializable", "plpgsql.extra_errors = 'all'", "quote_all_identifiers = on",
            "work_mem = 64", "search_path = ''", "client_encoding = SQL_ASCII",
            "role = tenancy_user")


def settings():
    """Every setting that a tenant may change: nothing of ours changes with it"""
    for setting in SETTINGS:
        with contextlib.closing(mallory.connect()) as session:
            rows(session, "SET " + setting)
            failed = [(statement, str(error)) for statement, *arguments in workload()
                      for error in [raised(rows, session, statement, *arguments)] if error is not None]
            same(failed, [], "SET " + setting)
    for setting in ("history_required = off", "history_durability = async", "identity_scope = transaction", "allowed_networks = '0.0.0.0/0'",
                    "key_command = 'id'", "key_file = '/dev/null'", "sqlite_root = '/'", "lockout_threshold = 0", "max_result_rows = 1",
                    "max_pool_size = 1000", "statement_timeout = 0", "password_cost = 10", "session_lifetime = 1"):
        with contextlib.closing(mallory.connect()) as session:
            ok(sqlstate(rows, session, "SET tenancy." + setting) in ("42501", "55P02"), "SET tenancy." + setting + " is refused")
    expect("42501", "SET session_replication_role = replica")


# Rows of others

TABLES = {"users": "id", **{table: "user_id" for table in (
    "user_sessions", "role_bindings", "database_connections", "running_queries", "query_history", "query_rollups", "statement_rollups", "query_daily", "history_chain", "audit_log",
    "history_entries")}}


def leaks():
    """A cheap function that tells its argument, before all other conditions: it sees own rows only"""
    with contextlib.closing(mallory.connect()) as session:
        session.notices = collections.deque(maxlen=100000)
        rows(session, "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS"
             " $$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$")
        for table, column in TABLES.items():
            session.notices.clear()
            rows(session, "SELECT count(*) FROM tenancy.%s AS t WHERE pg_temp.tell(%s::text)" % (table, column))
            told = "".join(session.notices)
            ok(victim.id not in told, "tenancy.%s in WHERE" % table)
            rows(session, "SELECT count(*) FROM tenancy.%s AS t JOIN (VALUES (%%s::uuid)) AS v (id) ON v.id = t.%s AND pg_temp.tell(t.%s::text)"
                 % (table, column, column), victim.id)
            ok(victim.id not in "".join(session.notices).replace(told, ""), "tenancy.%s in JOIN" % table)
        for statement in ("SELECT count(*) FROM pg_stats WHERE schemaname = 'tenancy' AND tablename NOT LIKE 'pg%'",
                          "SELECT count(*) FROM tenancy.users WHERE id <> tenancy.current_user_id()"):
            same(value(session, statement), 0, statement)
        rows(session, "SET row_security = off")
        same(sqlstate(rows, session, "SELECT count(*) FROM tenancy.users"), "42501", "without row security: an error, not all rows")


def privileges():
    """Secrets, and rows that only we write"""
    for statement in ("SELECT password_hash FROM tenancy.users", "SELECT token_hash FROM tenancy.user_sessions",
                      "SELECT password_encrypted FROM tenancy.database_connections",
                      "SELECT connection_string_encrypted FROM tenancy.database_connections",
                      "SELECT users FROM tenancy.users", "SELECT row_to_json(c) FROM tenancy.database_connections AS c",
                      "UPDATE tenancy.users SET id = id", "UPDATE tenancy.users SET first_name = 'x'", "UPDATE tenancy.users SET is_active = true",
                      "UPDATE tenancy.user_sessions SET expires_at = 'infinity'",
                      "UPDATE tenancy.database_connections SET host = 'elsewhere'", "DELETE FROM tenancy.query_history",
                      "INSERT INTO tenancy.audit_log (action, object_type, object_id) VALUES ('a', 'b', 'c')",
                      "INSERT INTO tenancy.running_queries (id, status, source, started_at) VALUES (gen_random_uuid(), 'success', 'sql', now())",
                      "INSERT INTO tenancy.role_bindings (role_name, user_id) SELECT session_user, id FROM tenancy.users",
                      "SELECT tenancy.history_queue()", "SELECT tenancy.write_audit()",
                      "SELECT tenancy.key_ring()", "SELECT tenancy.decrypt_database_password('x')", "SELECT tenancy.unlock_account('x')",
                      "SELECT tenancy.bind_role(tenancy.current_user_id(), session_user)",
                      "CREATE TRIGGER t AFTER UPDATE ON tenancy.users EXECUTE FUNCTION tenancy.touch_user()",
                      "CREATE TABLE \"%s\".r (id uuid REFERENCES tenancy.users)" % SCHEMA, "ALTER TABLE tenancy.users DISABLE ROW LEVEL SECURITY",
                      "CREATE FUNCTION tenancy.current_user_id(int) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'"):
        expect("42501", statement)
    for mode in ("ROW EXCLUSIVE", "SHARE", "ACCESS EXCLUSIVE"):
        for table in ("users", "running_queries", "query_history", "history_chain"):
            with contextlib.closing(mallory.connect()) as session:
                rows(session, "BEGIN")
                same(sqlstate(rows, session, "LOCK TABLE tenancy.%s IN %s MODE" % (table, mode)), "42501", "LOCK TABLE %s %s" % (table, mode))


def plans():
    """What the server prints of our own plans has no secret"""
    with contextlib.closing(mallory.connect()) as session, contextlib.closing(connect()) as admin:
        session.notices = collections.deque(maxlen=100000)
        for setting in ("client_min_messages = log", "debug_print_plan = on", "plan_cache_mode = force_custom_plan"):
            rows(session, "SET " + setting)
        for statement, *arguments in workload():
            raised(rows, session, statement, *arguments)
        told = "".join(session.notices)
        ok(len(told) > 1000, "plans are printed")
        secrets = [value(admin, "SELECT password_hash FROM tenancy.users WHERE id = %s", mallory.id).encode()] + [
            row[0].encode() for row in rows(admin, "SELECT password_encrypted FROM tenancy.database_connections"
                                            " WHERE user_id = %s AND password_encrypted IS NOT NULL", mallory.id)]
        for secret in secrets:
            printed = "".join(str(byte if byte < 128 else byte - 256) for byte in secret[:48])  # lines break within numbers
            ok(printed not in "".join(told.split()), "a stored secret is not printed")


# Identity

def identities():
    """Ways to keep, borrow or read an identity"""
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE FUNCTION "%s".lent() RETURNS boolean SECURITY DEFINER LANGUAGE sql AS $$SELECT tenancy.is_admin()$$' % SCHEMA)
        rows(admin, 'GRANT EXECUTE ON FUNCTION "%s".lent() TO PUBLIC' % SCHEMA)
        ok(value(admin, 'SELECT "%s".lent()' % SCHEMA), "is_admin() in a superuser's own function, for the superuser")
    with contextlib.closing(mallory.connect()) as session:
        same(value(session, 'SELECT "%s".lent()' % SCHEMA), False, "a superuser's SECURITY DEFINER function does not lend its rights")
        same(value(session, "SELECT current_setting('tenancy.session')"), "********", "the token cannot be read")
        error = sqlstate(rows, session, "CREATE FUNCTION pg_temp.as_victim() RETURNS uuid SET tenancy.session = '%s' LANGUAGE sql"
                         " AS 'SELECT tenancy.current_user_id()'" % victim.token)
        same(error, "0A000", "a function keeps no token")
        rows(session, "BEGIN")
        rows(session, "SAVEPOINT a")
        rows(session, "SELECT tenancy.authenticate(%s)", victim.token)
        rows(session, "ROLLBACK TO a")
        same(value(session, "SELECT tenancy.current_user_id()"), mallory.id, "ROLLBACK TO gives the own one back")
        rows(session, "ROLLBACK")
        rows(session, "CREATE TEMP TABLE indexed (a int)")
        rows(session, "INSERT INTO indexed VALUES (1)")
        rows(session, "CREATE FUNCTION pg_temp.become(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
             " $$BEGIN PERFORM tenancy.authenticate('%s'); RETURN 1; END$$" % victim.token)
        same(sqlstate(rows, session, "CREATE INDEX ON indexed (pg_temp.become(a))"), "42501", "authenticate() in an index expression")


# Calls that no one thought of

CALLS = (
    ("22004", "SELECT * FROM tenancy.query(NULL::text, 'SELECT 1') AS t(a int)"),
    ("22004", "SELECT * FROM tenancy.query('lite', NULL) AS t(a int)"),
    ("22004", "SELECT tenancy.open_query(NULL::uuid, NULL, NULL, NULL)"),
    ("22004", "SELECT tenancy.execute_query(NULL::uuid, NULL)"),
    ("22023", "SELECT tenancy.execute_query('lite', 'SELECT 1', '{}')"),
    ("22023", "SELECT tenancy.execute_query('lite', 'SELECT 1', max_rows => -1)"),
    (None, "SELECT * FROM tenancy.query('lite', 'SELECT 1', VARIADIC NULL::int[]) AS t(a int)"),
    (None, "SELECT * FROM tenancy.query('lite', 'SELECT ?', VARIADIC ARRAY[ROW(1, NULL)]) AS t(a text)"),
    (None, "SELECT * FROM tenancy.query('lite', 'SELECT ?', NULL) AS t(a text)"),
    ("42601", "SELECT * FROM tenancy.query('lite', 'SELECT 1', VARIADIC (SELECT array_agg(n) FROM generate_series(1, 70000) AS n)) AS t(a int)"),
    ("08P01", "SELECT * FROM tenancy.query('pg', 'SELECT 1', VARIADIC (SELECT array_agg(n) FROM generate_series(1, 70000) AS n)) AS t(a int)"),
    ("0A000", "SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a record)"),
    ("22P02", "SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a tenancy.users)"),
    ("42804", "SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a int, b int)"),
    ("0A000", "SELECT tenancy.query('lite', 'SELECT 1')"),
    ("42809", "SELECT (tenancy.query('lite', 'SELECT 1')).*"),
    (None, "SELECT * FROM generate_series(1, 5) AS g, LATERAL tenancy.query('lite', 'SELECT ?', g) AS t(a int)"),
    (None, "SELECT * FROM ROWS FROM (tenancy.query('lite', 'SELECT 1') AS (a int), tenancy.query('pg', 'SELECT 2') AS (b int)) WITH ORDINALITY"),
    ("42P11", "SELECT tenancy.open_query('pg', 'SELECT FROM generate_series(1, 3)')"),
    ("42804", "SELECT * FROM tenancy.query('pg', 'SELECT') AS t(a int)"),
    ("42804", "SELECT * FROM tenancy.query('pg', 'SELECT FROM generate_series(1, 3)') AS t(a int)"),
    ("34000", "SELECT tenancy.open_query('lite', 'SELECT 1', NULL, '')"),
    ("34000", "SELECT tenancy.open_query('lite', 'SELECT 1', NULL, repeat('\u00e9', 32)::refcursor)"),
    ("53400", "SELECT tenancy.execute_query('lite', 'SELECT 1' || repeat(' ', 100000000))"),
    (None, "SELECT tenancy.execute_query(repeat('x', 1000000), 'SELECT 1')"),
    (None, "SELECT tenancy.execute_query('lite', 'SELECT ?', jsonb_build_array((repeat('[', 5000) || repeat(']', 5000))::jsonb))"),
    ("28P01", "SELECT tenancy.login(repeat('x', 1000000), repeat('y', 1000000))"),
    ("28000", "SELECT tenancy.authenticate(repeat('x', 1000000))"),
)


def calls():
    """Arguments and places that a call is not made for"""
    for wanted, statement in CALLS:
        expect(wanted, statement)
    for body in ("DECLARE c refcursor; BEGIN FOR i IN 1..3 LOOP BEGIN c := tenancy.open_query('lite', 'SELECT 1'); RAISE EXCEPTION 'x';"
                 " EXCEPTION WHEN raise_exception THEN NULL; END; PERFORM tenancy.execute_query('lite', 'SELECT 2'); COMMIT; END LOOP; END",
                 "DECLARE c refcursor := tenancy.open_query('lite', 'VALUES (1), (2)'); r record; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND;"
                 " BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; CLOSE c; END"):
        expect(None, "DO $$" + body + "$$")
    expect("34000", "DO $$DECLARE c refcursor := tenancy.open_query('lite', 'SELECT 1'); r record; BEGIN COMMIT; FETCH c INTO r; END$$")
    expect(None, "BEGIN", "DECLARE h CURSOR WITH HOLD FOR SELECT tenancy.open_query('lite', 'SELECT 1') FROM generate_series(1, 3)", "COMMIT")


PORTALS = (("24000", "UPDATE pg_temp.t SET a = 1 WHERE CURRENT OF c"), ("55000", "FETCH BACKWARD 1 FROM c"), ("55000", "FETCH 0 FROM c"),
           ("55000", "FETCH FIRST FROM c"), ("55000", "MOVE ABSOLUTE 1 IN c"), ("42P03", "SELECT tenancy.open_query('lite', 'SELECT 1', NULL, 'c')"),
           ("42P03", "DECLARE c CURSOR FOR SELECT 1"), (None, "FETCH ALL FROM c"), (None, "MOVE ALL IN c"), (None, "CLOSE ALL"))


def portals():
    """What can be done to a cursor of open_query"""
    for wanted, statement in PORTALS:
        expect(wanted, "CREATE TEMP TABLE t (a int)", "BEGIN", "SELECT tenancy.open_query('lite', 'VALUES (1), (2), (3)', NULL, 'c')",
               "FETCH 2 FROM c", statement)
    wide = ", ".join("%d AS c%d" % (n, n) for n in range(1990))
    expect("54011", "DO $$DECLARE c refcursor; r record; BEGIN c := tenancy.open_query('lite', 'SELECT %s'); FETCH c INTO r; END$$" % wide)


def failed_portal():
    """A portal whose transaction has failed is still there for the protocol, with a text that needs memory of its own"""
    with contextlib.closing(mallory.connect()) as session:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('lite', 'SELECT 1 /*' || repeat('x', 1000000) || '*/', NULL, 'c')")
        same(sqlstate(rows, session, "SELECT 1 / 0"), "22012", "the transaction fails")
        with socket.socket(fileno=os.dup(session.fileno())) as raw:
            raw.setblocking(True)
            raw.sendall(message(b"E", b"c\0" + struct.pack("!i", 0)) + message(b"S", b""))
            answer = b""
            while not answer.endswith(message(b"Z", b"E")):
                piece = raw.recv(65536)
                if not piece:
                    break
                answer += piece
        ok(b"C25P02\0" in answer, "Execute in a transaction that has failed", answer)


def reentry():
    """Code that runs in the middle of a query, and begins others"""
    with contextlib.closing(own(mallory.connect())) as session:
        rows(session, "SET search_path = pg_catalog")
        rows(session, "CREATE FUNCTION pg_temp.busy(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM tenancy.execute_query('lite', 'SELECT 5');"
             " PERFORM tenancy.close_connections(); PERFORM tenancy.update_connection('lite', name => 'lite' || $1);"
             " PERFORM tenancy.update_connection('lite' || $1, name => 'lite'); RETURN true; END$$")
        rows(session, "CREATE DOMAIN pg_temp.busy AS int CHECK (pg_temp.busy(value))")
        same(rows(session, "SELECT * FROM tenancy.query('lite', 'VALUES (1), (2)') AS t(a pg_temp.busy)"), [(1,), (2,)],
             "a domain's CHECK that queries, closes and changes the connection that is read")
        rows(session, "CREATE FUNCTION pg_temp.again(int) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
        rows(session, "CREATE DOMAIN pg_temp.again AS int CHECK (pg_temp.again(value))")
        rows(session, "CREATE OR REPLACE FUNCTION pg_temp.again(int) RETURNS boolean LANGUAGE plpgsql AS"
             " $$BEGIN PERFORM FROM tenancy.query('lite', 'SELECT 1') AS t(a pg_temp.again); RETURN true; END$$")
        same(sqlstate(rows, session, "SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a pg_temp.again)"), "53300", "without end: the pool has one")
        same(value(session, "SELECT count(*) FROM tenancy.pool() WHERE busy"), 0, "and all its sessions come back")
        rows(session, "CREATE TEMP TABLE loop (a int)")
        rows(session, "CREATE FUNCTION pg_temp.loop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO loop SELECT a FROM"
             " tenancy.query('lite', 'SELECT 1') AS t(a int); RETURN NULL; END$$")
        rows(session, "CREATE TRIGGER loop AFTER INSERT ON loop FOR EACH ROW EXECUTE FUNCTION pg_temp.loop()")
        same(sqlstate(rows, session, "INSERT INTO loop VALUES (1)"), "54001", "a trigger that fires itself")
        rows(session, "CREATE TEMP TABLE late (a int)")
        rows(session, "CREATE FUNCTION pg_temp.late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM tenancy.open_query('lite', 'SELECT 1');"
             " PERFORM tenancy.execute_query('pg', 'SELECT 1'); RETURN NULL; END$$")
        rows(session, "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
             " EXECUTE FUNCTION pg_temp.late()")
        same(sqlstate(rows, session, "INSERT INTO late VALUES (1)"), None, "a cursor that is opened during COMMIT")
        same(value(session, "SELECT count(*) FROM pg_cursors WHERE name <> ''"), 0, "is gone after it")


def workers():
    """Functions that say they are parallel safe, and are not"""
    with contextlib.closing(mallory.connect()) as session:
        for name, body in (("execute", "SELECT tenancy.execute_query('lite', 'SELECT 1')->>'status'"),
                           ("open", "SELECT (tenancy.open_query('lite', 'SELECT 1') IS NOT NULL)::text"),
                           ("who", "SELECT tenancy.current_user_id()::text"),
                           ("become", "SELECT tenancy.authenticate('%s')::text" % victim.token),
                           ("create", "SELECT tenancy.create_connection('w', 'sqlite', database_name => 'w.db')::text")):
            rows(session, 'CREATE FUNCTION "%s".%s() RETURNS text PARALLEL SAFE LANGUAGE sql AS $$%s$$' % (SCHEMA, name, body))
        rows(session, 'CREATE TABLE "%s".rows AS SELECT generate_series(1, 100) AS n' % SCHEMA)
        rows(session, "SET %s = on" % ("debug_parallel_query" if session.server_version >= 160000 else "force_parallel_mode"))
        for name, result in (("execute", "success"), ("who", mallory.id)):
            same(rows(session, 'SELECT DISTINCT "%s".%s() FROM "%s".rows' % (SCHEMA, name, SCHEMA)), [(result,)], name + " in a worker")
        same(value(session, 'SELECT "%s".open()' % SCHEMA), "true", "open in a worker")
        for name in ("become", "create"):
            same(sqlstate(rows, session, 'SELECT "%s".%s()' % (SCHEMA, name)), "25000", name + " in a worker")
        same(value(session, 'SELECT "%s".who()' % SCHEMA), mallory.id, "and the worker's identity is still its leader's")


def locks():
    """The own row changed: the own query is answered, and in history before the transaction ends"""
    with contextlib.closing(mallory.connect()) as session:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.update_profile('changed')")
        answer = execute(session, "lite", "SELECT 'own row changed'")
        same(answer["status"], "success", "a query of a transaction that has changed its own user")
        same(wait_for_history("id = %s", answer["query_id"])[0]["user_id"], mallory.id, "is in history, with its user")
        rows(session, "ROLLBACK")


class Wire:
    """A session of a login role that reads only when it is told to."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect("%s/.s.PGSQL.%s" % (environment("PGHOST"), environment("PGPORT")))
        body = struct.pack("!I", 196608) + ("user\0%s\0database\0%s\0\0" % (app_role(), environment("PGDATABASE"))).encode()
        self._socket.sendall(struct.pack("!I", len(body) + 4) + body)
        said = self.read()
        key = said.index(b"K\0\0\0\x0c")
        self.pid = struct.unpack("!I", said[key + 5:key + 9])[0]
        self.send("SET client_min_messages = log")
        self.read()

    def send(self, statement):
        self._socket.sendall(message(b"Q", statement.encode() + b"\0"))

    def read(self):
        said = b""
        while b"Z\0\0\0\x05" not in said:
            said += self._socket.recv(65536)
        return said

    def is_stuck(self, admin):
        """Wait until its statement is over, or waits for the reader that does not read: then true."""
        def look():
            return rows(admin, "SELECT state = 'idle', wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = %s", self.pid)[0]
        wait_until(lambda: any(look()), 30, "the end of a statement")
        return look()[1]

    def close(self):
        self._socket.close()


def deaf():
    """A login whose client does not read what it is told holds up no other login"""
    noise = "DO $$BEGIN RAISE LOG '%s'; END$$" % ("y" * 50)
    attempt = "SELECT tenancy.login('deaf%s@test.example', 'wrong')" % UNIQUE
    with contextlib.closing(connect()) as admin:
        with contextlib.closing(Wire()) as wire:
            room = 1
            wire.send(noise)
            while not wire.is_stuck(admin):
                wire.send(noise)
                room += 1
        with contextlib.closing(Wire()) as wire:
            for _ in range(4):
                wire.send(attempt)
                wire.read()
            for _ in range(room - 1):
                wire.send(noise)
                wire.is_stuck(admin)
            wire.send(attempt)
            wire.is_stuck(admin)
            logs_in("while its last attempt cannot be told")
        logs_in("when it has gone")


def logs_in(when):
    with contextlib.closing(connect(user=app_role(), options="-c statement_timeout=10s")) as session:
        same(sqlstate(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password), None, "another login, " + when)


# A hostile client database

def printable(text):
    return all(character.isprintable() for character in text)


def client_database():
    """A PostgreSQL server that is none: its bytes become errors, not text of ours"""
    server = FalsePostgres()
    mallory.postgres("false", host="127.0.0.1", port=server.listener.port, username="u", password="p", database_name="d",
                     options={"sslmode": "disable"})
    query = "SELECT * FROM tenancy.query('false', 'attack') AS t(a text)"

    def answers(what, shape, reply, wanted):
        server.description, server.reply = shape, reply
        with contextlib.closing(mallory.connect()) as session:
            rows(session, "SET statement_timeout = '30s'")
            same(sqlstate(rows, session, query), wanted, what)
    answers("an honest answer", description(TEXT), data(b"x") + DONE, None)
    answers("a value that is not UTF-8", description(TEXT), data(b"\xff\xfe") + DONE, "22021")
    answers("a value with a zero byte", description(TEXT), data(b"a\0b") + DONE, "22021")
    answers("more values than columns", description(TEXT), data(b"x", b"y") + DONE, "08006")
    answers("a second description that is wider", description(TEXT), data(b"x") + description(TEXT, TEXT) + data(b"y", b"z") + DONE, None)
    answers("a second description that is narrower", description(TEXT, TEXT), data(b"x", b"y") + description(TEXT) + data(b"z") + DONE, "42804")
    for width in (1665, 32768, 40000, 65535):
        server.description, server.reply = description(*[TEXT] * width), data(*[b"x"] * width) + DONE
        expect("54011", "SELECT tenancy.open_query('false', 'attack %d columns')" % width)
    server.description, server.reply = description(*[(b"a", 1042, 104857604)] * 5), data(*[b"x"] * 5) + DONE
    with contextlib.closing(mallory.connect()) as session:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('false', 'attack', NULL, 'c')")
        rows(session, "MOVE 1 IN c")
        most = memory(pid_of(session))["most"]
        ok(most < 300000, "five values of one byte that say that they are character(104857600) take %d kB" % most)
    with contextlib.closing(mallory.connect()) as session:
        server.description, server.reply = description((b"\xff\x1b[31m", 25, -1)), data(b"x") + DONE
        same(value(session, "SELECT name FROM tenancy.describe_query('false', 'attack')"), "?\x1b[31m", "a column's name that is not UTF-8")
        same(execute(session, "false", "attack")["columns"], [{"name": "?", "type": "text"}], "and in JSON")
        server.refusal = message(b"E", b"SERROR\0VERROR\0C42P01\0M\x1b[2Jfirst\r\n2030 LOG:  forged\xff\xfe\0\0")
        answer = execute(session, "false", "attack again")
        same((answer["status"], answer["error"]["sqlstate"]), ("error", "42P01"), "an error with control characters")
        ok(printable(answer["error"]["message"].replace("\n", "")), "is printable", repr(answer["error"]["message"]))
        entry = wait_for_history("id = %s", answer["query_id"])[0]
        ok(printable(entry["error_message"].replace("\n", "")), "in history too", repr(entry["error_message"]))
        server.version = b"15\xff\x1b[2J\r\n"
        told = value(session, "SELECT server_version FROM tenancy.test_connection('false')")
        ok(printable(told), "a version with control characters", repr(told))


def statistics():
    """Estimates do not tell what others asked"""
    text = "SELECT 'merger of %s'" % victim.id
    with contextlib.closing(victim.connect()) as session:
        victim.sqlite("statistics", database_name="statistics.db")
        rows(session, "SELECT count(tenancy.execute_query('statistics', %s)) FROM generate_series(1, 500)", text)
    with contextlib.closing(connect()) as admin, contextlib.closing(mallory.connect()) as session:
        rows(admin, "ANALYZE tenancy.query_history")
        ask = "EXPLAIN (FORMAT json) SELECT FROM tenancy.query_history WHERE generated_sql_query = %s"
        estimates = [value(session, ask, asked)[0]["Plan"]["Plan Rows"] for asked in (text, "SELECT 'nobody'")]
        same(estimates[0], estimates[1], "the same estimate for a text that another tenant ran often, and for one that nobody did")


def the_end():
    """The server is the one that it was, and nothing runs that should have ended"""
    ok(is_up(), "the server is up")
    with contextlib.closing(connect()) as session:
        same(value(session, CHECKPOINTER), checkpointer, "and did not start again after a crash")
        same(rows(session, "SELECT pid, query FROM pg_stat_activity WHERE usename = %s AND state = 'active'", person_role()), [],
             "no session of the tenant's hangs")
        same(value(session, "SELECT count(*) FROM tenancy.query_history WHERE user_id = %s AND status = 'lost'", mallory.id), 0,
             "no run was lost")
        rows(session, 'DROP SCHEMA "%s" CASCADE' % SCHEMA)


run(connections, traps, settings, leaks, privileges, plans, identities, calls, portals, failed_portal, reentry, workers, locks, deaf, client_database, statistics, the_end)
