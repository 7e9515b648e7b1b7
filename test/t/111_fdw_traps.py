#!/usr/bin/python3
"""Each known way in which a foreign table can answer wrongly, by name, on the engines where it can happen: the answer,
and for what is exactly the same on the remote server, that the remote server computes it."""

import contextlib
import re

from fdw_world import PG, MY, LITE, ALL, DECLARATIONS, quoted, world, plain, answers, ids, fails, attach_again, as_unpushed
from tenancy import UNIQUE, client_server, environment, note, ok, person_role, raised, rows, run, same, value


# Text

def insensitive_collations():
    """Text that only a case- or accent-insensitive collation takes for equal is different"""
    ids("collation", ALL, "words", "w = 'a'", [1], ALL)
    ids("collation", ALL, "words", "wb = 'a'", [1], ALL)
    ids("collation", ALL, "words", "w = 'É'", [15], ALL)
    ids("collation", ALL, "words", "w <> 'a' AND id < 8", [2, 3, 4, 5, 7])
    ids("collation", ALL, "words", "w IN ('A', 'b')", [2, 7], ALL)
    ids("collation", ALL, "words", "w NOT IN ('a', 'b') AND id < 8", [2, 3, 4, 5])
    ids("collation", ALL, "words", "w IS DISTINCT FROM 'a' AND id < 8", [2, 3, 4, 5, 6, 7])
    ids("collation", ALL, "words", "CASE w WHEN 'a' THEN true ELSE false END", [1])
    ids("collation", ALL, "words", "NOT (w = 'a') AND id < 4", [2, 3])
    answers("collation", ALL, "SELECT count(DISTINCT w), count(*) FROM @words", [("17", "18")])
    answers("collation", ALL, "SELECT x.id, y.id FROM @words AS x JOIN @words AS y ON x.w = y.w WHERE x.id < 4 ORDER BY 1", [("1", "1"), ("2", "2"), ("3", "3")])
    answers("collation", ALL, "SELECT min(w COLLATE \"C\"), max(w COLLATE \"C\") FROM @words WHERE id < 4", [("A", "a ")])


def trailing_spaces():
    """Trailing spaces count"""
    ids("trailing spaces", ALL, "words", "w = 'a '", [3], ALL)
    ids("trailing spaces", ALL, "words", "wb = 'a '", [3], ALL)
    ids("trailing spaces", ALL, "words", "w || 'x' = 'a x'", [3])
    ids("trailing spaces", ALL, "words", "w = ' '", [])
    answers("trailing spaces", ALL, "SELECT wb, count(*) FROM @words WHERE id IN (1, 3) GROUP BY wb ORDER BY wb COLLATE \"C\"", [("a", "1"), ("a ", "1")])


def text_order():
    """Order of text is that of the platform, byte order where asked for"""
    answers("order of text", ALL, "SELECT w FROM @words WHERE id IN (1, 2, 3, 4, 7) ORDER BY w COLLATE \"C\"", ["A", "a", "a ", "b", "á"])
    ids("order of text", ALL, "words", "w COLLATE \"C\" < 'B'", [2, 5])
    ids("order of text", ALL, "words", "w COLLATE \"C\" BETWEEN 'B' AND 'a'", [1, 11, 16, 18])
    answers("order of text", (PG,), "SELECT sx FROM @odd ORDER BY sx COLLATE \"en-x-icu\"", ["a", "A", "b", "B"])
    answers("order of text", (PG,), "SELECT sx FROM @odd ORDER BY sx COLLATE \"C\"", ["A", "B", "a", "b"])
    with contextlib.closing(world().user.connect()) as session:
        for setting in ("enable_hashjoin", "enable_nestloop"):
            rows(session, "SET %s = off" % setting)
        for engine in ALL:
            found = rows(session, "SELECT x.id FROM %s.words AS x JOIN (SELECT unnest(ARRAY['a', 'A', 'á', 'b', 'É', 'a ']) AS w OFFSET 0) AS y ON x.w = y.w ORDER BY 1"
                         % world().schema(engine))
            same([row[0] for row in found], [1, 2, 3, 4, 7, 15], "merge join on text, %s: no row is lost" % engine)


def null_order():
    """NULL is the largest value"""
    for column in ("i", "n", "f"):
        answers("order of NULL", ALL, "SELECT id FROM @numbers ORDER BY %s, id LIMIT 2" % column, {"i": ["2", "6"], "n": ["2", "4"], "f": ["4", "2"]}[column],
                ALL if column == "i" else (), r"ORDER BY")
        answers("order of NULL", ALL, "SELECT id FROM @numbers ORDER BY %s DESC, id LIMIT 1" % column, ["5"])
        answers("order of NULL", ALL, "SELECT id FROM @numbers ORDER BY %s NULLS FIRST, id LIMIT 1" % column, ["5"])
        answers("order of NULL", ALL, "SELECT id FROM @numbers ORDER BY %s DESC NULLS LAST, id OFFSET 5" % column, ["5"])


