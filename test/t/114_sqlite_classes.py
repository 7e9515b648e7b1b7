#!/usr/bin/python3
"""SQLite keeps any value in any column. One of another class than its column's is an error, or read exactly: never as
something else."""

import contextlib
import datetime
from decimal import Decimal

from tenancy import UNIQUE, User, connect, execute, rows, run, same, sqlstate

SCHEMA = "classes_" + UNIQUE
USER = User("classes")
USER.sqlite()


def remote(session, *statements):
    for statement in statements:
        answer = execute(session, "lite", statement)
        if answer["status"] != "success":
            raise RuntimeError("%s: %s" % (statement, answer["error"]))


@contextlib.contextmanager
def attached(*statements):
    """A session, with the tables that the statements make as foreign tables"""
    with contextlib.closing(USER.connect()) as session:
        remote(session, *statements)
        rows(session, "SELECT tenancy.attach('lite', %s)", SCHEMA)
        rows(session, "SET search_path = %s" % SCHEMA)
        try:
            yield session
        finally:
            rows(session, "SELECT tenancy.detach('lite', %s)", SCHEMA)


def dates_and_bytes():
    """No input function guesses what the digits of a number, or the signs of a text, may mean"""
    with attached("CREATE TABLE odd (id INTEGER PRIMARY KEY, at DATETIME, zoned TIMESTAMPTZ, d DATE, t TIME, b BLOB)",
                  r"INSERT INTO odd VALUES (1, 1704061215, 20240101, 2460311, 101010, '\x41'), (2, 20240101.5, 101010.25, 2460311.5, 1.5, 65),"
                  " (3, '2024-01-01 00:00:15', '2024-01-01 00:00:15+00', '2024-01-01', '10:10:10', x'41'),"
                  " (4, NULL, NULL, '20240229', NULL, NULL)") as session:
        for column in ("at", "zoned", "d", "t", "b"):
            for number in (1, 2):
                same(sqlstate(rows, session, "SELECT %s::text FROM odd WHERE id = %d" % (column, number)), "22P02",
                     "%s of row %d is no value of its column" % (column, number))
        same([tuple(map(str, row[:4])) + (bytes(row[4]),) for row in rows(session, "SELECT at, zoned AT TIME ZONE 'UTC', d, t, b FROM odd WHERE id = 3")],
             [("2024-01-01 00:00:15", "2024-01-01 00:00:15", "2024-01-01", "10:10:10", b"A")], "what fits is read")
        same(rows(session, "SELECT d FROM odd WHERE id = 4 AND d < '2025-01-01'"), [(datetime.date(2024, 2, 29),)],
             "a date without its dashes, which SQLite makes a number")
        for column, kind in (("at", "timestamp"), ("zoned", "timestamptz"), ("d", "date"), ("t", "time"), ("t", "timetz"), ("b", "bytea")):
            statement = "SELECT x::text FROM tenancy.query('lite', 'SELECT %s FROM odd WHERE id = 1') AS q(x %s)" % (column, kind)
            same(sqlstate(rows, session, statement), "22P02", "query() as %s" % kind)
        same(rows(session, "SELECT x FROM tenancy.query('lite', 'SELECT d FROM odd WHERE id = 3') AS q(x date)"), [(datetime.date(2024, 1, 1),)],
             "query() of what fits")


def returned():
    """RETURNING reads as SELECT does"""
    with attached("CREATE TABLE kept (id INTEGER PRIMARY KEY, txt TEXT, d DATE, other INTEGER)",
                  "INSERT INTO kept VALUES (1, x'6869', 2460311, 0), (2, 'hi', '2024-01-01', 0)") as session:
        for column in ("txt", "d"):
            same(sqlstate(rows, session, "SELECT %s FROM kept WHERE id = 1" % column), "22P02", "SELECT %s" % column)
            for change in ("UPDATE kept SET other = 1 WHERE id = 1", "UPDATE kept SET other = 1 + random()::int * 0 WHERE id = 1",
                           "DELETE FROM kept WHERE id = 1", "DELETE FROM kept WHERE id + random()::int * 0 = 1"):
                same(sqlstate(rows, session, "%s RETURNING %s" % (change, column)), "22P02", "%s RETURNING %s" % (change, column))
        same(rows(session, "SELECT id, other FROM kept ORDER BY id"), [(1, 0), (2, 0)], "and what is refused has changed nothing")
        for change in ("UPDATE kept SET other = 1 WHERE id = 2", "UPDATE kept SET other = 1 + random()::int * 0 WHERE id = 2"):
            same(rows(session, change + " RETURNING txt, d, other"), [("hi", datetime.date(2024, 1, 1), 1)], "what fits is returned: " + change)


