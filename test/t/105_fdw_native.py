#!/usr/bin/python3
"""What the columns of MariaDB, MySQL and SQLite do with values: rounding, labels, affinities, other spellings of keys. A foreign table
finds and changes exactly the rows that PostgreSQL would, and what it writes is what was given, or an error."""

import contextlib
import functools
import os
import sqlite3
from decimal import Decimal

from tenancy import UNIQUE, User, connect, environment, execute, ok, raised, rows, run, same, sqlstate, value

MY, LITE = "my", "lite"


class World:
    """A tenant with a MySQL and a SQLite database, whose tables are attached anew for each test."""

    def __init__(self):
        self.user = User("native")
        self.user.mysql(MY)
        self.user.sqlite(LITE)
        self.session = self.user.connect()
        self.admin = connect()
        self.tables = []

    def remote(self, engine, *statements):
        for statement in statements:
            answer = execute(self.session, engine, statement)
            if answer["status"] != "success":
                raise RuntimeError("%s: %s: %s" % (engine, statement[:200], answer["error"]))
        return [tuple(row) for row in answer["rows"] or []]

    def table(self, engine, name, columns, *statements):
        """A remote table, and its foreign table of the same name in the schema "native_<engine>_…"."""
        name = "%s_%s" % (name, UNIQUE)
        self.remote(engine, "CREATE TABLE %s (%s)" % (name, columns), *(statement.replace("@", name) for statement in statements))
        rows(self.session, "SELECT tenancy.attach(%s, %s)", engine, "native_%s_%s" % (engine, UNIQUE))
        return name, "native_%s_%s.%s" % (engine, UNIQUE, name)


@functools.cache
def world():
    return World()


def both(label, sql, wanted):
    """The rows, with and without pushdown."""
    session = world().session
    for setting in ("on", "off"):
        rows(session, "SET tenancy.enable_pushdown = " + setting)
        found = rows(session, sql)
        same([row[0] for row in found] if found and len(found[0]) == 1 else found, wanted, "%s, pushdown %s" % (label, setting))
    rows(session, "RESET tenancy.enable_pushdown")


def rounded_keys():
    """A double(10,2) finds what is equal to it, by an index too, and DELETE removes nothing else"""
    session = world().session
    _, table = world().table(MY, "rounded", "id int primary key, d double(10,2), e double(10,0), f float(10,2), key(d), key(e), key(f)",
                             "INSERT INTO @ SELECT seq, seq / 100, seq, seq / 100 FROM seq_1_to_1000")
    for condition, wanted in (("d = 1.005", []), ("d = 1.01", [101]), ("d IN (1.005, 2.004, 1.02)", [102]), ("d IS NOT DISTINCT FROM 1.005", []),
                              ("e = 1.4", []), ("e = 2", [2]), ("d > 9.985 AND d < 9.995", [999]), ("f < 0.0149", [1]), ("NOT d <> 1.004", [])):
        both("double(10,2): " + condition, "SELECT id FROM %s WHERE %s ORDER BY id" % (table, condition), wanted)
    same(rows(session, "SELECT id FROM %s WHERE d = 1.005" % table), [], "double(10,2): by the index")
    rows(session, "PREPARE by_value(float8) AS SELECT id FROM %s WHERE d = $1" % table)
    rows(session, "SET plan_cache_mode = force_generic_plan")
    same(rows(session, "EXECUTE by_value(1.005)"), [], "double(10,2): a parameter")
    same(rows(session, "EXECUTE by_value(1.05)"), [(105,)], "double(10,2): another")
    rows(session, "RESET plan_cache_mode; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off")
    same(rows(session, "SELECT r.id FROM (VALUES (1.005::float8), (1.004), (1.03)) AS v(d) JOIN %s AS r ON r.d = v.d" % table), [(103,)],
         "double(10,2): looked up for each local row")
    rows(session, "RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material")
    rows(session, "DELETE FROM %s WHERE d = 1.005" % table)
    same(value(session, "SELECT count(*) FROM %s" % table), 1000, "double(10,2): DELETE removes nothing")
    both("double(10,2): sums", "SELECT sum(d)::numeric(20,2) = 5005, max(d) FROM %s" % table, [(True, 10.0)])


