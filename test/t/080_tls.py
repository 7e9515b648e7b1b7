#!/usr/bin/python3
"""TLS as each sslmode promises it: asked of real servers with certificates of the test's own, and of servers that cheat."""

import atexit
import contextlib
import getpass
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from certificates import Certificates
from rogue import mysql_answering, mysql_greeting, packet
from tenancy import (UNIQUE, Background, Listener, PostgresServer, User, environment, execute, free_port, is_root, note, ok,
                     private_directory, raised, rows, run, same, stop_process, value, wait_until)

PASSWORD = "a-tls-password-" + UNIQUE
CLIENT = "client_tls"
MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
STRICT = MODES[2:]


# Servers

class TlsPostgres:
    """PostgreSQL with ssl = on that lets clients in with and without."""

    def __init__(self, certificates):
        self._certificates, self._directory = certificates, private_directory()
        certificates.install("server", self._directory, "postgres")
        self._server = PostgresServer("ssl = on\nssl_cert_file = '%s/tls.crt'\nssl_key_file = '%s/tls.key'"
                                      % (self._directory, self._directory))
        self.port = self._server.port
        with contextlib.closing(self._server.connect()) as session:
            rows(session, "CREATE ROLE %s LOGIN PASSWORD '%s'" % (CLIENT, PASSWORD))
        self.database = "postgres"

    def present(self, name):
        """Show this certificate from now on."""
        self._certificates.install(name, self._directory, "postgres")
        self._server.stop("fast")
        self._server.start()

    def running(self, marker):
        with contextlib.closing(self._server.connect()) as session:
            return value(session, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
                         " AND pid <> pg_backend_pid()", "%" + marker + "%")


