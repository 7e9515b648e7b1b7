#!/usr/bin/python3
"""Commands that want a database for themselves: its history stays its own, and when they end without success it is as before."""

import contextlib
import os
import signal

from platform_server import PASSWORD, Platform, enter, settle
from tenancy import Background, ok, pid_of, rows, run, same, sqlstate, value, wait_until

server = Platform("max_worker_processes = 16\ntenancy.databases = 'postgres'\n")
token = settle(server)
for name in ("other", "third"):
    with contextlib.closing(server.connect()) as owner:
        rows(owner, "CREATE DATABASE " + name)
    with contextlib.closing(server.connect(dbname=name)) as owner:
        rows(owner, "CREATE EXTENSION pg_tenancy")
        rows(owner, "SELECT tenancy.register('eve@example.com', %s)", PASSWORD)
server.stop("fast")
server.start()  # from now on the worker of postgres is one that nobody had to ask for, and that of other has not been asked for


def worker(admin, database="postgres"):
    return value(admin, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_tenancy history worker' AND datname = %s", database)


def history(database, text):
    """The users of the runs of that statement in a database's history"""
    with contextlib.closing(server.connect(dbname=database)) as session:
        return [user for user, in rows(session, "SELECT user_id FROM tenancy.history_entries WHERE generated_sql_query = %s", text)]


def copy(session):
    """Fails after five seconds: somebody is connected to the template"""
    return sqlstate(rows, session, "CREATE DATABASE copy TEMPLATE postgres")


def renamed_in_a_block():
    """Nor when the command has ended, but not its transaction: then its worker comes back"""
    with contextlib.closing(server.connect(dbname="template1")) as admin:
        wait_until(lambda: worker(admin), 30, "the worker")
        rows(admin, "BEGIN")
        rows(admin, "ALTER DATABASE postgres RENAME TO renamed")
        with contextlib.closing(server.connect(dbname="third")) as third:
            rows(third, "SET tenancy.identity_scope = 'session'")
            rows(third, "SELECT set_config('tenancy.session', tenancy.login('eve@example.com', %s), false)", PASSWORD)
            rows(third, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'third.db', options => '{\"create\": true}')")
            same(value(third, "SELECT tenancy.execute_query('shop', 'SELECT 1')")["status"], "success", "the first query of another database")
        rows(admin, "COMMIT")
        wait_until(lambda: worker(admin, "renamed"), 30, "its worker to come back")
        rows(admin, "ALTER DATABASE renamed RENAME TO postgres")
        wait_until(lambda: worker(admin), 30, "the worker once more")
        ok(True, "it came back")


def closed():
    """While a database is closed, another one's first run does not take its place in the queue"""
    tenant, admin = enter(server, token), server.connect(dbname="template1")
    wait_until(lambda: worker(admin), 30, "the worker")
    same(value(tenant, "SELECT tenancy.execute_query('shop', 'SELECT 4710')")["status"], "success", "a query before")
    copying = Background(copy, admin)
    with contextlib.closing(server.connect(dbname="other")) as other:
        wait_until(lambda: not worker(other), 30, "the worker to step aside")
        waiting = Background(value, tenant, "SELECT tenancy.execute_query('shop', 'SELECT 4711')")
        wait_until(lambda: value(other, "SELECT wait_event FROM pg_stat_activity WHERE pid = %s", pid_of(tenant)) == "Extension", 30,
                   "a session that waits for the worker")
        ok(copying.running(), "the database is closed")
        rows(other, "SET tenancy.identity_scope = 'session'")
        rows(other, "SELECT set_config('tenancy.session', tenancy.login('eve@example.com', %s), false)", PASSWORD)
        rows(other, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'eve.db', options => '{\"create\": true}')")
        same(value(other, "SELECT tenancy.execute_query('shop', 'SELECT 1')")["status"], "success", "the first query of another database")
    same(waiting.value()["status"], "success", "the one that waited is answered")
    same(copying.value(), "55006", "the database could not be copied")
    same((len(history("postgres", "SELECT 4711")), history("other", "SELECT 4711")), (1, []), "its run is in the history where it belongs")
    tenant.close()
    admin.close()


def served_again():
    """When the command has ended there is a worker again, whom nobody has to ask for"""
    tenant, admin = enter(server, token), server.connect(dbname="template1")
    same(value(tenant, "SELECT tenancy.execute_query('shop', 'SELECT 4712')")["status"], "success", "a query before")
    before = worker(admin)
    same(copy(admin), "55006", "a command that fails")
    wait_until(lambda: worker(admin) not in (None, before), 30, "another worker")
    ok(True, "another worker is there")
    tenant.close()
    admin.close()


def two_commands():
    """One command that ends does not open the database to which another one is still waiting"""
    tenant, first, second = enter(server, token), server.connect(dbname="template1"), server.connect(dbname="template1")
    watcher = server.connect(dbname="other")
    same(value(tenant, "SELECT tenancy.execute_query('shop', 'SELECT 4713')")["status"], "success", "a query before")
    pid = worker(watcher)
    os.kill(pid, signal.SIGSTOP)
    try:
        jobs = []
        for session in (first, second):
            jobs.append(Background(copy, session))
            wait_until(lambda: value(watcher, "SELECT wait_event FROM pg_stat_activity WHERE pid = %s", pid_of(session)) == "Extension", 30,
                       "the command to wait")
        rows(watcher, "SELECT pg_cancel_backend(%s)", pid_of(second))
        same(jobs[1].value(), "57014", "one is cancelled")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: worker(watcher) is None, 30, "the worker to step aside")
    ok(jobs[0].running(), "for the other, which goes on")
    jobs[1] = Background(copy, second)
    same([job.value() for job in jobs], ["55006", "55006"], "both have the database for themselves but for its sessions")
    wait_until(lambda: worker(watcher), 30, "another worker")
    for session in (tenant, first, second, watcher):
        session.close()


