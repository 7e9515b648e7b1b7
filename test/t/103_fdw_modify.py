#!/usr/bin/python3
"""Writing through foreign tables on the three engines: what is written is what is there, or an error says why not."""

import contextlib
import datetime
import io
import traceback
from decimal import Decimal

from tenancy import (UNIQUE, User, connect, environment, execute, note, ok, person_role, raised, rows, run, same, sqlstate, value,
                     wait_for_history)

SCHEMA = "modify_" + UNIQUE

# Columns of the table "thing": local type, and what each engine declares.
THING = {
    "id": ("integer", "integer", "int", "integer"),
    "s": ("smallint", "smallint", "smallint", "smallint"),
    "big": ("bigint", "bigint", "bigint", "bigint"),
    "n": ("numeric", "numeric", "decimal(65,20)", "text"),
    "f": ("double precision", "double precision", "double", "real"),
    "t": ("text", "text", "longtext", "text"),
    "b": ("bytea", "bytea", "longblob", "blob"),
    "d": ("date", "date", "date", "date"),
    "ts": ("timestamp without time zone", "timestamp without time zone", "datetime(6)", "timestamp"),
    "tz": ("timestamp with time zone", "timestamp with time zone", "timestamp(6) null", "timestamptz"),
    "flag": ("boolean", "boolean", "tinyint(1)", "boolean"),
}


class Engine:
    """One client database: its connection, its server, and ways to look at it from the other side."""

    def __init__(self, name, position, user):
        self.name, self.position, self.user = name, position, user
        self.server = "%s_%s" % (name, UNIQUE)
        self.connection = {"postgres": user.postgres, "mysql": user.mysql, "sqlite": user.sqlite}[name](name)
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')"
                 % (self.server, self.connection))
            rows(admin, 'GRANT USAGE ON FOREIGN SERVER %s TO "%s"' % (self.server, person_role()))

    def remote(self, statement, parameters=None):
        """Rows of a statement on the client database itself, outside of any transaction."""
        answer = execute(self.user.session, self.name, statement, parameters)
        if answer["status"] != "success":
            raise RuntimeError("%s: %s" % (statement, answer["error"]))
        return [tuple(row) for row in answer["rows"]]

    def quoted(self, name):
        return "`%s`" % name if self.name == "mysql" else '"%s"' % name

    def make(self, name, declaration, columns, table_options="", key=("id",)):
        """A remote table, and a foreign table <engine>_<name> for it. columns: name to (local type, remote type)."""
        remote_name = "%s_%s" % (name, UNIQUE)
        self.remote("CREATE TABLE %s (%s)" % (self.quoted(remote_name), declaration))
        self.attach(name, remote_name, columns, table_options, key)
        return remote_name

    def attach(self, name, remote_name, columns, table_options="", key=("id",)):
        parts = []
        for column, described in columns.items():
            local, native, *flags = described
            options = ["native_type '%s'" % native.lower()] if native else []
            options += ["key 'true'"] if column in key else []
            options += ["%s 'true'" % flag for flag in flags if flag in ("identity", "generated")]
            rest = " ".join(flag for flag in flags if flag not in ("identity", "generated"))
            parts.append("%s %s %s %s" % (column, local, "OPTIONS (%s)" % ", ".join(options) if options else "", rest))
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE FOREIGN TABLE %s.%s_%s (%s) SERVER %s OPTIONS (table_name '%s'%s)"
                 % (SCHEMA, self.name, name, ", ".join(parts), self.server, remote_name, table_options))
            rows(admin, 'GRANT ALL ON %s.%s_%s TO "%s"' % (SCHEMA, self.name, name, person_role()))

    def table(self, name):
        return "%s.%s_%s" % (SCHEMA, self.name, name)


ENGINES = []


def prepare():
    """A tenant with three databases and a table in each."""
    user = User("modify")
    user.session = user.connect()
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SCHEMA %s" % SCHEMA)
        rows(admin, 'GRANT ALL ON SCHEMA %s TO "%s"' % (SCHEMA, person_role()))
    for position, name in enumerate(("postgres", "mysql", "sqlite")):
        engine = Engine(name, position, user)
        ENGINES.append(engine)
        declaration = ", ".join("%s %s%s" % (engine.quoted(column), types[1 + position], " PRIMARY KEY" if column == "id" else "")
                                for column, types in THING.items())
        engine.thing = engine.make("thing", declaration, {c: (types[0], types[1 + position]) for c, types in THING.items()})


def each(test):
    """The test on every engine."""
    def tested():
        for engine in ENGINES:
            note(engine.name)
            raised(rows, engine.user.session, "ROLLBACK")
            engine.remote("DELETE FROM " + engine.quoted(engine.thing))
            try:
                test(engine, engine.user.session)
            except Exception:
                ok(False, "%s: %s ended without an exception" % (engine.name, test.__name__), traceback.format_exc())
    tested.__doc__, tested.__name__ = test.__doc__, test.__name__
    return tested


HOSTILE = [
    (1, 0, 0, Decimal(0), 0.0, "", b"", None, None, None, None),
    (2, -32768, -2**63, Decimal("-12345678901234567890.12345678901234567891"), -1.7976931348623157e308, "it's", b"\x00\xff'\\",
     datetime.date(1, 1, 1), datetime.datetime(1000, 1, 1), None, True),
    (3, 32767, 2**63 - 1, Decimal("1234567890123456789012345678901234567890"), 5e-324, 'back\\slash "quoted" `ticked`', b"\\x00",
     datetime.date(9999, 12, 31), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None, False),
    (4, None, None, None, None, None, None, None, None, None, None),
    (5, 1, 1, Decimal("0.00000000000000000001"), 0.1, "😀 emoji\n\ttab $1 ? %s -- /* */", b"x" * 70000, datetime.date(2024, 2, 29),
     datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, datetime.timezone.utc), True),
    (6, 7, 9007199254740993, Decimal("9007199254740993"), 1e22, " 'leading and trailing' ", b"NULL", datetime.date(1970, 1, 1),
     datetime.datetime(1999, 12, 31, 23, 59, 59, 1), datetime.datetime(2038, 1, 18, 3, 14, 7, tzinfo=datetime.timezone.utc), False),
]
COLUMNS = ", ".join(THING)


def plain(row):
    """A row as values that compare: memory as bytes."""
    return tuple(bytes(item) if isinstance(item, memoryview) else item for item in row)


@each
def hostile_values(engine, session):
    """INSERT of values that hurt, one by one and in one statement; read back they are the same."""
    table = engine.table("thing")
    placeholders = "(%s)" % ", ".join("(%s)::" + types[0] for types in THING.values())
    for row in HOSTILE:
        rows(session, "INSERT INTO %s VALUES %s" % (table, placeholders), *row)
    found = [plain(row) for row in rows(session, "SELECT %s FROM %s ORDER BY id" % (COLUMNS, table))]
    same(found, HOSTILE, engine.name + ": rows inserted one by one")
    rows(session, "INSERT INTO %s VALUES %s" % (table, ", ".join([placeholders] * len(HOSTILE))),
         *[item for row in HOSTILE for item in (row[0] + 100,) + row[1:]])
    found = [plain(row) for row in rows(session, "SELECT %s FROM %s WHERE id > 100 ORDER BY id" % (COLUMNS, table))]
    same(found, [(row[0] + 100,) + row[1:] for row in HOSTILE], engine.name + ": rows inserted at once")
    rows(session, "INSERT INTO %s (id) SELECT generate_series(201, 206)" % table)
    for row in HOSTILE:
        rows(session, "UPDATE %s SET (%s) = ROW (%s) WHERE id = 200 + %%s"
             % (table, ", ".join(list(THING)[1:]), ", ".join("(%s)::" + types[0] for types in list(THING.values())[1:])), *row[1:], row[0])
    found = [plain(row) for row in rows(session, "SELECT %s FROM %s WHERE id > 200 ORDER BY id" % (COLUMNS, table))]
    same(found, [(row[0] + 200,) + row[1:] for row in HOSTILE], engine.name + ": rows updated by key")
    same(value(session, "WITH gone AS (DELETE FROM %s RETURNING 1) SELECT count(*) FROM gone" % table), 18, engine.name + ": all deleted")
    same(engine.remote("SELECT count(*) FROM " + engine.quoted(engine.thing)), [(0,)], engine.name + ": and gone there")


@each
def special_values(engine, session):
    """Infinity, NaN and what else an engine may not have: the value itself, or an error."""
    table = engine.table("thing")
    for column, text in (("f", "infinity"), ("f", "-infinity"), ("f", "NaN"), ("d", "infinity"), ("ts", "-infinity"), ("n", "NaN"),
                         ("d", "0044-03-15 BC"), ("ts", "0044-03-15 12:00:00 BC")):
        name = "%s: %s = %s" % (engine.name, column, text)
        error = raised(rows, session, "INSERT INTO %s (id, %s) VALUES (1, %%s)" % (table, column), text)
        if error is None:
            same(value(session, "SELECT %s::text FROM %s" % (column, table)), value(session, "SELECT %%s::%s::text" % THING[column][0], text), name)
        else:
            ok(engine.name != "postgres" and error.pgcode[:2] == "22", name + " is refused", "%s: %s" % (error.pgcode, error))
        rows(session, "DELETE FROM %s" % table)


