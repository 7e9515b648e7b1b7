"""A platform server of a test's own: preloaded, with a key ring and SQLite files, and a tenant with some of everything."""

import base64
import contextlib
import os
import shutil
import subprocess

from tenancy import (PostgresServer, environment, is_root, private_directory, rows, unprivileged, value)

PASSWORD = "correct horse battery staple"
SETTINGS = """shared_preload_libraries = 'pg_tenancy'
tenancy.allowed_networks = '127.0.0.0/8'
tenancy.key_file = '%s/ring'
tenancy.sqlite_root = '%s/sqlite'
tenancy.password_cost = 10
tenancy.health_interval = 0 # tests count the visits of client servers; those of health turn it on
wal_level = replica
max_wal_senders = 4
"""


def give(path):
    """To the user that runs the servers."""
    if is_root():
        shutil.chown(path, "postgres", "postgres")


def make_ring(directory, line=None):
    """A key ring in the directory; answers its line."""
    line = line or "k1 %s\n" % base64.b64encode(os.urandom(32)).decode()
    path = os.path.join(directory, "ring")
    with open(path, "w", encoding="ascii") as file:
        file.write(line)
    os.chmod(path, 0o600)
    give(path)
    return line


class Platform(PostgresServer):
    """With files of its own beside the data: home/ring and home/sqlite."""

    def __init__(self, settings="", home=None, variables=None):
        self.home = home or private_directory()
        if home is None:
            make_ring(self.home)
            os.mkdir(os.path.join(self.home, "sqlite"), 0o700)
            give(os.path.join(self.home, "sqlite"))
        super().__init__(SETTINGS % (self.home, self.home) + settings, variables)

    @property
    def data(self):
        return self._data

    def program(self, name, *arguments, **options):
        """A program of the server's version, run as its user; answers what it printed."""
        done = subprocess.run(unprivileged(os.path.join(self._bin, name), *arguments), cwd=self.directory, env=self._variables, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
        if done.returncode != 0:
            raise RuntimeError("%s ended with %d: %s" % (name, done.returncode, done.stdout))
        return done.stdout

    def postmaster(self):
        """Its pid, or None when the server has stopped."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(os.path.join(self._data, "postmaster.pid"), encoding="utf-8") as file:
                pid = int(file.readline())
            os.kill(pid, 0)
            return pid
        return None

    def processes(self):
        """The postmaster and what it has started: all that live in the data directory. A zombie lives nowhere."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink("/proc/%s/cwd" % name) == self._data:
                    found.append(int(name))
        return found

    def forget_postmaster(self):
        """Its lock files, once it has gone: until its parent has asked for its end, the next one takes it for alive."""
        os.unlink(os.path.join(self._data, "postmaster.pid"))
        os.unlink(os.path.join(self.directory, ".s.PGSQL.%d.lock" % self.port))

    def log(self):
        """What the server has logged so far."""
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def reach(self, database="postgres"):
        """The options by which programs find a database of this server."""
        return ["--host=" + self.directory, "--port=%d" % self.port, "--username=postgres", "--dbname=" + database]


def enter(server, token, database="postgres"):
    """A session of the tenant with that token, for as long as it lasts."""
    session = server.connect(dbname=database)
    rows(session, "SET tenancy.identity_scope = 'session'")
    rows(session, "SELECT set_config('tenancy.session', %s, false)", token)
    return session


def settle(server, database="postgres", attaches=True):
    """A tenant who logs in, registers databases, asks, attaches; answers the token."""
    with contextlib.closing(server.connect(dbname=database)) as session:
        rows(session, "CREATE EXTENSION pg_tenancy")
        rows(session, "SELECT tenancy.register('ada@example.com', %s, 'Ada', 'Lovelace', 'Engines Ltd')", PASSWORD)
        rows(session, "SELECT tenancy.register('bob@example.com', %s)", PASSWORD)
        token = value(session, "SELECT tenancy.login('ada@example.com', %s)", PASSWORD)
    with contextlib.closing(enter(server, token, database)) as session:
        rows(session, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'shop.db', options => '{\"create\": true}')")
        rows(session, "SELECT tenancy.create_connection('pg', 'postgresql', %s, %s, %s, %s, %s)", environment("CLIENT_PGHOST"),
             int(environment("CLIENT_PGPORT")), environment("CLIENT_PGDATABASE"), environment("CLIENT_PGUSER"),
             environment("CLIENT_PGPASSWORD"))
        for statement in ("CREATE TABLE items (id integer PRIMARY KEY, name text)", "INSERT INTO items VALUES (1, 'tea'), (2, 'cup')",
                          "SELECT * FROM items", "SELECT broken"):
            rows(session, "SELECT tenancy.execute_query('shop', %s)", statement)
        rows(session, "SELECT tenancy.execute_query('pg', 'SELECT 42 AS answer')")
        if attaches:
            rows(session, "SELECT tenancy.attach('shop', 'shop')")
    return token