def cancelled():
    """A command that is cancelled while it waits for the worker does not leave the database closed"""
    tenant, admin, canceller = enter(server, token), server.connect(dbname="template1"), server.connect(dbname="template1")
    same(value(tenant, "SELECT tenancy.execute_query('shop', 'SELECT 1')")["status"], "success", "a query before")
    pid = worker(admin)
    os.kill(pid, signal.SIGSTOP)
    try:
        copying = Background(copy, admin)
        wait_until(lambda: value(canceller, "SELECT wait_event FROM pg_stat_activity WHERE pid = %s", pid_of(admin)) == "Extension", 30,
                   "the command to wait")
        rows(canceller, "SELECT pg_cancel_backend(%s)", pid_of(admin))
        same(copying.value(), "57014", "the command is cancelled")
    finally:
        os.kill(pid, signal.SIGCONT)
    same(value(tenant, "SELECT tenancy.execute_query('shop', 'SELECT 2')")["status"], "success", "the database is open again")
    for session in (tenant, admin, canceller):
        session.close()


def forced():
    """A database that is dropped amid a query leaves nothing in the queue"""
    with contextlib.closing(server.connect()) as owner:
        before = value(owner, "SELECT bytes FROM tenancy.history_queue()")
        rows(owner, "CREATE DATABASE doomed")
        with contextlib.closing(server.connect(dbname="doomed")) as there:
            rows(there, "CREATE EXTENSION pg_tenancy")
            rows(there, "SELECT tenancy.register('eve@example.com', %s)", PASSWORD)
        session = server.connect(dbname="doomed")
        rows(session, "SET tenancy.identity_scope = 'session'")
        rows(session, "SELECT set_config('tenancy.session', tenancy.login('eve@example.com', %s), false)", PASSWORD)
        rows(session, "SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'doomed.db', options => '{\"create\": true}')")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('shop', 'SELECT 1', NULL, 'c')")
        ok(value(owner, "SELECT bytes FROM tenancy.history_queue()") > before, "a cursor is in the queue")
        rows(owner, "DROP DATABASE doomed WITH (FORCE)")
        wait_until(lambda: value(owner, "SELECT bytes FROM tenancy.history_queue()") == before, 30, "its room to be free")


def role_of_sessions():
    """A role that the database gives to its sessions is not the workers'"""
    with contextlib.closing(server.connect(dbname="other")) as owner:
        rows(owner, "CREATE ROLE bystander")
        rows(owner, "ALTER DATABASE other SET role = 'bystander'")
    try:
        with contextlib.closing(server.connect(dbname="other")) as session:
            same(value(session, "SELECT current_user"), "bystander", "sessions have the role")
            rows(session, "SET ROLE none")
            before = worker(session, "other")
            rows(session, "SELECT pg_terminate_backend(%s)", before)
            wait_until(lambda: worker(session, "other") not in (None, before), 30, "another worker")
            rows(session, "SET tenancy.identity_scope = 'session'")
            rows(session, "SELECT set_config('tenancy.session', tenancy.login('eve@example.com', %s), false)", PASSWORD)
            same(value(session, "SELECT tenancy.execute_query('shop', 'SELECT 4714')")["status"], "success", "a query is written to history")
            rows(session, "RESET tenancy.session")
    finally:
        with contextlib.closing(server.connect()) as owner:
            rows(owner, "ALTER DATABASE other RESET role")
            rows(owner, "DROP ROLE bystander")


def moved():
    """A command that commits in its middle has its worker come back as well"""
    with contextlib.closing(server.connect()) as owner:
        with contextlib.closing(server.connect(dbname="other")) as session:
            rows(session, "SET tenancy.identity_scope = 'session'")
            rows(session, "SELECT set_config('tenancy.session', tenancy.login('eve@example.com', %s), false)", PASSWORD)
            same(value(session, "SELECT tenancy.execute_query('shop', 'SELECT 4715')")["status"], "success", "a query before")
        wait_until(lambda: value(owner, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'other' AND backend_type = 'client backend'") == 0, 30,
                   "nobody to be connected")
        before = worker(owner, "other")
        rows(owner, "SET allow_in_place_tablespaces = on")
        rows(owner, "CREATE TABLESPACE elsewhere LOCATION ''")
        rows(owner, "ALTER DATABASE other SET TABLESPACE elsewhere")
        wait_until(lambda: worker(owner, "other") not in (None, before), 30, "another worker")
        ok(True, "another worker is there")


run(renamed_in_a_block, closed, served_again, two_commands, cancelled, forced, role_of_sessions, moved)