@each
def returning(engine, session):
    """RETURNING gives what the remote server has."""
    table = engine.table("thing")
    same(rows(session, "INSERT INTO %s (id, t, n) VALUES (1, 'a', 1.5), (2, 'b', NULL) RETURNING id, upper(t), n + 1" % table),
         [(1, "A", Decimal("2.5")), (2, "B", None)], engine.name + ": INSERT RETURNING")
    same(rows(session, "UPDATE %s SET t = t || '!', s = id + random()::int * 0 RETURNING id, t, s" % table), [(1, "a!", 1), (2, "b!", 2)],
         engine.name + ": UPDATE RETURNING by key")
    same(rows(session, "UPDATE %s SET s = 7 WHERE id = 2 RETURNING t, s" % table), [("b!", 7)], engine.name + ": direct UPDATE RETURNING")
    same(rows(session, "UPDATE %s SET id = 3 WHERE id = 2 RETURNING *" % table)[0][:2], (3, 7), engine.name + ": RETURNING the new key")
    same(rows(session, "UPDATE %s SET id = id + 10 + random()::int * 0 WHERE id = 3 RETURNING id, s" % table), [(13, 7)],
         engine.name + ": RETURNING the new key, row by row")
    same(rows(session, "DELETE FROM %s WHERE id = 13 RETURNING s, t" % table), [(7, "b!")], engine.name + ": DELETE RETURNING")
    same(rows(session, "DELETE FROM %s WHERE id + random()::int * 0 = 1 RETURNING id, t" % table), [(1, "a!")],
         engine.name + ": DELETE RETURNING, row by row")
    same(rows(session, "INSERT INTO %s (id) VALUES (1) RETURNING 'x', tableoid::regclass::text" % table), [("x", table)],
         engine.name + ": RETURNING without a column")
    same(rows(session, "DELETE FROM %s RETURNING 'y'" % table), [("y",)], engine.name + ": DELETE RETURNING without a column")


@each
def direct(engine, session):
    """A whole UPDATE or DELETE is one remote statement when it can be, with the right count."""
    table = engine.table("thing")
    rows(session, "INSERT INTO %s (id, s, t) SELECT i, i %% 10, 'x' FROM generate_series(1, 100) AS i" % table)
    plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE, COSTS off) UPDATE %s SET s = 5, t = 'y' WHERE id <= 50" % table))
    ok("Foreign Update" in plan, engine.name + ": UPDATE is sent whole", plan)
    plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE, COSTS off) DELETE FROM %s WHERE id > 50" % table))
    ok("Foreign Delete" in plan, engine.name + ": DELETE is sent whole", plan)
    with session.cursor() as cursor:
        cursor.execute("UPDATE %s SET s = 5, t = 'y' WHERE id <= 50" % table)
        same(cursor.rowcount, 50, engine.name + ": rows that it matched, also those that were so before")
        cursor.execute("UPDATE %s SET s = 5, t = 'y' WHERE id <= 50" % table)
        same(cursor.rowcount, 50, engine.name + ": once more")
        cursor.execute("UPDATE %s SET s = 5 WHERE id + random()::int * 0 = 1" % table)
        same(cursor.rowcount, 1, engine.name + ": a row that stays the same counts")
        cursor.execute("DELETE FROM %s WHERE id > 90" % table)
        same(cursor.rowcount, 10, engine.name + ": rows deleted")
    rows(session, "UPDATE %s SET s = big::smallint, big = s, f = 1 WHERE id = 1" % table)
    rows(session, "UPDATE %s SET big = 70, s = 3 WHERE id = 2" % table)
    rows(session, "UPDATE %s SET id = id + 1000, big = id WHERE id = 2" % table)
    same(rows(session, "SELECT s, big, f FROM %s WHERE id = 1" % table), [(None, 5, 1.0)], engine.name + ": values change places")
    same(rows(session, "SELECT big FROM %s WHERE id = 1002" % table), [(2,)], engine.name + ": a value sees the row as it was")
    same(sqlstate(rows, session, "UPDATE %s SET s = s + 32767::smallint WHERE id = 3" % table), "22003", engine.name + ": overflow")
    with contextlib.closing(engine.user.connect()) as prepared:
        rows(prepared, "PREPARE change(int, text) AS UPDATE %s SET t = $2 WHERE id = $1" % table)
        for i in range(10, 20):
            rows(prepared, "EXECUTE change(%s, %s)", i, "p'%d\\" % i)
    same(value(session, "SELECT count(*) FROM %s WHERE t = 'p''' || id || '\\'" % table), 10, engine.name + ": prepared, ten times")
    rows(session, "SET tenancy.enable_pushdown = off")
    plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE, COSTS off) DELETE FROM %s WHERE id > 50" % table))
    ok("Foreign Delete" not in plan, engine.name + ": not with pushdown off", plan)
    rows(session, "DELETE FROM %s" % table)
    rows(session, "RESET tenancy.enable_pushdown")
    same(value(session, "SELECT count(*) FROM %s" % table), 0, engine.name + ": row by row they go as well")


