"""What the process tests share: TAP, the sandbox's servers, users with their connections, and waiting for conditions.

Each test uses users and roles with names of its own, so that tests can run again, in any order, on one sandbox.
"""

import atexit
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref

import psycopg2
import psycopg2.extensions

# A test that takes too long is terminated: its servers, mounts and settings are put away then, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

_sessions = weakref.WeakSet()


def _cancel_on_signals():
    """Python runs the handler of a signal between two of its own steps: what the sessions wait for in libpq is cancelled, so that there is one."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())

    def watch():
        while reader.recv(1):
            for session in list(_sessions):
                with contextlib.suppress(psycopg2.Error):
                    session.cancel()
    threading.Thread(target=watch, daemon=True).start()
    return writer


_wakeup = _cancel_on_signals()

UNIQUE = "%d_%x" % (os.getpid(), int(time.time() * 1000) & 0xFFFFFFFF)


# TAP

_count = 0
_failed = 0
_print_lock = threading.Lock()


def note(text):
    with _print_lock:
        for line in str(text).splitlines():
            print("# " + line, flush=True)


def ok(condition, name, detail=None):
    """One result; detail, a text or what to call for it, is shown when it failed."""
    global _count, _failed
    with _print_lock:
        _count += 1
        _failed += not condition
        print("%sok %d - %s" % ("" if condition else "not ", _count, name.replace("#", "")), flush=True)
    if not condition and detail is not None:
        note(detail() if callable(detail) else detail)
    return bool(condition)


def same(got, wanted, name):
    return ok(got == wanted, name, "got:    %r\nwanted: %r" % (got, wanted))


def run(*parts):
    """Run the parts of a test. One that raises has failed, and the next one still runs."""
    for part in parts:
        # scripts/check tells by this line in which part something failed.
        note("%s(): %s" % (part.__name__, (part.__doc__ or "").strip().partition("\n")[0]))
        try:
            part()
        except Exception:
            ok(False, part.__name__ + " ended without an exception", traceback.format_exc())
    for server in PostgresServer.started:
        crashes = server.crashes()
        if crashes and not server.may_crash:
            note("servers(): what their logs tell")
            ok(False, "no server of the test has crashed", "".join(crashes))
    print("1..%d" % _count, flush=True)
    sys.exit(1 if _failed else 0)


# Waiting

def wait_until(condition, seconds, what="the condition"):
    """Poll until condition() is true, and answer how many seconds that took; an exception when it takes too long."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise TimeoutError("%s did not come true within %s s" % (what, seconds))
        time.sleep(0.02)
    return time.monotonic() - start


def never(condition, seconds):
    """Watch for that long that condition() does not come true: the only way to see that something does not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return False
        time.sleep(0.02)
    return True


class Background:
    """A call in a thread: result, or error, and the time when it ended."""

    def __init__(self, function, *arguments):
        self.result = self.error = self.ended = None
        self.started = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self._thread.start()

    def _run(self, function, arguments):
        try:
            self.result = function(*arguments)
        except Exception as error:
            self.error = error
        self.ended = time.monotonic()

    def running(self):
        return self._thread.is_alive()

    def wait(self, seconds=60):
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError("still running after %s s" % seconds)
        return self

    def value(self, seconds=60):
        self.wait(seconds)
        if self.error is not None:
            raise self.error
        return self.result


def together(functions, seconds=300):
    """Run the functions at the same time; their results in order."""
    jobs = [Background(function) for function in functions]
    return [job.value(seconds) for job in jobs]


# Servers

def environment(name):
    value = os.environ.get(name)
    if value is None:
        print("Bail out! %s is not set: run inside scripts/check, or with the env of scripts/sandbox" % name, flush=True)
        sys.exit(255)
    return value


def connect(**settings):
    """A session on the platform database, of its superuser unless another user is named; autocommit."""
    settings.setdefault("host", environment("PGHOST"))
    settings.setdefault("port", environment("PGPORT"))
    settings.setdefault("user", environment("PGUSER"))
    settings.setdefault("dbname", environment("PGDATABASE"))
    session = psycopg2.connect(**settings)
    session.autocommit = True
    _sessions.add(session)
    return session


def client_server(user=None):
    """A session on the client's PostgreSQL server: its superuser's by the socket, else the client's own."""
    if user is None:
        return connect(port=environment("CLIENT_PGPORT"), dbname=environment("CLIENT_PGDATABASE"))
    return connect(host=environment("CLIENT_PGHOST"), port=environment("CLIENT_PGPORT"), user=user,
                   password=environment("CLIENT_PGPASSWORD"), dbname=environment("CLIENT_PGDATABASE"))


