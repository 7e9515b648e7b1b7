#!/usr/bin/python3
"""What goes wrong on the remote side of a foreign table is an error that says so, leaks nothing, and ends with the statement."""

import contextlib
import os
import time

from foreign import ForeignTables
from tenancy import (UNIQUE, Background, User, client_server, connect, environment, execute, free_port, history, memory, mysql, mysql_default, note, ok,
                     person_role, pid_of, raised, rows, run, same, sqlstate, value, wait_until)

COUNT = 200_000
REPEATS = 10_000
LOST = ("08006", "08003", "57P01", "08007", "08001", "57014", "HV000", "08000")

tables = ForeignTables("faults", COUNT)
ENGINES = tables.engines
SERVERS = [engine for engine in ENGINES if engine != "lite"]


def backends(engine, busy):
    """Ids of the remote sessions of this test; busy: only of those whose statement has begun to stream."""
    if engine == "pg":
        with contextlib.closing(client_server()) as session:
            return [row[0] for row in rows(session, "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND pid <>"
                                           " pg_backend_pid() AND backend_type = 'client backend' AND (state = 'active' AND now() - query_start > interval '0.3 s' OR NOT %s)",
                                           "%" + tables.word + "%", busy)]
    if not busy:
        sessions = "SELECT id FROM information_schema.processlist WHERE user = '%s' AND id <> connection_id()"
    elif environment("MYSQL_FLAVOUR") == "mariadb":
        sessions = "SELECT id FROM information_schema.processlist WHERE user = '%s' AND info LIKE '%%CROSS JOIN%%' AND id <> connection_id() AND time_ms > 300"
    else:
        sessions = ("SELECT t.processlist_id FROM performance_schema.threads AS t JOIN performance_schema.events_statements_current AS e USING (thread_id)"
                    " WHERE t.processlist_user = '%s' AND t.processlist_info LIKE '%%CROSS JOIN%%' AND t.processlist_id <> connection_id()"
                    " AND e.end_event_id IS NULL AND e.timer_wait > 300000000000")
    return [int(row[0]) for row in mysql(sessions % environment("MYSQL_USER"))]


def kill_thread(what, thread):
    try:
        mysql("KILL %s %d" % (what, thread))
    except RuntimeError as error:
        if "Unknown thread id" not in str(error):  # it has gone by itself in the meantime
            raise


def kill(engine, busy=True, query_only=False):
    """End the remote sessions of this test, or only what they run; answers how many."""
    found = backends(engine, busy)
    for pid in found:
        if engine == "pg":
            with contextlib.closing(client_server()) as session:
                rows(session, "SELECT %s(%%s)" % ("pg_cancel_backend" if query_only else "pg_terminate_backend"), pid)
        else:
            kill_thread("QUERY" if query_only else "CONNECTION", pid)
    return len(found)


def end_remotely(engine, stream, **how):
    """The error of what streams when it is ended there; again as long as it goes on, since what was found first may have been another statement."""
    def is_over():
        kill(engine, **how)
        return not stream.running()
    wait_until(is_over, 60, "the end of what streams from " + engine)
    return stream.value()


def descriptors(session):
    """What the session has open, but for files of the server's data, which PostgreSQL opens and closes as it needs them"""
    with contextlib.closing(connect()) as admin:
        data = value(admin, "SHOW data_directory") + "/"
    directory = "/proc/%d/fd" % pid_of(session)
    found = []
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(os.path.join(directory, name)))
    return sorted(each.split(":")[0] for each in found if not each.startswith(data))


def works(session, engine, name):
    same(value(session, "SELECT v FROM %s.t WHERE id = 7" % tables.schema(engine)), "v7", name + ": the next query works")


def make_tall(engine):
    """A foreign table over a remote query with more rows than anybody waits for."""
    with contextlib.closing(connect()) as session:
        query = "SELECT a.id FROM t_%s AS a CROSS JOIN t_%s AS b" % (tables.word, tables.word)
        rows(session, "CREATE FOREIGN TABLE %s.tall (id integer) SERVER %s OPTIONS (query '%s')"
             % (tables.schema(engine), tables.server(engine), query))
        rows(session, 'GRANT SELECT ON %s.tall TO "%s"' % (tables.schema(engine), person_role()))