def decimals():
    """A double in a column of decimals has all of its digits, whatever the session prints of doubles"""
    with attached("CREATE TABLE prices (id INTEGER PRIMARY KEY, n NUMERIC)", "INSERT INTO prices VALUES (1, 123456.789), (2, 0.1), (3, 1e300)") as session:
        wanted = [(Decimal("123456.789"),), (Decimal("0.1"),), (Decimal("1e300"),)]
        same(rows(session, "SELECT n FROM prices ORDER BY id"), wanted, "decimals")
        rows(session, "SET extra_float_digits = -12")
        same(rows(session, "SELECT n FROM prices ORDER BY id"), wanted, "decimals of a session that prints few digits")
        same(rows(session, "SELECT x FROM tenancy.query('lite', 'SELECT n FROM prices ORDER BY id') AS q(x numeric)"), wanted, "and of query()")


def two_parameters():
    """A comparison with a choice of two parameters is bounded by neither"""
    with attached("CREATE TABLE dated (f BOOL, ts TIMESTAMPTZ, d DATE, n NUMERIC)",
                  "INSERT INTO dated VALUES (1, '2024-06-01 00:00:00', '2024-06-01', 0.123456789012346), (0, '2019-01-01 00:00:00', '2019-01-01', 2)") as session:
        for condition in ("ts < CASE WHEN f THEN current_timestamp ELSE (SELECT timestamptz '2020-01-01') END",
                          "d < CASE WHEN f THEN (SELECT date '10000-01-01') ELSE (SELECT date '2020-01-01') END",
                          "n < CASE WHEN f THEN (SELECT 0.12345678901234600001) ELSE (SELECT 3::numeric) END"):
            same(rows(session, "SELECT count(*) FROM dated WHERE " + condition), [(2,)], condition)
        same(rows(session, "SELECT count(*) FROM dated WHERE ts < (SELECT timestamptz '2020-01-01')"), [(1,)], "one is a bound")


def checks_generated_columns():
    """Newer releases of SQLite do, in STRICT tables."""
    with contextlib.closing(USER.connect()) as session:
        remote(session, "CREATE TABLE checked (doc TEXT, n INTEGER AS (doc || '')) STRICT")
        return execute(session, "lite", "INSERT INTO checked (doc) VALUES ('abc')")["status"] != "success"


def unchecked_columns():
    """What SQLite does not check is not taken for checked: generated columns of STRICT tables, and types that are only called so"""
    checks_computed = checks_generated_columns()
    with attached("CREATE TABLE computed (id INTEGER PRIMARY KEY, doc TEXT, n INTEGER AS (doc || '')) STRICT",
                  "INSERT INTO computed (doc) VALUES ('7')" if checks_computed else "INSERT INTO computed (doc) VALUES ('abc'), ('1.5'), ('7')",
                  'CREATE TABLE called (a INTEGER STRICT, b "integer primary key", c "Integer Primary Key Strict Strict")',
                  "INSERT INTO called VALUES ('abc', 'abc', 'abc'), (7, 7, 7)",
                  "CREATE VIEW seen AS SELECT a, b, c FROM called") as session:
        for table, columns in (() if checks_computed else (("computed", "n"),)) + (("called", "abc"), ("seen", "abc")):
            for column in columns:
                for setting in ("on", "off"):
                    rows(session, "SET tenancy.enable_pushdown = " + setting)
                    same(sqlstate(rows, session, "SELECT count(*) FROM %s WHERE %s > 5" % (table, column)), "22P02",
                         "%s.%s, pushdown %s" % (table, column, setting))
        rows(session, "RESET tenancy.enable_pushdown")
        if not checks_computed:
            same(sqlstate(rows, session, "DELETE FROM computed WHERE n > 5"), "22P02", "DELETE of a row whose value is none")
            same(execute(session, "lite", "SELECT count(*) FROM computed")["rows"], [[3]], "and nothing is deleted")


def moments():
    """A moment without an offset is UTC, read from a column or computed, whatever the session's time zone"""
    with attached("CREATE TABLE moments (id INTEGER PRIMARY KEY, ts TIMESTAMPTZ, at DATETIME)",
                  "INSERT INTO moments VALUES (1, '2024-07-01 12:00:00', '2024-07-01 12:00:00')",
                  "CREATE VIEW latest AS SELECT max(ts) AS ts FROM moments") as session:
        rows(session, "SET timezone = 'Europe/Zurich'")
        noon = datetime.datetime(2024, 7, 1, 12)
        for expression, wanted in (("ts", noon), ("max(ts)", noon), ("at", noon), ("max(at)", noon), ("strftime('%Y-%m-%dT%H:%M:%S', ts)", noon),
                                   ("'2024-07-01 14:00:00+02'", noon), ("'2024-07-01 12:00:00Z'", noon), ("date(ts)", datetime.datetime(2024, 7, 1))):
            found = rows(session, "SELECT v AT TIME ZONE 'UTC' FROM tenancy.query('lite', %s) AS t(v timestamptz)", "SELECT %s FROM moments" % expression)
            same(found, [(wanted,)], expression)
        with contextlib.closing(connect()) as admin:
            rows(admin, "ALTER FOREIGN TABLE %s.latest ALTER COLUMN ts TYPE timestamptz" % SCHEMA)
        same(rows(session, "SELECT ts AT TIME ZONE 'UTC' FROM latest"), [(noon,)], "a view")


run(dates_and_bytes, returned, decimals, two_parameters, unchecked_columns, moments)