# Keys of SQLite: declared type, how a client spelled one, how PostgreSQL does.
SPELLINGS = [("timestamp", "'2024-01-01 11:00:00.500'", "'2024-01-01 11:00:00.5'"), ("timestamptz", "'2024-01-01 11:00:00Z'", "'2024-01-01 11:00:00+00'"),
             ("date", "'2024-1-1'", "'2024-01-01'"), ("boolean", "'true'", "1"), ("", "5", "'5'"), ("", "1.5", "'1.5'")]


def spellings():
    """A row whose key is spelled otherwise than here is not passed over without a word"""
    session = world().session
    for number, (kind, there, here) in enumerate(SPELLINGS):
        name, table = world().table(LITE, "spelled%d" % number, "k %s primary key, v integer" % kind, "INSERT INTO @ VALUES (%s, 1)" % there)
        label = "key %s %s" % (kind, there)
        for change in ("UPDATE %s SET v = v + 1 + random()::int * 0", "DELETE FROM %s WHERE v + random()::int * 0 = 1",
                       "UPDATE %s SET v = 7 WHERE v + random()::int * 0 = 1 RETURNING v", "DELETE FROM %s WHERE v + random()::int * 0 = 1 RETURNING k"):
            same(sqlstate(rows, session, change % table), "22000", "%s: %s" % (label, change))
        same(world().remote(LITE, "SELECT v FROM " + name), [(1,)], label + ": it is as it was")
        world().remote(LITE, "UPDATE %s SET k = %s" % (name, here))
        rows(session, "UPDATE %s SET v = v + 1 + random()::int * 0" % table)
        same(world().remote(LITE, "SELECT v FROM " + name), [(2,)], "key %s %s: found" % (kind, here))
        with session.cursor() as cursor:
            cursor.execute("UPDATE %s AS t SET v = 3 FROM generate_series(1, 2) WHERE t.v = 2" % table)
            cursor.execute("DELETE FROM %s USING generate_series(1, 3)" % table)
            same(cursor.rowcount, 1, "key %s %s: a row that a join names three times is deleted once" % (kind, here))
        same(world().remote(LITE, "SELECT v FROM " + name), [], "key %s %s: gone" % (kind, here))


# Columns of MySQL: declared type, what they would change, and what they hold as it is.
CHANGED = [("enum('10','20','30')", ("2", "020", "", "10 "), "20"), ("enum('red','it''s','a,b')", ("Red", "1", "it", "it''s "), "it's"),
           ("set('1','2','x')", ("3", "2,1", "1,1", "X", "1,"), "1,x"), ("year", ("5", "99"), "2005"), ("time", (), "-01:00:00"),
           ("time(2)", (), "00:00:00.12"), ("double(10,2)", ("1.006",), "1.01"), ("float(10,2)", ("1.006",), "1.01"),
           ("varchar(5)", ("abc       ", "abcdef"), "é    "), ("char(5)", ("a ",), "é"), ("binary(4)", ("\\x61",), "\\x61000000"),
           ("varbinary(4)", (), "\\x6100"), ("decimal(6,2)", (), "1.25"), ("datetime(3)", (), "2024-01-01 00:00:00.125")]


