#!/usr/bin/python3
"""The health of connections follows their databases, and its workers stand in nobody's way."""

import contextlib
import os
import time

from rogue import FalsePostgres
from tenancy import (UNIQUE, Listener, PostgresServer, User, connect, environment, execute, health_checks, never, ok, private_directory, rows, run,
                     same, value, wait_until)

WORKERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE %s"


def pids(session, kind):
    return [pid for pid, in rows(session, WORKERS, "pg_tenancy " + kind + " worker")]


def checking(session):
    """Health workers that are waiting for a client database."""
    return rows(session, "SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'pg_tenancy health worker' AND query = 'checking a connection' AND state = 'active'")


def await_checking(session, seconds):
    """These workers, when there is one: between two checks there is none for a moment."""
    found = []

    def there():
        found[:] = checking(session)
        return found
    wait_until(there, seconds, "a worker that waits for a client database")
    return found


def health(session, connection):
    return dict(zip(("state", "code", "last_error", "checked_at", "since", "failures"), rows(
        session, "SELECT state, code, last_error, checked_at, since, failures FROM tenancy.connection_health"
        " WHERE connection_id = %s", connection)[0]))


def await_state(session, connection, state, seconds=30):
    wait_until(lambda: health(session, connection)["state"] == state, seconds, "state " + state)
    return health(session, connection)


def black_hole():
    """A server that accepts and never answers."""
    return Listener(lambda listener, visitor: [None for _ in iter(lambda: listener.receive(visitor), b"")])


def coming_and_going():
    """A server that is stopped and started, and a file that is moved away and back."""
    server = PostgresServer()
    with contextlib.closing(server.connect()) as owner:
        rows(owner, "CREATE ROLE reader LOGIN PASSWORD 'a canary of a password'")
    user = User()
    pg = user.create("away", database_type="postgresql", host="127.0.0.1", port=server.port, database_name="postgres",
                     username="reader", password="a canary of a password")
    lite = user.sqlite()
    with contextlib.closing(user.connect()) as session:
        execute(session, "lite", "SELECT 1")
    path = os.path.join(environment("TENANCY_SQLITE_ROOT"), user.id, "test.db")
    with health_checks() as admin:
        up = await_state(admin, pg, "up")
        await_state(admin, lite, "up")
        server.stop("fast")
        os.rename(path, path + ".away")
        await_state(admin, pg, "down")
        wait_until(lambda: health(admin, pg)["code"] == "refused", 30, "a refusal")  # not of a server that is still shutting down
        down = health(admin, pg)
        ok(down["since"] > up["since"] and "canary" not in down["last_error"], "a stopped server is down, since now, refused", down)
        same(await_state(admin, lite, "down")["code"], "database", "a file that has gone is missed")
        ok(not os.path.exists(path), "and not made anew by a check")
        server.start()
        os.rename(path + ".away", path)
        again = await_state(admin, pg, "up")
        ok(again["failures"] == 0 and again["last_error"] is None and again["since"] > down["since"], "started, it is up again", again)
        same(await_state(admin, lite, "up")["code"], "ok", "the file is back, too")
        with contextlib.closing(user.connect()) as session:
            same(rows(session, "SELECT name, state FROM tenancy.connections() ORDER BY name"), [("away", "up"), ("lite", "up")],
                 "connections() tells it")
        same(value(admin, "SELECT count(*) FROM tenancy.query_history WHERE database_connection_id = %s", pg), 0,
             "checks are not in history")


# Checks of others that began before the last one of a connection, which has ended some time ago, and still wait.
OVERTAKEN = """SELECT a.pid FROM pg_stat_activity AS a, tenancy.connection_health AS h WHERE a.datname = current_database()
    AND a.backend_type = 'pg_tenancy health worker' AND a.query = 'checking a connection' AND a.state = 'active'
    AND a.state_change < h.checked_at AND h.checked_at < clock_timestamp() - interval '0.2 s' AND h.connection_id = %s"""