def patterns():
    """LIKE: default escape, case, characters and not bytes, patterns that are errors"""
    ids("LIKE", ALL, "words", r"w LIKE 'a\%b'", [8])
    ids("LIKE", ALL, "words", "w LIKE 'a%b'", [8, 9, 10, 17])
    ids("LIKE", ALL, "words", r"w LIKE 'a\\b'", [9])
    ids("LIKE", ALL, "words", "w LIKE 'a!%b' ESCAPE '!'", [8])
    ids("LIKE", ALL, "words", r"w LIKE 'C:\x' ESCAPE ''", [11])
    ids("LIKE", ALL, "words", "w LIKE 'caf_'", [14])
    ids("LIKE", ALL, "words", "w LIKE '_'", [1, 2, 4, 7, 13, 15, 18])
    ids("LIKE", ALL, "words", "w LIKE 'A%'", [2])
    ids("LIKE", ALL, "words", "w NOT LIKE 'a%' AND id < 8", [2, 4, 5, 7])
    ids("LIKE", ALL, "words", "w LIKE ''", [5])
    ids("ILIKE", ALL, "words", "w ILIKE 'A'", [1, 2])
    ids("ILIKE", ALL, "words", "w ILIKE 'é'", [13, 15])
    ids("ILIKE", ALL, "words", "w NOT ILIKE 'a%' AND id < 8", [4, 5, 7])
    ids("regular expression", ALL, "words", "w ~ '^[aá]$'", [1, 4])
    ids("regular expression", ALL, "words", "w ~* '^A$'", [1, 2])
    fails("LIKE", ALL, "SELECT id FROM @words WHERE w LIKE '%\\'", "22025")


def literals():
    """Backslashes, quotes, commas and braces in constants, lists and arrays"""
    for number, text in ((9, "a\\b"), (11, "C:\\x"), (12, "it's \"q\", {x}"), (16, "NULL"), (17, "a,b"), (18, "\\"), (5, "")):
        ids("literal", ALL, "words", "w = " + quoted(text), [number], ALL)
        ids("literal in a list", ALL, "words", "w IN (%s, 'nothing')" % quoted(text), [number], ALL)
        ids("literal in an array", ALL, "words", "w = ANY (ARRAY[%s, 'nothing'])" % quoted(text), [number], ALL)
        for engine in ALL:
            found = world().query(engine, "SELECT id FROM @words WHERE w = ANY (%s)", [text, "nothing", None])
            same(found, [(number,)], "array parameter, %s: %r" % (engine, text))
    ids("empty array", ALL, "words", "w = ANY ('{}'::text[])", [])
    ids("empty array", ALL, "numbers", "i <> ALL ('{}'::int[])", [1, 2, 3, 4, 5, 6])
    ids("NULL in a list", ALL, "numbers", "i IN (3, NULL)", [3])
    ids("NULL in a list", ALL, "numbers", "i NOT IN (3, NULL)", [])
    ids("NULL in a list", ALL, "numbers", "(i IN (3, NULL)) IS NULL", [1, 2, 4, 5, 6])
    ids("NULL array", ALL, "numbers", "i = ANY (NULL::int[])", [])
    ids("list of numbers", ALL, "numbers", "i = ANY ('{3,7,2147483647}')", [1, 3, 4], ALL)


def prepared_arrays():
    """Arrays that are known only when the statement runs: NULL elements, empty, NULL"""
    for engine in ALL:
        with contextlib.closing(world().user.connect()) as session:
            rows(session, "SET plan_cache_mode = force_generic_plan")
            rows(session, "PREPARE words(text[]) AS SELECT id FROM %s.words WHERE w = ANY ($1) ORDER BY id" % world().schema(engine))
            rows(session, "PREPARE numbers(int[]) AS SELECT id FROM %s.numbers WHERE i <> ALL ($1) ORDER BY id" % world().schema(engine))
            for array, wanted in (("{a,A}", [1, 2]), ('{"a,b","\\\\","C:\\\\x"}', [11, 17, 18]), ("{}", []), ("{NULL,b}", [7]), ('{"NULL"}', [16])):
                same([row[0] for row in rows(session, "EXECUTE words(%s)", array)], wanted, "prepared array, %s: %s" % (engine, array))
            for array, wanted in (("{7,3}", [2, 4, 6]), ("{NULL,7}", []), ("{}", [1, 2, 3, 4, 5, 6])):
                same([row[0] for row in rows(session, "EXECUTE numbers(%s)", array)], wanted, "prepared <> ALL, %s: %s" % (engine, array))


def text_functions():
    """Functions of text: characters and not bytes, letters beyond ASCII, NULL and empty text"""
    ids("length", ALL, "words", "length(w) = 4", [11, 14, 16])
    ids("length", ALL, "words", "octet_length(w) = 5", [14])
    ids("length", ALL, "words", "length(w) = 2", [3])
    ids("upper", ALL, "words", "upper(w) = 'É'", [13, 15])
    ids("lower", ALL, "words", "lower(w) = 'a'", [1, 2])
    ids("concatenation", ALL, "words", "w || wb = 'aa'", [1])
    ids("concatenation", ALL, "words", "(w || 'x') IS NULL", [6])
    ids("concatenation", ALL, "words", "concat(w, 'x') = 'x'", [5, 6])
    ids("empty text", ALL, "words", "w = ''", [5], ALL)
    ids("empty text", ALL, "words", "w IS NULL", [6], ALL)
    answers("empty text", ALL, "SELECT w, w IS NULL FROM @words WHERE id IN (5, 6) ORDER BY id", [("", "False"), (None, "True")])
    ids("substring", ALL, "words", "substr(w, 0, 2) = 'a'", [1, 3, 8, 9, 10, 17])
    ids("substring", ALL, "words", "left(w, -1) = 'caf'", [14])
    ids("position", ALL, "words", "position('B' in w) > 0", [])
    ids("replace", ALL, "words", "replace(w, 'A', 'q') = 'q'", [2])