@each
def reading_checks(engine, session):
    """The check of a domain reads from the connection whose rows it checks: none of them is lost in silence."""
    check, domain = "%s.known_%s" % (SCHEMA, engine.name), "%s.checked_%s" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE FUNCTION %s(integer) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
                RETURN $1 IS NULL OR NOT EXISTS (SELECT FROM %s WHERE id = -$1);
            END $$""" % (check, engine.table("thing")))
        rows(admin, "CREATE DOMAIN %s AS integer CHECK (%s(VALUE))" % (domain, check))
    remote = engine.make("checked", "id integer PRIMARY KEY, n integer", {"id": ("integer", "integer"), "n": (domain, "integer")})
    engine.remote("INSERT INTO %s VALUES %s" % (engine.quoted(remote), ", ".join("(%d, %d)" % (i, i) for i in range(2500))))
    for statement in ("UPDATE %s SET id = id + 10000 RETURNING n", "DELETE FROM %s RETURNING n"):
        failure = raised(lambda asked: same(len(rows(session, asked)), 2500, engine.name + ": all rows are told of"), statement % engine.table("checked"))
        ok(failure is None or failure.pgcode == "0A000", engine.name + ": or it is refused", str(failure))
    # From 17 on the role may maintain the table, which is another's: nobody's identity is there then.
    error = raised(rows, session, "ANALYZE %s" % engine.table("checked"))
    ok(error is None or error.pgcode in ("0A000", "42501", "28000"), engine.name + ": so are samples", str(error))
    engine.remote("DROP TABLE " + engine.quoted(remote))


@each
def domains(engine, session):
    """What a domain of this side does not allow gets into no column of it, not even from another that holds it over there."""
    domain = "%s.above_%s" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE DOMAIN %s AS integer CHECK (VALUE > 0)" % domain)
    remote = engine.make("domains", "id integer PRIMARY KEY, a integer, b integer",
                         {"id": ("integer", "integer"), "a": (domain, "integer"), "b": (domain, "integer")})
    engine.remote("INSERT INTO %s VALUES (1, 1, -1)" % engine.quoted(remote))
    same(sqlstate(rows, session, "UPDATE %s SET a = b" % engine.table("domains")), "23514", engine.name + ": the check is made")
    same(engine.remote("SELECT a FROM " + engine.quoted(remote)), [(1,)], engine.name + ": nothing is changed")
    engine.remote("DROP TABLE " + engine.quoted(remote))


@each
def transactions(engine, session):
    """Writes belong to the local transaction, and to its savepoints."""
    table = engine.table("thing")
    count = "SELECT count(*) FROM " + engine.quoted(engine.thing)
    rows(session, "BEGIN")
    rows(session, "INSERT INTO %s (id) VALUES (1), (2)" % table)
    rows(session, "SAVEPOINT a")
    rows(session, "INSERT INTO %s (id) VALUES (3)" % table)
    rows(session, "UPDATE %s SET t = 'in a' WHERE id = 1" % table)
    same(value(session, "SELECT count(*) FROM %s" % table), 3, engine.name + ": it sees its own rows")
    rows(session, "ROLLBACK TO a")
    rows(session, "INSERT INTO %s (id) VALUES (4)" % table)
    rows(session, "SAVEPOINT b")
    same(sqlstate(rows, session, "INSERT INTO %s (id) VALUES (4)" % table), "23505", engine.name + ": an error inside a savepoint")
    rows(session, "ROLLBACK TO b")
    rows(session, "INSERT INTO %s (id) VALUES (5)" % table)
    rows(session, "COMMIT")
    same(rows(session, "SELECT id, t FROM %s ORDER BY id" % table), [(1, None), (2, None), (4, None), (5, None)],
         engine.name + ": what was rolled back to a savepoint is not there")
    rows(session, "BEGIN")
    rows(session, "DELETE FROM %s" % table)
    rows(session, "ROLLBACK")
    same(engine.remote(count), [(4,)], engine.name + ": ROLLBACK brings all of it back")
    rows(session, "BEGIN")
    rows(session, "TRUNCATE %s" % table)
    same(value(session, "SELECT count(*) FROM %s" % table), 0, engine.name + ": TRUNCATE")
    rows(session, "ROLLBACK")
    same(value(session, "SELECT count(*) FROM %s" % table), 4, engine.name + ": is rolled back")
    rows(session, "DO $$ BEGIN BEGIN INSERT INTO %s (id) VALUES (6), (1); EXCEPTION WHEN unique_violation THEN NULL; END;"
         " INSERT INTO %s (id) VALUES (7); END $$" % (table, table))
    same(rows(session, "SELECT id FROM %s WHERE id > 5" % table), [(7,)], engine.name + ": an exception that was caught takes its rows")
    rows(session, "TRUNCATE %s" % table)
    same(engine.remote(count), [(0,)], engine.name + ": TRUNCATE for good")


@each
def copy(engine, session):
    """COPY FROM of ten thousand rows."""
    table = engine.table("thing")
    lines = "".join("%d\t%s\t%d\ttext %d with \\\\ and 'quotes'\n" % (i, "\\N" if i % 7 == 0 else i % 100, i * 2**32, i) for i in range(10000))
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, s, big, t) FROM STDIN" % table, io.StringIO(lines))
        same(cursor.rowcount, 10000, engine.name + ": COPY's count")
    same(rows(session, "SELECT count(*), count(s), sum(big), min(t), count(DISTINCT id) FROM %s" % table),
         [(10000, 8571, sum(range(10000)) * 2**32, "text 0 with \\ and 'quotes'", 10000)], engine.name + ": all of them")

    def copy_in(text):
        with session.cursor() as cursor:
            cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO(text))
    same(sqlstate(copy_in, "20000\ta\n20001\tb\n5\tc\n"), "23505", engine.name + ": COPY of a key that is there")
    same(value(session, "SELECT count(*) FROM %s" % table), 10000, engine.name + ": takes back the others")
    with session.cursor() as cursor:
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT id, t FROM %s WHERE id < 3 ORDER BY id) TO STDOUT" % table, out)
    ok(out.getvalue().startswith("0\ttext 0 with \\\\ and"), engine.name + ": COPY TO", out.getvalue())
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE FUNCTION {0}.{1}_has(integer) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RETURN EXISTS (SELECT FROM {2} WHERE s = $1); END$$"
             .format(SCHEMA, engine.name, table))
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, s) FROM STDIN WHERE NOT %s.%s_has(s)" % (table, SCHEMA, engine.name), io.StringIO("30000\t300\n30001\t300\n"))
    same(value(session, "SELECT count(*) FROM %s WHERE s = 300" % table), 1, engine.name + ": WHERE of a COPY sees the rows before")
    rows(session, "TRUNCATE %s" % table)


@each
def batches(engine, session):
    """INSERT of many rows, whatever the batch size, with values of any length."""
    table = engine.table("thing")
    for size in (1, 2, 7, 1000):
        with contextlib.closing(connect()) as admin:
            rows(admin, "ALTER FOREIGN TABLE %s OPTIONS (%s batch_size '%d')" % (table, "ADD" if size == 1 else "SET", size))
        rows(session, "INSERT INTO %s (id, t, n) SELECT i, repeat('é', i), i / 4.0 FROM generate_series(1, 25) AS i" % table)
        same(rows(session, "SELECT count(*), sum(length(t)), sum(n) FROM %s" % table), [(25, 325, Decimal("81.25"))],
             "%s: batches of %d" % (engine.name, size))
        rows(session, "TRUNCATE %s" % table)
    with contextlib.closing(connect()) as admin:
        rows(admin, "ALTER FOREIGN TABLE %s OPTIONS (DROP batch_size)" % table)
    rows(session, "INSERT INTO %s (id, b) SELECT i, convert_to(repeat('x', 100000), 'UTF8') FROM generate_series(1, 60) AS i" % table)
    same(value(session, "SELECT sum(length(b)) FROM %s" % table), 6000000, engine.name + ": long values in several statements")
    rows(session, "TRUNCATE %s" % table)


@each
def keys(engine, session):
    """Keys of several columns in any position, changes of keys, rows that are gone, keys that are none."""
    types = (("integer", "integer"), ("integer", "int"), ("integer", "integer"))[engine.position]
    text = (("text", "text"), ("varchar(40)", "varchar(40)"), ("text", "text"))[engine.position]
    name = engine.make("pair", "word %s, v %s, number %s, PRIMARY KEY (number, word)"
                       % ((text[1],) + types[1:] * 2), {"word": text, "v": types, "number": types}, key=("word", "number"))
    table = engine.table("pair")
    rows(session, "INSERT INTO %s (number, word, v) VALUES (1, 'it''s', 1), (1, 'b\\', 2), (2, 'it''s', 3), (2, 'ü', 4)" % table)
    rows(session, "UPDATE %s SET v = v * 10 + random()::int * 0 WHERE number = 1" % table)
    rows(session, "UPDATE %s SET number = number + 5, word = word || '-', v = v + random()::int * 0 WHERE word = 'it''s'" % table)
    rows(session, "DELETE FROM %s WHERE v + random()::int * 0 = 4" % table)
    same(rows(session, "SELECT number, word, v FROM %s ORDER BY v" % table), [(7, "it's-", 3), (6, "it's-", 10), (1, "b\\", 20)],
         engine.name + ": by all columns of the key")
    engine.attach("loose", name, {"word": text, "v": types, "number": types}, key=("number",))
    rows(session, "INSERT INTO %s (number, word, v) VALUES (6, 'other', 10)" % table)
    same(sqlstate(rows, session, "UPDATE %s SET v = v + random()::int * 0 WHERE number = 6" % engine.table("loose")), "21000",
         engine.name + ": a key that several rows have")
    same(value(session, "SELECT sum(v) FROM %s" % table), 43, engine.name + ": changes none of them")
    engine.attach("keyless", name, {"word": text, "v": types, "number": types}, key=())
    for statement in ("UPDATE %s SET v = 1", "DELETE FROM %s"):
        error = raised(rows, session, statement % engine.table("keyless"))
        ok(error is not None and error.pgcode == "0A000" and "has no key" in str(error) and "ADD key 'true'" in str(error),
           engine.name + ": no key, no " + statement.split()[0], str(error))
    rows(session, "INSERT INTO %s VALUES ('w', 1, 99)" % engine.table("keyless"))
    same(value(session, "SELECT count(*) FROM %s WHERE number = 99" % table), 1, engine.name + ": but INSERT")


def padded_keys():
    """A key character(n) finds its row where the remote collation counts spaces at the end."""
    engine = next(engine for engine in ENGINES if engine.name == "mysql")
    session = engine.user.session
    collation = "utf8mb4_nopad_bin" if environment("MYSQL_FLAVOUR") == "mariadb" else "utf8mb4_0900_as_cs"
    engine.make("padded", "k char(5) COLLATE %s PRIMARY KEY, v int" % collation, {"k": ("character(5)", "char(5)"), "v": ("integer", "int")}, key=("k",))
    table = engine.table("padded")
    same(rows(session, "INSERT INTO %s VALUES ('ab', 1), ('abcde', 1) RETURNING k, v" % table), [("ab   ", 1), ("abcde", 1)], "INSERT RETURNING")
    with session.cursor() as cursor:
        cursor.execute("UPDATE %s SET v = 2 WHERE random() >= 0" % table)
        same(cursor.rowcount, 2, "UPDATE row by row")
        same(rows(session, "UPDATE %s SET v = 3 WHERE k = 'ab' AND random() >= 0 RETURNING k, v" % table), [("ab   ", 3)], "UPDATE RETURNING")
        same(rows(session, "SELECT k, v FROM %s ORDER BY k" % table), [("ab   ", 3), ("abcde", 2)], "they have changed")
        cursor.execute("DELETE FROM %s WHERE random() >= 0" % table)
        same(cursor.rowcount, 2, "DELETE row by row")
    same(value(session, "SELECT count(*) FROM %s" % table), 0, "they are gone")


@each
def computed(engine, session):
    """Columns that the remote server fills: identity, generated, defaults that are not asked for."""
    declaration = ("id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v integer NOT NULL, twice integer GENERATED ALWAYS AS (v * 2) STORED",
                   "id int AUTO_INCREMENT PRIMARY KEY, v int NOT NULL, twice int GENERATED ALWAYS AS (v * 2) STORED",
                   "id integer PRIMARY KEY, v integer NOT NULL, twice integer GENERATED ALWAYS AS (v * 2) STORED")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    columns = {"id": ("integer", whole, "identity"), "v": ("integer", whole), "twice": ("integer", whole, "generated")}
    engine.make("numbered", declaration, columns)
    table = engine.table("numbered")
    same(rows(session, "INSERT INTO %s (v) VALUES (5) RETURNING *" % table), [(1, 5, 10)], engine.name + ": numbered, and computed")
    rows(session, "INSERT INTO %s (v) VALUES (6), (7)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 8)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 81), (DEFAULT, 82)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (v) FROM STDIN" % table, io.StringIO("9\n10\n"))
    rows(session, "UPDATE %s SET v = v + 100 WHERE id = 2" % table)
    rows(session, "UPDATE %s SET v = v + 100 + random()::int * 0 WHERE id = 3" % table)
    same(rows(session, "SELECT * FROM %s ORDER BY id" % table),
         [(1, 5, 10), (2, 106, 212), (3, 107, 214), (4, 8, 16), (5, 81, 162), (6, 82, 164), (7, 9, 18), (8, 10, 20)],
         engine.name + ": all of them")
    same(sqlstate(rows, session, "INSERT INTO %s (v, twice) VALUES (1, 2)" % table), "428C9", engine.name + ": a generated column takes no value")
    same(sqlstate(rows, session, "UPDATE %s SET twice = 2" % table), "428C9", engine.name + ": nor in an UPDATE")
    if engine.name != "postgres":
        rows(session, "INSERT INTO %s (id, v) VALUES (0, 0), (50, 1)" % table)
        same(rows(session, "SELECT id FROM %s WHERE id IN (0, 50) ORDER BY id" % table), [(0,), (50,)], engine.name + ": a number that is given stays")
    else:
        same(sqlstate(rows, session, "INSERT INTO %s (id, v) VALUES (50, 1)" % table), "428C9", engine.name + ": GENERATED ALWAYS means it")


@each
def some_numbered(engine, session):
    """Of rows that go together some have a number, and the others get one."""
    declaration = ("id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v integer", "id int AUTO_INCREMENT PRIMARY KEY, v int",
                   "id integer PRIMARY KEY, v integer")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("some", declaration, {"id": ("integer", whole, "identity"), "v": ("integer", whole)})
    table = engine.table("some")
    root = "%s.%s_some_root" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0} (v integer, id integer) PARTITION BY LIST (v); ALTER TABLE {0} ATTACH PARTITION {1} DEFAULT;
            GRANT ALL ON {0} TO "{2}\"""".format(root, table, person_role()))
    rows(session, "INSERT INTO %s SELECT CASE WHEN g %% 2 = 0 THEN 100 + g END, g FROM generate_series(1, 6) AS g" % table)
    rows(session, "INSERT INTO %s VALUES (DEFAULT, 7), (2000, 8), (DEFAULT, 9), (3000, 10), (4000, 11)" % table)
    found = dict(rows(session, "SELECT v, id FROM %s" % table))
    same([found[v] for v in (2, 4, 6, 8, 10, 11)], [102, 104, 106, 2000, 3000, 4000], engine.name + ": numbers that are given stay")
    same(len(set(found.values())), 11, engine.name + ": and each row has one")
    rows(session, "INSERT INTO %s (id, v) VALUES (5000, 12), (DEFAULT, 13), (6000, 14)" % root)
    found = dict(rows(session, "SELECT v, id FROM %s WHERE v > 11" % table))
    same((found[12], found[13] in (None, 5000, 6000), found[14]), (5000, False, 6000), engine.name + ": through a partitioned table, too")


