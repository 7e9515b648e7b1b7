#!/usr/bin/python3
"""Whatever is wrong with a client database, or with who answers in its place: a clear error, and the session works on."""

import contextlib
import json
import os
import random
import struct
import time

from rogue import mysql_answering, mysql_greeting
from tenancy import (UNIQUE, Background, Listener, PostgresServer, User, environment, execute, free_port, history,
                     mysql, note, ok, private_directory, raised, rows, run, same, server_settings, sqlstate, value, wait_until)


def probe(session, name):
    """The code of test_connection, its message, and the seconds that it took."""
    start = time.monotonic()
    _, code, message, _, _ = rows(session, "SELECT * FROM tenancy.test_connection(%s)", name)[0]
    return code, message, time.monotonic() - start


def query(session, name, statement="SELECT 1"):
    return rows(session, "SELECT * FROM tenancy.query(%s, %s) AS t(x text)", name, statement)


def faulty(session, user, name, code, sqlstates, secret=None):
    """One broken connection: test_connection, query and execute_query agree, history has each run, a good one still works."""
    found, message, _ = probe(session, name)
    same(found, code, "%s: test_connection says %s" % (name, code))
    note(message)
    error = raised(query, session, name)
    ok(error is not None and error.pgcode in sqlstates, "%s: query raises %s" % (name, "/".join(sqlstates)),
       lambda: "%s %s" % (error and error.pgcode, error))
    answer = execute(session, name, "SELECT 2")
    ok(answer["status"] in ("error", "timeout", "denied") and answer["error"]["sqlstate"] in sqlstates,
       "%s: execute_query answers it" % name, answer)
    if secret:
        ok(secret not in str(error) + json.dumps(answer) + str(message), "%s: the password is in no message" % name)
    entries = history("user_id = %s AND connection_name = %s", user.id, name)
    same([entry["error_code"] in sqlstates and entry["status"] != "success" for entry in entries[-2:]], [True, True],
         "%s: both runs are in history" % name)
    same(execute(session, "good", "SELECT 3 AS n")["rows"], [[3]], "%s: the next query works" % name)


def codes():
    """Each kind of fault has its code and its SQLSTATE."""
    user = User()
    user.sqlite("good", database_name="good.db")
    silent = Listener(lambda listener, visitor: wait_until(lambda: not listener.receive(visitor), 60))
    # The sandbox's servers have no TLS, but for MySQL, which always has.
    plain = Listener(mysql_answering(mysql_greeting(False))) if environment("MYSQL_FLAVOUR") == "mysql" else None
    wrong = "wrong-password-" + UNIQUE
    makers = {"pg": user.postgres, "my": user.mysql}
    session = user.connect()
    for engine, make in makers.items():
        make(engine + " password", password=wrong)
        make(engine + " user", username="nobody_" + UNIQUE, password=wrong)
        make(engine + " database", database_name="missing_" + UNIQUE)
        make(engine + " refused", port=free_port())
        make(engine + " name", host="database.tenant.invalid", options={"connect_timeout": 10})
        make(engine + " silent", port=silent.port, options={"connect_timeout": 1})
        make(engine + " tls", options={"sslmode": "require"}, **({"port": plain.port} if engine == "my" and plain else {}))
        faulty(session, user, engine + " password", "password", ("28P01", "28000"), wrong)
        faulty(session, user, engine + " user", "password", ("28P01", "28000"), wrong)
        # MariaDB does not tell a user what databases there are.
        faulty(session, user, engine + " database", "database", ("3D000",) if engine == "pg" else ("3D000", "42501"))
        faulty(session, user, engine + " refused", "refused", ("08001", "08006"))
        faulty(session, user, engine + " name", "dns", ("08001",))
        faulty(session, user, engine + " silent", "timeout", ("08001", "08006", "57014"))
        code, _, seconds = probe(session, engine + " silent")
        ok(code == "timeout" and 0.9 < seconds < 8, engine + ": a connect timeout of a second takes a second", "%.3f s" % seconds)
        faulty(session, user, engine + " tls", "tls", ("08001", "08006"))
    silent.close()

    user.create("no file", database_type="sqlite", database_name="missing.db")
    faulty(session, user, "no file", "database", ("3D000",))
    user.postgres("off")
    rows(session, "SELECT tenancy.update_connection('off', is_active => false)")
    ok(raised(query, session, "off").pgcode == "55000", "an inactive connection is refused with 55000")
    session.close()


