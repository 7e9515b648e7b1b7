#!/usr/bin/python3
"""Remote transactions follow the local one: commit, rollback, savepoints, and scans that share a connection."""

import contextlib
import time

from foreign import ForeignTables
from tenancy import client_server, connect, ok, person_role, raised, rows, run, same, sqlstate, value, wait_until

COUNT = 3000

tables = ForeignTables("transaction", COUNT)
ENGINES = tables.engines


def settle(engine):
    """The remote table t as every part expects it."""
    tables.remote(engine, "DELETE FROM {t} WHERE id > %d" % COUNT)
    tables.remote(engine, "UPDATE {t} SET v = 'v1' WHERE id = 1")


def count(session, engine, table="t"):
    return value(session, "SELECT count(*) FROM %s.%s" % (tables.schema(engine), table))


def added(engine):
    """The ids that were added to t, as the client database has them."""
    return [int(row[0]) for row in tables.remote(engine, "SELECT id FROM {t} WHERE id > %d ORDER BY id" % COUNT)]


def insert(session, engine, number):
    rows(session, "INSERT INTO %s.t (id, v) VALUES (%%s, 'new')" % tables.schema(engine), COUNT + number)


def begin(session):
    rows(session, "BEGIN")


def commit_and_rollback():
    """What a transaction wrote is there when it committed, and not when it did not."""
    for engine in ENGINES:
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            insert(session, engine, 1)
            same(count(session, engine), COUNT + 1, engine + ": a transaction sees what it wrote")
            same(added(engine), [], engine + ": nobody else does before the commit")
            rows(session, "ROLLBACK")
            same(added(engine), [], engine + ": rolled back")
            begin(session)
            insert(session, engine, 2)
            rows(session, "COMMIT")
            same(added(engine), [COUNT + 2], engine + ": committed")
            begin(session)
            insert(session, engine, 3)
            same(sqlstate(rows, session, "SELECT 1 / 0"), "22012", engine + ": an error of the local side")
            rows(session, "COMMIT")
            same(added(engine), [COUNT + 2], engine + ": rolled back with the failed transaction")


def savepoints():
    """Savepoints, set and rolled back lazily."""
    for engine in ENGINES:
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            insert(session, engine, 1)
            rows(session, "SAVEPOINT a")
            insert(session, engine, 2)
            rows(session, "SAVEPOINT b")
            insert(session, engine, 3)
            rows(session, "RELEASE b")
            rows(session, "SAVEPOINT c")
            insert(session, engine, 4)
            rows(session, "ROLLBACK TO c")
            insert(session, engine, 5)
            rows(session, "RELEASE c")
            rows(session, "COMMIT")
            same(added(engine), [COUNT + n for n in (1, 2, 3, 5)], engine + ": the one after c is gone, b's stayed")
            settle(engine)
            begin(session)
            rows(session, "SAVEPOINT a")
            insert(session, engine, 1)
            rows(session, "RELEASE a")
            rows(session, "SAVEPOINT unused")
            rows(session, "ROLLBACK TO unused")
            rows(session, "COMMIT")
            same(added(engine), [COUNT + 1], engine + ": a savepoint that nothing was done in takes nothing with it")
            settle(engine)
            begin(session)
            rows(session, "SAVEPOINT a")
            insert(session, engine, 1)
            same(sqlstate(insert, session, engine, 1), "23505", engine + ": a duplicate key")
            rows(session, "ROLLBACK TO a")
            insert(session, engine, 2)
            rows(session, "COMMIT")
            same(added(engine), [COUNT + 2], engine + ": the transaction goes on behind a failed statement")


def exception_blocks():
    """Blocks of plpgsql that catch errors: each is a subtransaction."""
    for engine in ENGINES:
        settle(engine)
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, """DO $$
                BEGIN
                    FOR n IN 1 .. 20 LOOP
                        BEGIN
                            INSERT INTO %(schema)s.t (id, v) VALUES (%(base)d + n, 'new');
                            IF n %% 3 = 0 THEN
                                RAISE EXCEPTION 'no';
                            END IF;
                            IF n %% 5 = 0 THEN
                                INSERT INTO %(schema)s.t (id, v) VALUES (%(base)d + n, 'again');
                            END IF;
                        EXCEPTION WHEN raise_exception OR unique_violation THEN
                            NULL;
                        END;
                    END LOOP;
                END $$""" % {"schema": schema, "base": COUNT})
            same(added(engine), [COUNT + n for n in range(1, 21) if n % 3 and n % 5],
                 engine + ": twenty blocks, those with an error undone")