def stored_as_given():
    """What a column of MySQL would change on the way in is an error, by INSERT and by UPDATE"""
    session = world().session
    for number, (kind, refused, kept) in enumerate(CHANGED):
        name, table = world().table(MY, "changed%d" % number, "id int primary key, v %s, w %s" % (kind, kind), "INSERT INTO @ (id) VALUES (1)")
        for text in refused:
            for change in ("INSERT INTO %s (id, v) VALUES (2, %%s)", "UPDATE %s SET v = %%s WHERE id = 1"):
                error = raised(rows, session, change % table, text)
                ok(error is not None and error.pgcode[:2] == "22", "%s: %r is refused" % (kind, text), str(error))
        rows(session, "INSERT INTO %s (id, v) VALUES (3, %%s)" % table, kept)
        rows(session, "UPDATE %s SET w = v WHERE id = 3" % table)
        local = value(session, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'v'", table)
        same(rows(session, "SELECT v::text, w::text FROM %s WHERE id = 3" % table), [(value(session, "SELECT (%%s::%s)::text" % local, kept),) * 2],
             "%s: %s is kept" % (kind, kept))
        same(value(session, "SELECT count(*) FROM %s WHERE v IS NOT NULL" % table), 1, "%s: nothing else" % kind)
    name, table = world().table(MY, "assigned", "id int primary key, e enum('10','20'), t text", "INSERT INTO @ VALUES (1, '10', '2')")
    same(sqlstate(rows, session, "UPDATE %s SET e = t" % table), "22P02", "enum: a direct UPDATE")
    same(world().remote(MY, "SELECT e FROM " + name), [("10",)], "enum: it is as it was")


def taken_anyway():
    """What is known of a column only in part refuses nothing, and what a row holds already finds it"""
    session = world().session
    labels = ",".join("'label %d'" % n for n in range(200))
    name, table = world().table(MY, "taken", "id int primary key, e enum(%s), s set('😀','x'), d datetime, f double(10,2), k enum('a')" % labels)
    rows(session, "INSERT INTO %s VALUES (1, 'label 7', '😀', '2024-01-01 00:00:00.4', -0.01, 'a')" % table)
    rows(session, "INSERT INTO %s (id, d) VALUES (2, localtimestamp)" % table)
    rows(session, "UPDATE %s SET f = f + random()::int * 0, d = localtimestamp, s = 'x' WHERE id = 1" % table)
    same(world().remote(MY, "SELECT e, s, f < 0 FROM %s WHERE id = 1" % name), [("label 7", "x", 1)], "all of them are there")
    world().remote(MY, "ALTER TABLE %s MODIFY k enum('a','b')" % name)
    same(sqlstate(rows, session, "UPDATE %s SET k = 'b' WHERE id = 1" % table), "22P02", "a label of later")
    rows(session, "SELECT tenancy.refresh_attached(%s, %s)", MY, table.split(".")[0])
    rows(session, "UPDATE %s SET k = 'b' WHERE id = 1" % table)
    same(world().remote(MY, "SELECT k FROM %s WHERE id = 1" % name), [("b",)], "when the tables are refreshed")
    key, keyed = world().table(MY, "keyed", "e enum('a') primary key, v int", "INSERT INTO @ VALUES ('a', 1)")
    world().remote(MY, "ALTER TABLE %s MODIFY e enum('a','b')" % key, "INSERT INTO %s VALUES ('b', 2)" % key)
    rows(session, "UPDATE %s SET v = v + 1 + random()::int * 0" % keyed)
    same(world().remote(MY, "SELECT e, v FROM %s ORDER BY v" % key), [("a", 2), ("b", 3)], "a key with a label of later")


def other_keys():
    """upsert replaces the row with the same key, not one that has another unique key in common"""
    session = world().session
    for number, (key, one, two) in enumerate((("int", "1", "2"), ("varchar(20)", "'x'", "'y'"), ("date", "'2024-01-01'", "'2024-01-02'"),
                                              ("double(10,2)", "1.5", "2.5"), ("bigint unsigned", "18446744073709551615", "2"), ("varbinary(9)", "'a'", "'b'"))):
        name, table = world().table(MY, "upsert%d" % number, "id %s primary key, email varchar(20) unique, v int" % key, "INSERT INTO @ VALUES (%s, 'a', 1)" % one)
        rows(world().admin, "ALTER FOREIGN TABLE %s OPTIONS (ADD upsert 'true')" % table)
        same(sqlstate(rows, session, "INSERT INTO %s VALUES (%s, 'a', 9)" % (table, two)), "21000", "upsert, key %s: another key" % key)
        same(world().remote(MY, "SELECT email, v FROM " + name), [("a", 1)], "upsert, key %s: the row is as it was" % key)
        rows(session, "INSERT INTO %s VALUES (%s, 'b', 2), (%s, 'c', 3)" % (table, one, two))
        same(world().remote(MY, "SELECT email, v FROM %s ORDER BY v" % name), [("b", 2), ("c", 3)], "upsert, key %s: its own" % key)
    name, table = world().table(MY, "upsert_pair", "a int, b varchar(5), primary key (a, b)", "INSERT INTO @ VALUES (1, 'x')")
    rows(world().admin, "ALTER FOREIGN TABLE %s OPTIONS (ADD upsert 'true')" % table)
    rows(session, "INSERT INTO %s VALUES (1, 'x'), (1, 'y')" % table)
    same(rows(session, "SELECT * FROM %s ORDER BY b" % table), [(1, "x"), (1, "y")], "upsert: a key of two columns, and nothing else")


def groups_without_keys():
    """HAVING without GROUP BY and without anything that is selected"""
    for engine in (MY, LITE):
        _, table = world().table(engine, "having", "id integer primary key", "INSERT INTO @ VALUES (1), (2)")
        both(engine + ": HAVING", "SELECT 1 FROM %s HAVING count(*) > 0" % table, [1])
        both(engine + ": HAVING that fails", "SELECT 1 FROM %s HAVING count(*) > 2" % table, [])


def skipped_rows():
    """ON CONFLICT DO NOTHING on a table without a key that begins with a computed column"""
    session = world().session
    for number, first in enumerate(("g int AS (v + 1)", "g int AS (v + 1) STORED")):
        _, table = world().table(MY, "computed%d" % number, first + ", v int, UNIQUE (v)")
        rows(session, "INSERT INTO %s (v) VALUES (1) ON CONFLICT DO NOTHING" % table)
        with session.cursor() as cursor:
            cursor.execute("INSERT INTO %s (v) VALUES (1), (2) ON CONFLICT DO NOTHING" % table)
            same(cursor.rowcount, 1, "DO NOTHING beside a computed column, %s" % first)
        same(rows(session, "SELECT v FROM %s ORDER BY v" % table), [(1,), (2,)], "the rows are there")


def edges():
    """Where a function or a stored value of the client database is at the edge of what it is there"""
    _, table = world().table(LITE, "edge", "id integer primary key, t text, r real", "INSERT INTO @ VALUES (1, 'abc', 'nan'), (2, 'xyz', 2.5)")
    for count in (2, 1048576, 67108865, 2147483647):
        both("sqlite: right(text, %d)" % count, "SELECT id FROM %s WHERE right(t, %d) = '%s' ORDER BY id" % (table, count, "bc" if count == 2 else "abc"), [1])
    for condition, wanted in (("r = 'NaN'", [1]), ("r <> 'NaN'", [2]), ("r > 2", [1, 2]), ("r < 3", [2]), ("r IN ('NaN', 7)", [1]), ("r IN (2.5, 7)", [2]),
                              ("r NOT IN (2.5)", [1]), ("EXISTS (SELECT FROM {0} AS o WHERE o.r = e.r AND o.id = e.id)", [1, 2])):
        both("sqlite: " + condition, "SELECT id FROM {0} AS e WHERE {1} ORDER BY id".format(table, condition.format(table)), wanted)
    _, table = world().table(MY, "edge", "id int primary key, d decimal(6,2) zerofill, b bigint", "INSERT INTO @ VALUES (1, 7.5, 9223372036854775807)")
    both("mysql: text of a decimal with zeros", "SELECT id FROM %s WHERE d::text = '7.50' AND length(d::text) = 4" % table, [1])
    both("mysql: round beyond bigint", "SELECT id FROM %s WHERE round(b::numeric, -3) = 9223372036854776000" % table, [1])


def utf_16():
    """A SQLite file whose texts are other bytes is refused, before anything is compared with them"""
    path = os.path.join(environment("TENANCY_SQLITE_ROOT"), world().user.id, "wide.db")
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.executescript("PRAGMA encoding = 'UTF-16le'; CREATE TABLE w (t text); INSERT INTO w VALUES ('a')")
    os.chmod(path, 0o666)
    rows(world().session, "SELECT tenancy.create_connection('wide', 'sqlite', database_name => 'wide.db')")
    answer = execute(world().session, "wide", "SELECT t FROM w")
    same(answer["error"] and answer["error"]["sqlstate"], "0A000", "a file in UTF-16")


def numbers_without_nan():
    """A column of SQLite whose numbers are compared takes no NaN and no infinity"""
    session = world().session
    _, table = world().table(LITE, "finite", "id integer primary key, n numeric", "INSERT INTO @ VALUES (1, 1), (2, 2)")
    for text in ("NaN", "Infinity", "-Infinity"):
        same(sqlstate(rows, session, "INSERT INTO %s VALUES (3, %%s)" % table, text), "22003", "numeric %s: INSERT" % text)
        same(sqlstate(rows, session, "UPDATE %s SET n = %%s WHERE id = 1" % table, text), "22003", "numeric %s: UPDATE" % text)
        same(sqlstate(rows, session, "UPDATE %s SET n = (%%s::numeric + random()::int * 0) WHERE id = 1" % table, text), "22003",
             "numeric %s: UPDATE, row by row" % text)
    both("numeric: max", "SELECT max(n), count(DISTINCT n) FROM %s" % table, [(2, 2)])


def affinities():
    """An UPDATE that is sent whole makes no numbers of texts"""
    session = world().session
    name, table = world().table(LITE, "affine", "id integer primary key, t text, code foo, u uuid, iv interval, s text",
                                "INSERT INTO @ VALUES (1, '0012', 'a', 'b', 'c', NULL), (2, '1e3', 'a', 'b', 'c', NULL)")
    for column in ("code", "u", "iv"):
        if value(session, "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s", table, column) == "text":
            same(sqlstate(rows, session, "UPDATE %s SET %s = t WHERE id = 1" % (table, column)), "22023", "%s = t" % column)
        same(world().remote(LITE, "SELECT typeof(%s) FROM %s GROUP BY 1" % (column, name)), [("text",)], "%s is still text" % column)
    plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE) UPDATE %s SET s = t" % table))
    ok("Foreign Update" in plan, "text to text is sent whole", plan)
    rows(session, "UPDATE %s SET s = t" % table)
    same(rows(session, "SELECT s FROM %s ORDER BY id" % table), [("0012",), ("1e3",)], "and is the same text")