def forbidden_addresses():
    """Without allowed networks nothing on this machine can be reached, by no spelling."""
    user = User()
    user.sqlite("good", database_name="good.db")
    trap = Listener(lambda listener, visitor: listener.receive(visitor))
    user.postgres("pg here", host="localhost")
    user.mysql("my here", host="localhost")
    user.postgres("pg trap", port=trap.port)
    user.mysql("my trap", port=trap.port)
    with contextlib.closing(user.connect()) as session:
        same([probe(session, name)[0] for name in ("pg here", "my here")], ["ok", "ok"], "with 127.0.0.0/8 allowed, it is reached")
        pool = user.connect()
        same(execute(pool, "pg here", "SELECT 1")["status"], "success", "and pooled")
        with server_settings(allowed_networks=""):
            for waiting in (session, pool):
                wait_until(lambda s=waiting: value(s, "SHOW tenancy.allowed_networks") == "", 10)
            same((execute(pool, "pg here", "SELECT 1").get("error") or {}).get("sqlstate"), "42501", "a pooled session does not serve any more")
            for name in ("pg here", "my here", "pg trap", "my trap"):
                faulty(session, user, name, "denied_address", ("42501",))
            same(trap.visits, 0, "nothing came to the forbidden port")
            for host in ("127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "64:ff9b::7f00:1"):
                error = raised(lambda h=host: user.postgres("literal " + h, host=h))
                same(error and error.pgcode, "42501", "%s is refused when it is written" % host)
            same(sqlstate(rows, session, "SELECT tenancy.update_connection('pg trap', name => 'pg old', is_active => false)"), None,
                 "a connection to an address that may not be reached any more can be renamed and deactivated")
            same(sqlstate(rows, session, "SELECT tenancy.update_connection('pg old', host => '127.0.0.2', password => 'x')"), "42501",
                 "but not led to another one")
            for host in ("/tmp", "127.1", "2130706433", "0x7f000001", "localhost,example.com", "@abstract"):
                error = raised(lambda h=host: user.postgres("odd " + h, host=h))
                if error is None:
                    code, message, _ = probe(session, "odd " + host)
                    ok(code in ("denied_address", "dns", "other"), "%r leads nowhere" % host, (code, message))
                else:
                    ok(error.pgcode in ("22023", "42501"), "%r is refused" % host, error)
        pool.close()
        wait_until(lambda: value(session, "SHOW tenancy.allowed_networks") != "", 10, "the old setting in this session")
        same(probe(session, "pg here")[0], "ok", "with the setting back, it is reached again")
    trap.close()


def bad_input():
    """What is no connection is refused when it is written."""
    user = User()
    secret = "s3cret" + UNIQUE
    with contextlib.closing(user.connect()) as session:
        for text in ("", "postgresql://", "postgresql:/a/b", "http://user:%s@host/db" % secret, "postgresql://user:%s@host:99999/db" % secret,
                     "postgresql://user:%s@host/db?sslmode=maybe" % secret, "postgresql://user:%s@host/db?passfile=/etc/passwd" % secret,
                     "postgresql://user:%s%%zz@host/db" % secret, "mysql://user:%s@[::1/db" % secret, "postgresql://user:%s@a,b/db" % secret,
                     "mysql://user:%s@host/db?local_infile=1" % secret, "host=a password=%s" % secret, "sqlite:", "postgresql://u:%s@/db" % secret,
                     "postgresql://user:%s@host/db?host=/tmp" % secret, "sqlite:x.db?mode=rwc"):
            error = raised(rows, session, "SELECT tenancy.create_connection('bad', connection_string => %s)", text)
            shown = "" if error is None else "%s %s %s" % (error, error.diag.message_detail, error.diag.message_hint)
            ok(error is not None and error.pgcode in ("22023", "42501") and secret not in shown,
               "connection string %r" % text.replace(secret, "***").replace(UNIQUE, ""), shown)
        for options in ('{"passfile": "/etc/passwd"}', '{"sslmode": "maybe"}', '{"sslmode": ["disable"]}', '[]', '{"connect_timeout": -1}',
                        '{"options": "-c a=b"}', '{"sslrootcert": "/etc/ssl/cert.pem"}'):
            error = raised(rows, session, "SELECT tenancy.create_connection('bad', 'postgresql', 'db.example.com', 5432, 'd', 'u', 'p',"
                           " options => %s::jsonb)", options)
            same(error and error.pgcode, "22023", "options " + options)
        same(raised(query, session, "good" * 100).pgcode, "42501", "an unknown connection")


def sqlite_paths():
    """Nothing outside of the user's own directory is opened."""
    user, other = User(), User("other")
    user.sqlite("good", database_name="good.db")
    other.sqlite("theirs", database_name="theirs.db")
    root = environment("TENANCY_SQLITE_ROOT")
    with contextlib.closing(other.connect()) as session:
        execute(session, "theirs", "CREATE TABLE secret (x)")
    with contextlib.closing(user.connect()) as session:
        execute(session, "good", "CREATE TABLE mine (x)")
    own, outside = os.path.join(root, user.id), private_directory()
    for name, target in (("link.db", os.path.join(root, other.id, "theirs.db")), ("link", outside), ("dangling.db", outside + "/new.db")):
        os.symlink(target, os.path.join(own, name))
    os.mkfifo(os.path.join(own, "pipe.db"))
    with contextlib.closing(user.connect()) as session:
        for path in ("../%s/theirs.db" % other.id, os.path.join(root, other.id, "theirs.db"), "/etc/passwd", "..", ".", "link.db",
                     "link/new.db", "dangling.db", "pipe.db", "a/../../x.db", "file:x.db?mode=rwc", ":memory:", "good.db\n", ""):
            error = raised(lambda p=path: user.sqlite("path " + p, database_name=p))
            if error is not None:
                ok(error.pgcode in ("22023", "42501"), "path %r is refused when it is written" % path.replace(other.id, "…"), error)
                continue
            job = Background(probe, session, "path " + path)
            code, message, _ = job.value(10)
            answer = execute(session, "path " + path, "SELECT * FROM secret")
            ok(code in ("other", "database") and answer["status"] in ("error", "denied"),
               "path %r is refused when it is opened" % path.replace(other.id, "…"), (code, message, answer))
        same(os.listdir(outside), [], "nothing was made outside")
        same(execute(session, "good", "ATTACH '%s' AS t" % os.path.join(root, other.id, "theirs.db"))["status"] in ("error", "denied"),
             True, "no ATTACH")
        same(execute(session, "good", "SELECT 3 AS n")["rows"], [[3]], "the own file works")
        with server_settings(sqlite_root=outside):
            wait_until(lambda: execute(session, "good", "SELECT * FROM mine")["status"] == "error", 10, "another file, under another root")
            ok(True, "under another root it is another file, also in a session that had it open")


def died_while_streaming():
    """A server that goes away in the middle of the rows: an error, never an early end."""
    user = User()
    server = PostgresServer()
    with contextlib.closing(server.connect()) as session:
        rows(session, "CREATE ROLE client LOGIN PASSWORD 'a password'")
    user.postgres(port=server.port, username="client", password="a password", database_name="postgres")
    user.mysql()
    session = user.connect()
    endless = {"pg": "SELECT generate_series(1, 2000000000)", "my": "SELECT a.seq FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b"}

    def stop_server(_):
        server.stop("immediate")

    def kill_connection(marker):
        for number, in mysql("SELECT id FROM information_schema.processlist WHERE info LIKE '%%%s%%' AND id <> connection_id()" % marker):
            mysql("KILL " + number)

    def running(engine, marker):
        if engine == "my":
            return mysql("SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%%%s%%' AND id <> connection_id()"
                         % marker) != [["0"]]
        with contextlib.closing(server.connect()) as admin:
            return value(admin, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"
                         " AND pid <> pg_backend_pid()", "%" + marker + "%") > 0

    for engine, breaking in (("pg", stop_server), ("my", kill_connection)):
        marker = "%s.%s.cursor" % (engine, UNIQUE)
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'c')", engine, "%s /* %s */" % (endless[engine], marker))
        same(len(rows(session, "FETCH 10 FROM c")), 10, engine + ": rows of a cursor arrive")
        breaking(marker)
        error = raised(rows, session, "MOVE FORWARD ALL IN c")
        ok(error is not None and error.pgcode in ("57P01", "57P02", "08006", "70100", "57014"), engine + ": then the server dies, and that is an error",
           lambda: "%s %s" % (error and error.pgcode, error))
        note("%s %s" % (error and error.pgcode, str(error).splitlines()[0]))
        rows(session, "ROLLBACK")
        entry = history("user_id = %s AND generated_sql_query LIKE %s", user.id, "%" + marker + "%")
        ok(len(entry) == 1 and entry[0]["status"] == "error" and entry[0]["error_code"] == error.pgcode, engine + ": which history has", entry)
        if engine == "pg":
            answer = execute(session, engine, "SELECT 1")
            ok(answer["status"] == "error" and answer["error"]["sqlstate"] in ("08001", "08006"), "pg: the next query says that it is gone", answer)
            server.start()
        same(execute(session, engine, "SELECT 1 AS n")["rows"], [[1]], engine + ": back again, the session works")

        marker = "%s.%s.query" % (engine, UNIQUE)
        job = Background(raised, query, session, engine, "%s /* %s */" % (endless[engine], marker))
        wait_until(lambda e=engine, m=marker: running(e, m), 15)
        breaking(marker)
        error = job.value(15)
        ok(error is not None and error.pgcode in ("57P01", "57P02", "08006", "70100"), engine + ": the same in tenancy.query",
           lambda: "%s %s" % (error and error.pgcode, error))
        if engine == "pg":
            server.start()
        answer = execute(session, engine, "SELECT 1 AS n")
        same(answer["rows"], [[1]], engine + ": and the session works again")

    # A pooled connection that died while it rested.
    server.stop("immediate")
    server.start()
    with contextlib.closing(user.connect()) as resting:
        same(execute(resting, "pg", "SELECT 1 AS n")["rows"], [[1]], "a pooled connection")
        server.stop("immediate")
        server.start()
        answers = [execute(resting, "pg", "SELECT 1 AS n")["status"] for _ in range(2)]
        ok(answers in (["success", "success"], ["error", "success"]), "that died at rest costs at most one error", answers)
        note(answers)
        server.stop("immediate")
        server.start()
        wait_until(lambda: value(resting, "SELECT clock_timestamp() - max(used_at) > '6 s' FROM tenancy.pool()"), 30,
                   "a rest after which a session is asked first")
        same(execute(resting, "pg", "SELECT 1 AS n")["rows"], [[1]], "that died in a long rest costs nothing: there is a new one")
    session.close()
    server.stop()