# Numbers

def divisions():
    """Integer division, division by zero, the sign of a remainder"""
    answers("integer division", ALL, "SELECT id FROM @numbers WHERE i / 2 = 3 ORDER BY id", ["1"])
    answers("integer division", ALL, "SELECT i / 2, i % 4 FROM @numbers WHERE id IN (1, 2) ORDER BY id", [("3", "3"), ("-3", "-3")])
    answers("integer division", ALL, "SELECT id FROM @numbers WHERE i / 2 = -3", ["2"])
    answers("sign of a remainder", ALL, "SELECT id FROM @numbers WHERE mod(i, 4) = -3", ["2"])
    fails("division by zero", ALL, "SELECT id FROM @numbers WHERE i / z > 0", "22012")
    fails("division by zero", ALL, "SELECT id FROM @numbers WHERE i % z > 0", "22012")
    fails("division by zero", ALL, "SELECT sum(n / z) FROM @numbers", "22012")
    fails("division by zero", ALL, "SELECT id FROM @numbers WHERE f / z > 0", "22012")
    answers("division by zero", ALL, "SELECT id FROM @numbers WHERE z <> 0 AND CASE WHEN z <> 0 THEN i / z > 0 END ORDER BY id", ["4", "6"])


def overflows():
    """Overflow is an error"""
    fails("overflow", ALL, "SELECT id FROM @numbers WHERE j + 1 > 0", "22003")
    fails("overflow", (PG, MY), "SELECT id FROM @numbers WHERE i + 1 > 0", "22003")  # SQLite's integers are bigint
    fails("overflow", ALL, "SELECT j * 2 FROM @numbers", "22003")
    fails("overflow", ALL, "SELECT id FROM @numbers WHERE -j > 0", "22003")
    answers("overflow", ALL, "SELECT sum(j) FROM @numbers WHERE id IN (1, 3)", ["9223372036854775808"])
    answers("overflow", ALL, "SELECT id FROM @numbers WHERE j > 9223372036854775806", ["1"], ALL)


def rounding():
    """round, trunc, casts: half away from zero for numeric, half to even for floats"""
    answers("rounding", ALL, "SELECT id FROM @numbers WHERE round(n) = 3", ["1"])
    answers("rounding", ALL, "SELECT round(n), trunc(n), n::int, round(f), f::int FROM @numbers WHERE id < 4 ORDER BY id",
            [("3", "2", "3", "2.0", "2"), ("-3", "-2", "-3", "0.0", "0"), ("2", "1", "2", "2.0", "2")])
    answers("rounding", ALL, "SELECT id FROM @numbers WHERE f::bigint = 2 ORDER BY id", ["1", "3"])
    answers("rounding", ALL, "SELECT id FROM @numbers WHERE round(f) = 0 ORDER BY id", ["2", "4"])
    answers("rounding", ALL, "SELECT id FROM @numbers WHERE n::bigint = 3", ["1"])
    answers("dropped cast", ALL, "SELECT id FROM @numbers WHERE i::float8 / 2 = 3.5", ["1"])
    answers("dropped cast", ALL, "SELECT n::bigint, count(*) FROM @numbers WHERE id IN (1, 3) GROUP BY 1 ORDER BY 1", [("2", "1"), ("3", "1")])


def exactness():
    """Numbers that a double or six digits cannot hold"""
    ids("exact numbers", ALL, "numbers", "j = 9007199254740993", [6], ALL)
    ids("exact numbers", ALL, "numbers", "j = 9007199254740992", [])
    ids("exact numbers", (PG, MY), "numbers", "n = 9007199254740993", [6], (PG, MY))
    ids("exact numbers", (PG, MY), "numbers", "n = 9007199254740992", [])
    ids("numeric and double", ALL, "numbers", "n = 0.0049", [4])
    ids("numeric and double", ALL, "numbers", "n = 2.5::float8", [1])
    ids("single precision", (PG, MY), "numbers", "r = 1.1::real", [1])
    ids("single precision", (PG, MY), "numbers", "r = 1.1::float8", [])
    ids("single precision", (PG, MY), "numbers", "r = '1.234567'::real", [3])
    ids("double precision", (LITE,), "numbers", "r = 1.1::float8", [1])
    answers("single precision", ALL, "SELECT r::real FROM @numbers WHERE id IN (1, 3) ORDER BY id", ["1.1", "1.234567"])