def hand_made():
    """Nor does SQLite change a value whose type here is none of its own"""
    session = world().session
    name, table = world().table(LITE, "hand", "id integer primary key, j json, b bits, d text, n text")
    for column, kind in (("j", "jsonb"), ("b", "bit(8)"), ("d", "double precision"), ("n", "numeric")):
        rows(world().admin, "ALTER FOREIGN TABLE %s ALTER COLUMN %s TYPE %s" % (table, column, kind))
    rows(session, "INSERT INTO %s (id) VALUES (1)" % table)
    for column, text in (("j", "12345678901234567890"), ("j", "1.50"), ("b", "00000001")):
        same(sqlstate(rows, session, "INSERT INTO %s (id, %s) VALUES (2, %%s)" % (table, column), text), "22023", "%s = %s" % (column, text))
        same(sqlstate(rows, session, "UPDATE %s SET %s = %%s WHERE id = 1" % (table, column), text), "22023", "%s = %s: UPDATE" % (column, text))
    kept = [("12", "10000000", 0.1 + 0.2, "0.00000141765211419631"), ('{"a": 1.50}', "11111111", 1e22 / 3, "-1.10"), ('"1.5"', "10000001", 2.0, "2")]
    for number, row in enumerate(kept):
        rows(session, "INSERT INTO %s VALUES (%%s, %%s, %%s, %%s, %%s)" % table, number + 10, *row)
    same(rows(session, "SELECT j::text, b::text, d, n FROM %s WHERE id >= 10 ORDER BY id" % table), [row[:3] + (Decimal(row[3]),) for row in kept], "what is kept")
    same(world().remote(LITE, "SELECT d, n FROM %s WHERE id >= 10 ORDER BY id" % name),
         [("0.30000000000000004", "0.00000141765211419631"), ("3.3333333333333335e+21", "-1.1"), ("2.0", "2")], "numbers in a text column, as they are there")


def nothing_given():
    """A row of which nothing is given, beside those that may be there"""
    session = world().session
    name, table = world().table(LITE, "nothing", "id integer primary key")
    same(raised(rows, session, "INSERT INTO %s DEFAULT VALUES ON CONFLICT DO NOTHING" % table), None, "sqlite: DO NOTHING, DEFAULT VALUES")
    rows(session, "INSERT INTO %s DEFAULT VALUES" % table)
    rows(world().admin, "ALTER FOREIGN TABLE %s OPTIONS (ADD upsert 'true')" % table)
    same(raised(rows, session, "INSERT INTO %s DEFAULT VALUES RETURNING id" % table), None, "sqlite: upsert, DEFAULT VALUES")
    same(raised(rows, session, "INSERT INTO %s VALUES (DEFAULT), (DEFAULT)" % table), None, "sqlite: upsert, two rows")
    same(world().remote(LITE, "SELECT id FROM %s ORDER BY id" % name), [(1,), (2,), (3,), (4,), (5,)], "sqlite: all of them are there")


if __name__ == "__main__":
    run(rounded_keys, edges, utf_16, numbers_without_nan, affinities, hand_made, nothing_given, spellings, stored_as_given, taken_anyway, other_keys, groups_without_keys, skipped_rows)