def rested_too_long():
    """A session that the pool does not keep any more is replaced, and the password is there for that."""
    user = User()
    user.postgres()
    user.mysql()
    with contextlib.closing(user.connect(pool_idle_timeout="0")) as session:
        for name in ("pg", "my"):
            answers = [execute(session, name, "SELECT 1 AS n") for _ in range(4)]
            same([answer.get("rows") for answer in answers], [[[1]]] * 4, name + ": execute_query, time after time")
            same([raised(query, session, name) for _ in range(4)], [None] * 4, name + ": and tenancy.query")
            same(value(session, "SELECT sum(uses)::int FROM tenancy.pool()"), 1, name + ": each on a session of its own")


# Rogue servers

def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


AUTHENTICATION_OK = message(b"R", struct.pack("!i", 0))
READY = (message(b"S", b"server_version\0" + b"15.0\0") + message(b"S", b"client_encoding\0UTF8\0") +
         message(b"S", b"standard_conforming_strings\0on\0") + message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I"))


def startup(listener, visitor):
    """Read the first packet; there is no TLS here."""
    packet = listener.receive(visitor)
    while packet[4:8] in (struct.pack("!i", 80877103), struct.pack("!i", 80877104)):
        visitor.sendall(b"N")
        packet = listener.receive(visitor)
    return packet


def trusting(listener, visitor):
    if startup(listener, visitor):
        visitor.sendall(AUTHENTICATION_OK + READY)
        while listener.receive(visitor):
            visitor.sendall(READY[-6:])


def garbage_of(seed):
    def garbage(listener, visitor):
        startup(listener, visitor)
        visitor.sendall(random.Random(seed).randbytes(70_000))
    return garbage


def greeting_garbage_of(seed):
    def garbage(_, visitor):
        visitor.sendall(random.Random(seed).randbytes(70_000))
    return garbage


def huge(listener, visitor):
    """Announces a message of a gigabyte, and starts to send it."""
    startup(listener, visitor)
    visitor.sendall(b"E" + struct.pack("!i", 0x3FFFFFFF) + b"x" * 100_000)
    while listener.receive(visitor):
        pass


def dripping(listener, visitor):
    """A byte a second, each of them right."""
    startup(listener, visitor)
    for byte in AUTHENTICATION_OK[:1] + struct.pack("!i", 5000) + b"\0" * 5000:
        visitor.sendall(bytes([byte]))
        time.sleep(1)


def dripping_greeting(_, visitor):
    for byte in struct.pack("<I", 200)[:3] + b"\0" + b"\x0a" + b"5" * 200:
        visitor.sendall(bytes([byte]))
        time.sleep(1)


def hanging_up(listener, visitor):
    startup(listener, visitor)


def rogues():
    """Servers that are none."""
    user = User()
    user.sqlite("good", database_name="good.db")
    password = "the-password-" + UNIQUE
    session = user.connect()
    cases = [("pg", "trusting", trusting), ("pg", "hanging up", hanging_up), ("pg", "huge", huge), ("pg", "dripping", dripping),
             ("my", "hanging up", lambda *_: None), ("my", "dripping", dripping_greeting)]
    cases += [("pg", "garbage %d" % seed, garbage_of(seed)) for seed in range(10)]
    cases += [("my", "garbage %d" % seed, greeting_garbage_of(seed)) for seed in range(10)]
    for engine, word, serve in cases:
        listener, name = Listener(serve), "%s %s" % (engine, word)
        make = user.postgres if engine == "pg" else user.mysql
        limit = 10 if word == "trusting" else 1
        make(name, port=listener.port, password=password, options={"connect_timeout": limit})
        code, text, seconds = probe(session, name)
        if word == "trusting":
            same(code, "password", name + ": a server that does not ask for the password is refused")
            ok(b"SELECT" not in listener.heard.upper(), name + ": and is asked nothing", listener.heard)
            error = raised(query, session, name)
            ok(error is not None, name + ": by tenancy.query, too")
        elif word == "dripping":
            same(code, "timeout", name + ": the connect timeout holds")
        else:
            ok(code not in ("ok", "denied_address", "dns"), name + ": no connection", (code, text))
        ok(seconds < limit + 7, name + ": in time", "%.3f s" % seconds)
        note("%s, %.3f s: %s" % (code, seconds, text))
        ok(text is None or all(character.isprintable() for character in text), name + ": a message that can be read", repr(text))
        ok(password.encode() not in listener.heard, name + ": which does not get the password")
        answer = execute(session, name, "SELECT 1")
        ok(answer["status"] in ("error", "timeout", "denied"), name + ": execute_query answers an error", answer)
        listener.close()
    same(execute(session, "good", "SELECT 3 AS n")["rows"], [[3]], "after all that, the session works")
    session.close()


run(codes, forbidden_addresses, bad_input, sqlite_paths, died_while_streaming, rested_too_long, rogues)