def read_tall(session, engine):
    return raised(rows, session, "SELECT count(*) FROM (SELECT id FROM %s.tall OFFSET 0) AS x" % tables.schema(engine))


def in_the_middle():
    """The remote session dies while rows stream, with and without a transaction and a savepoint around it."""
    for engine in SERVERS:
        for label, before in (("alone", []), ("in a transaction", ["BEGIN"]),
                              ("in a subtransaction", ["BEGIN", "SAVEPOINT s"])):
            name = "%s %s" % (engine, label)
            with contextlib.closing(tables.connect(engine)) as session:
                for statement in before:
                    rows(session, statement)
                stream = Background(read_tall, session, engine)
                error = end_remotely(engine, stream)
                ok(error is not None and error.pgcode in LOST, name + ": a killed session is an error, not the end of the rows",
                   lambda: "%s %s" % (error and error.pgcode, error))
                if "SAVEPOINT s" in before:
                    rows(session, "ROLLBACK TO s")
                    ok(sqlstate(rows, session, "SELECT v FROM %s.t WHERE id = 1" % tables.schema(engine)) in LOST,
                       name + ": what the transaction had there is lost until its end")
                if before:
                    rows(session, "ROLLBACK")
                works(session, engine, name)


def cancelled_there():
    """KILL QUERY and pg_cancel_backend in mid-scan."""
    for engine in SERVERS:
        with contextlib.closing(tables.connect(engine)) as session:
            stream = Background(read_tall, session, engine)
            error = end_remotely(engine, stream, query_only=True)
            ok(error is not None, engine + ": a cancelled remote statement is an error", str(error))
            note(error)
            works(session, engine, engine)


def too_slow():
    """tenancy.statement_timeout ends a scan, and the remote statement with it."""
    for engine in ENGINES:
        with contextlib.closing(tables.connect(engine, statement_timeout="2s")) as session:
            start = time.monotonic()
            error = read_tall(session, engine)
            seconds = time.monotonic() - start
            same(error and error.pgcode, "57014", engine + ": a scan has a time limit")
            ok(seconds < 20, engine + ": and keeps it", "%.2f s" % seconds)
            if engine in SERVERS:
                wait_until(lambda e=engine: not backends(e, True), 20, "the remote end")
                ok(True, engine + ": and ends there")
            works(session, engine, engine)


def at_commit():
    """The remote session dies between the last statement and the commit: the local transaction does not commit."""
    for engine in SERVERS:
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, "CREATE TEMP TABLE IF NOT EXISTS mine (n int)")
            rows(session, "BEGIN")
            rows(session, "INSERT INTO mine VALUES (1)")
            rows(session, "UPDATE %s.t SET v = 'never' WHERE id = 1" % tables.schema(engine))
            ok(kill(engine, busy=False) > 0, engine + ": the remote session was there")
            error = raised(rows, session, "COMMIT")
            ok(error is not None and error.pgcode in LOST, engine + ": a commit without its remote side is an error",
               lambda: "%s %s" % (error and error.pgcode, error))
            same(value(session, "SELECT count(*) FROM mine"), 0, engine + ": and commits nothing here")
            same(tables.remote(engine, "SELECT v FROM {t} WHERE id = 1")[0][0], "v1", engine + ": nor there")
            works(session, engine, engine)