def one_undone(engine):
    """A row in a block that catches an error, which is undone, and one behind it"""
    return """BEGIN
            INSERT INTO %(schema)s.t (id, v) VALUES (%(base)d + 1, 'undone');
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        INSERT INTO %(schema)s.t (id, v) VALUES (%(base)d + 2, 'done');""" % {"schema": tables.schema(engine), "base": COUNT}


def late_blocks():
    """Each block that catches an error has its own time to be undone, however long after the one before."""
    for engine in ENGINES:
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, """DO $$
                BEGIN
                    BEGIN
                        PERFORM 1 / (random() * 0)::int FROM %(schema)s.t;
                    EXCEPTION WHEN division_by_zero THEN
                        NULL;
                    END;
                    PERFORM pg_sleep(2.2);
%(writes)s
                END $$""" % {"schema": tables.schema(engine), "writes": one_undone(engine)})
        same(added(engine), [COUNT + 2], engine + ": the transaction is still there")


def blocks_before():
    """A block that catches an error has its time also when one of an earlier transaction, without foreign tables, had used up its own."""
    caught = "DO $$ BEGIN BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; END $$"
    for engine in ENGINES:
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, caught)
            rows(session, "SELECT pg_sleep(2.2)")
            rows(session, "DO $$ BEGIN %s END $$" % one_undone(engine))
        same(added(engine), [COUNT + 2], engine + ": the transaction is still there")


def refused_prepare():
    """PREPARE TRANSACTION is refused, and nothing is left."""
    for engine in ENGINES:
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            insert(session, engine, 1)
            error = raised(rows, session, "PREPARE TRANSACTION 'fdw'")
            same(error and error.pgcode, "0A000", engine + ": refused")
            rows(session, "ROLLBACK")
            same(added(engine), [], engine + ": and rolled back")
            same(count(session, engine), COUNT, engine + ": the session works on")


