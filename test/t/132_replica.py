#!/usr/bin/python3
"""A streaming replica serves what only reads the platform, and says what it cannot do."""

import contextlib
import os
import shutil

from platform_server import PASSWORD, Platform, enter, give, settle
from tenancy import free_port, ok, raised, rows, run, same, value, wait_until

primary = Platform("tenancy.databases = 'postgres'\n")
token = settle(primary)


class Replica(Platform):
    """A copy of the primary that follows it."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.home, self._bin, self._variables = primary.home, primary._bin, primary._variables
        self.directory = os.path.join(primary.directory, "replica")
        os.mkdir(self.directory, 0o700)
        give(self.directory)
        self.port = free_port()
        self._data = os.path.join(self.directory, "data")
        primary.program("pg_basebackup", "--pgdata=" + self._data, "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream",
                        *primary.reach()[:3])
        with open(os.path.join(self._data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write("port = %d\nunix_socket_directories = '%s'\n" % (self.port, self.directory))
        self.start()


replica = Replica()


def catch_up():
    with contextlib.closing(primary.connect()) as here, contextlib.closing(replica.connect()) as there:
        position = value(here, "SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: value(there, "SELECT pg_last_wal_replay_lsn() >= %s", position), 30, "the replay")


def reads():
    """Identity, connections, history, and what is cached of schemas and dashboards."""
    catch_up()
    with contextlib.closing(enter(primary, token)) as here, contextlib.closing(enter(replica, token)) as there:
        for statement in ("SELECT tenancy.current_user_id()", "SELECT email FROM tenancy.profile()", "SELECT name FROM tenancy.connections()",
                          "SELECT id, status, generated_sql_query FROM tenancy.history()", "SELECT schema_name FROM tenancy.attached()",
                          "SELECT count(*) FROM tenancy.verify_history() WHERE problem IS NOT NULL", "SELECT tenancy.dashboard_overview() IS NOT NULL"):
            same(rows(there, statement), rows(here, statement), statement)
        rows(there, "BEGIN")
        same(value(there, "SELECT tenancy.authenticate(%s)", token), value(here, "SELECT tenancy.current_user_id()"), "authenticate")
        rows(there, "COMMIT")
    with contextlib.closing(replica.connect()) as there:
        same(value(there, "SELECT count(*) FROM tenancy.history()"), value(there, "SELECT count(*) FROM tenancy.query_history"),
             "an admin reads all")


def refusals():
    """What must be recorded is refused, before a client database hears of it, and what writes the platform."""
    with contextlib.closing(enter(replica, token)) as session:
        def refusal(statement):
            error = raised(rows, session, statement)
            return error and (error.pgcode, error.diag.message_primary, error.diag.message_hint)
        for statement in ("SELECT tenancy.execute_query('pg', 'SELECT 1')", "SELECT * FROM tenancy.query('shop', 'SELECT 1') AS t(a int)",
                          "SELECT tenancy.open_query('shop', 'SELECT 1')", "SELECT * FROM shop.items",
                          "SELECT tenancy.ask('shop', 'how many items')"):
            same(refusal(statement), ("25006", "cannot record history on this server", "Only a primary server that preloads pg_tenancy can."),
                 statement.split("(")[0] + " is refused, and the hint says who could")
        for statement, command in (("SELECT tenancy.login('ada@example.com', '%s')" % PASSWORD, "INSERT"),
                                   ("SELECT tenancy.logout()", "UPDATE"),
                                   ("SELECT tenancy.register('eve@example.com', '%s')" % PASSWORD, "INSERT"),
                                   ("SELECT tenancy.delete_connection('pg')", "UPDATE")):
            same(refusal(statement), ("25006", "cannot execute %s in a read-only transaction" % command, None),
                 statement.split("(")[0] + " is refused as read-only")
        for statement in ("SELECT tenancy.create_connection('new', 'sqlite', database_name => 'new.db')", "SELECT tenancy.attach('shop', 'other')",
                          "SELECT * FROM tenancy.rotate_encryption_key()", "SELECT tenancy.prune_history()", "DROP EXTENSION pg_tenancy"):
            same(refusal(statement), ("25006", "cannot change this on a standby server", "Only the primary server can."),
                 statement.split("(")[0] + " is refused, not for the lock that it needs")


def unrecorded():
    """Where history is not required, queries run on a replica, unrecorded, and say so."""
    with contextlib.closing(enter(replica, token)) as session:
        rows(session, "SET tenancy.history_required = off")
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 43')")["rows"], [[43]], "a query runs")
        ok(any("WARNING" in notice and "cannot record history on this server" in notice and "runs unrecorded" in notice for notice in session.notices),
           "with a warning", session.notices)
    with contextlib.closing(replica.connect()) as there:
        same(value(there, "SELECT count(*) FROM tenancy.query_history WHERE generated_sql_query = 'SELECT 43'"), 0, "and is not in history")


def workers(server):
    with contextlib.closing(server.connect()) as session:
        return value(session, "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_tenancy%'")


def status():
    """status() works on a replica, and takes what it lacks there for no fault. No worker comes up, not even for tenancy.databases."""
    ok(workers(primary) > 0, "the primary has workers")
    with contextlib.closing(replica.connect()) as there:
        same(value(there, "SHOW tenancy.databases"), "postgres", "the replica is told to start workers, too")
        found = {item: (state, text, hint) for item, state, text, hint in rows(there, "SELECT * FROM tenancy.status()")}
    same(found["history worker"], ("ok", "none on a standby: queries on client databases are refused here", None), "no history worker")
    same(found["maintenance worker"], ("ok", "not running", None), "nor one for maintenance")
    same({item for item, (state, _, _) in found.items() if state == "error"}, {"crash safety"}, "nothing is an error, but that fsync is off in this test")
    same(workers(replica), 0, "no worker runs there")


def promoted():
    """A promoted replica is a platform like any other."""
    replica.program("pg_ctl", "promote", "--pgdata=" + replica.data, "--wait")
    with contextlib.closing(enter(replica, token)) as session:
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 44')")["rows"], [[44]], "it asks client databases")
        same(value(session, "SELECT generated_sql_query FROM tenancy.history(max_rows => 1)"), "SELECT 44", "and records it")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "in the chain that the primary began")
    replica.stop()
    shutil.rmtree(replica.directory, ignore_errors=True)


run(reads, refusals, unrecorded, status, promoted)