@each
def own_changes(engine, session):
    """A statement sees its own table as it was when it began, whatever it has changed there."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("own", "id int PRIMARY KEY, grp int, share int", {name: ("integer", whole) for name in ("id", "grp", "share")})
    table = engine.table("own")

    def fill():
        rows(session, "DELETE FROM %s" % table)
        rows(session, "INSERT INTO %s VALUES (1, 1, 30), (2, 1, 70), (3, 2, 5), (4, 3, 8), (5, 3, 8)" % table)

    def shares():
        return [share for (share,) in rows(session, "SELECT share FROM %s ORDER BY id" % table)]

    def count_of(sql):
        with session.cursor() as cursor:
            cursor.execute(sql.format(table))
            return cursor.rowcount

    fill()
    same(count_of("UPDATE {0} AS t SET share = (SELECT sum(b.share) FROM {0} AS b WHERE b.grp = t.grp) - share"), 5, engine.name + ": rows")
    same(shares(), [70, 30, 0, 8, 8], engine.name + ": a sub-select for each row")
    same(value(session, "SELECT row_count FROM tenancy.history(search => 'UPDATE', max_rows => 1)"), 5, engine.name + ": and in history")
    fill()
    same(count_of("DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1"), 4, engine.name + ": rows that are deleted")
    same(shares(), [5], engine.name + ": all that have a twin")
    fill()
    rows(session, "SET enable_hashjoin = off; SET enable_mergejoin = off; SET tenancy.enable_pushdown = off")
    rows(session, "UPDATE {0} AS t SET share = p.share + 1 FROM {0} AS p WHERE p.id = t.id - 1".format(table))
    same(shares(), [30, 31, 71, 6, 9], engine.name + ": the row before, as it was")
    fill()
    same(count_of("DELETE FROM {0} AS t USING {0} AS o WHERE o.grp = t.grp AND o.id <> 1"), 5, engine.name + ": a join that names rows twice")
    rows(session, "RESET enable_hashjoin; RESET enable_mergejoin; RESET tenancy.enable_pushdown")
    fill()
    with session.cursor() as cursor:
        cursor.execute("DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1 RETURNING id".format(table))
        same(len(cursor.fetchall()), 2, engine.name + ": RETURNING wants each row at once, and the next one sees that it has gone")
    fill()
    rows(session, "WITH gone AS (DELETE FROM {0} AS t USING (VALUES (1), (2)) AS l(id) WHERE t.id = l.id"
         " AND (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 0 RETURNING l.id) INSERT INTO {0} SELECT id, 9, 9 FROM gone".format(table))
    same(shares(), [9, 9, 5, 8, 8], engine.name + ": also one that returns no column of the table")
    fill()
    log = "%s.%s_own_log" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0} (rest bigint);
            CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO {0} SELECT count(*) FROM {1}; RETURN NULL; END$$;
            CREATE TRIGGER after_row AFTER DELETE ON {1} FOR EACH ROW EXECUTE FUNCTION {0}(); GRANT ALL ON {0} TO "{2}\"""".format(log, table, person_role()))
    rows(session, "DELETE FROM {0} AS t WHERE id = (SELECT max(b.id) FROM {0} AS b WHERE b.grp = t.grp AND b.grp = 2)".format(table))
    same(rows(session, "SELECT rest FROM %s" % log), [(4,)], engine.name + ": an AFTER trigger sees that rows have gone")
    fill()
    with contextlib.closing(connect()) as admin:
        rows(admin, """DROP TRIGGER after_row ON {2}; TRUNCATE {0}; CREATE TABLE {0}_parts (n int) PARTITION BY LIST (n); CREATE TABLE {0}_part PARTITION OF {0}_parts DEFAULT;
            CREATE TRIGGER after_row AFTER INSERT ON {0}_part FOR EACH ROW EXECUTE FUNCTION {0}(); GRANT ALL ON {0}_parts TO "{1}\"""".format(log, person_role(), table))
    rows(session, "WITH gone AS (DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1) INSERT INTO {1}_parts VALUES (1)".format(table, log))
    same(rows(session, "SELECT rest FROM %s" % log), [(3,)], engine.name + ": one of a partition, too")


@each
def jobs(engine, session):
    """Of rows that are to be locked only as many are as LIMIT wants, so that each session gets its own."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("jobs", "id int PRIMARY KEY, state int", {"id": ("integer", whole, "NOT NULL"), "state": ("integer", whole)})
    table = engine.table("jobs")
    rows(session, "INSERT INTO %s SELECT g, 0 FROM generate_series(1, 20) AS g" % table)
    if engine.name == "sqlite":
        return
    found = []
    sessions = [engine.user.connect() for _ in range(3)]
    for each_session in sessions:
        rows(each_session, "BEGIN")
        found += rows(each_session, "SELECT id FROM %s WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED" % table)
    same(found, [(1,), (2,), (3,)], engine.name + ": a job for each session")
    for each_session, (job,) in zip(sessions, found):
        rows(each_session, "UPDATE %s SET state = 1 WHERE id = %s" % (table, job))
        rows(each_session, "COMMIT")
        each_session.close()
    same(value(session, "SELECT count(*) FROM %s WHERE state = 1" % table), 3, engine.name + ": and all are done")
    if engine.name == "mysql":
        return  # where the count has to be a constant
    rows(session, "INSERT INTO %s SELECT g, 0 FROM generate_series(21, 3000) AS g" % table)
    found = []
    sessions = [engine.user.connect() for _ in range(3)]
    for each_session in sessions:
        rows(each_session, "SET plan_cache_mode = force_generic_plan")
        rows(each_session, "PREPARE job(int) AS SELECT id FROM %s ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED" % table)
        rows(each_session, "BEGIN")
        found += rows(each_session, "EXECUTE job(2)")
    same(found, [(id,) for id in range(1, 7)], engine.name + ": two for each where their number is a parameter")
    for each_session in sessions:
        each_session.close()


@each
def filled_by_trigger(engine, session):
    """What a BEFORE trigger puts into a column that the remote server would fill is stored; what it leaves null is still filled."""
    declaration = ("id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v integer", "id int AUTO_INCREMENT PRIMARY KEY, v int",
                   "id integer PRIMARY KEY, v integer")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("filled", declaration, {"id": ("integer", whole, "identity"), "v": ("integer", whole)})
    table, root, function = engine.table("filled"), "%s.%s_filled_root" % (SCHEMA, engine.name), "%s.%s_fill" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                IF NEW.v > 0 THEN NEW.id := NEW.v * 100; END IF; RETURN NEW; END$$;
            CREATE TRIGGER fill BEFORE INSERT ON {1} FOR EACH ROW EXECUTE FUNCTION {0}();
            CREATE TABLE {2} (v integer, id integer) PARTITION BY LIST (v);
            ALTER TABLE {2} ATTACH PARTITION {1} DEFAULT;
            GRANT ALL ON {2} TO "{3}\"""".format(function, table, root, person_role()))
    filled = 1 if engine.name == "postgres" else 101
    same(rows(session, "INSERT INTO %s (v) VALUES (1), (0), (2) RETURNING id, v" % table), [(100, 1), (filled, 0), (200, 2)],
         engine.name + ": INSERT RETURNING")
    rows(session, "INSERT INTO %s (v) VALUES (3), (4)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 5), (6, -6)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (v) FROM STDIN" % table, io.StringIO("7\n8\n"))
        cursor.copy_expert("COPY %s (v) FROM STDIN" % root, io.StringIO("9\n10\n"))
    rows(session, "INSERT INTO %s (v) VALUES (11), (12)" % root)
    same(rows(session, "SELECT id, v FROM %s WHERE v <> 0 ORDER BY v" % table), [(6, -6)] + [(100 * v, v) for v in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)],
         engine.name + ": INSERT, COPY, and rows of a partitioned table")
    if engine.name == "postgres":
        table = engine.table("numbered")
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE TRIGGER fill BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s()" % (table, function))
        rows(session, "INSERT INTO %s (v) VALUES (0)" % table)
        same(sqlstate(rows, session, "INSERT INTO %s (v) VALUES (1)" % table), "428C9", engine.name + ": GENERATED ALWAYS means it")


def completed_keys():
    """RETURNING on MySQL finds the row whose key the server has completed, and no other."""
    engine = ENGINES[1]
    session = engine.user.session
    engine.make("dated", "id int AUTO_INCREMENT, d date, v int, PRIMARY KEY (id, d)",
                {"id": ("integer", "int", "identity"), "d": ("date", "date"), "v": ("integer", "int")}, key=("id", "d"))
    table = engine.table("dated")
    same(rows(session, "INSERT INTO %s (d, v) VALUES ('2024-01-01', 1), ('2024-01-02', 2) RETURNING id, d::text, v" % table),
         [(1, "2024-01-01", 1), (2, "2024-01-02", 2)], "a number beside a date")
    same(rows(session, "INSERT INTO %s VALUES (7, '2024-01-03', 3), (NULL, '2024-01-03', 4), (0, '2024-01-03', 5) RETURNING *" % table),
         [(7, datetime.date(2024, 1, 3), 3), (8, datetime.date(2024, 1, 3), 4), (0, datetime.date(2024, 1, 3), 5)], "some given, some not")
    engine.make("doubled", "a int, k int AS (a * 2) STORED, w int, UNIQUE (k)",
                {"a": ("integer", "int"), "k": ("integer", "int", "generated"), "w": ("integer", "int")}, key=("k",))
    table = engine.table("doubled")
    rows(session, "INSERT INTO %s (a, w) VALUES (4, 1), (5, 1)" % table)
    same(sqlstate(rows, session, "INSERT INTO %s (a, w) VALUES (6, 1) RETURNING k" % table), "0A000", "a computed key is not known here")
    same(rows(session, "UPDATE %s SET w = 2 WHERE a = 5 RETURNING k" % table), [(10,)], "but in an UPDATE")
    same(rows(session, "SELECT * FROM %s ORDER BY k" % table), [(4, 8, 1), (5, 10, 2)], "nothing of it stayed")