def changed_columns():
    """A remote column changed its type, or is gone, since the table was imported."""
    changes = {"pg": "ALTER TABLE {u} ALTER COLUMN id TYPE text USING 'x' || id",
               "my": "ALTER TABLE {u} MODIFY id varchar(20)", "lite": None}
    for engine in ENGINES:
        schema = tables.schema(engine)
        if changes[engine]:
            tables.remote(engine, changes[engine])
            if engine == "my":
                tables.remote(engine, "UPDATE {u} SET id = concat('x', id)")
            with contextlib.closing(tables.connect(engine)) as session:
                error = raised(rows, session, "SELECT id FROM %s.u" % schema)
                ok(error is not None and "column \"id\" of foreign table" in str(error),
                   engine + ": a value that is no number any more names its column", str(error))
                works(session, engine, engine)
        tables.remote(engine, "ALTER TABLE {u} RENAME COLUMN v TO w")
        with contextlib.closing(tables.connect(engine)) as session:
            error = raised(rows, session, "SELECT v FROM %s.u LIMIT 1" % schema)
            ok(error is not None and error.pgcode in ("42703", "HV000", "42000", "42S22"),
               engine + ": a column that is gone is an error", lambda: "%s %s" % (error and error.pgcode, error))
            works(session, engine, engine)
        tables.remote(engine, "ALTER TABLE {u} RENAME COLUMN w TO v")


def long_values():
    """A value of a megabyte comes whole; one that the local type cannot hold is an error."""
    wide = {"pg": "repeat('é', 1048576)", "my": "repeat('é', 1048576)",
            "lite": "replace(hex(zeroblob(1048576)), '00', 'é')"}
    for engine in ENGINES:
        tables.remote(engine, {"pg": "ALTER TABLE {t} ALTER COLUMN v TYPE text", "my": "ALTER TABLE {t} MODIFY v longtext",
                               "lite": "SELECT 1"}[engine])
        tables.remote(engine, "UPDATE {t} SET v = %s WHERE id = 3" % wide[engine])
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            same(value(session, "SELECT length(v) FROM (SELECT v FROM %s.t WHERE id = 3 OFFSET 0) AS x" % schema), 1048576,
                 engine + ": a megabyte of characters")
            same(value(session, "SELECT count(*) FROM (SELECT v FROM %s.t OFFSET 0) AS x" % schema), COUNT,
                 engine + ": and the rows behind it")
        tables.remote(engine, "UPDATE {t} SET v = 'v3' WHERE id = 3")