def aggregates():
    """avg, sum, stddev, count, min and max are PostgreSQL's"""
    answers("avg", ALL, "SELECT avg(i) FROM @numbers WHERE id IN (1, 3, 6)", ["4.0000000000000000"])
    answers("avg", ALL, "SELECT avg(z) FROM @numbers WHERE id IN (2, 3, 6)", ["1.00000000000000000000"])
    answers("avg", ALL, "SELECT avg(i)::text FROM @numbers WHERE id IN (1, 6)", ["4.5000000000000000"])
    answers("avg", ALL, "SELECT avg(z)::text FROM @numbers WHERE id IN (1, 2, 6, 3)", ["0.75000000000000000000"])
    answers("sum", (PG, MY), "SELECT sum(i), sum(z), pg_typeof(sum(i)), pg_typeof(sum(j)) FROM @numbers", [("2147483652", "6", "bigint", "numeric")])
    answers("sum", (LITE,), "SELECT sum(i), sum(z), pg_typeof(sum(i)) FROM @numbers", [("2147483652", "6", "numeric")])
    answers("sum", ALL, "SELECT sum(n) FROM @numbers WHERE id < 5", ["1.5049"])
    answers("sum of nothing", ALL, "SELECT sum(i), count(i), count(*), max(i) FROM @numbers WHERE id > 100", [(None, "0", "0", None)])
    answers("stddev", ALL, "SELECT stddev(i)::text, stddev_pop(i)::text, variance(i)::text FROM @numbers WHERE id IN (1, 3)",
            [("2.8284271247461901", "2.0000000000000000", "8.0000000000000000")])
    answers("min and max", ALL, "SELECT min(i), max(j), round(min(n), 2) FROM @numbers", [("-7", "9223372036854775807", "-2.50")])
    answers("count", ALL, "SELECT count(*) FROM @numbers", ["6"], ALL, r"(?i)count\(\*\)")
    answers("count", ALL, "SELECT count(*) FILTER (WHERE z = 0), count(DISTINCT z) FROM @numbers", [("2", "4")])
    answers("constant key", ALL, "SELECT count(*) FROM @numbers WHERE id > 1000 GROUP BY (interval '1 day')", [])
    answers("group", ALL, "SELECT z, count(*) FROM @numbers GROUP BY z ORDER BY z", [("0", "2"), ("1", "1"), ("2", "1"), ("3", "1"), (None, "1")], ALL, "GROUP BY")


def unsigned():
    """Unsigned numbers of MySQL keep their range, and go below zero in arithmetic"""
    answers("unsigned", (MY,), "SELECT u, v FROM @naturals ORDER BY id", [("0", "0"), ("4294967295", "18446744073709551615"), ("5", "5")])
    ids("unsigned", (MY,), "naturals", "u - 1 < 0", [1])
    ids("unsigned", (MY,), "naturals", "v - 1 < 0", [1])
    ids("unsigned", (MY,), "naturals", "v = 18446744073709551615", [2])
    ids("unsigned", (MY,), "naturals", "u = 4294967295", [2], (MY,))
    ids("unsigned", (MY,), "naturals", "-u = -5", [3])
    answers("unsigned", (MY,), "SELECT sum(v) FROM @naturals", ["18446744073709551620"])


# Types with their own rules

def booleans():
    """Booleans, and tinyint(1) with 2 in it"""
    for condition, wanted in (("b", [1]), ("NOT b", [2]), ("b = true", [1]), ("b = false", [2]), ("b IS TRUE", [1]), ("b IS NOT TRUE", [2, 3]), ("b IS NULL", [3]),
                              ("b IS NOT FALSE", [1, 3]), ("b <> true", [2]), ("coalesce(b, true)", [1, 3])):
        ids("boolean", (PG, LITE), "flags", condition, wanted)
    kind = value(world().session, "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 't'",
                 world().schema(MY) + ".choices")
    note("tinyint(1) is " + kind)
    if kind == "boolean":
        ids("tinyint(1)", (MY,), "choices", "t", [1, 3])
        ids("tinyint(1)", (MY,), "choices", "t = true", [1, 3])
        ids("tinyint(1)", (MY,), "choices", "NOT t", [2])
    else:
        answers("tinyint(1)", (MY,), "SELECT t FROM @choices ORDER BY id", ["1", "0", "2"])
        ids("tinyint(1)", (MY,), "choices", "t = 2", [3], (MY,))


def choices():
    """ENUM and SET compare as text, bits as bits"""
    ids("enum", (MY,), "choices", "e = 'a'", [2])
    ids("enum", (MY,), "choices", "e::text < 'm'", [2])
    answers("enum", (MY,), "SELECT e FROM @choices ORDER BY e::text COLLATE \"C\"", ["a", "m", "z"])
    answers("enum", (MY,), "SELECT max(e::text) FROM @choices", ["z"])
    ids("set", (MY,), "choices", "s = 'x,b'", [2])
    ids("set", (MY,), "choices", "s = ''", [3])
    ids("bit", (MY,), "choices", "bt = B'10000000'", [2])
    answers("bit", (MY,), "SELECT bt FROM @choices ORDER BY id", ["00000001", "10000000", "11111111"])
    answers("time beyond a day", (MY,), "SELECT td::text FROM @choices ORDER BY id", ["838:59:59", "-01:00:00", "12:00:00"])