@each
def named_twice(engine, session):
    """A row that a join names twice is changed, counted and returned once."""
    word, whole = (("varchar(10)", "int") if engine.name == "mysql" else ("text", "integer"))
    engine.make("twice", "a %s, b %s, v %s, PRIMARY KEY (a, b)" % (word, word, whole),
                {"a": ("text", word), "b": ("text", word), "v": ("integer", whole)}, key=("a", "b"))
    table, other = engine.table("twice"), "%s.%s_names" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE TABLE %s (a text, b text, d integer)" % other)
        rows(admin, "INSERT INTO %s VALUES ('a', 'bc', 1), ('a', 'bc', 10), ('ab', 'c', 1)" % other)
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (other, person_role()))
    rows(session, "INSERT INTO %s VALUES ('a', 'bc', 0), ('ab', 'c', 0), ('x', 'y', 0)" % table)
    joined = "FROM %s AS l WHERE l.a = t.a AND l.b = t.b" % other
    found = rows(session, "UPDATE %s AS t SET v = t.v + l.d %s RETURNING t.a, t.v" % (table, joined))
    ok(sorted(found) in ([("a", 1), ("ab", 1)], [("a", 10), ("ab", 1)]), engine.name + ": returned once", str(found))
    same(sorted(rows(session, "SELECT a, v FROM %s WHERE a <> 'x'" % table)), sorted(found), engine.name + ": changed once")
    with session.cursor() as cursor:
        cursor.execute("UPDATE %s AS t SET v = 5 %s" % (table, joined))
        same(cursor.rowcount, 2, engine.name + ": counted once")
        cursor.execute("UPDATE %s AS t SET b = t.b || 'd', v = l.d %s" % (table, joined))
        same(cursor.rowcount, 2, engine.name + ": with a new key")
        cursor.execute("UPDATE %s AS t SET v = 6 FROM generate_series(1, 3) AS i" % table)
        same(cursor.rowcount, 3, engine.name + ": without a condition")
        cursor.execute("DELETE FROM %s AS t USING generate_series(1, 3) AS i" % table)
        same(cursor.rowcount, 3, engine.name + ": deleted once")


@each
def local_columns(engine, session):
    """Defaults and generated columns of the foreign table itself."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("local", "id %s PRIMARY KEY, v %s, w %s" % (whole, whole, whole),
                {"id": ("integer", whole), "v": ("integer", whole, "DEFAULT 42"), "w": ("integer", whole, "GENERATED ALWAYS AS (v + 1) STORED")})
    table = engine.table("local")
    same(rows(session, "INSERT INTO %s (id) VALUES (1) RETURNING *" % table), [(1, 42, 43)], engine.name + ": default, and what follows from it")
    rows(session, "UPDATE %s SET v = 7" % table)
    same(rows(session, "SELECT * FROM %s" % table), [(1, 7, 8)], engine.name + ": follows an UPDATE")
    rows(session, "UPDATE %s SET v = DEFAULT" % table)
    same(rows(session, "SELECT * FROM %s" % table), [(1, 42, 43)], engine.name + ": and a default")


@each
def virtual_columns(engine, session):
    """A virtual column of the foreign table, which the remote one has not, is computed here, and neither sent nor asked for."""
    if session.server_version < 180000:
        return note("virtual generated columns are there since PostgreSQL 18")
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("virtual", "id %s PRIMARY KEY, v %s" % (whole, whole),
                {"id": ("integer", whole), "w": ("integer", None, "GENERATED ALWAYS AS (v + 1) VIRTUAL"), "v": ("integer", whole)})
    table = engine.table("virtual")
    same(rows(session, "INSERT INTO %s (id, v) VALUES (1, 5) RETURNING *" % table), [(1, 6, 5)], engine.name + ": INSERT RETURNING")
    rows(session, "INSERT INTO %s (id, v) VALUES (2, 7), (3, 9)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, v) FROM STDIN" % table, io.StringIO("4\t11\n"))
    same(rows(session, "UPDATE %s SET v = 1 WHERE id = 2 RETURNING w" % table), [(2,)], engine.name + ": direct UPDATE")
    same(rows(session, "UPDATE %s SET v = 3 + random()::int * 0 WHERE w = 10 RETURNING *" % table), [(3, 4, 3)], engine.name + ": row by row")
    same(rows(session, "SELECT * FROM %s AS t WHERE w > 2 ORDER BY w" % table), [(3, 4, 3), (1, 6, 5), (4, 12, 11)], engine.name + ": SELECT")
    same(rows(session, "SELECT t::text FROM %s AS t WHERE id = 1" % table), [("(1,6,5)",)], engine.name + ": a whole row")
    same(rows(session, "DELETE FROM %s WHERE w + random()::int * 0 = 2 RETURNING w" % table), [(2,)], engine.name + ": DELETE")
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE FUNCTION {0}.{1}_pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_pass();
            CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_pass()
            """.format(SCHEMA, engine.name, table))
    rows(session, "INSERT INTO %s (id, v) VALUES (5, 13)" % table)
    rows(session, "UPDATE %s SET v = 14 WHERE id = 5" % table)
    same(rows(session, "SELECT w FROM %s WHERE id = 5" % table), [(15,)], engine.name + ": with triggers")
    with contextlib.closing(connect()) as admin:
        rows(admin, 'ALTER FOREIGN TABLE %s OWNER TO "%s"' % (table, person_role()))
    same(raised(rows, session, "ANALYZE %s" % table), None, engine.name + ": ANALYZE by its owner")


@each
def constraints(engine, session):
    """Errors of the remote server keep their meaning."""
    whole = ("integer", "int")[engine.name == "mysql"]
    word = "varchar(5)" if engine.name != "sqlite" else "text CHECK (length(word) <= 5)"
    suffix = " ENGINE=InnoDB" if engine.name == "mysql" else ""
    parent = engine.make("parent", "id %s PRIMARY KEY" % whole, {"id": ("integer", whole)})
    reference = "FOREIGN KEY (parent) REFERENCES %s (id)" % engine.quoted(parent)
    engine.make("child", "id %s PRIMARY KEY, parent %s, word %s, n %s NOT NULL, CHECK (n > 0), %s"
                % (whole, whole, word, whole, reference),
                {"id": ("integer", whole), "parent": ("integer", whole), "word": ("text", "text"), "n": ("integer", whole)})
    table = engine.table("child")
    rows(session, "INSERT INTO %s VALUES (1)" % engine.table("parent"))
    rows(session, "INSERT INTO %s VALUES (1, 1, 'ok', 1)" % table)
    error = raised(rows, session, "INSERT INTO %s VALUES (1, 1, 'ok', 1)" % table)
    ok(error.pgcode == "23505" and any(part in str(error).lower() for part in ("duplicate", "unique")),
       engine.name + ": the text of a duplicate key", str(error))
    too_long = "22001" if engine.name != "sqlite" else "23514"
    for values, state, name in (("2, 99, 'ok', 1", "23503", "foreign key"), ("2, 1, 'ok', 0", "23514", "check"),
                                ("2, 1, 'ok', NULL", "23502", "not null"), ("2, 1, 'too long', 1", too_long, "too long")):
        same(sqlstate(rows, session, "INSERT INTO %s VALUES (%s)" % (table, values)), state, "%s: %s" % (engine.name, name))
        same(sqlstate(rows, session, "INSERT INTO %s SELECT * FROM (VALUES (3, 1, 'ok', 1), (%s)) AS v(a, b, c, d)" % (table, values)), state,
             "%s: %s in a batch" % (engine.name, name))
    same(sqlstate(rows, session, "UPDATE %s SET n = -1 WHERE id = 1" % table), "23514", engine.name + ": check in a direct UPDATE")
    same(sqlstate(rows, session, "UPDATE %s SET parent = 5 + random()::int * 0" % table), "23503", engine.name + ": foreign key in an UPDATE")
    same(sqlstate(rows, session, "DELETE FROM %s" % engine.table("parent")), "23503", engine.name + ": a parent that is referred to")
    same(rows(session, "SELECT * FROM %s" % table), [(1, 1, "ok", 1)], engine.name + ": nothing of it stayed")