class TlsMysql:
    """A private MariaDB or MySQL server on loopback with a certificate, that lets clients in with and without TLS."""

    def __init__(self, certificates):
        self._certificates, self._user = certificates, "mysql" if is_root() else getpass.getuser()
        self._directory = tempfile.mkdtemp(prefix="tncy", dir="/tmp")
        atexit.register(shutil.rmtree, self._directory, ignore_errors=True)
        if is_root():
            shutil.chown(self._directory, "mysql", "mysql")
        certificates.install("server", self._directory, "mysql")
        self.port, self._data, self._socket = free_port(), os.path.join(self._directory, "data"), os.path.join(self._directory, "socket")
        self._is_mariadb = environment("MYSQL_FLAVOUR") == "mariadb"
        if self._is_mariadb:
            self._daemon, self._admin = ["mariadbd", "--no-defaults"], self._user
            make = ["mariadb-install-db", "--no-defaults", "--datadir=" + self._data, "--skip-test-db",
                    "--auth-root-authentication-method=socket", "--auth-root-socket-user=" + self._user]
        else:
            self._daemon, self._admin = ["mysqld", "--no-defaults", "--mysqlx=OFF", "--disable-log-bin", "--cte-max-recursion-depth=20000"], "root"
            make = ["mysqld", "--no-defaults", "--initialize-insecure", "--datadir=" + self._data]
        subprocess.run(self._as_owner(*make), check=True, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)
        atexit.register(self.stop)
        self._start()
        self.database = "client_db"
        self.sql("CREATE DATABASE client_db; CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'; GRANT ALL ON client_db.* TO %s@'127.0.0.1'"
                 % (CLIENT, PASSWORD, CLIENT))
        if not self._is_mariadb:
            self._log_in_once()

    def _start(self, *settings):
        with open(os.path.join(self._directory, "log"), "wb") as log:
            # As root it changes its user itself: runuser would be a process in between, and the one that is stopped.
            self._process = subprocess.Popen(
                [*self._daemon, "--datadir=" + self._data, "--socket=" + self._socket, "--bind-address=127.0.0.1",
                 "--port=%d" % self.port, "--pid-file=" + os.path.join(self._directory, "pid"), "--skip-name-resolve",
                 "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4",
                 "--ssl-cert=%s/tls.crt" % self._directory, "--ssl-key=%s/tls.key" % self._directory, *settings,
                 *(["--user=" + self._user] if is_root() else [])],
                cwd=self._directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._is_up, 60, "the server's start")

    def restart(self, *settings):
        self.stop()
        self._start(*settings)
        if not self._is_mariadb and not settings:
            self._log_in_once()

    def _as_owner(self, *command):
        return ["runuser", "-u", self._user, "--", *command] if is_root() else list(command)

    def _log_in_once(self):
        """MySQL lets a user in without TLS only while it remembers one with."""
        subprocess.run(["mysql", "--no-defaults", "--host=127.0.0.1", "--port=%d" % self.port, "--user=" + CLIENT, "--ssl-mode=REQUIRED",
                        "--execute=DO 0"], env=dict(os.environ, MYSQL_PWD=PASSWORD), check=True, stdout=subprocess.DEVNULL)

    def _is_up(self):
        if self._process.poll() is not None:
            with open(os.path.join(self._directory, "log"), encoding="utf-8", errors="replace") as file:
                raise RuntimeError("the server did not start: " + file.read()[-2000:])
        with contextlib.suppress(RuntimeError):
            self.sql("SELECT 1")
            return True
        return False

    def sql(self, statements):
        done = subprocess.run(self._as_owner(environment("MYSQL_CLIENT"), "--no-defaults", environment("MYSQL_NO_TLS"), "--host=localhost", "--socket=" + self._socket,
                                             "--user=" + self._admin, "--batch", "--skip-column-names", "--execute=" + statements),
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def present(self, name):
        """Show this certificate from now on. MySQL reloads none that is expired or of a CA that it does not know."""
        self._certificates.install(name, self._directory, "mysql")
        if self._is_mariadb:
            self.sql("FLUSH SSL")
        else:
            self.restart()

    def running(self, marker):
        return int(self.sql("SELECT count(*) FROM information_schema.processlist WHERE command <> 'Sleep'"
                            " AND info LIKE '%%%s%%' AND id <> connection_id()" % marker))

    def stop(self):
        stop_process(self._process)


class Engine:
    """One kind of server: how to make connections to it, and how to ask it whether a session is encrypted."""

    def __init__(self, word, kind, server, question, plain_server):
        self.word, self.kind, self.server, self._question, self.plain_server = word, kind, server, question, plain_server

    def create(self, user, name, mode, roots=None, **fields):
        options = {"sslmode": mode, "connect_timeout": 10, **fields.pop("options", {})}
        if roots is not None:
            options["sslrootcert"] = roots
        return user.create(name, options=options, **{**dict(
            database_type=self.kind, host="localhost", port=self.server.port, database_name=self.server.database,
            username=CLIENT, password=PASSWORD), **fields})

    def is_encrypted(self, session, name):
        """What the server says of the session that it sees; the whole answer when there is none."""
        answer = execute(session, name, self._question)
        return answer["rows"][0][-1] not in (False, "", None) if answer.get("rows") else answer


def start_engines():
    postgres, server = TlsPostgres(CERTIFICATES), TlsMysql(CERTIFICATES)
    return (Engine("pg", "postgresql", postgres, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                   dict(host=environment("CLIENT_PGHOST"), port=int(environment("CLIENT_PGPORT")), username=environment("CLIENT_PGUSER"),
                        password=environment("CLIENT_PGPASSWORD"), database_name=environment("CLIENT_PGDATABASE"))),
            Engine("my", "mysql", server, "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
                   dict(host=environment("MYSQL_HOST"), port=int(environment("MYSQL_PORT")), username=environment("MYSQL_USER"),
                        password=environment("MYSQL_PASSWORD"), database_name=environment("MYSQL_DATABASE"))
                   if environment("MYSQL_FLAVOUR") == "mariadb" else None))


CERTIFICATES = Certificates()
ENGINES = start_engines()


def probe(session, name):
    """The code of test_connection, its message, and the seconds that it took."""
    start = time.monotonic()
    _, code, message, _, _ = rows(session, "SELECT * FROM tenancy.test_connection(%s)", name)[0]
    return code, message, time.monotonic() - start


def connects(session, engine, name, encrypted):
    code, text, _ = probe(session, name)
    ok(code == "ok", "%s connects" % name, (code, text))
    same(engine.is_encrypted(session, name), encrypted, "%s: %s TLS, says the server" % (name, "with" if encrypted else "without"))


def refused(session, name):
    """A code of tls; queries get an error too, and the password is in none of the messages."""
    code, text, _ = probe(session, name)
    ok(code == "tls", "%s: tls" % name, (code, text))
    note(text)
    answer = execute(session, name, "SELECT 1")
    ok(answer["status"] in ("error", "denied") and answer["error"]["sqlstate"] in ("08001", "08006"), "%s: nor for a query" % name, answer)
    ok(PASSWORD not in str(text) + str(answer), "%s: the password is in no message" % name)


# Real servers

def modes():
    """Every mode against a server with a good certificate."""
    user = User()
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            for host in ("localhost", "127.0.0.1"):
                for mode in MODES:
                    name = "%s %s %s" % (engine.word, mode, host)
                    engine.create(user, name, mode, CERTIFICATES.ca if mode.startswith("verify") else None, host=host)
                    connects(session, engine, name, mode != "disable")
            name = engine.word + " default"
            user.create(name, database_type=engine.kind, host="localhost", port=engine.server.port, username=CLIENT, password=PASSWORD,
                        database_name=engine.server.database)
            connects(session, engine, name, True)
            for word, roots in (("bundle", CERTIFICATES.other_ca + CERTIFICATES.ca), ("comment", "# The root.\n" + CERTIFICATES.ca)):
                name = "%s %s" % (engine.word, word)
                engine.create(user, name, "verify-full", roots)
                connects(session, engine, name, True)


def untrusted():
    """A certificate that another CA signed, or none that the system knows."""
    user = User()
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            for mode in ("verify-ca", "verify-full"):
                for word, roots in (("other CA", CERTIFICATES.other_ca), ("system's CAs", None)):
                    name = "%s %s %s" % (engine.word, mode, word)
                    engine.create(user, name, mode, roots)
                    refused(session, name)
            # As with libpq: certificates that are given are used.
            for word, roots in (("own CA", CERTIFICATES.ca), ("other CA", CERTIFICATES.other_ca)):
                name = "%s require %s" % (engine.word, word)
                engine.create(user, name, "require", roots)
                if roots == CERTIFICATES.ca:
                    connects(session, engine, name, True)
                else:
                    refused(session, name)


@contextlib.contextmanager
def presenting(engine, name):
    engine.server.present(name)
    try:
        yield
    finally:
        engine.server.present("server")


def other_certificates():
    """A certificate of another host, and one whose time is over."""
    user = User()
    for engine in ENGINES:
        hosts = ["%s verify-full %s" % (engine.word, host) for host in ("localhost", "127.0.0.1")]
        for name in hosts:
            engine.create(user, name, "verify-full", CERTIFICATES.ca, host=name.rpartition(" ")[2])
        engine.create(user, engine.word + " verify-ca", "verify-ca", CERTIFICATES.ca)
        engine.create(user, engine.word + " require", "require")
        note(engine.word + ": another host's")
        with presenting(engine, "wrong-name"), contextlib.closing(user.connect()) as session:
            for name in hosts:
                refused(session, name)
            connects(session, engine, engine.word + " verify-ca", True)
            connects(session, engine, engine.word + " require", True)
        note(engine.word + ": expired")
        with presenting(engine, "expired"), contextlib.closing(user.connect()) as session:
            for name in (*hosts, engine.word + " verify-ca"):
                refused(session, name)
            connects(session, engine, engine.word + " require", True)
        with contextlib.closing(user.connect()) as session:
            connects(session, engine, hosts[0], True)


@contextlib.contextmanager
def in_clear(engine):
    """Where a server of that kind has no TLS, and whether it can be logged in to: the sandbox's MySQL always has TLS."""
    if engine.plain_server:
        yield engine.plain_server, True
        return
    engine.server.restart("--tls-version=")
    try:
        yield {}, False
    finally:
        engine.server.restart()


def without_tls():
    """A server that has no TLS: prefer does without, the stricter modes do not connect; nobody gets a password that TLS has to hide."""
    user = User()
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            with in_clear(engine) as (place, lets_in):
                for mode in MODES:
                    name = "%s %s" % (engine.word, mode)
                    engine.create(user, name, mode, CERTIFICATES.ca if mode.startswith("verify") else None, **place)
                    if mode in STRICT:
                        refused(session, name)
                    elif lets_in:
                        connects(session, engine, name, False)
                    else:
                        same(probe(session, name)[0], "password", name + ": asked for a method that needs TLS, it is not answered")


def encrypted_sessions():
    """A session with verified TLS streams, cancels and goes on like any other."""
    user = User()
    numbers = "WITH RECURSIVE seq_1_to_20000(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM seq_1_to_20000 WHERE seq < 20000) "
    if environment("MYSQL_FLAVOUR") == "mariadb":
        numbers = ""  # it has such tables
    slow = {"pg": "SELECT pg_sleep(60)",  # MySQL's sleep() looks by itself whether its client is there
            "my": numbers + "SELECT count(*) FROM seq_1_to_20000 AS a, seq_1_to_20000 AS b, seq_1_to_20000 AS c WHERE a.seq + b.seq <> c.seq"}
    many = {"pg": "SELECT n, repeat('x', 500) FROM generate_series(1, 20000) AS n", "my": numbers + "SELECT seq, repeat('x', 500) FROM seq_1_to_20000"}
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            engine.create(user, engine.word, "verify-full", CERTIFICATES.ca)
            job = Background(rows, session, "SELECT count(*), sum(n), sum(length(x)) FROM tenancy.query(%s, %s) AS t(n bigint, x text)",
                             engine.word, many[engine.word])
            same(job.value(60), [(20000, 200010000, 10000000)], engine.word + ": all of many rows arrive")
            marker = "slow.%s.%s" % (engine.word, UNIQUE)
            statement = "%s /* %s */" % (slow[engine.word], marker)
            job = Background(raised, rows, session, "SELECT * FROM tenancy.query(%s, %s) AS t(x text)", engine.word, statement)
            wait_until(lambda e=engine, m=marker: e.server.running(m) == 1, 15, "the remote statement")
            session.cancel()
            error = job.value(30)
            same(error and error.pgcode, "57014", engine.word + ": a cancelled query")
            seconds = wait_until(lambda e=engine, m=marker: e.server.running(m) == 0, 30, "the end of the remote statement")
            ok(seconds < 10, engine.word + ": stops at the remote server too", "%.3f s" % seconds)
            same(engine.is_encrypted(session, engine.word), True, engine.word + ": and the session works on, with TLS")


def stopped_cursors():
    """A cursor that is closed early is cancelled over a connection that is verified too, and its session stays"""
    user = User()
    ENGINES[0].create(user, "pg", "verify-full", CERTIFICATES.ca)
    with contextlib.closing(user.connect()) as session:
        process = execute(session, "pg", "SELECT pg_backend_pid()")["rows"]
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('pg', 'SELECT n, repeat(''x'', 500) FROM generate_series(1, 100000000) AS n', NULL, 'many')")
        same(len(rows(session, "FETCH 10 FROM many")), 10, "the first rows of very many")
        rows(session, "CLOSE many; COMMIT")
        same(execute(session, "pg", "SELECT pg_backend_pid()")["rows"], process, "the session is the same afterwards")


def second_logins():
    """The connection that stops a statement looks at the certificate as the first one did: at its name, too."""
    user = User()
    engine = ENGINES[1]
    for mode in ("verify-ca", "verify-full"):
        interceptor, marker = Interceptor(engine.server.port), "intercepted.%s.%s" % (mode, UNIQUE)
        engine.create(user, mode, mode, CERTIFICATES.ca, port=interceptor.listener.port)
        with contextlib.closing(user.connect()) as session:
            job = Background(raised, rows, session, "SELECT * FROM tenancy.query(%s, %s) AS t(x text)", mode, "SELECT sleep(20) /* %s */" % marker)
            wait_until(lambda m=marker: engine.server.running(m) == 1, 15, "the remote statement")
            interceptor.intercepts = True
            session.cancel()
            error = job.value(10)
            same(error and error.pgcode, "57014", "my %s: a cancelled query" % mode)
            ok(interceptor.ended.wait(10), "my %s: somebody else gets the second connection" % mode)
        same(PASSWORD.encode() in interceptor.heard, mode == "verify-ca", "my %s: whose certificate has another name: and the password" % mode)
        interceptor.listener.close()


def settings():
    """What is no certificate is refused when it is written, and other trust needs the password again."""
    user = User()
    lines = CERTIFICATES.ca.splitlines(keepends=True)
    broken = {"empty": "", "words": "a certificate", "a path": "/etc/ssl/certs/ca-certificates.crt", "a key": CERTIFICATES.text("ca", "key"),
              "a request": CERTIFICATES.text("server", "csr"), "half": "".join(lines[:len(lines) // 2]), "no end": "".join(lines[:-1]),
              "not base64": lines[0] + "?" * 64 + "\n" + lines[-1], "not DER": lines[0] + "QUJD\n" + lines[-1],
              "a certificate and a half": CERTIFICATES.ca + "".join(lines[:-1]),
              "a certificate and a key": CERTIFICATES.ca + CERTIFICATES.text("ca", "key")}
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            for word, roots in broken.items():
                error = raised(lambda e=engine, r=roots: e.create(user, "broken", "verify-full", r))
                same(error and error.pgcode, "22023", "%s: %s is no sslrootcert" % (engine.word, word))
                shown = "" if error is None else "%s %s %s" % (error, error.diag.message_detail, error.diag.message_hint)
                ok("KEY" not in shown and PASSWORD not in shown, "%s: %s is not shown" % (engine.word, word), shown)
            error = raised(lambda e=engine: e.create(user, "broken", "verify_full"))
            same(error and error.pgcode, "22023", engine.word + ": no such sslmode")
            engine.create(user, engine.word, "verify-full", CERTIFICATES.ca)
            for options in ({"sslmode": "disable"}, {"sslmode": "verify-full", "sslrootcert": CERTIFICATES.other_ca}, {"sslmode": "verify-full"}):
                error = raised(rows, session, "SELECT tenancy.update_connection(%s, options => %s::jsonb)", engine.word, json.dumps(options))
                same(error and error.pgcode, "28P01", "%s: %s needs the password" % (engine.word, "/".join(options)))
            connects(session, engine, engine.word, True)


# Servers that cheat

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def postgres_answering(answer):
    """Answers the request for TLS with that, and then only listens."""
    def serve(listener, visitor):
        data = b""
        while len(data) < len(SSL_REQUEST):
            data += listener.receive(visitor) or SSL_REQUEST
        visitor.sendall(answer)
        while listener.receive(visitor):
            pass
    return serve


def postgres_stuffing(listener, visitor):
    """What somebody in between can do: words in clear before the real server's handshake, for the client to take as secured."""
    listener.receive(visitor)
    visitor.sendall(b"S" + ASKS_IN_CLEAR)
    with CERTIFICATES.server_context().wrap_socket(visitor, server_side=True) as secured:
        listener.heard += b"handshake "
        listener.receive(secured)


def postgres_hanging_up(listener, visitor):
    listener.receive(visitor)
    visitor.sendall(b"S")
    listener.receive(visitor)


def mysql_hanging_up(listener, visitor):
    visitor.sendall(mysql_greeting(True))
    listener.receive(visitor)


def relay(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Interceptor:
    """Somebody on the way to a MySQL server: passes everything on, until it takes the server's place with a certificate of its own."""

    def __init__(self, port):
        self._port, self.intercepts, self.heard, self.ended = port, False, b"", threading.Event()
        self.listener = Listener(self._serve)

    def _serve(self, _, visitor):
        if self.intercepts:
            try:
                self._intercept(visitor)
            finally:
                self.ended.set()
            return
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            threading.Thread(target=relay, args=(visitor, server), daemon=True).start()
            relay(server, visitor)

    def _intercept(self, visitor):
        visitor.sendall(mysql_greeting(True))
        visitor.recv(36)  # the request for TLS, and no more
        with CERTIFICATES.server_context("wrong-name").wrap_socket(visitor, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(packet(3, b"\xfecaching_sha2_password\0" + b"x" * 20 + b"\0"))
            secured.recv(65536)
            secured.sendall(packet(5, b"\1\4"))  # the password itself, please
            self.heard = secured.recv(65536)


ASKS_IN_CLEAR = b"R" + struct.pack("!ii", 8, 3)
# Ends before it could say what the server can do; the bytes behind it are no part of it.
MYSQL_SHORT_GREETING = packet(0, b"\x0a5.5.5-10.11.0-MariaDB\0" + struct.pack("<I", 7) + b"12345678\0") + b"\xff\xff"
MYSQL_PROGRESS = packet(0, b"\xff\xff\xff\1\1\1\0\0\0\0\0")
MYSQL_OK = b"\7\0\0\2\0\0\0\2\0\0\0"
MYSQL_SWITCH = b"\x2b\0\0\2\xfemysql_clear_password\0" + b"x" * 20 + b"\0"


def downgrades():
    """A server that says that it has no TLS hears nothing more, not even the user's name."""
    user = User()
    cases = {"pg": {"no": postgres_answering(b"N"), "no, and asks for the password": postgres_answering(b"N" + ASKS_IN_CLEAR),
                    "an error": postgres_answering(b"E" + b"FATAL: no TLS for you\0")},
             "my": {"no": mysql_answering(mysql_greeting(False), MYSQL_SWITCH, MYSQL_OK),
                    "slowly no": mysql_answering(mysql_greeting(False), MYSQL_SWITCH, MYSQL_OK, pause=0.002),
                    "no, with a long version": mysql_answering(mysql_greeting(False, b"5.5.5-10.11.0" + b"x" * 1000), MYSQL_SWITCH, MYSQL_OK)}}
    polite = {"pg": SSL_REQUEST, "my": b""}
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            for word, serve in cases[engine.word].items():
                for mode in STRICT:
                    listener, name = Listener(serve), "%s %s: %s" % (engine.word, mode, word)
                    engine.create(user, name, mode, CERTIFICATES.ca if mode != "require" else None, host="127.0.0.1", port=listener.port)
                    refused(session, name)
                    listener.close()
                    same(listener.heard, polite[engine.word] * listener.visits, name + ": it heard no more than it should")


def late_greetings():
    """The same when the end of a greeting without TLS comes in the last moments of the connect timeout."""
    user = User()
    engine = ENGINES[1]
    greeting = mysql_greeting(False)

    def attempt(seconds):
        def serve(listener, visitor):
            start = time.monotonic()
            visitor.sendall(greeting[:30])
            time.sleep(max(0, seconds - (time.monotonic() - start)))
            visitor.sendall(greeting[30:])
            listener.receive(visitor)
        listener, name = Listener(serve), "after %.3f s" % seconds
        engine.create(user, name, "require", host="127.0.0.1", port=listener.port, options={"connect_timeout": 1})
        with contextlib.closing(user.connect()) as session:
            code = probe(session, name)[0]
        listener.close()
        return code, listener.heard

    answers = [attempt(0.984 + 0.002 * step) for step in range(9)]
    ok({code for code, _ in answers} <= {"tls", "timeout"}, "my: tls, or timeout", answers)
    same([heard for _, heard in answers], [b""] * len(answers), "my: none heard anything")


def broken_handshakes():
    """
    A server that offers TLS and does something else: no connection, in time, and no name or password in clear. That one hung up
    in the middle of a handshake is something that newer libraries for MySQL say of a connection without telling of TLS.
    """
    user = User()
    cases = {"pg": {"words before TLS": (postgres_stuffing, "tls"), "hanging up": (postgres_hanging_up, "tls"),
                    "silence": (postgres_answering(b"S"), "timeout")},
             "my": {"a greeting that ends early": (mysql_answering(MYSQL_SHORT_GREETING, MYSQL_SWITCH, MYSQL_OK), "tls"),
                    "words in clear": (mysql_answering(mysql_greeting(True), MYSQL_SWITCH, MYSQL_OK), "tls"),
                    "welcome": (mysql_answering(mysql_greeting(True), MYSQL_OK, MYSQL_OK), "tls"),
                    "hanging up": (mysql_hanging_up, "tls or refused"), "silence": (mysql_answering(mysql_greeting(True)), "timeout")}}
    with contextlib.closing(user.connect()) as session:
        for engine in ENGINES:
            for word, (serve, wanted) in cases[engine.word].items():
                for mode in ("require", "verify-full"):
                    listener, name = Listener(serve), "%s %s: %s" % (engine.word, mode, word)
                    engine.create(user, name, mode, CERTIFICATES.ca if mode != "require" else None, host="127.0.0.1", port=listener.port,
                                  options={"connect_timeout": 1 if wanted == "timeout" else 10})
                    code, text, seconds = Background(probe, session, name).value(30)
                    ok(code in wanted.split(" or "), "%s: %s" % (name, wanted), (code, text))
                    ok(seconds < 8, name + ": in time", "%.3f s" % seconds)
                    note("%.3f s: %s" % (seconds, text))
                    listener.close()
                    ok(CLIENT.encode() not in listener.heard and PASSWORD.encode() not in listener.heard,
                       name + ": neither the user's name nor the password was sent", listener.heard)


def error_before_greeting():
    """MariaDB's client library dies of a report of progress that comes first; last here, since the platform's server would, too."""
    user = User()
    engine = ENGINES[1]
    listener = Listener(mysql_answering(MYSQL_PROGRESS + mysql_greeting(False), MYSQL_SWITCH, MYSQL_OK))
    with contextlib.closing(user.connect()) as session:
        for mode in STRICT + ("prefer", "disable"):
            name = "my %s: progress" % mode
            engine.create(user, name, mode, CERTIFICATES.ca if mode.startswith("verify") else None, host="127.0.0.1", port=listener.port)
            code, text, _ = probe(session, name)
            ok(code not in ("ok", "denied_address", "dns"), name + ": no connection", (code, text))
            same(listener.heard, b"", name + ": it heard nothing")
    listener.close()


run(modes, untrusted, other_certificates, without_tls, encrypted_sessions, stopped_cursors, second_logins, settings, downgrades, late_greetings,
    broken_handshakes, error_before_greeting)