def dates():
    """Days between dates, fields of dates, ends of the calendar"""
    answers("date - date", ALL, "SELECT x.d - y.d FROM @days AS x, @days AS y WHERE x.id = 2 AND y.id = 1", ["2"])
    ids("date - date", ALL, "days", "d - date '2024-02-28' = 2", [2])
    ids("date + integer", ALL, "days", "d + 1 = '2024-02-29'", [1])
    ids("date + integer", ALL, "days", "d + 1 > '9999-12-31'", [4])
    ids("timestamp + interval", ALL, "days", "ts + interval '1 month' = '2024-03-29 12:34:56.5'", [6])
    ids("timestamp - interval", ALL, "days", "ts - interval '1 day' < '0001-01-01'", [3])
    ids("date", ALL, "days", "d = '0001-01-01'", [3], ALL)
    ids("date", ALL, "days", "d >= '2024-02-29' AND d < '2025-01-01'", [2, 6], ALL)
    ids("timestamp", ALL, "days", "ts = '2024-02-28 23:59:59.999999'", [1])
    ids("timestamp", ALL, "days", "ts > '2024-02-28 23:59:59.999998' AND ts < '2024-03-01 00:00:00'", [1, 6])
    ids("extract", ALL, "days", "extract(dow from d) = 4", [6])
    ids("extract", ALL, "days", "extract(year from ts) = 9999", [4])
    ids("date_trunc", ALL, "days", "date_trunc('month', ts) = '2024-02-01'", [1, 6])
    ids("infinity", ALL, "days", "d < 'infinity'", [1, 2, 3, 4, 6])
    ids("infinity", ALL, "days", "d > '-infinity' AND ts <> 'infinity'", [1, 2, 3, 4, 6])
    ids("BC", ALL, "days", "d > '0044-03-15 BC'", [1, 2, 3, 4, 6])
    ids("infinity", (PG,), "odd", "d = 'infinity'", [1], (PG,))
    ids("BC", (PG,), "odd", "d < '0001-01-01'", [2, 3], (PG,))
    ids("NaN", (PG,), "odd", "f = 'NaN'", [1], (PG,))
    ids("NaN", ALL, "numbers", "f < 'NaN'", [1, 2, 3, 4, 6])
    ids("NaN", ALL, "numbers", "f = 'NaN'", [])
    ids("infinity", ALL, "numbers", "f < 'Infinity'", [1, 2, 3, 4, 6])
    ids("NaN", ALL, "numbers", "n < 'NaN'", [1, 2, 3, 4, 6])
    answers("NaN", (PG,), "SELECT id FROM @odd ORDER BY f DESC, id", ["1", "2", "4", "3"])
    answers("zero dates", (MY,), "SELECT id FROM @zeros WHERE d = '2024-01-01'", ["2"])
    got = world().error(MY, "SELECT id, d FROM @zeros")
    note("a zero date answers %s" % (got or world().query(MY, "SELECT d FROM @zeros ORDER BY id")))


def zones():
    """An instant stays the same instant, whatever the zones of the session and of the remote server"""
    for engine, create in ((PG, "timestamptz"), (MY, "timestamp(6) NULL"), (LITE, "timestamptz")):
        world().remote(engine, "DROP TABLE IF EXISTS instants", "CREATE TABLE instants (id integer PRIMARY KEY, z %s)" % create,
                       "INSERT INTO instants VALUES (1, '2024-03-10 02:30:00%s')" % ("" if engine == MY else "+00:00"))
        attach_again(engine)
        with contextlib.closing(world().user.connect()) as session:
            for zone in ("UTC", "America/New_York", "Asia/Kolkata"):
                rows(session, "SET timezone = '%s'" % zone)
                table = world().schema(engine) + ".instants"
                same(value(session, "SELECT z AT TIME ZONE 'UTC' = '2024-03-10 02:30:00' FROM " + table), True, "zones, %s: read in %s" % (engine, zone))
                same(value(session, "SELECT count(*) FROM " + table + " WHERE z = '2024-03-10 02:30:00+00'"), 1, "zones, %s: compared in %s" % (engine, zone))
                same(value(session, "SELECT count(*) FROM " + table + " WHERE z::date = '2024-03-10'"), 0 if zone.startswith("America") else 1,
                     "zones, %s: the day in %s" % (engine, zone))
            rows(session, "SET timezone = 'America/New_York'")
            rows(session, "BEGIN")
            rows(session, "UPDATE %s SET z = z WHERE id = 1" % table)
            same(value(session, "SELECT z AT TIME ZONE 'UTC' = '2024-03-10 02:30:00' FROM " + table), True, "zones, %s: after a change" % engine)
            rows(session, "ROLLBACK")


def clock():
    """now() is the platform's, and sent as a value"""
    for engine in ALL:
        sql = "SELECT count(*) FROM @days WHERE ts > now() - interval '7 days'"
        same(world().query(engine, sql), [(1,)], "now(), %s" % engine)
        _, remote = world().plan(engine, sql)
        ok(not re.search(r"(?i)\bnow\(|current_", remote), "now(), %s: is not evaluated by the remote server" % engine, remote)


def off_type_values():
    """Text and numbers do not compare by the rules of another engine"""
    ids("affinity", (LITE,), "odd", "s = 'a'", [1])
    ids("affinity", (LITE,), "odd", "id < 3 AND s IN ('a', '1')", [1])
    got = world().error(LITE, "SELECT id, i FROM @odd")
    ok(got is not None and got[:2] == "22", "affinity, lite: a value of another type is an error", repr(got))
    for condition in ("i = 1", "i > 2", "d = '2024-02-29'", "b"):
        session = world().session
        sql = "SELECT id FROM @odd WHERE %s ORDER BY id" % condition
        pushed = raised(world().query, LITE, sql) or world().query(LITE, sql)
        rows(session, "SET tenancy.enable_pushdown = off")
        local = raised(world().query, LITE, sql) or world().query(LITE, sql)
        rows(session, "RESET tenancy.enable_pushdown")
        both = isinstance(pushed, list) and isinstance(local, list)
        ok(pushed == local if both else not isinstance(local, list), "affinity, lite: %s" % condition, "pushed %s, local %s" % (pushed, local))
    ids("text and numbers", ALL, "words", "w = '0'", [])
    ids("bytes", (PG, MY, LITE), "large", "data = '\\x00ff'", [])