@each
def conflicts(engine, session):
    """ON CONFLICT DO NOTHING skips what is there, and only that."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("slot", "id %s PRIMARY KEY, v %s UNIQUE, w %s NOT NULL" % (whole, whole, whole), {c: ("integer", whole) for c in ("id", "v", "w")})
    table = engine.table("slot")
    rows(session, "INSERT INTO %s VALUES (1, 1, 1)" % table)
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s VALUES (1, 2, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": a key that is there")
        cursor.execute("INSERT INTO %s VALUES (2, 1, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": another unique column")
        cursor.execute("INSERT INTO %s SELECT i, i, i FROM generate_series(0, 9) AS i ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 9, engine.name + ": one of ten is there")
    same(rows(session, "INSERT INTO %s VALUES (1, 100, 100), (100, 100, 100) ON CONFLICT DO NOTHING RETURNING *" % table), [(100, 100, 100)],
         engine.name + ": RETURNING what was inserted")
    same(rows(session, "SELECT * FROM %s WHERE id = 1" % table), [(1, 1, 1)], engine.name + ": what was there stays")
    same(sqlstate(rows, session, "INSERT INTO %s VALUES (101, 101, NULL) ON CONFLICT DO NOTHING" % table), "23502",
         engine.name + ": other errors are not hidden")
    same(sqlstate(rows, session, "INSERT INTO %s VALUES (1, 1, 1) ON CONFLICT (id) DO UPDATE SET v = 5" % table), "42P10",
         engine.name + ": DO UPDATE is refused")
    if engine.name == "mysql":
        skipped_by_triggers(engine, session, table)


def skipped_by_triggers(engine, session, table):
    """The server runs UPDATE triggers for a row that is there, and counts it twice when they change it."""
    engine.remote("CREATE TRIGGER slot_%s BEFORE UPDATE ON slot_%s FOR EACH ROW SET NEW.w = OLD.w + 1000" % (UNIQUE, UNIQUE))
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s VALUES (1, 200, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, "a row that a trigger has changed is not inserted")
        cursor.execute("INSERT INTO %s SELECT i, i, i FROM generate_series(0, 11) AS i ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 2, "nor are several of them")
    same(rows(session, "INSERT INTO %s VALUES (1, 200, 2), (12, 12, 12) ON CONFLICT DO NOTHING RETURNING *" % table), [(12, 12, 12)],
         "nor do they come back")


@each
def mixed(engine, session):
    """Reading and writing one table in one statement, in loops, in joins and by functions."""
    table = engine.table("thing")
    rows(session, "INSERT INTO %s (id, s, t) SELECT i, i %% 3, 't' || i FROM generate_series(1, 3000) AS i" % table)
    rows(session, "UPDATE %s SET big = (SELECT count(*) FROM %s), t = (SELECT max(id)::text FROM %s WHERE s = 0) WHERE id = 1" % (table, table, table))
    same(rows(session, "SELECT big, t FROM %s WHERE id = 1" % table), [(3000, "3000")], engine.name + ": values from the table itself")
    rows(session, "UPDATE %s AS a SET t = a.t || b.t FROM %s AS b WHERE b.id = a.id + 1 AND a.id < 10" % (table, table))
    same(rows(session, "SELECT count(*), min(t) FROM %s WHERE id BETWEEN 2 AND 9 AND t = 't' || id || 't' || id + 1" % table), [(8, "t2t3")],
         engine.name + ": a join with itself")
    rows(session, "DELETE FROM %s AS a USING %s AS b WHERE b.id = a.id + 2990 AND a.s = 1" % (table, table))
    same(value(session, "SELECT count(*) FROM %s" % table), 2996, engine.name + ": DELETE with a join")
    rows(session, "DELETE FROM %s AS a WHERE NOT EXISTS (SELECT FROM generate_series(1, 2000) AS i WHERE i = a.id)" % table)
    same(value(session, "SELECT max(id) FROM %s" % table), 2000, engine.name + ": DELETE with a local condition")
    rows(session, "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id, t FROM %s ORDER BY id LIMIT 1500 LOOP"
         " IF r.id %% 500 = 0 THEN UPDATE %s SET f = r.id WHERE id = r.id; END IF; END LOOP; END $$" % (table, table))
    same(rows(session, "SELECT id, f FROM %s WHERE f IS NOT NULL ORDER BY id" % table), [(500, 500.0), (1000, 1000.0), (1500, 1500.0)],
         engine.name + ": a loop that writes what it reads")
    rows(session, "INSERT INTO %s (id, t) SELECT id + 10000, t FROM %s WHERE id > 1900" % (table, table))
    same(value(session, "SELECT count(*) FROM %s WHERE id > 10000" % table), 100, engine.name + ": INSERT from the table itself")
    same(rows(session, "WITH gone AS (DELETE FROM %s WHERE id > 10000 RETURNING id, t), new AS (INSERT INTO %s (id, t) SELECT id + 10000, t FROM gone"
              " RETURNING id) SELECT count(*), min(id) FROM new" % (table, table)), [(100, 21901)], engine.name + ": statements in WITH")
    rows(session, "BEGIN")
    rows(session, "DECLARE c CURSOR FOR SELECT id FROM %s ORDER BY id" % table)
    same(rows(session, "FETCH 1 FROM c"), [(2,)], engine.name + ": a cursor")
    rows(session, "UPDATE %s SET s = 9 WHERE id = 3" % table)
    same(rows(session, "FETCH 1 FROM c"), [(3,)], engine.name + ": goes on after a write")
    same(sqlstate(rows, session, "UPDATE %s SET s = 9 WHERE CURRENT OF c" % table), "0A000", engine.name + ": WHERE CURRENT OF is refused")
    rows(session, "ROLLBACK")
    same(sqlstate(rows, session, "MERGE INTO %s AS a USING (VALUES (1)) AS v(x) ON a.id = v.x WHEN MATCHED THEN DO NOTHING" % table), "0A000",
         engine.name + ": MERGE is refused")
    with contextlib.closing(engine.user.connect()) as other:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.current_user_id()")
        rows(session, "UPDATE %s SET s = 4 WHERE id = 5" % table)
        rows(session, "SELECT set_config('tenancy.session', '', true)")
        same(sqlstate(rows, session, "UPDATE %s SET s = 4 WHERE id = 6" % table), "28000", engine.name + ": nobody may not write")
        rows(session, "ROLLBACK")
        same(value(other, "SELECT count(*) FROM %s WHERE s = 4" % table), 0, engine.name + ": and what was written is gone")


@each
def upsert(engine, session):
    """With the option upsert an INSERT replaces the row that has its key."""
    columns = {c: (types[0], types[1 + engine.position]) for c, types in THING.items()}
    engine.attach("upsert", engine.thing, columns, ", upsert 'true'")
    table = engine.table("upsert")
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s (id, t) VALUES (1, 'a'), (2, 'b')" % table)
        cursor.execute("INSERT INTO %s (id, t, s) VALUES (2, 'c', 2), (3, 'd', 3), (1, 'a', NULL)" % table)
        same(cursor.rowcount, 3, engine.name + ": each row counts once")
        cursor.execute("INSERT INTO %s (id, t) VALUES (3, 'e') RETURNING t, s" % table)
        same(cursor.fetchall(), [("e", None)], engine.name + ": RETURNING the new row")
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("3\tf\n4\tg\n"))
        cursor.execute("INSERT INTO %s (id, t) VALUES (4, 'h') ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": ON CONFLICT DO NOTHING still means nothing")
    same(rows(session, "SELECT id, t, s FROM %s ORDER BY id" % table), [(1, "a", None), (2, "c", 2), (3, "f", None), (4, "g", None)],
         engine.name + ": the last row counts")
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s (id, t) VALUES (7, 'first'), (8, 'x'), (7, 'second'), (7, 'last'), (8, 'y')" % table)
        same(cursor.rowcount, 5, engine.name + ": rows with the same key in one INSERT")
        cursor.execute("INSERT INTO %s (id, t) SELECT 10 + n %% 7, n FROM generate_series(1, 3000) AS n" % table)
        same(cursor.rowcount, 3000, engine.name + ": many of them")
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("9\ta\n9\tb\n"))
    same(rows(session, "SELECT id, t FROM %s WHERE id > 4 ORDER BY id" % table),
         [(7, "last"), (8, "y"), (9, "b"), *((10 + n % 7, str(n)) for n in sorted(range(2994, 3001), key=lambda n: n % 7))],
         engine.name + ": the last one of them counts")


# Types that need care on the way: engine, local type, remote type, values.
ODD = [
    ("postgres", "character(5)", "character(5)", ["ab", "abcde", ""]),
    ("postgres", "varchar(3)", "character varying(3)", ["ab", "abc", ""]),
    ("postgres", "uuid", "uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None, "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    ("postgres", "json", "json", ['{"a":  1}', "[]", '"\\u00e9"']),
    ("postgres", "jsonb", "jsonb", ['{"a": 1}', "[]", "null"]),
    ("postgres", "integer[]", "integer[]", ["{1,NULL,3}", "{}", "{{1,2},{3,4}}"]),
    ("postgres", "text[]", "text[]", ['{a,"b,c"}', '{NULL,"NULL"}', '{"\\""}']),
    ("postgres", "interval", "interval", ["1 year 2 mons -3 days 04:05:06.789", "00:00:00", "-00:00:01"]),
    ("postgres", "time", "time without time zone", ["00:00:00", "23:59:59.999999", "24:00:00"]),
    ("postgres", "timetz", "time with time zone", ["00:00:00+00", "23:59:59.999999-08", "12:00:00+05:30"]),
    ("postgres", "bit(4)", "bit(4)", ["1010", "0000", "1111"]),
    ("postgres", "numeric(6,2)", "numeric(6,2)", ["1234.56", "0.10", "-1.00"]),
    ("postgres", "real", "real", ["0.1", "3.4028235e+38", "NaN"]),
    ("postgres", "inet", "inet", ["127.0.0.1", "::1", None]),
    ("postgres", "int4range", "int4range", ["[1,5)", "empty", "(,)"]),
    ("mysql", "bit(8)", "bit(8)", ["00000101", "11111111", "00000000"]),
    ("mysql", "bit(64)", "bit(64)", ["1" * 64, "0" * 63 + "1", "0" * 64]),
    ("mysql", "interval", "time(6)", ["838:59:59", "-00:00:01.5", "00:00:00"]),
    ("mysql", "smallint", "year", ["1901", "2024", "2155"]),
    ("mysql", "text", "enum('a','b','c')", ["a", "c", None]),
    ("mysql", "text", "set('a','b','c')", ["a,b", "", "c"]),
    ("mysql", "json", "json", ['{"a": 1}', "[]", '"x"']),
    ("mysql", "character(5)", "char(5)", ["ab", "abcde", ""]),
    ("mysql", "numeric(20,0)", "bigint unsigned", ["18446744073709551615", "0", "9223372036854775808"]),
    ("mysql", "numeric(6,2)", "decimal(6,2)", ["1234.56", "0.10", "-1.00"]),
    ("mysql", "real", "float", ["0.1", "1.5", "-3.4e+38"]),
    *([("mysql", "uuid", "uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None, "ffffffff-ffff-ffff-ffff-ffffffffffff"])]
      if environment("MYSQL_FLAVOUR") == "mariadb" else []),
    ("sqlite", "numeric", "numeric", ["123456789012345", "0.1", "9223372036854775807"]),
    ("sqlite", "numeric", "text", ["1234567890123456789012345678901234567890", "0.10000000000000000001", "-1"]),
    ("sqlite", "text", "text", ["007", "1e5", " 1 "]),
    ("sqlite", "text", "string", ["7", "abc", "1.0x"]),
    ("sqlite", "time", "time", ["00:00:00", "23:59:59.999999", "12:00:00"]),
    ("sqlite", "timestamptz", "timestamptz", ["2024-02-29 12:34:56.789+00", "infinity", None]),
    ("sqlite", "integer[]", "text", ["{1,NULL,3}", "{}", "{{1,2},{3,4}}"]),
    ("sqlite", "interval", "text", ["1 year 2 mons -3 days 04:05:06.789", "00:00:00", "-00:00:01"]),
    ("sqlite", "boolean", "boolean", ["true", "false", None]),
]


def odd_types():
    """Each type, by one row, by several, and by an UPDATE, reads back as it was written."""
    for number, (name, local, remote, values) in enumerate(ODD):
        engine = next(engine for engine in ENGINES if engine.name == name)
        session, whole = engine.user.session, ("integer", "int")[name == "mysql"]
        engine.make("odd%d" % number, "id %s PRIMARY KEY, v %s" % (whole, remote), {"id": ("integer", whole), "v": (local, remote.replace("'", "''"))})
        table = engine.table("odd%d" % number)
        label = "%s: %s in %s" % (name, local, remote)
        try:
            rows(session, "INSERT INTO %s VALUES (1, %%s)" % table, values[0])
            rows(session, "INSERT INTO %s VALUES (2, %%s), (3, %%s), (4, NULL)" % table, *values[1:])
            rows(session, "UPDATE %s SET v = %%s WHERE id = 4" % table, values[0])
            rows(session, "INSERT INTO %s VALUES (5, NULL)" % table)
            rows(session, "UPDATE %s SET v = (SELECT %%s::%s) WHERE id + random()::int * 0 = 5" % (table, local), values[1])
            wanted = [value(session, "SELECT (%%s::%s)::text" % local, item) for item in values + values[:2]]
            same([row[0] for row in rows(session, "SELECT v::text FROM %s ORDER BY id" % table)], wanted, label)
        except Exception as error:
            ok(False, label, str(error))


def lossy_values():
    """What SQLite would keep as something else is refused, not changed."""
    engine = ENGINES[2]
    session = engine.user.session
    engine.make("lossy", "id integer PRIMARY KEY, n numeric, s string",
                {"id": ("integer", "integer"), "n": ("numeric", "numeric"), "s": ("text", "string")})
    table = engine.table("lossy")
    for column, text, state in (("n", "1234567890123456789012345678901234567890", "22003"), ("n", "0.1234567890123456789", "22003"),
                                ("s", "007", "22023"), ("s", "1e5", "22023"), ("s", " 5", "22023")):
        same(sqlstate(rows, session, "INSERT INTO %s (id, %s) VALUES (1, %%s)" % (table, column), text), state, "%s = %r" % (column, text))
    rows(session, "INSERT INTO %s (id) VALUES (1)" % table)
    same(sqlstate(rows, session, "UPDATE %s SET s = '007' WHERE id = 1" % table), "22023", "also in a direct UPDATE")
    same(rows(session, "SELECT * FROM %s" % table), [(1, None, None)], "nothing of it stayed")


def far_intervals():
    """An interval of more days than microseconds can count is refused: it does not come round to another time."""
    engine = ENGINES[1]
    session = engine.user.session
    engine.make("far", "id int PRIMARY KEY, v time(6)", {"id": ("integer", "int"), "v": ("interval", "time(6)")})
    table = engine.table("far")
    rows(session, "INSERT INTO %s VALUES (1, '-34 days')" % table)
    for number, days in enumerate((213503982, -213503982, 2147483647), 2):
        same(sqlstate(rows, session, "INSERT INTO %s VALUES (%d, '%d days')" % (table, number, days)), "22015", "%d days" % days)
        same(sqlstate(rows, session, "UPDATE %s SET v = '%d days' WHERE id = 1" % (table, days)), "22015", "and in an UPDATE")
    same(rows(session, "SELECT id, v::text FROM %s" % table), [(1, "-816:00:00")], "nothing of it stayed")


@each
def triggers(engine, session):
    """Local row triggers and views WITH CHECK OPTION see whole rows."""
    table = engine.table("thing")
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0}.{1}_log (op text, old_row text, new_row text);
            GRANT ALL ON {0}.{1}_log TO "{3}";
            CREATE FUNCTION {0}.{1}_note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                INSERT INTO {0}.{1}_log VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD.id || ' ' || coalesce(OLD.t, '-') END,
                    CASE WHEN TG_OP <> 'DELETE' THEN NEW.id || ' ' || coalesce(NEW.t, '-') END); RETURN NULL; END$$;
            CREATE FUNCTION {0}.{1}_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.t = 'keep' THEN NULL ELSE OLD END; END IF;
                IF NEW.t = 'skip' THEN RETURN NULL; END IF;
                NEW.s := coalesce(NEW.s, 0) + 1; RETURN NEW; END$$;
            CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_note();
            CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_change()
            """.format(SCHEMA, engine.name, table, person_role()))
    rows(session, "INSERT INTO %s (id, t) VALUES (1, 'a'), (2, 'skip'), (3, 'keep')" % table)
    rows(session, "UPDATE %s SET t = t || '2' WHERE id = 1" % table)
    rows(session, "UPDATE %s SET id = 9 WHERE id = 1" % table)
    with session.cursor() as cursor:
        cursor.execute("DELETE FROM %s" % table)
        same(cursor.rowcount, 1, engine.name + ": a BEFORE trigger keeps a row")
    same(rows(session, "SELECT id, s, t FROM %s" % table), [(3, 1, "keep")], engine.name + ": it has what the trigger made of it")
    same(rows(session, "SELECT * FROM %s.%s_log" % (SCHEMA, engine.name)),
         [("INSERT", None, "1 a"), ("INSERT", None, "3 keep"), ("UPDATE", "1 a", "1 a2"), ("UPDATE", "1 a2", "9 a2"), ("DELETE", "9 a2", None)],
         engine.name + ": AFTER triggers saw the rows")
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("20\tc\n21\tskip\n"))
    same(rows(session, "SELECT id, s FROM %s WHERE id >= 20" % table), [(20, 1)], engine.name + ": COPY fires them")
    with contextlib.closing(connect()) as admin:
        rows(admin, "DROP TRIGGER after_row ON %s; DROP TRIGGER before_row ON %s" % (table, table))
        rows(admin, "CREATE VIEW %s.%s_small AS SELECT * FROM %s WHERE s < 10 WITH CHECK OPTION" % (SCHEMA, engine.name, table))
        rows(admin, 'GRANT ALL ON %s.%s_small TO "%s"' % (SCHEMA, engine.name, person_role()))
        rows(admin, 'ALTER VIEW %s.%s_small OWNER TO "%s"' % (SCHEMA, engine.name, person_role()))
    view = "%s.%s_small" % (SCHEMA, engine.name)
    rows(session, "TRUNCATE %s" % table)
    rows(session, "INSERT INTO %s (id, s) VALUES (1, 1), (2, 2)" % view)
    same(sqlstate(rows, session, "INSERT INTO %s (id, s) VALUES (3, 10)" % view), "44000", engine.name + ": WITH CHECK OPTION")
    same(sqlstate(rows, session, "UPDATE %s SET s = 11 WHERE id = 1" % view), "44000", engine.name + ": WITH CHECK OPTION in an UPDATE")
    rows(session, "UPDATE %s SET s = 9 WHERE id = 1" % view)
    same(rows(session, "SELECT id, s FROM %s ORDER BY id" % table), [(1, 9), (2, 2)], engine.name + ": only what fits the view")
    rows(session, "TRUNCATE %s" % table)