def silent_servers():
    """While servers that never answer hold the checkers of the slow lane, all else goes on."""
    holes = [black_hole() for _ in range(3)]
    stuck, well = User("stuck"), User("well")
    lite, pg = well.sqlite(), well.postgres()
    with contextlib.closing(well.connect()) as session:
        execute(session, "lite", "SELECT 1")
    with health_checks() as admin:
        await_state(admin, lite, "up")
        await_state(admin, pg, "up")
        for i, hole in enumerate(holes):
            stuck.create("hole%d" % i, database_type="postgresql", host="127.0.0.1", port=hole.port, database_name="d",
                         username="u", password="p")
        waiting = await_checking(admin, 30)
        same([begun for _, begun in waiting], [None] * len(waiting), "a check waits outside of any transaction")
        same(value(admin, "SELECT count(*) FROM pg_locks WHERE pid = ANY (%s)", [pid for pid, _ in waiting]), 0, "and without a lock")
        wait_until(lambda: rows(admin, OVERTAKEN, pg), 60, "a check of what is well within that of another")
        ok(True, "what is well is checked while the others wait")
        seen = health(admin, pg)["checked_at"]
        with contextlib.closing(well.connect()) as session:
            ids = [execute(session, "lite", "SELECT %d" % n)["query_id"] for n in range(200)]
        same(value(admin, "SELECT count(*) FROM tenancy.query_history WHERE id::text = ANY (%s)", ids), 200,
             "200 queries are answered and in history meanwhile")
        wait_until(lambda: health(admin, pg)["checked_at"] > seen, 8, "a check of what is well")
        waiting = await_checking(admin, 15)

        rows(admin, "SELECT pg_terminate_backend(%s)", waiting[0][0])
        old = pids(admin, "maintenance")
        rows(admin, "SELECT pg_terminate_backend(%s)", old[0])
        wait_until(lambda: pids(admin, "maintenance") not in ([], old), 30, "another maintenance worker")
        seen = health(admin, pg)["checked_at"]
        wait_until(lambda: health(admin, pg)["checked_at"] > seen, 90, "checks after that")  # the one that was broken off: in a minute
        ok(True, "workers that are terminated come back")
        for i in range(3):
            with contextlib.closing(stuck.connect()) as session:
                rows(session, "SELECT tenancy.delete_connection('hole%d')" % i)
    for hole in holes:
        hole.close()


def two_with_silent_servers():
    """Two users with servers that never answer take turns with everybody else, not with each other"""
    holes = [black_hole() for _ in range(3)]
    stuck, well = [User("stuck%d" % i) for i in range(2)], User("new")
    with health_checks() as admin:
        ids = [user.create("hole%d" % i, database_type="postgresql", host="127.0.0.1", port=hole.port, database_name="d", username="u", password="p")
               for i, hole in enumerate(holes) for user in stuck]
        await_state(admin, well.postgres(), "up", 120)
        checked = value(admin, "SELECT count(checked_at) FROM tenancy.connection_health WHERE connection_id = ANY (%s::uuid[])", ids)
        ok(checked <= 3, "who is new is checked before all of these are", checked)
        for user in stuck:
            with contextlib.closing(user.connect()) as session:
                rows(session, "SELECT count(tenancy.delete_connection(name)) FROM tenancy.connections()")
    for hole in holes:
        hole.close()


def unreadable():
    """A row whose options cannot be read is due first and again and again: it holds up nobody else, and its own health says why."""
    spoilt, well = User("spoilt"), User("well")
    bad = spoilt.sqlite()
    with contextlib.closing(connect()) as owner:
        rows(owner, "UPDATE tenancy.database_connections SET options = '{\"create\": {\"not\": \"readable\"}}' WHERE id = %s", bad)
        rows(owner, "UPDATE tenancy.connection_health SET next_check_at = now() - interval '1 hour' WHERE connection_id = %s", bad)
    good = well.postgres()
    with health_checks() as admin:
        await_state(admin, good, "up")
        wait_until(lambda: health(admin, bad)["checked_at"] is not None, 30, "a result")
        found = health(admin, bad)
        ok(found["state"] == "unknown" and "must be a string, number or boolean" in found["last_error"], "its state is unknown, with the reason", found)
        seen = health(admin, good)["checked_at"]
        wait_until(lambda: health(admin, good)["checked_at"] > seen, 30, "another check of what is well")
        rows(admin, "UPDATE tenancy.database_connections SET options = '{}', is_active = false WHERE id = %s", bad)