def moments():
    """What an UPDATE computes here is computed under the settings of the session"""
    for engine in ALL:
        kind = DECLARATIONS[engine]["stamp"]
        world().remote(engine, "DROP TABLE IF EXISTS moments", "CREATE TABLE moments (id integer PRIMARY KEY, ts %s, w %s)" % (kind, DECLARATIONS[engine]["binary"]),
                       "INSERT INTO moments VALUES (1, NULL, NULL)")
        attach_again(engine)
        for zone in ("America/New_York", "Pacific/Kiritimati"):
            rows(world().session, "SET TimeZone = '%s'; SET DateStyle = 'German'" % zone)
            rows(world().session, "BEGIN")
            change = "UPDATE @moments SET ts = now(), w = now()::text || current_date WHERE id = 1"
            text, _ = world().plan(engine, change)
            ok("Foreign Update" in text, "moments, %s: the update goes as one statement" % engine, text)
            world().query(engine, change)
            same(world().query(engine, "SELECT ts = localtimestamp, w = now()::text || current_date FROM @moments"), [(True, True)],
                 "moments, %s: the session's own, in %s" % (engine, zone))
            world().query(engine, "UPDATE @moments SET w = 'found' WHERE ts = localtimestamp")
            same(world().query(engine, "SELECT w FROM @moments"), [("found",)], "moments, %s: and in a condition" % engine)
            rows(world().session, "ROLLBACK; RESET TimeZone; RESET DateStyle")


def remote_collations():
    """trust_remote_collation is about the default collation: a column with another one sorts here"""
    world().remote(PG, "DROP TABLE IF EXISTS sorted", "CREATE TABLE sorted (id integer PRIMARY KEY, a text, c text COLLATE \"C\", x text COLLATE \"en-x-icu\")",
                   "INSERT INTO sorted VALUES (1, 'b', 'b', 'b'), (2, 'B', 'B', 'B'), (3, 'a', 'a', 'a'), (4, 'C', 'C', 'C')")
    rows(world().session, "SELECT tenancy.attach('pg', %s, NULL, NULL, '{\"trust_remote_collation\": true}')", world().schema(PG))
    for column in "acx":
        for sql in ("SELECT %s FROM @sorted ORDER BY %s", "SELECT max(%s) FROM @sorted", "SELECT count(*) FROM @sorted WHERE %s < 'B'", "SELECT upper(%s) FROM @sorted",
                    "SELECT greatest(%s, 'B') FROM @sorted ORDER BY id"):
            sql = sql.replace("%s", column)
            rows(world().session, "SET tenancy.enable_pushdown = off")
            wanted = plain(world().query(PG, sql))
            rows(world().session, "RESET tenancy.enable_pushdown")
            answers("trusted collation", (PG,), sql, wanted)
    _, remote = world().plan(PG, "SELECT a FROM @sorted ORDER BY a")
    ok("ORDER BY" in remote and "COLLATE" not in remote, "trusted collation, pg: a column of the default collation is sorted there", remote)
    for column in "cx":
        _, remote = world().plan(PG, "SELECT %s FROM @sorted ORDER BY %s" % (column, column))
        ok("ORDER BY" not in remote, "trusted collation, pg: another one is not", remote)
    _, remote = world().plan(PG, 'SELECT a FROM @sorted ORDER BY a COLLATE "en-x-icu"')
    ok("ORDER BY" not in remote, "trusted collation, pg: nor by another local one", remote)
    answers("aggregate in HAVING", (PG,), "SELECT max(c COLLATE \"C\") FROM @sorted HAVING max(c COLLATE \"C\") = 'b'", ["b"])
    rows(world().session, "SELECT tenancy.attach('pg', %s)", world().schema(PG))


def json_order():
    """jsonb sorts its texts by the default collation of its server"""
    world().remote(PG, "DROP TABLE IF EXISTS documents", "CREATE TABLE documents (id integer PRIMARY KEY, j jsonb)",
                   "INSERT INTO documents VALUES (1, '\"a\"'), (2, '\"B\"'), (3, '1')")
    attach_again(PG)
    for sql, word in (("SELECT id FROM @documents ORDER BY j", "ORDER BY"), ("SELECT id FROM @documents WHERE j < '\"b\"'", "WHERE"),
                      ("SELECT greatest(j, '\"b\"') FROM @documents", "GREATEST")):
        _, remote = world().plan(PG, sql)
        ok(word not in remote, "jsonb, pg: %s is not pushed" % sql, remote)
    ids("jsonb", (PG,), "documents", "j = '\"a\"'", [1], (PG,))
    ids("jsonb by key", (PG,), "documents", "j ->> 'k' IS NULL AND NOT j ? 'k' AND j #>> '{k,l}' IS NULL AND j <> '\"B\"'", [1, 3], (PG,))
    world().remote(PG, "ALTER TABLE documents ADD COLUMN a jsonb[]", "UPDATE documents SET a = ARRAY[j]")
    attach_again(PG)
    for sql, word in (("SELECT id FROM @documents WHERE a < ARRAY['\"b\"']::jsonb[]", "WHERE"), ("SELECT min(a) FROM @documents", "min"),
                      ("SELECT id FROM @documents ORDER BY a", "ORDER BY")):
        _, remote = world().plan(PG, sql)
        ok(word not in remote, "jsonb[], pg: %s is not pushed" % sql, remote)


