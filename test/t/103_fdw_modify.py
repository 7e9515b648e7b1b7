#!/usr/bin/python3
"""Writing through foreign tables on the three engines: what is written is what is there, or an error says why not."""

import contextlib
import datetime
import io
from decimal import Decimal

from fdw_engines import ENGINES, SCHEMA, THING, each, prepare
from tenancy import (UNIQUE, User, connect, environment, execute, ok, person_role, raised, rows, run, same, sqlstate, value, wait_for_history)

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
    ("mysql", "public.flags", "bit(64)", ["0" * 61 + "101", "0" * 64, "1" * 64]),
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
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE DOMAIN public.flags AS bit(64)")
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


run(prepare, hostile_values, special_values, returning, direct, reading_checks, domains, transactions, copy, batches, constraints, odd_types, lossy_values,
    far_intervals, refusals, without_columns, read_only, history)