def two_scans():
    """Two scans of one connection at the same time, in any order."""
    for engine in ENGINES:
        schema = tables.schema(engine)
        settle(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, "SET tenancy.enable_pushdown = off")
            for plan in ("hashjoin", "mergejoin", "nestloop"):
                rows(session, "SET enable_hashjoin = %s" % (plan == "hashjoin"))
                rows(session, "SET enable_mergejoin = %s" % (plan == "mergejoin"))
                rows(session, "SET enable_nestloop = %s" % (plan == "nestloop"))
                limit = 60 if plan == "nestloop" else COUNT
                same(rows(session, "SELECT count(*), sum(a.id), sum(b.id), count(a.v) FROM {0}.t AS a JOIN {0}.u AS b"
                          " ON a.id = b.id WHERE a.id <= {1}".format(schema, limit)),
                     [(limit, limit * (limit + 1) // 2, limit * (limit + 1) // 2, limit)],
                     "%s: join of two scans, %s" % (engine, plan))
            for name in ("tenancy.enable_pushdown", "enable_hashjoin", "enable_mergejoin", "enable_nestloop"):
                rows(session, "RESET " + name)
            same(value(session, "SELECT count(*) FROM (SELECT id FROM {0}.t UNION ALL SELECT id FROM {0}.u) AS x"
                       .format(schema)), 2 * COUNT, engine + ": one after the other")
            begin(session)
            rows(session, "SET LOCAL work_mem = '64kB'")  # what is put aside goes to disk
            rows(session, "DECLARE a CURSOR FOR SELECT id, v FROM %s.t ORDER BY id" % schema)
            rows(session, "DECLARE b CURSOR FOR SELECT id FROM %s.u ORDER BY id" % schema)
            got = {"a": [], "b": []}
            for step in range(1, 40):
                for name in ("a", "b"):
                    got[name] += [row[0] for row in rows(session, "FETCH %d FROM %s" % (step * 7, name))]
            rows(session, "COMMIT")
            wanted = list(range(1, COUNT + 1))
            same((got["a"], got["b"]), (wanted, wanted), engine + ": two cursors, read in turns")


def loop_with_writes():
    """A loop over one table that reads another one of the connection, and writes to it."""
    for engine in ENGINES:
        settle(engine)
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, """DO $$
                DECLARE r record; seen int := 0; other text;
                BEGIN
                    FOR r IN SELECT id, v FROM %(schema)s.t ORDER BY id LOOP
                        seen := seen + 1;
                        IF r.id <> seen THEN
                            RAISE EXCEPTION 'row %% came as number %%', r.id, seen;
                        END IF;
                        IF r.id %% 500 = 0 THEN
                            SELECT v INTO other FROM %(schema)s.u WHERE id = r.id;
                            INSERT INTO %(schema)s.t (id, v) VALUES (%(base)d + r.id, other);
                        END IF;
                    END LOOP;
                    IF seen <> %(base)d THEN
                        RAISE EXCEPTION 'only %% rows', seen;
                    END IF;
                END $$""" % {"schema": schema, "base": COUNT})
            same(added(engine), [COUNT + n for n in range(500, COUNT + 1, 500)], engine + ": every row, and every write")


def early_ends():
    """Scans that are left before their end do not harm the transaction that they are in."""
    for engine in ENGINES:
        settle(engine)
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            insert(session, engine, 1)
            rows(session, "DECLARE c CURSOR FOR SELECT * FROM %s.u" % schema)
            same(len(rows(session, "FETCH 3 FROM c")), 3, engine + ": three rows of a cursor")
            rows(session, "CLOSE c")
            insert(session, engine, 2)
            rows(session, "DECLARE d CURSOR FOR SELECT * FROM %s.u" % schema)
            rows(session, "FETCH 3 FROM d")
            rows(session, "COMMIT")
            same(added(engine), [COUNT + 1, COUNT + 2], engine + ": what was written before and after is there")


def cursors():
    """Cursors that outlive a savepoint, or the transaction."""
    for engine in ENGINES:
        settle(engine)
        schema = tables.schema(engine)
        wanted = list(range(1, COUNT + 1))
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            rows(session, "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM %s.t ORDER BY id" % schema)
            got = [row[0] for row in rows(session, "FETCH 10 FROM c")]
            rows(session, "COMMIT")
            got += [row[0] for row in rows(session, "FETCH ALL FROM c")]
            same(got, wanted, engine + ": WITH HOLD")
            rows(session, "CLOSE c")
            begin(session)
            rows(session, "DECLARE c CURSOR FOR SELECT id FROM %s.t ORDER BY id" % schema)
            rows(session, "SAVEPOINT a")
            got = [row[0] for row in rows(session, "FETCH 10 FROM c")]
            rows(session, "ROLLBACK TO a")
            insert(session, engine, 1)
            got += [row[0] for row in rows(session, "FETCH ALL FROM c")]
            rows(session, "ROLLBACK")
            same(got, wanted, engine + ": first read in a savepoint that was rolled back")
            begin(session)
            rows(session, "DECLARE c SCROLL CURSOR FOR SELECT id FROM %s.t ORDER BY id" % schema)
            rows(session, "FETCH 1500 FROM c")
            same(rows(session, "FETCH BACKWARD 2 FROM c"), [(1499,), (1498,)], engine + ": backward")
            rows(session, "COMMIT")


def snapshots():
    """A transaction reads one snapshot of the client database."""
    for engine in ENGINES:
        if engine == "lite":
            continue  # a reader's lock keeps writers away
        settle(engine)
        schema = tables.schema(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            begin(session)
            same(count(session, engine), COUNT, engine + ": before")
            tables.remote(engine, "INSERT INTO {t} (id, v) VALUES (%d, 'other')" % (COUNT + 1))
            same(count(session, engine), COUNT, engine + ": the same after somebody else's commit")
            rows(session, "COMMIT")
            same(count(session, engine), COUNT + 1, engine + ": the next transaction sees it")
            same(rows(session, "SELECT (SELECT v FROM {0}.t WHERE id = 1), (SELECT v FROM {0}.u WHERE id = 1)"
                      .format(schema)), [("v1", "v1")], engine + ": two scans of one statement")


def remote_sessions(marker):
    """Backends of the client's server that serve the platform and have last run a statement with that text."""
    with contextlib.closing(tables.client()) as session:
        return [row[0] for row in rows(session, "SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_tenancy'"
                                       " AND query LIKE %s AND pid <> pg_backend_pid()", "%" + marker + "%")]


def kill_remote(marker):
    """Terminate the one backend that has run the statement."""
    found = remote_sessions(marker)
    with contextlib.closing(tables.client()) as session:
        for pid in found:
            rows(session, "SELECT pg_terminate_backend(%s)", pid)
    wait_until(lambda: not remote_sessions(marker), 10)
    return len(found)


def broken_connections():
    """The remote backend is killed."""
    if "pg" not in ENGINES:
        return
    settle("pg")
    schema = tables.schema("pg")
    with contextlib.closing(tables.connect("pg")) as session:
        marked = "SELECT count(*) FROM %s.t WHERE id <> %d" % (schema, 424242)
        begin(session)
        insert(session, "pg", 1)
        rows(session, marked)
        same(kill_remote("424242"), 1, "one remote backend was there to be killed in the middle of a transaction")
        state = sqlstate(rows, session, marked)
        ok(state is not None and state[:2] in ("08", "57"), "the next statement says so", state)
        rows(session, "ROLLBACK")
        same(count(session, "pg"), COUNT, "the next transaction works")
        begin(session)
        insert(session, "pg", 1)
        rows(session, marked)
        kill_remote("424242")
        state = sqlstate(rows, session, "COMMIT")
        ok(state is not None and state[:2] in ("08", "57"), "so does a commit", state)
        same(added("pg"), [], "and nothing was written")
        begin(session)
        insert(session, "pg", 1)
        rows(session, marked)
        rows(session, "SAVEPOINT a")
        kill_remote("424242")
        ok(raised(rows, session, marked) is not None, "an error inside of a savepoint")
        rows(session, "ROLLBACK TO a")
        state = sqlstate(rows, session, marked)
        same(state, "08006", "does not make the transaction whole again")
        rows(session, "ROLLBACK")
        rows(session, marked)
        same(kill_remote("424242"), 1, "an idle pooled connection")
        same(count(session, "pg"), COUNT, "is replaced without a word")
        rows(session, marked)
        kill_remote("424242")
        begin(session)
        same(count(session, "pg"), COUNT, "also at the begin of a transaction")
        insert(session, "pg", 1)
        rows(session, "COMMIT")
        same(added("pg"), [COUNT + 1], "which then writes")
        rows(session, marked)
        same(kill_remote("424242"), 1, "an idle pooled connection, once more")
        insert(session, "pg", 2)
        same(added("pg"), [COUNT + 1, COUNT + 2], "a write that is the first to meet its end is sent to another one")


def options():
    """keep_connections, and connections that only read."""
    for engine in ENGINES:
        settle(engine)
        server = tables.server(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            count(session, engine)
            same(value(session, "SELECT count(*) FROM tenancy.pool()"), 1, engine + ": the session stays in the pool")
            with contextlib.closing(connect()) as admin:
                rows(admin, "ALTER SERVER %s OPTIONS (ADD keep_connections 'false')" % server)
            count(session, engine)
            same(value(session, "SELECT count(*) FROM tenancy.pool()"), 0, engine + ": keep_connections off: it does not")
            with contextlib.closing(connect()) as admin:
                rows(admin, "ALTER SERVER %s OPTIONS (DROP keep_connections)" % server)
            tables.read_only(engine, True)
            same(count(session, engine), COUNT, engine + ": a read-only connection reads")
            error = raised(insert, session, engine, 1)
            same(error and error.pgcode, "25006", engine + ": and does not write")
            tables.read_only(engine, False)
            rows(session, "BEGIN READ ONLY")
            same(count(session, engine), COUNT, engine + ": a read-only transaction reads")
            rows(session, "ROLLBACK")


def serialized():
    """Isolation levels that are kept through the transaction."""
    for engine in ENGINES:
        for level in ("REPEATABLE READ", "SERIALIZABLE"):
            settle(engine)
            with contextlib.closing(tables.connect(engine)) as session:
                rows(session, "BEGIN ISOLATION LEVEL " + level)
                insert(session, engine, 1)
                same(count(session, engine), COUNT + 1, "%s: %s" % (engine, level.lower()))
                rows(session, "COMMIT")
                same(added(engine), [COUNT + 1], "%s: %s, committed" % (engine, level.lower()))


def make_slow(admin, schema, name, server, base):
    """A foreign table with three rows that take a second."""
    rows(admin, "CREATE FOREIGN TABLE %s.%s (id integer) SERVER %s OPTIONS (async_capable 'true', query"
         " 'SELECT n + %d AS id FROM generate_series(1, 3) AS n, pg_sleep(1)')" % (schema, name, server, base))


def quickest(session, statement, seconds, wanted, name):
    """The rows, and that they can come within these seconds, which they never do one scan after the other: a busy machine may need several tries"""
    taken = []
    while not taken or min(taken) >= seconds and len(taken) < 5:
        start = time.monotonic()
        found = sorted(row[0] for row in rows(session, statement))
        taken.append(time.monotonic() - start)
        if len(taken) == 1:
            same(found, wanted, name + ": all rows")
    ok(min(taken) < seconds, name + ": in time", taken)


def asynchronous():
    """Scans below one Append, of several connections and of one."""
    if "pg" not in ENGINES:
        return
    schema, second = tables.schema("pg"), '"second_%s"' % tables.word
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')"
             % (second, tables.user.postgres("second")))
        for name, server, base in (("s1", tables.server("pg"), 0), ("s2", second, 10), ("s3", second, 20)):
            make_slow(admin, schema, name, server, base)
        rows(admin, 'GRANT SELECT ON ALL TABLES IN SCHEMA %s TO "%s"' % (schema, person_role()))
    try:
        with contextlib.closing(tables.connect("pg")) as session:
            both = "SELECT id FROM {0}.s1 UNION ALL SELECT id FROM {0}.s2".format(schema)
            plan = "\n".join(row[0] for row in rows(session, "EXPLAIN " + both))
            ok(plan.count("Async Foreign Scan") == 2, "EXPLAIN says Async Foreign Scan", plan)
            rows(session, both)
            for begun in (False, True):
                if begun:
                    begin(session)
                three = both + " UNION ALL SELECT id FROM %s.s3" % schema
                quickest(session, both, 1.7, [1, 2, 3, 11, 12, 13], "two connections%s, at the same time" % (" in a transaction" if begun else ""))
                quickest(session, three, 2.7, [1, 2, 3, 11, 12, 13, 21, 22, 23], "three scans, two of them of one connection, these one after the other")
                if begun:
                    rows(session, "COMMIT")
            same(len(rows(session, three + " LIMIT 2")), 2, "a limit above them")
            same(value(session, "SELECT sum(x.n) FROM (VALUES (1), (2)) AS g(k), LATERAL (SELECT count(*) AS n FROM (%s) AS u"
                       " WHERE u.id > g.k * 0) AS x" % both), 12, "scanned again")
            same(value(session, "SELECT count(*) FROM (SELECT id FROM {0}.s1 UNION ALL SELECT id FROM {0}.t"
                       " UNION ALL SELECT id FROM {0}.s2) AS x".format(schema)), COUNT + 6, "with one that is not")
    finally:
        with contextlib.closing(connect()) as admin:
            rows(admin, "DROP SERVER %s CASCADE" % second)


@contextlib.contextmanager
def unheard_scan():
    """
    A statement that gets its row from a second connection, as soon as a scan waits on the first one, which it leaves and which cannot be
    stopped in time.
    """
    schema, second = tables.schema("pg"), '"third_%s"' % tables.word
    tables.remote("pg", "CREATE FUNCTION stubborn_%s() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1;"
                  " EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); RETURN 2; END $$" % tables.word)
    tables.remote("pg", "CREATE FUNCTION quick_%s() RETURNS SETOF integer LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. 2000 LOOP PERFORM pg_stat_clear_snapshot();"
                  " EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%%stubborn_%s()%%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid());"
                  " PERFORM pg_sleep(0.01); END LOOP; RETURN QUERY SELECT generate_series(1, 3); END $$" % (tables.word, tables.word))
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (second, tables.user.postgres("third")))
        for name, server, query in (("stubborn", tables.server("pg"), "SELECT stubborn_%s() AS id" % tables.word),
                                    ("quick", second, "SELECT quick_%s() AS id" % tables.word)):
            rows(admin, "CREATE FOREIGN TABLE %s.%s (id integer) SERVER %s OPTIONS (async_capable 'true', query '%s')" % (schema, name, server, query))
        rows(admin, 'GRANT SELECT ON ALL TABLES IN SCHEMA %s TO "%s"' % (schema, person_role()))
        try:
            yield "SELECT id FROM (SELECT id FROM {0}.stubborn UNION ALL SELECT id FROM {0}.quick) AS x LIMIT 1".format(schema)
        finally:
            rows(admin, "DROP SERVER %s CASCADE; DROP FOREIGN TABLE %s.stubborn" % (second, schema))
    tables.remote("pg", "DROP FUNCTION stubborn_%s()" % tables.word)
    tables.remote("pg", "DROP FUNCTION quick_%s()" % tables.word)


def left_together():
    """An abort leaves scans on many servers that do not stop: all of them have the time of one"""
    if "pg" not in ENGINES:
        return
    names = ["deaf%d_%s" % (number, tables.word) for number in range(8)]
    tables.remote("pg", "CREATE FUNCTION deaf_%s() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1;"
                  " EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); RETURN 2; END $$" % tables.word)
    with contextlib.closing(connect()) as admin, contextlib.closing(tables.connect("pg")) as session:
        rows(admin, "CREATE SCHEMA deaf_%s" % tables.word)
        for name in names:
            rows(admin, "CREATE SERVER \"%s\" FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (name, tables.user.postgres(name)))
            for table, query in (("quick_" + name, "SELECT 1 AS id"), (name, "SELECT deaf_%s() AS id" % tables.word)):
                rows(admin, "CREATE FOREIGN TABLE deaf_%s.\"%s\" (id integer) SERVER \"%s\" OPTIONS (async_capable 'true', query '%s')"
                     % (tables.word, table, name, query))
        rows(admin, 'GRANT USAGE ON SCHEMA deaf_{0} TO "{1}"; GRANT SELECT ON ALL TABLES IN SCHEMA deaf_{0} TO "{1}"'.format(tables.word, person_role()))

        def union(prefix):
            return " UNION ALL ".join("SELECT id FROM deaf_%s.\"%s%s\"" % (tables.word, prefix, name) for name in names)
        same(len(rows(session, union("quick_"))), len(names), "each server answers")
        rows(session, "SET statement_timeout = '2s'")
        begun = time.monotonic()
        same(sqlstate(rows, session, union("")), "57014", "a statement over all of them is stopped")
        seconds = time.monotonic() - begun
        rows(session, "RESET statement_timeout")
        ok(seconds < 10, "and does not wait for each of them", seconds)
        rows(admin, "DROP SCHEMA deaf_%s CASCADE" % tables.word)
        for name in names:
            rows(admin, 'DROP SERVER "%s" CASCADE' % name)
    with contextlib.closing(client_server()) as client:
        rows(client, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%%deaf_%s()%%' AND pid <> pg_backend_pid()" % tables.word)
    tables.remote("pg", "DROP FUNCTION deaf_%s()" % tables.word)


def end_stubborn():
    """The one that was left before would be taken for the next one."""
    stubborn = "FROM pg_stat_activity WHERE query LIKE %s AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()"
    with contextlib.closing(client_server()) as client:
        name = "%%stubborn_%s()%%" % tables.word
        rows(client, "SELECT pg_terminate_backend(pid) " + stubborn, name)
        wait_until(lambda: value(client, "SELECT count(*) " + stubborn, name) == 0, 30, "the end of what was left")


def unheard():
    """An asynchronous scan that is left before its first row takes the session with it: what the transaction did there is lost, and not replaced."""
    if "pg" not in ENGINES:
        return
    with unheard_scan() as leave, contextlib.closing(tables.connect("pg")) as session:
        def left():
            end_stubborn()
            same(rows(session, leave), [(1,)], "a scan is left that nothing was heard of")
        plan = "\n".join(row[0] for row in rows(session, "EXPLAIN " + leave))
        same(plan.count("Async Foreign Scan"), 2, "both scans are asynchronous")
        count(session, "pg")
        settle("pg")
        begin(session)
        insert(session, "pg", 1)
        left()
        same(sqlstate(insert, session, "pg", 2), "08006", "behind a write the next statement says that the transaction is lost")
        rows(session, "COMMIT")
        same(added("pg"), [], "and nothing of it was written, rather than a part")
        begin(session)
        insert(session, "pg", 1)
        left()
        same(sqlstate(rows, session, "COMMIT"), "08006", "so does a commit")
        same(added("pg"), [], "and nothing was written")
        begin(session)
        same(count(session, "pg"), COUNT, "a transaction that reads")
        left()
        tables.remote("pg", "INSERT INTO {t} (id, v) VALUES (%d, 'other')" % (COUNT + 1))
        same(sqlstate(count, session, "pg"), "08006", "does not get another snapshot")
        rows(session, "ROLLBACK")
        begin(session)
        same(count(session, "pg"), COUNT + 1, "one that reads")
        left()
        same(sqlstate(rows, session, "COMMIT"), None, "and nothing more has nothing to lose")
        count(session, "pg")  # a new session answers to the time limit that it is given first
        begin(session)
        left()
        insert(session, "pg", 2)
        rows(session, "COMMIT")
        same(added("pg"), [COUNT + 1, COUNT + 2], "a transaction that begins with it gets another session")


run(asynchronous, left_together, unheard, commit_and_rollback, savepoints, exception_blocks, late_blocks, blocks_before, refused_prepare, two_scans, loop_with_writes,
    early_ends, cursors, snapshots, broken_connections, options, serialized)