@each
def refusals(engine, session):
    """Options and connections that do not allow to write."""
    columns = {c: (types[0], types[1 + engine.position]) for c, types in THING.items()}
    engine.attach("frozen", engine.thing, columns, ", updatable 'false', truncatable 'false'")
    table = engine.table("frozen")
    for statement in ("INSERT INTO %s (id) VALUES (1)", "UPDATE %s SET s = 1", "DELETE FROM %s", "TRUNCATE %s"):
        same(sqlstate(rows, session, statement % table), "55000", "%s: updatable false, %s" % (engine.name, statement.split()[0]))
    same(rows(session, "SELECT is_insertable_into FROM information_schema.tables WHERE table_schema = %s AND table_name = %s", SCHEMA,
              "%s_frozen" % engine.name), [("NO",)], engine.name + ": and the catalog says so")
    same(sqlstate(rows, session, "BEGIN READ ONLY; INSERT INTO %s (id) VALUES (1)" % engine.table("thing")), "25006",
         engine.name + ": a local read-only transaction")
    rows(session, "ROLLBACK")
    if engine.name != "postgres":
        for option in ("CASCADE", "RESTART IDENTITY"):
            same(sqlstate(rows, session, "TRUNCATE %s %s" % (engine.table("thing"), option)), "0A000", "%s: %s" % (engine.name, option))
    else:
        rows(session, "TRUNCATE %s RESTART IDENTITY" % engine.table("thing"))


