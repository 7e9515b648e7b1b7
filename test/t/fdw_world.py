"""A tenant with the same tables in three databases, and how each of them has to answer."""

import functools
import re

import psycopg2

from tenancy import UNIQUE, User, connect, execute, mysql, ok, rows, sqlstate

PG, MY, LITE = "pg", "my", "lite"
ALL = (PG, MY, LITE)

WORDS = ["a", "A", "a ", "á", "", None, "b", "a%b", "a\\b", "axb", "C:\\x", "it's \"q\", {x}", "é", "café", "É", "NULL", "a,b", "\\"]
NUMBERS = [("7", "9223372036854775807", "2.5000", "2.5", "1.1", "0"), ("-7", "-9223372036854775808", "-2.5000", "0.5", "2.2", "2"),
           ("3", "1", "1.5000", "1.5", "1.234567", "0"), ("2147483647", "2", "0.0049", "-0.5", "0.1", "3"), (None, None, None, None, None, None),
           ("2", "9007199254740993", "9007199254740993.0000", "9007199254740992", "3", "1")]
DAYS = [("2024-02-28", "2024-02-28 23:59:59.999999"), ("2024-03-01", "2024-03-01 00:00:00"), ("0001-01-01", "0001-01-01 00:00:00"),
        ("9999-12-31", "9999-12-31 23:59:59"), (None, None), ("2024-02-29", "2024-02-29 12:34:56.5")]

DECLARATIONS = {
    PG: dict(text="text", binary="text", bigint="bigint", double="double precision", real="real", stamp="timestamp", zoned="timestamptz",
             blob="bytea", json="json"),
    MY: dict(text="varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", binary="varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
             bigint="bigint", double="double", real="float", stamp="datetime(6)", zoned="timestamp(6) NULL", blob="longblob", json="json"),
    LITE: dict(text="text", binary="text", bigint="bigint", double="double", real="float", stamp="datetime", zoned="timestamptz",
               blob="blob", json="json"),
}


def quoted(text):
    """A string of SQL; the platform's sessions on MariaDB have NO_BACKSLASH_ESCAPES."""
    return "NULL" if text is None else "'%s'" % text.replace("'", "''")