def run_mysql(statement, password, *options):
    plain = [] if environment("MYSQL_FLAVOUR") == "mysql" else ["--skip-ssl"]
    command = [environment("MYSQL_CLIENT"), "--no-defaults", *plain, "--batch", "--skip-column-names", *options, "--execute=" + statement]
    done = subprocess.run(command, env=dict(os.environ, MYSQL_PWD=password), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return [line.split("\t") for line in done.stdout.splitlines()]


def mysql(statement):
    """Rows of one statement on the MySQL server, as its client's user."""
    return run_mysql(statement, environment("MYSQL_PASSWORD"), "--protocol=tcp", "--host=" + environment("MYSQL_HOST"),
                     "--port=" + environment("MYSQL_PORT"), "--user=" + environment("MYSQL_USER"), environment("MYSQL_DATABASE"))


def mysql_administrator(statement):
    """The same as the server's administrator, by the socket."""
    user = "root" if environment("MYSQL_FLAVOUR") == "mysql" else pwd.getpwuid(os.geteuid()).pw_name
    return run_mysql(statement, "", "--host=localhost", "--socket=%s/mysql/mysqld.sock" % environment("SANDBOX"), "--user=" + user)


@contextlib.contextmanager
def mysql_default(name, text):
    """Another default for new sessions of the whole MySQL server, and the old one afterwards."""
    def becomes(wanted):
        mysql_administrator("SET GLOBAL %s = %s" % (name, wanted if wanted.isdigit() else "'%s'" % wanted))
    before = "".join(mysql_administrator("SELECT @@GLOBAL." + name)[0])
    becomes(text)
    try:
        yield
    finally:
        becomes(before)


def rows(session, statement, *parameters):
    with session.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def value(session, statement, *parameters):
    """The first column of the first row."""
    found = rows(session, statement, *parameters)
    return found[0][0] if found else None


def raised(function, *arguments):
    """The exception of a call, or None."""
    try:
        function(*arguments)
    except psycopg2.Error as error:
        return error
    return None


def sqlstate(function, *arguments):
    """The SQLSTATE that a call raises, or None. A connection that is lost without one is "lost"."""
    error = raised(function, *arguments)
    if error is None:
        return None
    if error.pgcode is None and isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        return "lost"
    return error.pgcode


def pid_of(session):
    return session.info.backend_pid


def is_up():
    try:
        connect(connect_timeout=5).close()
        return True
    except psycopg2.OperationalError:
        return False


def postmaster_pid():
    with contextlib.closing(connect()) as session:
        directory = value(session, "SHOW data_directory")
    with open(os.path.join(directory, "postmaster.pid"), encoding="utf-8") as file:
        return int(file.readline())


def kill_backend(pid, which):
    """Send a signal to a backend of the sandbox's platform server, and to nothing else."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        parent = int(file.read().rpartition(")")[2].split()[1])
    if parent != postmaster_pid():
        raise RuntimeError("process %d is no backend of the sandbox" % pid)
    os.kill(pid, which)


def memory(pid):
    """Resident memory in kB: all of it, its maximum so far, and what neither other processes nor files share."""
    found = {}
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon"):
                found[name] = int(rest.split()[0])
    return {"now": found["VmRSS"], "most": found["VmHWM"], "private": found["RssAnon"]}


# Processes of a test's own

def is_root():
    return os.geteuid() == 0


def unprivileged(*command):
    """The command line that runs a command as the user that owns the servers."""
    return ["runuser", "-u", "postgres", "--", *command] if is_root() else list(command)


def private_directory():
    """A new directory of the unprivileged user, removed at the end."""
    directory = tempfile.mkdtemp(prefix="tncy", dir="/tmp")
    if is_root():
        shutil.chown(directory, "postgres", "postgres")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def stop_process(process, which=signal.SIGTERM, seconds=20):
    """End a process that the test started."""
    if process.poll() is None:
        process.send_signal(which)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# Users

_roles = []


def _drop_roles():
    with contextlib.closing(connect()) as session:
        for role in _roles:
            rows(session, "SELECT tenancy.unbind_role(%s)", role)
            rows(session, 'DROP OWNED BY "%s"' % role)
            rows(session, 'DROP ROLE "%s"' % role)


def make_role(word, *settings):
    """A login role with tenancy_user, dropped at the end."""
    role = "%s_%s" % (word, UNIQUE)
    if role in _roles:
        return role
    with contextlib.closing(connect()) as session:
        rows(session, 'CREATE ROLE "%s" LOGIN IN ROLE tenancy_user' % role)
        for setting in settings:
            rows(session, 'ALTER ROLE "%s" SET %s' % (role, setting))
    if not _roles:
        atexit.register(_drop_roles)
    _roles.append(role)
    return role


def app_role():
    """What a platform logs in as: an identity lasts for a transaction."""
    return make_role("app")


def person_role():
    """An identity lasts for the session: for tests that are not about that."""
    return make_role("person", "tenancy.identity_scope = 'session'")


class User:
    """A tenant with a token and connections to the sandbox's servers."""

    def __init__(self, word="tenant"):
        self.email = "%s.%s.%x@test.example" % (word, UNIQUE, int.from_bytes(os.urandom(4), "big"))
        self.password = "a long password of " + word
        with contextlib.closing(connect(user=app_role())) as session:
            self.id = value(session, "SELECT tenancy.register(%s, %s)", self.email, self.password)
            self.token = value(session, "SELECT tenancy.login(%s, %s)", self.email, self.password)

    def connect(self, **tenancy_settings):
        """A session that is this user until it ends; with settings, as statement_timeout="300ms", of tenancy."""
        session = connect(user=environment("PGUSER") if tenancy_settings else person_role())
        if tenancy_settings:
            for name, setting in {"identity_scope": "session", **tenancy_settings}.items():
                rows(session, "SELECT set_config('tenancy.' || %s, %s, false)", name, setting)
            rows(session, 'SET SESSION AUTHORIZATION "%s"' % person_role())
        rows(session, "SELECT set_config('tenancy.session', %s, false)", self.token)
        return session

    def create(self, name, **fields):
        """tenancy.create_connection with the fields that are given; answers the id."""
        if isinstance(fields.get("options"), dict):
            fields["options"] = json.dumps(fields["options"])
        arguments = "".join(", %s => %%s" % field + ("::jsonb" if field == "options" else "") for field in fields)
        with contextlib.closing(self.connect()) as session:
            return value(session, "SELECT tenancy.create_connection(%s" + arguments + ")", name, *fields.values())

    def postgres(self, name="pg", options=None, **fields):
        return self.create(name, **{**dict(
            database_type="postgresql", host=environment("CLIENT_PGHOST"), port=int(environment("CLIENT_PGPORT")),
            database_name=environment("CLIENT_PGDATABASE"), username=environment("CLIENT_PGUSER"),
            password=environment("CLIENT_PGPASSWORD"), options=options or {}), **fields})

    def mysql(self, name="my", options=None, **fields):
        return self.create(name, **{**dict(
            database_type="mysql", host=environment("MYSQL_HOST"), port=int(environment("MYSQL_PORT")),
            database_name=environment("MYSQL_DATABASE"), username=environment("MYSQL_USER"),
            password=environment("MYSQL_PASSWORD"), options=options or {}), **fields})

    def sqlite(self, name="lite", options=None, database_name="test.db"):
        return self.create(name, database_type="sqlite", database_name=database_name,
                           options={"create": True, **(options or {})})


@contextlib.contextmanager
def server_settings(**settings):
    """Other settings of the extension for the whole server meanwhile; gives an administrator's session that has them, as all new ones."""
    with contextlib.closing(connect()) as admin:
        def reload():
            before = value(admin, "SELECT pg_conf_load_time()")
            rows(admin, "SELECT pg_reload_conf()")
            wait_until(lambda: value(admin, "SELECT pg_conf_load_time()") > before, 60, "a reload")
        try:
            for name, text in settings.items():
                rows(admin, "ALTER SYSTEM SET tenancy.%s = %%s" % name, str(text))
            reload()
            yield admin
        finally:
            for name in settings:
                rows(admin, "ALTER SYSTEM RESET tenancy." + name)
            reload()


def health_checks(interval=1, workers=2):
    """The health of connections is checked meanwhile, which the sandbox leaves off."""
    return server_settings(health_interval=interval, health_workers=workers)


def execute(session, connection, statement, parameters=None, max_rows=None):
    """The answer of tenancy.execute_query."""
    return value(session, "SELECT tenancy.execute_query(%s, %s, %s::jsonb, %s)", connection, statement,
                 None if parameters is None else json.dumps(parameters), max_rows)


def history(condition, *parameters):
    """Rows of query_history as dictionaries, oldest first."""
    with contextlib.closing(connect()) as session, session.cursor() as cursor:
        cursor.execute("SELECT * FROM tenancy.query_history WHERE " + condition + " ORDER BY id", parameters or None)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def wait_for_history(condition, *parameters, count=1, seconds=15):
    """The rows, when there are that many and none of them is still running."""
    found = []

    def there():
        found[:] = history(condition, *parameters)
        return len(found) >= count
    wait_until(there, seconds, "history with %s %r" % (condition, parameters))
    return found


def remote_running(marker):
    """How many statements with this text the client's PostgreSQL server is running."""
    with contextlib.closing(client_server()) as session:
        return value(session, "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE %s"
                     " AND pid <> pg_backend_pid()", "%" + marker + "%")


def mysql_running(marker):
    """The same of MariaDB."""
    return int(mysql("SELECT count(*) FROM information_schema.processlist WHERE command <> 'Sleep' AND info LIKE '%%%s%%'"
                     " AND id <> connection_id()" % marker)[0][0])


# Servers of a test's own

def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class PostgresServer:
    """A private PostgreSQL server on loopback that asks for passwords: started, stopped and broken by the test."""

    started = set()
    may_crash = False  # has the test that in mind?
    _home = None  # of the server's account, when it is a test's own

    def __init__(self, settings="", variables=None):
        self._home = (variables or {}).get("HOME")
        self.directory = private_directory()
        self.port = free_port()
        self._variables = {**{name: text for name, text in os.environ.items() if not name.startswith("PG")}, **(variables or {})}
        self._bin = subprocess.run([environment("PG_CONFIG"), "--bindir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self._data = os.path.join(self.directory, "data")
        self._call("initdb", "--pgdata=" + self._data, "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                   "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        with open(os.path.join(self._data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = '%s'\nfsync = off\n%s\n"
                       % (self.port, self.directory, settings))
        atexit.register(self.stop)
        self.start()

    def _call(self, program, *arguments, check=True):
        home = ["env", "HOME=" + self._home] if self._home else []  # runuser(1) sets it to that of the account
        done = subprocess.run(unprivileged(*home, os.path.join(self._bin, program), *arguments), env=self._variables, cwd=self.directory,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError("%s: %s" % (program, done.stderr))

    def crashes(self):
        """What of its log tells of a crash, as scripts/check looks for in the sandbox's; the tests' own signal is 9."""
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return [line for line in file if re.search(r"PANIC:  |^TRAP: |was terminated by signal (4|6|7|8|11):", line)]
        return []

    def start(self):
        self.started.add(self)
        log = os.path.join(self.directory, "log")
        try:
            self._call("pg_ctl", "--pgdata=" + self._data, "--log=" + log, "--wait", "start")
        except RuntimeError:
            with open(log, encoding="utf-8", errors="replace") as file:
                note("".join(file.readlines()[-10:]))
            raise

    def stop(self, mode="immediate"):
        if os.path.exists(os.path.join(self._data, "postmaster.pid")):
            self._call("pg_ctl", "--pgdata=" + self._data, "--mode=" + mode, "--wait", "stop", check=False)

    def connect(self, **settings):
        return connect(**{**dict(host=self.directory, port=self.port, user="postgres", dbname="postgres"), **settings})


class Listener:
    """A socket, on loopback by default, whose visitors are served by a function of ours; remembers all that they sent."""

    def __init__(self, serve, address="127.0.0.1", port=0):
        self._serve, self.heard, self.visits = serve, b"", 0
        self._socket = socket.create_server((address, port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._socket.accept()
                self.visits += 1
                threading.Thread(target=self._answer, args=(visitor,), daemon=True).start()

    def _answer(self, visitor):
        with contextlib.suppress(OSError), visitor:
            self._serve(self, visitor)

    def receive(self, visitor):
        """What the visitor sends next; empty when it has gone."""
        data = visitor.recv(65536)
        self.heard += data
        return data

    def close(self):
        self._socket.close()