@each
def without_columns(engine, session):
    """Foreign tables whose definition leaves nothing to name in a statement: errors, while it is planned."""
    with contextlib.closing(connect()) as admin:
        for name, columns, options in (("void", "", "query 'SELECT 1'"), ("bare", "", "table_name '%s'" % engine.thing),
                                       ("sums", "a integer, g integer OPTIONS (generated 'true') GENERATED ALWAYS AS (a) STORED",
                                        "table_name '%s', updatable 'false'" % engine.thing)):
            rows(admin, "CREATE FOREIGN TABLE %s.%s_%s (%s) SERVER %s OPTIONS (%s)" % (SCHEMA, engine.name, name, columns, engine.server, options))
            rows(admin, 'GRANT ALL ON %s.%s_%s TO "%s"' % (SCHEMA, engine.name, name, person_role()))
    for statement in ("DELETE FROM %s RETURNING 1", "EXPLAIN DELETE FROM %s RETURNING 1"):
        same(sqlstate(rows, session, statement % engine.table("void")), "55000", "%s: no column, %s" % (engine.name, statement.split()[0]))
    error = raised(rows, session, "UPDATE %s SET g = DEFAULT" % engine.table("sums"))
    ok(error is not None and error.pgcode == "55000" and "does not allow updates" in str(error), engine.name + ": no key and nothing to set", error)
    same(sqlstate(rows, session, "DELETE FROM %s" % engine.table("bare")), "0A000", engine.name + ": no column, so no key")
    if engine.name == "mysql":
        same(sqlstate(rows, session, "INSERT INTO %s DEFAULT VALUES ON CONFLICT DO NOTHING" % engine.table("bare")), "0A000",
             "mysql: no column that ON CONFLICT DO NOTHING could leave as it is")
    with contextlib.closing(connect()) as admin:
        parent = "%s.%s_elders" % (SCHEMA, engine.name)
        rows(admin, "CREATE TABLE %s (k integer, v integer)" % parent)
        rows(admin, "CREATE FOREIGN TABLE %s_old (CHECK (k >= 100)) INHERITS (%s) SERVER %s OPTIONS (query 'SELECT 100, 1')" % (parent, parent, engine.server))
        rows(admin, "INSERT INTO %s VALUES (5, 1)" % parent)
        same(rows(admin, "UPDATE %s SET v = 2 WHERE k = 5 RETURNING v" % parent), [(2,)], engine.name + ": a child that a statement does not touch may have neither")


def read_only():
    """A connection that only reads refuses to write, on this side and on the other."""
    user = User("reader")
    with contextlib.closing(user.connect()) as session, contextlib.closing(connect()) as admin:
        for make, name in ((user.postgres, "postgres"), (user.mysql, "mysql"), (user.sqlite, "sqlite")):
            if name == "sqlite":
                user.sqlite("writer")
                execute(session, "writer", "CREATE TABLE t (id integer PRIMARY KEY)")
            connection = make("read_" + name, options={"read_only": True})
            server = "read_%s_%s" % (name, UNIQUE)
            rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (server, connection))
            table = "%s.read_%s" % (SCHEMA, name)
            remote = "t" if name == "sqlite" else next(engine.thing for engine in ENGINES if engine.name == name)
            rows(admin, "CREATE FOREIGN TABLE %s (id integer OPTIONS (key 'true')) SERVER %s OPTIONS (table_name '%s')" % (table, server, remote))
            rows(admin, 'GRANT ALL ON %s TO "%s"' % (table, person_role()))
            for statement in ("INSERT INTO %s VALUES (1)", "UPDATE %s SET id = 1", "DELETE FROM %s", "TRUNCATE %s"):
                same(sqlstate(rows, session, statement % table), "25006", "%s: %s" % (name, statement.split()[0]))


@each
def history(engine, session):
    """Every modification is one run in history, with its SQL and its rows."""
    table = engine.table("thing")
    since = value(session, "SELECT clock_timestamp()")
    rows(session, "INSERT INTO %s (id) SELECT generate_series(1, 30)" % table)
    rows(session, "UPDATE %s SET s = 1 WHERE id <= 20" % table)
    rows(session, "DELETE FROM %s WHERE id + random()::int * 0 > 25" % table)
    rows(session, "TRUNCATE %s" % table)
    runs = wait_for_history("user_id = %s AND source = 'fdw' AND database_connection_id = %s AND started_at > %s",
                            engine.user.id, engine.connection, since, count=4)
    latest = [(entry["generated_sql_query"].split()[0], entry["row_count"], entry["status"]) for entry in runs]
    for wanted in (("INSERT", 30, "success"), ("UPDATE", 20, "success"), ("DELETE", 5, "success")):
        ok(wanted in latest, "%s: %s of %d rows" % ((engine.name,) + wanted[:2]), latest)


@each
def truncated_together(engine, session):
    """TRUNCATE of two tables names both in history, in as many runs as the remote server gets statements."""
    names = [engine.table("thing"), "%s.%s_twin" % (SCHEMA, engine.name)]
    twin = "twin_" + UNIQUE
    engine.remote("CREATE TABLE %s (id %s PRIMARY KEY)" % (engine.quoted(twin), "int" if engine.name == "mysql" else "integer"))
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE FOREIGN TABLE %s (id integer OPTIONS (key 'true')) SERVER %s OPTIONS (table_name '%s')" % (names[1], engine.server, twin))
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (names[1], person_role()))
    since = value(session, "SELECT clock_timestamp()")
    rows(session, "TRUNCATE " + ", ".join(names))
    runs = wait_for_history("user_id = %s AND source = 'fdw' AND database_connection_id = %s AND started_at > %s",
                            engine.user.id, engine.connection, since, count=1 if engine.name == "postgres" else 2)
    told = "\n".join(entry["generated_sql_query"] for entry in runs)
    ok(engine.thing in told and twin in told, engine.name + ": both tables", told)


def partitions():
    """Rows find their way into foreign partitions of different engines, also when they move."""
    session = ENGINES[0].user.session
    root = "%s.root" % SCHEMA
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE TABLE %s (id integer, region text, v integer) PARTITION BY LIST (region)" % root)
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (root, person_role()))
        rows(admin, "CREATE TABLE %s_local PARTITION OF %s FOR VALUES IN ('local')" % (root, root))
        for engine in ENGINES:
            whole = ("integer", "int")[engine.name == "mysql"]
            remote = "part_" + UNIQUE
            word = "varchar(20)" if engine.name == "mysql" else "text"
            engine.remote("CREATE TABLE %s (v %s, region %s, id %s PRIMARY KEY)" % (engine.quoted(remote), whole, word, whole))
            rows(admin, "CREATE FOREIGN TABLE {0}.part_{1} (v integer OPTIONS (native_type '{2}'), region text OPTIONS (native_type '{3}'),"
                 " id integer OPTIONS (native_type '{2}', key 'true')) SERVER {4} OPTIONS (table_name '{5}')"
                 .format(SCHEMA, engine.name, whole, word, engine.server, remote))
            rows(admin, "ALTER TABLE %s ATTACH PARTITION %s.part_%s FOR VALUES IN ('%s')" % (root, SCHEMA, engine.name, engine.name))
    names = ["postgres", "mysql", "sqlite", "local"]
    rows(session, "INSERT INTO %s SELECT i, (%%s::text[])[1 + mod(i, 4)], i FROM generate_series(0, 39) AS i" % root, names)
    same(rows(session, "SELECT region, count(*), sum(v) FROM %s GROUP BY region ORDER BY min(id)" % root),
         [(name, 10, sum(range(i, 40, 4))) for i, name in enumerate(names)], "each row in its partition")
    for engine in ENGINES:
        same(engine.remote("SELECT count(*) FROM " + engine.quoted("part_" + UNIQUE)), [(10,)], engine.name + ": and in its database")
    same(rows(session, "INSERT INTO %s VALUES (100, 'mysql', 1), (101, 'sqlite', 2) RETURNING tableoid::regclass::text, *" % root),
         [(SCHEMA + ".part_mysql", 100, "mysql", 1), (SCHEMA + ".part_sqlite", 101, "sqlite", 2)], "RETURNING through the partitioned table")
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s FROM STDIN" % root, io.StringIO("".join("%d\t%s\t1\n" % (200 + i, names[i % 4]) for i in range(400))))
        cursor.execute("UPDATE %s SET v = 7 WHERE id >= 200" % root)
        same(cursor.rowcount, 400, "UPDATE of all partitions")
        cursor.execute("UPDATE %s SET v = 8 + random()::int * 0 WHERE id >= 200" % root)
        same(cursor.rowcount, 400, "row by row")
        cursor.execute("DELETE FROM %s WHERE id >= 300" % root)
        same(cursor.rowcount, 300, "DELETE of all partitions")
    same(rows(session, "SELECT region, count(*) FROM %s WHERE v = 8 AND id >= 200 GROUP BY region ORDER BY region" % root),
         [(name, 25) for name in sorted(names)], "COPY through the partitioned table")
    rows(session, "UPDATE %s SET region = 'mysql' WHERE region = 'local' AND id = 3" % root)
    same(rows(session, "SELECT tableoid::regclass::text FROM %s WHERE id = 3" % root), [(SCHEMA + ".part_mysql",)], "a local row moves to another engine")
    error = raised(rows, session, "UPDATE %s SET region = 'mysql' WHERE id = 7 OR region = 'mysql'" % root)
    ok(error is not None and error.pgcode == "0A000", "not into a partition that the statement updates", str(error))


run(prepare, hostile_values, special_values, returning, direct, reading_checks, domains, transactions, copy, batches, keys, padded_keys, computed, some_numbered, own_changes, jobs, filled_by_trigger,
    completed_keys, named_twice, local_columns, virtual_columns, constraints, conflicts, mixed, upsert, odd_types, lossy_values, far_intervals, triggers,
    refusals, without_columns, read_only, history, truncated_together, partitions)