def narrower():
    """A column that this side has made narrower is rounded there as it is here"""
    world().remote(PG, "DROP TABLE IF EXISTS narrower", "CREATE TABLE narrower (id integer PRIMARY KEY, n numeric, ts timestamp, a text[])",
                   "INSERT INTO narrower VALUES (1, 1.24, '2024-01-01 00:00:00.6', NULL), (2, 1.26, '2024-01-01 00:00:00.4', NULL)")
    attach_again(PG)
    rows(world().admin, "ALTER FOREIGN TABLE {0}.narrower ALTER n TYPE numeric(10,1), ALTER ts TYPE timestamp(0)".format(world().schema(PG)))
    ids("narrower", (PG,), "narrower", "n = 1.2", [1], (PG,))
    ids("narrower", (PG,), "narrower", "ts = '2024-01-01 00:00:01'", [1], (PG,))
    answers("narrower", (PG,), "SELECT sum(n) FROM @narrower", ["2.5"], (PG,), "sum")
    owner = environment("CLIENT_PGUSER")
    with contextlib.closing(client_server()) as there:
        rows(there, 'ALTER ROLE "%s" SET array_nulls = off' % owner)
    try:
        attach_again(PG)
        rows(world().session, "SELECT tenancy.close_connections()")
        world().query(PG, "UPDATE @narrower SET a = ARRAY['x', NULL] WHERE id = 1")
        ids("array_nulls", (PG,), "narrower", "a[2] IS NULL AND a = ARRAY['x', NULL]", [1])
    finally:
        with contextlib.closing(client_server()) as there:
            rows(there, 'ALTER ROLE "%s" RESET array_nulls' % owner)
    _, remote = world().plan(PG, "SELECT date_trunc('month', ts), count(*) FROM @narrower GROUP BY 1")
    ok("date_trunc" in remote and "GROUP BY" in remote, "date_trunc, pg: is pushed", remote)


def folding_collations():
    """A collation of the client's that takes texts for equal, below a comparison that an index may serve"""
    world().remote(PG, "DROP TABLE IF EXISTS folding", "DROP COLLATION IF EXISTS folded CASCADE",
                   "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                   "CREATE TABLE folding (id integer PRIMARY KEY, k text COLLATE folded, v varchar(5) COLLATE folded)",
                   "INSERT INTO folding VALUES (1, 'a', 'a'), (2, 'A', 'A'), (3, 'B', 'B'), (4, 'b', 'b'), (5, NULL, NULL)")
    attach_again(PG)
    for condition in ("k = 'a'", "'a' = k", "v = 'a'", "k = 'a' OR k = 'B'"):
        as_unpushed("folding collation", "SELECT id FROM @folding WHERE %s ORDER BY id" % condition, r" AND ")
    for condition in ("CASE WHEN k <> 'a' THEN 'x' ELSE 'y' END = 'x'", "CASE WHEN k IN ('a', 'b') THEN 'x' ELSE 'y' END = 'y'",
                      "CASE k WHEN 'a' THEN 'x' ELSE 'y' END = 'y'", "(k <> 'a')::text = 'true'", "replace(k, 'a', 'b') = 'b'", "split_part(k, 'a', 1) = ''",
                      "CASE WHEN strpos(k, 'a') = 1 THEN 'x' END = 'x'", "CASE WHEN k LIKE 'a%' THEN 'x' END = 'x'", "nullif(k, 'a') = 'A'",
                      "coalesce(k, 'x') = 'A'", "NOT (k = 'a')", "(k = 'a') IS NOT TRUE", "CASE WHEN v = 'a' THEN 'x' ELSE 'y' END = 'y'"):
        as_unpushed("folding collation", "SELECT id FROM @folding WHERE %s ORDER BY id" % condition, r"\bWHERE\b")


def collations_of_keys():
    """A key of GROUP BY is the same column in HAVING, ORDER BY and the list"""
    for sql in ("SELECT sx, count(*) FROM @odd GROUP BY sx HAVING sx = 'a' OR count(*) > 5", "SELECT sx, count(*) FROM @odd GROUP BY sx ORDER BY (sx = 'a'), count(*), sx COLLATE \"C\"",
                "SELECT sx, count(*) FROM @odd GROUP BY sx HAVING sx IN ('a') OR count(*) > 5", "SELECT sx || 'x', count(*) FROM @odd GROUP BY sx || 'x' HAVING sx || 'x' = 'ax' OR count(*) > 5",
                "SELECT sx = 'a', count(*) FROM @odd GROUP BY sx = 'a' HAVING (sx = 'a') OR count(*) > 5", "SELECT sx = 'a', sx, count(*) FROM @odd GROUP BY sx ORDER BY sx COLLATE \"C\""):
        as_unpushed("collation of a key", sql, r"\bGROUP BY\b")
    for sql in ("SELECT DISTINCT sx, sx = 'a' FROM @odd ORDER BY sx = 'a'", "SELECT count(*) FILTER (WHERE sx = 'a'), sum(CASE WHEN sx = 'B' THEN 2 END) FROM @odd"):
        as_unpushed("collation of a key", sql)


