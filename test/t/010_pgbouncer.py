#!/usr/bin/python3
"""Two tenants behind a transaction-pooling proxy with one server connection never see each other's identity or rows."""

import contextlib
import os
import random
import subprocess
import threading
from collections import Counter

from tenancy import (UNIQUE, User, app_role, connect, environment, note, ok, private_directory, raised, rows, run, same,
                     stop_process, together, unprivileged, value, wait_until)

TRANSACTIONS = 10_000
PORT = 6432  # names the socket in a private directory; nothing listens on the network
TABLE = "pooled_" + UNIQUE


@contextlib.contextmanager
def pgbouncer():
    directory = private_directory()
    config = os.path.join(directory, "pgbouncer.ini")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[databases]\n"
                   "pooled = host='%s' port=%s dbname=%s user=%s pool_size=1\n"
                   "[pgbouncer]\n"
                   "listen_addr =\nlisten_port = %d\nunix_socket_dir = %s\n"
                   "auth_type = any\npool_mode = transaction\nmin_pool_size = 0\nreserve_pool_size = 0\n"
                   "max_client_conn = 20\nlog_connections = 0\nlog_disconnections = 0\n"
                   % (environment("PGHOST"), environment("PGPORT"), environment("PGDATABASE"), app_role(), PORT, directory))
    os.chmod(config, 0o644)
    with open(os.path.join(directory, "log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen(unprivileged("/usr/sbin/pgbouncer", config), stdout=log, stderr=log, cwd=directory)
    try:
        wait_until(lambda: os.path.exists(os.path.join(directory, ".s.PGSQL.%d" % PORT)), 10, "pgbouncer's socket")
        yield directory
    finally:
        stop_process(process)


class Client:
    """One application process: begins and ends its transactions itself, and counts what it sees."""

    def __init__(self, directory, me, other):
        self.me, self.other = me, other
        self.session = connect(host=directory, port=PORT, user="anybody", dbname="pooled")
        self.seen = Counter()
        self.wrong = []
        self.backends = set()

    def do(self, statement, *parameters):
        return rows(self.session, statement, *parameters)

    def check(self, kind, owner):
        """Identity, rows of the own table and of users, all of the owner; of nobody when that is None."""
        found = self.do("SELECT pg_backend_pid(), tenancy.current_user_id()::text,"
                        " (SELECT array_agg(owner::text || ' ' || n ORDER BY n) FROM " + TABLE + "),"
                        " (SELECT array_agg(id::text) FROM tenancy.users)")[0]
        self.backends.add(found[0])
        wanted = (owner, owner and ["%s %d" % (owner, n) for n in (1, 2, 3)], owner and [owner])
        self.seen[kind] += 1
        if found[1:] != wanted:
            self.wrong.append((kind, found[1:], wanted))

    def authenticate(self):
        self.do("SELECT tenancy.authenticate(%s)", self.me.token)

    def plain(self):
        self.do("BEGIN")
        self.authenticate()
        self.check("own rows", self.me.id)
        self.do("COMMIT")

    def anonymous(self):
        self.do("BEGIN")
        self.check("no identity", None)
        self.do("COMMIT")

    def single(self):
        self.check("no identity outside of a transaction block", None)

    def session_level(self):
        self.do("BEGIN")
        self.do("SELECT set_config('tenancy.session', %s, false)", self.me.token)
        self.check("token set at session level", self.me.id)
        self.do("COMMIT")

    def leftover(self):
        """A SET outside of a block, which the next client of the server connection inherits."""
        self.do("SET tenancy.session = %s", self.me.token)
        self.check("token of an earlier transaction", None)

    def rolled_back(self):
        self.do("BEGIN")
        self.authenticate()
        self.check("before ROLLBACK", self.me.id)
        self.do("ROLLBACK")

    def failed(self):
        self.do("BEGIN")
        self.authenticate()
        if raised(self.do, "SELECT 1 / 0") is None:
            self.wrong.append(("error", None, None))
        self.do("ROLLBACK")

    def savepoint(self):
        """ROLLBACK TO brings back the setting as it was: the stale token of whoever had the connection before."""
        self.do("BEGIN")
        self.do("SAVEPOINT s")
        self.authenticate()
        self.check("inside of a savepoint", self.me.id)
        self.do("ROLLBACK TO s")
        self.check("stale token after ROLLBACK TO", None)
        self.do("COMMIT")

    def nested(self):
        self.do("BEGIN")
        self.authenticate()
        self.do("SAVEPOINT s")
        self.do("SELECT set_config('tenancy.session', '', true)")
        self.check("identity taken away", None)
        self.do("ROLLBACK TO s")
        self.check("own token after ROLLBACK TO", self.me.id)
        self.do("RELEASE s")
        self.check("own token after RELEASE", self.me.id)
        self.do("COMMIT")

    def remote(self):
        """The pool of connections to client databases is the server connection's, too."""
        self.do("BEGIN")
        self.authenticate()
        found = self.do("SELECT owner FROM tenancy.query('lite', 'SELECT owner FROM mine') AS t(owner text)")
        pool = self.do("SELECT DISTINCT user_id::text FROM tenancy.pool()")
        self.do("COMMIT")
        self.seen["own client database"] += 1
        if found != [(self.me.id,)] or pool != [(self.me.id,)]:
            self.wrong.append(("own client database", (found, pool), self.me.id))

    def remote_anonymous(self):
        self.do("BEGIN")
        error = raised(self.do, "SELECT tenancy.execute_query(%s::uuid, 'SELECT owner FROM mine')", self.other.connection)
        self.do("ROLLBACK")
        self.seen["client database without identity"] += 1
        if error is None or error.pgcode != "28000":
            self.wrong.append(("client database without identity", error, "28000"))

    def remote_foreign(self):
        self.do("BEGIN")
        self.authenticate()
        answer = self.do("SELECT tenancy.execute_query(%s::uuid, 'SELECT owner FROM mine')", self.other.connection)[0][0]
        self.do("COMMIT")
        self.seen["another tenant's client database"] += 1
        if answer["status"] != "denied" or answer["rows"]:
            self.wrong.append(("another tenant's client database", answer, "denied"))


KINDS = [(Client.plain, 40), (Client.anonymous, 15), (Client.single, 5), (Client.session_level, 8), (Client.leftover, 5),
         (Client.rolled_back, 8), (Client.failed, 3), (Client.savepoint, 6), (Client.nested, 5), (Client.remote, 3),
         (Client.remote_anonymous, 1), (Client.remote_foreign, 1)]


def drive(client, seed, start):
    chooser = random.Random(seed)
    start.wait()
    for kind in chooser.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS], k=TRANSACTIONS // 2):
        kind(client)


def make_tenant(word):
    user = User(word)
    user.connection = user.sqlite("lite")
    with contextlib.closing(user.connect()) as session:
        rows(session, "SELECT tenancy.execute_query('lite', 'CREATE TABLE mine (owner text)')")
        rows(session, "SELECT tenancy.execute_query('lite', 'INSERT INTO mine VALUES (?)', jsonb_build_array(%s::text))", user.id)
    return user


def interleaved():
    """Ten thousand transactions of two clients on one server connection."""
    ann, bob = make_tenant("ann"), make_tenant("bob")
    with contextlib.closing(connect()) as session:
        rows(session, "CREATE TABLE %s (owner uuid, n int)" % TABLE)
        rows(session, "INSERT INTO " + TABLE + " SELECT u::uuid, n FROM unnest(%s) AS u, generate_series(1, 3) AS n", [ann.id, bob.id])
        rows(session, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY" % TABLE)
        rows(session, "CREATE POLICY own ON %s USING (owner = (SELECT tenancy.current_user_id()))" % TABLE)
        rows(session, 'GRANT SELECT ON %s TO "%s"' % (TABLE, app_role()))
        try:
            with pgbouncer() as directory:
                clients = [Client(directory, ann, bob), Client(directory, bob, ann)]
                start = threading.Barrier(2)
                together([lambda c=client, s=seed: drive(c, s, start) for seed, client in enumerate(clients)], 600)
                server = value(clients[0].session, "SELECT rolname FROM pg_roles WHERE rolname = session_user")
                for client in clients:
                    client.session.close()
        finally:
            rows(session, "DROP TABLE " + TABLE)
    seen = clients[0].seen + clients[1].seen
    wrong = clients[0].wrong + clients[1].wrong
    same(server, app_role(), "the proxy logs in as the platform's role")
    same(len(clients[0].backends | clients[1].backends), 1, "all transactions ran on one server connection")
    for kind in sorted(seen):
        bad = [found for found in wrong if found[0] == kind]
        ok(not bad, "%s: %d times right" % (kind, seen[kind]), lambda bad=bad: "%d wrong, such as %r" % (len(bad), bad[:3]))
    ok(not wrong, "zero cross reads in %d transactions" % TRANSACTIONS)
    note("checks: %d" % sum(seen.values()))


run(interleaved)