def no_leak():
    """Ten thousand failing scans: no descriptor, no connection, no memory stays."""
    for engine in ENGINES:
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine, history_durability="async")) as session:
            statement = ("DO $$ BEGIN FOR i IN 1..%%d LOOP BEGIN"
                         " PERFORM 1 / (v <> 'v7')::int FROM (SELECT v FROM %s.t WHERE id BETWEEN 5 AND 7 OFFSET 0) AS x;"
                         " RAISE EXCEPTION 'no error'; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$" % schema)
            rows(session, statement % (REPEATS // 20))
            before, files = memory(pid_of(session))["private"], descriptors(session)
            rows(session, statement % REPEATS)
            grown = memory(pid_of(session))["private"] - before
            ok(grown < 4096, "%s: %d scans that fail in the middle leave no memory" % (engine, REPEATS), "%d kB" % grown)
            same(descriptors(session), files, engine + ": nor a descriptor")
            same(value(session, "SELECT count(*) FROM tenancy.pool()"), 1, engine + ": and one connection")
            works(session, engine, engine)


def unreachable():
    """A server that is not there."""
    user = User("unreachable")
    connection = user.postgres("gone", port=free_port())
    with contextlib.closing(user.connect()) as session, contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SERVER gone_%s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (UNIQUE, connection))
        rows(admin, "CREATE SCHEMA gone_" + UNIQUE)
        rows(admin, "CREATE FOREIGN TABLE gone_%s.t (id int) SERVER gone_%s" % (UNIQUE, UNIQUE))
        rows(admin, "GRANT USAGE ON SCHEMA gone_%s TO PUBLIC; GRANT SELECT ON gone_%s.t TO PUBLIC" % (UNIQUE, UNIQUE))
        same(sqlstate(rows, session, "SELECT * FROM gone_%s.t" % UNIQUE), "08001", "no server: an error of class 08")
        same([entry["status"] for entry in history("database_connection_id = %s", connection)], ["error"], "which history has")
        rows(admin, "DROP SERVER gone_%s CASCADE; DROP SCHEMA gone_%s" % (UNIQUE, UNIQUE))


def more_than_sent():
    """A server that counts more rows than it was sent, as a rule may have it do."""
    if "pg" not in ENGINES:
        return
    name = "counted_" + tables.word
    for statement in ("CREATE TABLE {0} (a int)", "CREATE TABLE {0}_kept (a int)",
                      "CREATE RULE many AS ON INSERT TO {0} DO INSTEAD INSERT INTO {0}_kept SELECT NEW.a FROM generate_series(1, 100000)"):
        with contextlib.closing(client_server(environment("CLIENT_PGUSER"))) as client:
            rows(client, statement.format(name))
    with contextlib.closing(connect()) as admin, contextlib.closing(tables.connect("pg")) as session:
        rows(admin, "CREATE FOREIGN TABLE %s.counted (a int) SERVER %s OPTIONS (schema_name 'public', table_name '%s')"
             % (tables.schema("pg"), tables.server("pg"), name))
        rows(admin, 'GRANT ALL ON %s.counted TO "%s"' % (tables.schema("pg"), person_role()))
        for count in (1, 3):
            with session.cursor() as cursor:
                cursor.execute("INSERT INTO %s.counted SELECT generate_series(1, %d)" % (tables.schema("pg"), count))
                same(cursor.rowcount, count, "%d rows sent, and a hundred thousand times as many counted there" % count)
    same(tables.remote("pg", "SELECT count(*) FROM %s_kept" % name), [(400_000,)], "which are there")


def changed_side_by_side():
    """Two sessions that change a table of SQLite row by row: the second waits for the first."""
    if "lite" not in ENGINES:
        return
    statement = "UPDATE %s.t SET v = v || repeat('', random()::int) WHERE id <= 2" % tables.schema("lite")
    with contextlib.closing(tables.connect("lite")) as first, contextlib.closing(tables.connect("lite")) as second:
        rows(first, "BEGIN")
        rows(first, statement)
        other = Background(raised, rows, second, statement)
        with contextlib.closing(connect()) as admin:
            wait_until(lambda: value(admin, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND wait_event_type = 'Extension'",
                                     pid_of(second)) == 1, 20, "the second session to wait")
        rows(first, "COMMIT")
        same(other.value(), None, "of two that change rows of SQLite the second waits, and both change them")


@contextlib.contextmanager
def own_login():
    """A role on the client's server that the test may lock out, and the schema of foreign tables t and spoil of a connection with it."""
    name = "login_" + tables.word
    with contextlib.closing(client_server()) as client, contextlib.closing(connect()) as admin:
        rows(client, 'CREATE ROLE "%s" LOGIN PASSWORD \'secret\'' % name)
        rows(client, 'GRANT SELECT ON t_%s TO "%s"' % (tables.word, name))
        rows(admin, 'CREATE SERVER "%s" FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection \'%s\')'
             % (name, tables.user.postgres(name, username=name, password="secret")))
        rows(admin, 'CREATE SCHEMA "%s"' % name)
        for table, columns, option in (("t", "id int, v text", "schema_name 'public', table_name 't_%s'" % tables.word),
                                       ("spoil", "v text", "query 'SELECT set_config(''work_mem'', ''1MB'', false) AS v'")):
            rows(admin, 'CREATE FOREIGN TABLE "%s".%s (%s) SERVER "%s" OPTIONS (%s)' % (name, table, columns, name, option))
        rows(admin, 'GRANT USAGE ON SCHEMA "%s" TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA "%s" TO PUBLIC' % (name, name))
        try:
            yield client, admin, name
        finally:
            rows(admin, 'DROP SCHEMA "%s" CASCADE; DROP SERVER "%s" CASCADE' % (name, name))
            rows(client, 'DROP OWNED BY "%s"; DROP ROLE "%s"' % (name, name))


def lost_by_an_argument():
    """What computes an argument of a scan reads from its connection, loses the session, gets no other one, and catches the error."""
    if "pg" not in ENGINES:
        return
    with own_login() as (client, admin, name), contextlib.closing(tables.connect("pg")) as session:
        rows(admin, '''CREATE FUNCTION "%(name)s".seven() RETURNS int LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM v FROM "%(name)s".spoil;
                BEGIN
                    PERFORM v FROM "%(name)s".t WHERE id = 1;
                EXCEPTION WHEN OTHERS THEN
                    RAISE NOTICE 'caught %%', SQLSTATE;
                END;
                RETURN 7;
            END $$''' % {"name": name})
        statement = 'SELECT v FROM "%s".t WHERE id = (SELECT "%s".seven())' % (name, name)
        ok("$1" in str(rows(session, "EXPLAIN VERBOSE " + statement)), "the function's result is an argument of the remote statement")
        same(rows(session, statement), [("v7",)], "a function that reads from the connection of the scan that it is an argument of")
        same(session.notices, [], "which gets another session for the one that cannot be used again")
        rows(client, 'ALTER ROLE "%s" NOLOGIN' % name)
        same(sqlstate(rows, session, statement), "28000", "where there is none the scan fails, not the backend")
        ok("caught 28000" in str(session.notices), "though the function has caught the error", session.notices)
        rows(client, 'ALTER ROLE "%s" LOGIN' % name)
        same(rows(session, statement), [("v7",)], "the next one works")


def other_defaults():
    """A MySQL server may have sessions begin in another way: what is reported as done is done all the same."""
    if "my" not in ENGINES:
        return
    table, written = tables.schema("my") + ".t", 0

    def stays(session, label, write, *parameters):
        nonlocal written
        written += 1
        write(*parameters)
        session.close()
        same(tables.remote("my", "SELECT v FROM {t} WHERE id = 2")[0][0], "w%d" % written, label)

    def update():
        return "UPDATE t_%s SET v = 'w%d' WHERE id = 2" % (tables.word, written)

    def executed(session):
        same(execute(session, "my", update())["status"], "success", "a statement is a success")

    def by_foreign_table(session):
        rows(session, "UPDATE %s SET v = 'w%d' WHERE id = 2" % (table, written))
    for name, text in (("autocommit", "0"), ("init_connect", "SET autocommit = 0"), ("completion_type", "CHAIN"), ("completion_type", "RELEASE")):
        with mysql_default(name, text):
            for write in (executed, by_foreign_table):
                session = tables.connect("my")
                stays(session, "%s = %s: it stays done (%s)" % (name, text, write.__name__), write, session)
                session = tables.connect("my")
                rows(session, "BEGIN READ ONLY")
                rows(session, "SELECT v FROM %s WHERE id = 1" % table)
                rows(session, "COMMIT")
                stays(session, "%s = %s: after a transaction that only read (%s)" % (name, text, write.__name__), write, session)


def slow_reader():
    """A reader that pauses for longer than a MySQL server would wait for it."""
    if "my" not in ENGINES:
        return
    with mysql_default("net_write_timeout", "1"):
        for limit in ("0", "1h"):
            with contextlib.closing(tables.connect("my", statement_timeout=limit)) as session:
                rows(session, "BEGIN")
                rows(session, "DECLARE c CURSOR FOR SELECT * FROM %s.tall LIMIT 3000000" % tables.schema("my"))
                rows(session, "FETCH 1 FROM c")
                rows(session, "SELECT pg_sleep(3)")
                same(sqlstate(rows, session, "MOVE ALL IN c"), None, "a cursor goes on, with a limit of " + limit)
                rows(session, "ROLLBACK")


for each in ENGINES:
    make_tall(each)
run(in_the_middle, cancelled_there, too_slow, at_commit, changed_columns, long_values, no_leak, unreachable, more_than_sent, changed_side_by_side, lost_by_an_argument,
    other_defaults, slow_reader)
