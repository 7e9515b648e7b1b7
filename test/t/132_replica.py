#!/usr/bin/python3
"""A streaming replica serves what only reads the platform, and says what it cannot do."""

import contextlib
import os
import shutil

from platform_server import PASSWORD, Platform, enter, give, settle
from tenancy import free_port, ok, raised, rows, run, same, value, wait_until

primary = Platform()
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
    """What must be recorded is refused, before a client database hears of it."""
    with contextlib.closing(enter(replica, token)) as session:
        for statement in ("SELECT tenancy.execute_query('pg', 'SELECT 1')", "SELECT * FROM tenancy.query('shop', 'SELECT 1') AS t(a int)",
                          "SELECT tenancy.open_query('shop', 'SELECT 1')", "SELECT * FROM shop.items",
                          "SELECT tenancy.ask('shop', 'how many items')",
                          "SELECT tenancy.login('ada@example.com', '%s')" % PASSWORD, "SELECT tenancy.logout()",
                          "SELECT tenancy.register('eve@example.com', '%s')" % PASSWORD,
                          "SELECT tenancy.delete_connection('pg')"):
            error = raised(rows, session, statement)
            same(error and error.pgcode, "25006", statement.split("(")[0] + " is refused as read-only", )
            ok(error is None or "tenancy" not in (error.diag.message_detail or "") or error.diag.message_hint, "with a hint", error)


def promoted():
    """A promoted replica is a platform like any other."""
    replica.program("pg_ctl", "promote", "--pgdata=" + replica.data, "--wait")
    with contextlib.closing(enter(replica, token)) as session:
        same(value(session, "SELECT tenancy.execute_query('pg', 'SELECT 44')")["rows"], [[44]], "it asks client databases")
        same(value(session, "SELECT generated_sql_query FROM tenancy.history(max_rows => 1)"), "SELECT 44", "and records it")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "in the chain that the primary began")
    replica.stop()
    shutil.rmtree(replica.directory, ignore_errors=True)


run(reads, refusals, promoted)