def settings_of_text():
    """Text of values that settings of the session shape stays here"""
    world().remote(PG, "DROP TABLE IF EXISTS shaped", "CREATE TABLE shaped (id integer PRIMARY KEY, by bytea, f double precision, r real, a text COLLATE \"C\")",
                   "INSERT INTO shaped VALUES (1, 'A', 0.1, 0.1, 'a'), (2, NULL, NULL, NULL, NULL)")
    attach_again(PG)
    rows(world().session, "SET bytea_output = 'escape'; SET extra_float_digits = 0; SET quote_all_identifiers = on")
    for condition in ("by::text = 'A'", "by::varchar(9) = 'A'", "(f * 3)::text = '0.3'", "(f * 3) || '' = '0.3'", "(r * 9::real)::text = '0.9'", "(r * 9::real)::varchar = '0.9'",
                      "quote_ident(a COLLATE \"C\") = '\"a\"'", "(ARRAY[f * 3])::text = '{0.3}'", "array_to_string(ARRAY[f * 3], ',') = '0.3'"):
        ids("settings of text", (PG,), "shaped", condition, [1])
    answers("settings of text", (PG,), "SELECT DISTINCT by::text FROM @shaped WHERE id = 1", ["A"])
    answers("settings of text", (PG,), "SELECT max((f * 3)::text COLLATE \"C\") FROM @shaped", ["0.3"])
    rows(world().session, "RESET bytea_output; RESET extra_float_digits; RESET quote_all_identifiers")
    ids("settings of text", (PG,), "shaped", "id::text = '1' AND a::varchar = 'a'", [1], (PG,), r"WHERE.*::")


def local_enums():
    """An enum of this side sorts as this side says, and a remote one is not set to an expression of text"""
    world().remote(PG, "DROP TABLE IF EXISTS moods", "DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
                   "CREATE TABLE moods (id integer PRIMARY KEY, a mood, b mood)", "INSERT INTO moods VALUES (1, 'happy', 'ok'), (2, NULL, 'sad')")
    attach_again(PG)
    change = "UPDATE @moods SET a = CASE WHEN id = 2 THEN 'sad' ELSE a END"
    world().query(PG, change)
    same(world().query(PG, "SELECT a FROM @moods ORDER BY id"), [("happy",), ("sad",)], "enum, pg: set to an expression")
    change = "UPDATE @moods SET a = 'ok' WHERE id = 2"
    ok("Foreign Update" in world().plan(PG, change)[0], "enum, pg: set to a value as one statement")
    world().query(PG, change)
    same(world().query(PG, "SELECT a FROM @moods WHERE id = 2"), [("ok",)], "enum, pg: set to a value")
    rows(world().session, "SET plan_cache_mode = force_generic_plan")
    world().query(PG, "PREPARE mood(text) AS UPDATE @moods SET a = $1 WHERE b = $1")
    world().query(PG, "EXECUTE mood('ok')")
    rows(world().session, "RESET plan_cache_mode; DEALLOCATE mood")
    same(world().query(PG, "SELECT a FROM @moods WHERE b = 'ok'"), [("ok",)], "enum, pg: one parameter as value and in WHERE")
    world().query(PG, "UPDATE @moods SET a = 'happy' WHERE id = 1")
    here = "moods_" + UNIQUE
    rows(world().admin, "CREATE SCHEMA %s" % here)
    rows(world().admin, "CREATE TYPE %s.mood AS ENUM ('happy', 'ok', 'sad')" % here)
    server = value(world().admin, "SELECT s.srvname FROM pg_foreign_table AS t JOIN pg_foreign_server AS s ON s.oid = t.ftserver WHERE t.ftrelid = %s::regclass",
                   world().schema(PG) + ".moods")
    rows(world().admin, 'CREATE FOREIGN TABLE {0}.moods (id integer, a {0}.mood, b {0}.mood) SERVER "{1}" OPTIONS (schema_name \'public\', table_name \'moods\')'.format(here, server))
    rows(world().admin, 'GRANT USAGE ON SCHEMA {0} TO "{1}"; GRANT SELECT ON {0}.moods TO "{1}"'.format(here, person_role()))
    for sql, wanted in (("SELECT id FROM %s.moods WHERE a > b", []), ("SELECT x.id FROM %s.moods AS x JOIN %s.moods AS y ON x.a > y.b", []),
                        ("SELECT greatest(a, b)::text FROM %s.moods ORDER BY id", [("ok",), ("sad",)]), ("SELECT id FROM %s.moods WHERE a < b ORDER BY a", [(1,), (2,)])):
        same(rows(world().session, sql.replace("%s", here)), wanted, "local enum, pg: " + sql.replace("%s.", ""))


def loose_values():
    """Values that SQLite compares in another way than this side, which reads them as the same"""
    world().remote(LITE, "DROP TABLE IF EXISTS loose", "CREATE TABLE loose (id integer PRIMARY KEY, b boolean, f real, s text)",
                   "INSERT INTO loose VALUES (1, 't', 'NaN', 'a' || char(65533)), (2, 'f', 0.5, 'a' || char(65534)), (3, 1, -2, 'a')")
    attach_again(LITE)
    for condition, wanted in (("b IN (true, false)", [1, 2, 3]), ("b <> ALL ('{f}')", [1, 3]), ("b NOT IN (false)", [1, 3]), ("abs(f) < 1", [2]), ("abs(f) > 1", [1, 3]),
                              ("s LIKE U&'a\\FFFE%'", [2]), ("s NOT LIKE U&'%\\FFFD%'", [2, 3]), ("s LIKE 'a%'", [1, 2, 3])):
        ids("loose values", (LITE,), "loose", condition, wanted)


run(insensitive_collations, trailing_spaces, text_order, null_order, patterns, literals, prepared_arrays, text_functions, divisions, overflows,
    rounding, exactness, aggregates, unsigned, booleans, choices, dates, zones, clock, off_type_values, moments, remote_collations, json_order,
    narrower, folding_collations, collations_of_keys, settings_of_text, local_enums, loose_values)