def deactivated():
    """A snapshot from before a user was deactivated does not keep a new connection of the user under check."""
    user = User("deactivated")
    idle = user.sqlite("idle")
    with contextlib.closing(user.connect()) as session, health_checks() as admin:
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT tenancy.current_user_id()")
        rows(admin, "SELECT tenancy.set_active(%s, false)", user.id)
        new = value(session, "SELECT tenancy.create_connection('new', 'sqlite', database_name => 'new.db')")
        rows(session, "COMMIT")
        rows(admin, "UPDATE tenancy.connection_health SET next_check_at = now() WHERE connection_id = %s", idle)
        wait_until(lambda: rows(admin, "SELECT 1 FROM tenancy.connection_health WHERE connection_id IN (%s, %s)"
                                " AND next_check_at IS NULL", new, idle) == [(1,), (1,)], 30, "a worker that leaves them alone")
        same([health(admin, connection)["checked_at"] for connection in (new, idle)], [None, None], "their databases are not asked")
        rows(admin, "SELECT tenancy.set_active(%s, true)", user.id)
        rows(admin, "UPDATE tenancy.database_connections SET is_active = false WHERE id = %s", new)
        rows(admin, "UPDATE tenancy.connection_health SET next_check_at = now() WHERE connection_id = %s", new)
        wait_until(lambda: rows(admin, "SELECT 1 FROM tenancy.connection_health WHERE connection_id = %s AND next_check_at IS NULL", new), 30,
                   "the same of a connection that is not active")
        wait_until(lambda: health(admin, idle)["checked_at"] is not None, 30, "checks of what is active again")