class World:
    """A tenant with the same tables in three databases, attached as the schemas pg, my and lite of this run."""

    def __init__(self):
        self.user = User("traps")
        self.user.postgres(PG)
        self.user.mysql(MY)
        self.user.sqlite(LITE)
        self.session = self.user.connect()
        self.admin = connect()
        for engine in ALL:
            self.make(engine)
        self.make_odd_ones()
        for engine in ALL:
            rows(self.session, "SELECT tenancy.attach(%s, %s)", engine, self.schema(engine))

    def schema(self, engine):
        return "traps_%s_%s" % (engine, UNIQUE)

    def remote(self, engine, *statements):
        for statement in statements:
            answer = execute(self.session, engine, statement)
            if answer["status"] != "success":
                raise RuntimeError("%s: %s: %s" % (engine, statement[:200], answer["error"]))

    def make(self, engine):
        kinds = DECLARATIONS[engine]
        for name in ("words", "numbers", "days", "flags", "large"):
            self.remote(engine, "DROP TABLE IF EXISTS " + name)
        self.remote(engine, "CREATE TABLE words (id integer PRIMARY KEY, w %(text)s, wb %(binary)s)" % kinds,
                    "CREATE TABLE numbers (id integer PRIMARY KEY, i integer, j %(bigint)s, n decimal(24,4), f %(double)s, r %(real)s, z integer)" % kinds,
                    "CREATE TABLE days (id integer PRIMARY KEY, d date, ts %(stamp)s)" % kinds,
                    "CREATE TABLE flags (id integer PRIMARY KEY, b boolean)",
                    "CREATE TABLE large (id integer PRIMARY KEY, doc %(json)s, data %(blob)s)" % kinds)
        self.fill(engine, "words", [(word, word) for word in WORDS])
        self.fill(engine, "numbers", NUMBERS, plain=True)
        self.fill(engine, "days", DAYS)
        self.remote(engine, "INSERT INTO flags VALUES (1, %s), (2, %s), (3, NULL)" % (("true", "false") if engine == PG else ("1", "0")))

    def fill(self, engine, table, listed, plain=False):
        values = ["(%d, %s)" % (number, ", ".join((text or "NULL") if plain else quoted(text) for text in row))
                  for number, row in enumerate(listed, 1)]
        self.remote(engine, "INSERT INTO %s VALUES %s" % (table, ", ".join(values)))

    def make_odd_ones(self):
        """Tables that only one of the engines can have."""
        for name in ("naturals", "choices", "zeros", "loose"):
            self.remote(MY, "DROP TABLE IF EXISTS " + name)
        self.remote(MY, "CREATE TABLE naturals (id integer PRIMARY KEY, u integer unsigned, v bigint unsigned)",
                    "INSERT INTO naturals VALUES (1, 0, 0), (2, 4294967295, 18446744073709551615), (3, 5, 5)",
                    "CREATE TABLE choices (id integer PRIMARY KEY, e enum('z','a','m'), s set('x','b'), t tinyint(1), bt bit(8), td time)",
                    "INSERT INTO choices VALUES (1, 'z', 'x', 1, b'00000001', '838:59:59'), (2, 'a', 'x,b', 0, b'10000000', '-01:00:00'),"
                    " (3, 'm', '', 2, b'11111111', '12:00:00')")
        mysql("SET sql_mode = ''; CREATE TABLE zeros (id integer PRIMARY KEY, d date); INSERT INTO zeros VALUES (1, '0000-00-00'), (2, '2024-01-01')")
        self.remote(PG, "DROP TABLE IF EXISTS odd CASCADE",
                    "CREATE TABLE odd (id integer PRIMARY KEY, f double precision, d date, n numeric, sx text COLLATE \"en-x-icu\", a integer[])",
                    "INSERT INTO odd VALUES (1, 'NaN', 'infinity', 'NaN', 'a', '{1,NULL}'), (2, 'Infinity', '-infinity', '1.0', 'B', '{}'),"
                    " (3, '-0', '0044-03-15 BC', '1.00', 'A', '{2}'), (4, 1, '2024-01-01', '2', 'b', NULL)")
        self.remote(LITE, "DROP TABLE IF EXISTS odd",
                    "CREATE TABLE odd (id integer PRIMARY KEY, i integer, s text, d date, b boolean)",
                    "INSERT INTO odd VALUES (1, 1, 'a', '2024-02-29', 1), (2, 'abc', 'b', '2024-01-01', 0), (3, 3, x'61', '2023-01-01', 1),"
                    " (4, 2.5, 'd', 'soon', 1), (5, 5, 'e', '2022-01-01', 'maybe')")

    def query(self, engine, sql, *parameters):
        return rows(self.session, sql.replace("@", self.schema(engine) + "."), *parameters)

    def plan(self, engine, sql):
        text = "\n".join(row[0] for row in self.query(engine, "EXPLAIN (VERBOSE, COSTS OFF) " + sql))
        return text, " ".join(re.findall(r"Remote SQL: (.*)", text))

    def error(self, engine, sql):
        return sqlstate(self.query, engine, sql)


@functools.cache
def world():
    return World()


def plain(found):
    """Rows without what psycopg2 makes of types: text, and a single column as its values."""
    listed = [tuple(None if cell is None else str(cell) for cell in row) for row in found]
    return [row[0] for row in listed] if listed and len(listed[0]) == 1 else listed


def answers(trap, engines, sql, wanted, pushed=(), pattern=r"\bWHERE\b"):
    """The same rows on all engines; on those in pushed, the remote SQL matches the pattern."""
    for engine in engines:
        name = "%s, %s: %s" % (trap, engine, sql.replace("@", ""))
        try:
            found = plain(world().query(engine, sql))
        except psycopg2.Error as error:
            ok(False, name, str(error))
            continue
        text, remote = world().plan(engine, sql)
        ok(found == wanted, name, "got:    %r\nwanted: %r\n%s" % (found, wanted, text))
        if engine in pushed:
            ok(re.search(pattern, remote) is not None, name + " is pushed", text)


def ids(trap, engines, table, condition, wanted, pushed=(), pattern=r"\bWHERE\b"):
    answers(trap, engines, "SELECT id FROM @%s WHERE %s ORDER BY id" % (table, condition), [str(number) for number in wanted], pushed, pattern)


def fails(trap, engines, sql, *codes):
    for engine in engines:
        got = world().error(engine, sql)
        ok(got in codes, "%s, %s: %s is an error" % (trap, engine, sql.replace("@", "")), "got %s, wanted %s" % (got, codes))


def attach_again(engine):
    rows(world().session, "SELECT tenancy.refresh_attached(%s, %s)", engine, world().schema(engine))


def as_unpushed(trap, sql, pattern=None):
    """On PostgreSQL the answer is that without pushdown, which must be one; the remote SQL matches the pattern."""
    rows(world().session, "SET tenancy.enable_pushdown = off")
    try:
        wanted = plain(world().query(PG, sql))
    finally:
        rows(world().session, "RESET tenancy.enable_pushdown")
    answers(trap, (PG,), sql, wanted, (PG,) if pattern else (), pattern or "")