def activated():
    """A connection that was made while its user was not active is checked when the user is active again, whoever commits first."""
    user = User("activated")
    with contextlib.closing(user.connect()) as session, health_checks() as admin:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.current_user_id()")
        rows(admin, "SELECT tenancy.set_active(%s, false)", user.id)
        new = value(session, "SELECT tenancy.create_connection('new', 'sqlite', database_name => 'new.db', options => '{\"create\": true}')")
        rows(admin, "SELECT tenancy.set_active(%s, true)", user.id)
        rows(session, "COMMIT")
        same(value(admin, "SELECT next_check_at FROM tenancy.connection_health WHERE connection_id = %s", new), None, "nobody has made it due")
        rows(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_tenancy maintenance worker' AND datname = current_database()")
        wait_until(lambda: health(admin, new)["checked_at"] is not None, 60, "a check by the worker that begins, which looks for such connections")
        ok(True, "it is checked")


class Late(FalsePostgres):
    """A server that lets visitors wait for so many seconds before it lets them in."""

    delay = 0

    def _serve(self, listener, visitor):
        time.sleep(self.delay)
        super()._serve(listener, visitor)


def late_servers():
    """Whoever answers late holds up only those that do the same, whatever the answer is."""
    server, user, other = Late(), User("late"), User("beside")
    late, second, foreign = [owner.create(name, database_type="postgresql", host="127.0.0.1", port=server.listener.port, database_name="d",
                                          username="u", password="p", options={"sslmode": "disable"})
                             for owner, name in ((user, "late"), (user, "second"), (other, "foreign"))]

    def is_slow(connection=late):
        return value(admin, "SELECT slow FROM tenancy.connection_health WHERE connection_id = %s", connection)
    with health_checks() as admin:
        since = await_state(admin, late, "up")["since"]
        wait_until(lambda: not any(map(is_slow, (late, second, foreign))), 30, "checks that do not take long")
        rows(admin, "UPDATE tenancy.connection_health SET next_check_at = now() + interval '1 hour' WHERE connection_id IN (%s, %s)", second, foreign)
        server.delay = 2.5
        wait_until(is_slow, 30, "one that does")
        same((is_slow(second), is_slow(foreign)), (True, False), "a server that lets wait is checked apart from the others, for that user")
        seen = health(admin, late)["checked_at"]
        wait_until(lambda: health(admin, late)["checked_at"] > seen, 30, "a check there")
        same((health(admin, late)["state"], health(admin, late)["since"], is_slow()), ("up", since, True), "and is up all the time")
        server.delay = 0
        wait_until(lambda: not is_slow(), 30, "its return")
        ok(True, "when it answers soon again, it is one of them again")
        with contextlib.closing(user.connect()) as session:
            rows(session, "SELECT tenancy.delete_connection('late')")
    server.listener.close()


def own_server(processes):
    """A platform server of the test's own, with so many worker processes."""
    directory = private_directory()
    return PostgresServer("shared_preload_libraries = 'pg_tenancy'\nmax_worker_processes = %d\ntenancy.health_interval = 1\n"
                          "tenancy.allowed_networks = '127.0.0.0/8'\ntenancy.sqlite_root = '%s'" % (processes, directory))


def use(server, database):
    """A query in that database, as a user of its own; the status of its answer."""
    with contextlib.closing(server.connect(dbname=database)) as session:
        rows(session, "SET tenancy.identity_scope = 'session'")
        email = "%s.%x@test.example" % (UNIQUE, int(time.monotonic() * 1e6))
        rows(session, "SELECT tenancy.register(%s, 'a long password')", email)
        rows(session, "SELECT set_config('tenancy.session', tenancy.login(%s, 'a long password'), false)", email)
        rows(session, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'a.db', options => '{\"create\": true}')")
        return value(session, "SELECT tenancy.execute_query('lite', 'SELECT 1')")["status"]


def make_database(server, database):
    with contextlib.closing(server.connect()) as admin:
        rows(admin, 'CREATE DATABASE "%s"' % database)
    with contextlib.closing(server.connect(dbname=database)) as session:
        rows(session, "CREATE EXTENSION pg_tenancy")


def other_commands():
    """Databases are dropped and copied, extensions dropped and made again, while workers are at work."""
    server = own_server(16)
    make_database(server, "one")
    same(use(server, "one"), "success", "a query brings up history")
    with contextlib.closing(server.connect(dbname="one")) as session:
        wait_until(lambda: pids(session, "maintenance") and pids(session, "health"), 30, "the workers beside it")
        states = dict(rows(session, "SELECT item, state FROM tenancy.status()"))
        same({states[item] for item in ("version", "history worker", "history queue", "maintenance worker")}, {"ok"}, "status() finds them well")
        same((states["key ring"], states["databases"]), ("error", "warning"), "and tells what is missing")
        wait_until(lambda: not value(session, "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_tenancy%' AND state = 'active'"),
                   30, "workers that rest to say so")
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "CREATE DATABASE two TEMPLATE one")
        ok(True, "CREATE DATABASE … TEMPLATE")
        same(use(server, "one"), "success", "they are back after it")
    with contextlib.closing(server.connect(dbname="one")) as session:
        wait_until(lambda: pids(session, "maintenance"), 30, "the maintenance worker after the copy")
        rows(session, "DROP EXTENSION pg_tenancy CASCADE")
        wait_until(lambda: not pids(session, "maintenance") and not pids(session, "health"), 30, "workers to leave")
        ok(True, "DROP EXTENSION: they leave")
        rows(session, "CREATE EXTENSION pg_tenancy")
    same(use(server, "one"), "success", "made again, it works")
    with contextlib.closing(server.connect(dbname="one")) as session:
        wait_until(lambda: pids(session, "maintenance") and pids(session, "health"), 30, "the workers of the new extension")
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "DROP DATABASE one")
        rows(admin, "DROP DATABASE two")
        ok(True, "DROP DATABASE")
    server.stop("fast")


# Move rows of one of the two tables into the past, as only a superuser can, who turns triggers off; ids tell the time, too.
AGE = """UPDATE tenancy.%s SET %s = %s - %%s::interval,
    id = overlay(id::text PLACING left(tenancy.first_uuid(now() - %%s::interval)::text, 13) FROM 1 FOR 13)::uuid
    WHERE %s"""


def pruned():
    """The maintenance worker deletes what is beyond its retention, without being asked, and nothing else."""
    server = own_server(16)
    make_database(server, "one")
    with contextlib.closing(server.connect(dbname="one")) as session:
        rows(session, "SET tenancy.identity_scope = 'session'")
        user = value(session, "SELECT tenancy.register('old@test.example', 'a long password')")
        rows(session, "SELECT set_config('tenancy.session', tenancy.login('old@test.example', 'a long password'), false)")
        rows(session, "SELECT tenancy.login('old@test.example', 'a long password') FROM generate_series(1, 2)")
        rows(session, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'a.db', options => '{\"create\": true}')")
        rows(session, "SELECT tenancy.execute_query('lite', 'SELECT ' || n) FROM generate_series(1, 6) AS n")
    with contextlib.closing(server.connect(dbname="one")) as admin:
        def runs():
            return [seq for seq, in rows(admin, "SELECT chain_seq FROM tenancy.query_history ORDER BY chain_seq")]

        def audited():
            return {entry for entry, in rows(admin, "SELECT id FROM tenancy.audit_log")}

        def retain(setting, prunes):
            """Set a retention of the database: the worker ends, and the next one has its chores before it at once."""
            rows(admin, "ALTER DATABASE one SET tenancy.%s = '30d'" % setting)
            wait_until(prunes, 90, "pruning by " + setting)

        def age(table, time_column, condition, days):
            rows(admin, AGE % (table, time_column, time_column, condition), "%d days" % days, "%d days" % days)

        wait_until(lambda: pids(admin, "maintenance"), 30, "a maintenance worker")
        wait_until(lambda: runs() == [1, 2, 3, 4, 5, 6], 30, "the runs in history")
        sums = rows(admin, "SELECT * FROM tenancy.query_daily")
        rows(admin, "SET session_replication_role = replica")
        age("query_history", "created_at", "chain_seq <= 4", 40)
        rows(admin, "UPDATE tenancy.query_history SET created_at = created_at - interval '20 days' WHERE chain_seq = 5")
        age("audit_log", "at", "object_type = 'user_sessions'", 40)
        age("audit_log", "at", "object_type = 'users'", 20)
        rows(admin, "RESET session_replication_role")
        before = audited()
        old = {entry for entry, in rows(admin, "SELECT id FROM tenancy.audit_log WHERE at < now() - interval '30 days'")}
        ok(old and old < before, "some entries of the audit log are old, others are not", (len(old), len(before)))

        retain("history_retention", lambda: runs() != [1, 2, 3, 4, 5, 6])
        same(runs(), [5, 6], "of six runs four were beyond the retention, and have gone")
        same(audited(), before, "the audit log has a retention of its own")
        same(rows(admin, "SELECT row_count, problem FROM tenancy.verify_history(%s)", user), [(2, None)], "what is left of the chain is proved")
        same(rows(admin, "SELECT * FROM tenancy.query_daily"), sums, "the sums stay")
        retain("audit_retention", lambda: audited() != before)
        same(audited(), before - old, "of the audit log what was beyond it has gone")
        same(runs(), [5, 6], "no more runs have")
        for change in ("SET tenancy.history_retention = '90d'", "RESET tenancy.history_retention"):
            before = pids(admin, "maintenance")
            rows(admin, "ALTER ROLE postgres " + change)
            wait_until(lambda: pids(admin, "maintenance") not in ([], before), 60, "another worker")
        ok(True, "settings of the role that workers have end them as well")

        def sessions():
            return [session for session, in rows(admin, "SELECT id FROM tenancy.user_sessions ORDER BY expires_at")]
        expired, late, *alive = sessions()
        rows(admin, "SET session_replication_role = replica")
        for session, ago in ((expired, "2 days"), (late, "1 hour")):
            rows(admin, "UPDATE tenancy.user_sessions SET expires_at = now() - %s::interval WHERE id = %s", ago, session)
        rows(admin, "RESET session_replication_role; ALTER DATABASE one RESET tenancy.audit_retention")  # another worker, with its chores before it
        wait_until(lambda: expired not in sessions(), 90, "the end of a session that expired two days ago")
        same(sessions(), [late, *alive], "sessions are deleted a day after they expired, no others")
    server.stop("fast")


def locked_rows():
    """What is due may be locked by a transaction that does not end."""
    server = own_server(16)
    make_database(server, "one")
    same(use(server, "one"), "success", "a query brings up the workers")
    # The statistics of a database are seen from any other, so that looking at them adds nothing.
    with contextlib.closing(server.connect()) as admin, contextlib.closing(server.connect(dbname="one")) as holder:
        wait_until(lambda: rows(admin, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_tenancy health worker'"), 30, "a worker")
        holder.autocommit = False
        rows(holder, "UPDATE tenancy.database_connections SET name = 'held'")
        rows(holder, "UPDATE tenancy.connection_health SET next_check_at = now() - interval '1 minute'")

        def transactions():
            return value(admin, "SELECT xact_commit FROM pg_stat_database WHERE datname = 'one'")
        before = transactions()
        ok(never(lambda: transactions() > before + 100, 5), "the workers do not spin until it ends", lambda: transactions() - before)
        holder.rollback()
    server.stop("fast")


def scarce_processes():
    """History of another database needs the process that health has."""
    server = own_server(3)  # one is PostgreSQL's own
    for database in ("one", "two"):
        make_database(server, database)
    same(use(server, "one"), "success", "the first database works")
    with contextlib.closing(server.connect(dbname="one")) as session:
        wait_until(lambda: pids(session, "maintenance"), 30, "a maintenance worker in the last place")
        same(use(server, "two"), "success", "the second database gets its history worker")
        same(pids(session, "maintenance"), [], "the maintenance worker has made room")
        found = rows(session, "SELECT state, hint FROM tenancy.status() WHERE item IN ('maintenance worker', 'worker processes')")
        ok(len(found) == 2 and all(state == "warning" and "max_worker_processes" in hint for state, hint in found), "status() says so", found)
        same(use(server, "one"), "success", "queries go on in both")
    server.stop("fast")


def broken_settings():
    """Keys that are gone and networks that are none are errors of their own items, and of nothing else."""
    with contextlib.closing(connect()) as admin:
        def item(name):
            return rows(admin, "SELECT state, value FROM tenancy.status() WHERE item = %s", name)[0]
        wrong = {"key_file": "/nowhere/ring", "allowed_networks": "10.0.0.0/8,anywhere", "sqlite_root": "/nowhere"}
        try:
            for name, text in wrong.items():
                rows(admin, "ALTER SYSTEM SET tenancy.%s = '%s'" % (name, text))
            rows(admin, "SELECT pg_reload_conf()")
            for name in ("key ring", "allowed networks", "sqlite root"):
                wait_until(lambda n=name: item(n)[0] == "error", 10, "an error of " + name)
                ok(True, "error of " + name)
            same(item("version")[0], "ok", "others are well")
        finally:
            for name in wrong:
                rows(admin, "ALTER SYSTEM RESET tenancy." + name)
            rows(admin, "SELECT pg_reload_conf()")
        wait_until(lambda: item("key ring")[0] == "ok", 10, "the ring again")
        ok(True, "put back, the ring loads again")


run(broken_settings, coming_and_going, silent_servers, two_with_silent_servers, late_servers, unreadable, deactivated, activated, other_commands, pruned, locked_rows, scarce_processes)
