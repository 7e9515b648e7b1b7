"""The tables of the differential test: hostile values of every type, and three tables of each engine that hold them.

A value is the text that PostgreSQL's input function reads. Each column knows how its engine declares it and what of a
pool the engine can store at all.
"""

import os
import re
import sqlite3

from tenancy import client_server, environment, execute, mysql, rows

# Pools

TEXT = [
    "", " ", "  ", "a", "A", "a ", "a  ", " a", "b", "B", "ab", "aB", "Ab", "abc", "ABC", "abd", "z", "Z", "é", "É", "e\u0301",
    "caf\u00e9", "cafe\u0301", "cafe", "Caf\u00e9", "CAF\u00c9", "ß", "ss", "SS", "ẞ", "ı", "i", "I", "İ", "i\u0307", "%", "_",
    "100%", "a_b", "a%b", "axb", "\\", "a\\b", "\\%", "C:\\x", "\\\\", "'", "it's", '"', 'a"b', ",", "a,b", "{", "}", "{a,b}",
    "NULL", "null", "😀", "a😀b", "\t", "a\nb", "0", "1", "-1", "1.0", "01", "10", "9", "1e3", "true", "t", "2024-02-29",
    "ﬁ", "fi", "ǅ", "ǆ", "Σ", "σ", "ς", "\u00c5", "\u212b", "a\u00a0", "\u200b", "ö", "Ö", "o", "ä", "zz", "ﾊ", "ハ", "ば", "は",
    "\uffff", "\U00010000", "~", "the quick brown fox", "The Quick Brown Fox", "x" * 40, "$1", "?", "--", "/*", ";", "%s", "a.b",
]
INT2 = ["0", "1", "-1", "2", "7", "10", "127", "128", "-128", "255", "256", "32767", "-32768", "100"]
INT4 = INT2 + ["32768", "-32769", "65535", "65536", "2147483647", "-2147483648", "1000000"]
INT8 = INT4 + ["2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740993", "-9007199254740993",
               "9223372036854775807", "-9223372036854775808", "9223372036854775806"]
NATURAL8 = [text for text in INT8 if not text.startswith("-")] + ["9223372036854775808", "18446744073709551615"]
NUMERIC = ["0", "0.0", "0.00", "1", "1.0", "1.00", "1.10", "-1", "-1.5", "0.5", "1.5", "2.5", "-2.5", "-0.5", "10", "100", "1e3",
           "0.1", "0.3", "1234567890123456789012345678901234567890", "-12345678901234567890.12345678901234567890",
           "0.0000000000000000000000000001", "99999.995", "9007199254740993", "9223372036854775807", "9223372036854775808",
           "3.14159265358979323846264338327950288419", "-0.000001", "123456.789"]
NUMERIC_SPECIAL = ["NaN", "Infinity", "-Infinity", "1e-40", "1e100"]
FLOAT8 = ["0", "-0", "1", "-1", "1.5", "0.1", "0.2", "0.30000000000000004", "0.3", "1e308", "-1e308", "1.7976931348623157e308",
          "1e-308", "5e-324", "2.5", "0.5", "-0.5", "-2.5", "1e15", "1e22", "123456789.12345679", "9007199254740992", "-1e-5",
          "3.4028234663852886e38", "100"]
FLOAT8_SPECIAL = ["NaN", "Infinity", "-Infinity"]
FLOAT4 = ["0", "-0", "1", "-1", "1.5", "0.1", "0.2", "0.3", "1.234567", "3.4028234e38", "-3.4028234e38", "1e-38", "1.1754944e-38",
          "16777216", "2.5", "0.5", "-0.5", "123456.79", "1e10"]
DATE = ["0001-01-01", "9999-12-31", "2024-02-29", "2023-02-28", "2023-03-01", "1970-01-01", "2000-01-01", "1999-12-31", "2024-12-31",
        "2024-01-01", "1582-10-04", "1582-10-15", "1900-03-01", "2000-02-29", "2100-02-28", "2038-01-19", "2024-03-31", "1000-01-01"]
DATE_SPECIAL = ["infinity", "-infinity", "4713-01-01 BC", "0044-03-15 BC", "0001-12-31 BC", "12024-05-06"]
TIMESTAMP = ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-02-29 23:59:59.999999", "2024-02-29 00:00:00",
             "2024-02-29 12:34:56.789", "2024-02-29 12:34:56", "2024-03-10 02:30:00", "2024-10-27 01:30:00", "1970-01-01 00:00:00",
             "1970-01-01 00:00:00.000001", "2000-01-01 00:00:00", "1999-12-31 23:59:59.5", "2024-12-31 23:59:59", "2024-01-01 00:00:00",
             "2024-01-31 10:00:00", "2023-12-31 00:00:00.1"]
TIMESTAMP_SPECIAL = ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "12024-05-06 07:08:09"]
MODERN = ["1970-01-02 00:00:00", "2024-02-29 23:59:59.999999", "2024-02-29 12:34:56", "2024-03-10 02:30:00", "2024-10-27 01:30:00",
          "2038-01-18 00:00:00", "2000-01-01 00:00:00", "2024-12-31 23:59:59.5", "2024-06-30 23:59:59", "2024-07-01 00:00:00"]
TIME = ["00:00:00", "23:59:59.999999", "12:00:00", "12:34:56.789", "00:00:00.000001", "01:02:03"]
INTERVAL = ["00:00:00", "1 day", "24:00:00", "30 days", "1 mon", "-1 day", "1 year 2 mons 3 days 04:05:06.789", "-00:00:01", "838:59:59"]
MYSQL_TIME = ["00:00:00", "838:59:59", "-838:59:59", "24:00:00", "23:59:59.999999", "-00:00:01", "100:00:00", "12:34:56.5"]
BYTES = ["", "\\x00", "\\x0001", "\\x61", "\\x6100", "\\x41", "\\xff", "\\x00ff00", "\\xe9", "\\xc3a9", "\\x5c", "\\x27", "\\x" + "ab" * 30]
UUID = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12", "12345678-1234-1234-1234-123456789012"]
JSON = ['{}', '[]', 'null', '"a"', '1', '{"a": 1}', '{"a":1}', '{"b": [1, 2, {"c": "\\u00e9"}], "a": null}', '"it\'s"', '{"a": 1, "a": 2}']
INT_ARRAY = ["{}", "{1}", "{1,2,3}", "{NULL}", "{1,NULL,3}", "{{1,2},{3,4}}", "{2147483647,-2147483648}"]
TEXT_ARRAY = ["{}", "{a}", '{a,b}', '{"a,b"}', '{NULL}', '{"NULL"}', '{"",a}', '{"\\"","\\\\","{}"}', "{é}"]
BOOL = ["true", "false"]
KEYS = [str(i) for i in range(12)]
SMALL = [str(i) for i in range(-3, 21)]
MILD_FLOAT = ["0", "1", "1.5", "-2.25", "0.1", "3.3", "100", "0.5", "2.5", "-0.5", "7", "12.125"]
MILD_NUMERIC = ["0.00", "1.00", "1.50", "-2.25", "0.10", "3.33", "100.00", "0.05", "2.50", "-0.50", "7.00", "999.99", "0.01"]
MOOD = ["sad", "ok", "happy", "Ok"]
TAGS = ["", "a", "b", "a,b", "a,b,c", "c"]
BITS = ["00000000", "00000001", "10000000", "11111111", "01010101"]
LATIN1 = [text for text in TEXT if all(ord(letter) < 0x100 for letter in text)]
SHORT = [text for text in TEXT if len(text) <= 6 and text.rstrip(" ") == text]
YEARS = ["1901", "1970", "2000", "2024", "2155"]


class Column:
    """One column: how its engine declares it, the values it may have, how often it is NULL (0: NOT NULL)."""

    def __init__(self, name, declared, pool, nulls=0.12, mild=False):
        self.name, self.declared, self.pool, self.nulls, self.mild = name, declared, pool, nulls, mild

    def with_declaration(self, declared, pool=None):
        return Column(self.name, declared, pool or self.pool, self.nulls, self.mild)


ROWS = {"a": 110, "b": 70, "c": 40}


def fill(rng, columns, count):
    """Rows of a table; the first ones go through each pool in turn, so that every value is there."""
    decks = {}
    for column in columns:
        deck = list(column.pool)
        rng.shuffle(deck)
        decks[column.name] = deck
    table = []
    for number in range(count):
        row = [str(number + 1)]
        for column in columns[1:]:
            if column.nulls and rng.random() < column.nulls:
                row.append(None)
            elif decks[column.name]:
                row.append(decks[column.name].pop())
            else:
                row.append(rng.choice(column.pool))
        table.append(row)
    return table


def unsigned_zero(pool):
    """The pool without -0, which MariaDB and SQLite store as 0."""
    return [text for text in pool if text != "-0"]


def redeclared(columns, declarations, pools=None):
    """The columns with other declarations or other values for some of them."""
    return [column.with_declaration(declarations.get(column.name, column.declared), (pools or {}).get(column.name)) for column in columns]


class Engine:
    """A client database with the tables a, b and c."""

    name = None
    tables = {}  # name to columns
    clauses = {}  # name to what follows the list of columns
    without_scale = ()  # columns that keep the value of a decimal number, and not its zeros

    def make(self, user, connection, session, rng):
        """Create and fill the tables; answers the rows by table."""
        filled = {}
        for table, columns in self.tables.items():
            filled[table] = fill(rng, columns, ROWS[table])
            self.create(table, columns)
            self.insert(table, columns, filled[table])
        return filled

    def definition(self, table, columns):
        """The CREATE TABLE of a table."""
        listed = ["%s %s%s" % (column.name, column.declared, "" if column.nulls or not number else " NOT NULL")
                  for number, column in enumerate(columns)]
        return "CREATE TABLE %s (%s)%s" % (table, ", ".join(listed), self.clauses.get(table, ""))


class Postgres(Engine):
    name = "postgresql"
    columns = [
        Column("id", "integer PRIMARY KEY", [], 0), Column("k", "integer", KEYS, mild=True), Column("m", "smallint", SMALL, 0, mild=True),
        Column("i2", "smallint", INT2), Column("i4", "integer", INT4), Column("i8", "bigint", INT8, 0),
        Column("n", "numeric", NUMERIC + NUMERIC_SPECIAL), Column("q", "numeric(10,2)", MILD_NUMERIC, mild=True),
        Column("f4", "real", FLOAT4 + FLOAT8_SPECIAL), Column("f8", "double precision", FLOAT8 + FLOAT8_SPECIAL),
        Column("g", "double precision", MILD_FLOAT, mild=True), Column("s", "text", TEXT), Column("t", "text", TEXT, 0),
        Column("sc", 'text COLLATE "C"', TEXT), Column("sx", 'text COLLATE "en-x-icu"', TEXT), Column("v", "varchar(40)", TEXT),
        Column("ch", "char(6)", SHORT), Column("p", "boolean", BOOL), Column("d", "date", DATE + DATE_SPECIAL),
        Column("ts", "timestamp", TIMESTAMP + TIMESTAMP_SPECIAL), Column("tz", "timestamptz", TIMESTAMP[1:] + TIMESTAMP_SPECIAL[:3]),
        Column("tm", "time", TIME), Column("iv", "interval", INTERVAL), Column("y", "bytea", BYTES), Column("u", "uuid", UUID),
        Column("j", "json", JSON), Column("jb", "jsonb", JSON), Column("ia", "integer[]", INT_ARRAY), Column("ta", "text[]", TEXT_ARRAY),
    ]
    tables = {"a": columns, "b": columns, "c": [*columns, Column("mood", "mood", MOOD)]}

    def __init__(self):
        self.schema = "differential"
        # As the client's own user, not as its superuser: the tables are that user's.
        self.session = client_server(environment("CLIENT_PGUSER"))
        rows(self.session, "DROP SCHEMA IF EXISTS differential CASCADE")
        rows(self.session, "CREATE SCHEMA differential")
        rows(self.session, "SET search_path = differential")
        rows(self.session, "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Ok')")

    def connection(self, user):
        return user.postgres("differential")

    def create(self, table, columns):
        rows(self.session, self.definition(table, columns))

    def insert(self, table, columns, table_rows):
        marks = "(" + ", ".join(["%s"] * len(columns)) + ")"
        for row in table_rows:
            rows(self.session, "INSERT INTO %s VALUES %s" % (table, marks), *row)
        rows(self.session, "ANALYZE " + table)


class Mysql(Engine):
    name = "mysql"
    utf8 = "CHARACTER SET utf8mb4 COLLATE utf8mb4_"
    columns = [
        Column("id", "integer PRIMARY KEY", [], 0), Column("k", "integer", KEYS, mild=True), Column("m", "smallint", SMALL, 0, mild=True),
        Column("i1", "tinyint", [text for text in INT2 if -129 < int(text) < 128]), Column("p", "tinyint(1)", ["0", "1"]),
        Column("p2", "tinyint(1)", ["0", "1", "2", "-1"]), Column("i2", "smallint", INT2), Column("i4", "integer", INT4),
        Column("i8", "bigint", INT8, 0), Column("u4", "integer unsigned", ["0", "1", "7", "4294967295", "2147483648"]),
        Column("u8", "bigint unsigned", NATURAL8), Column("n", "decimal(65,28)", [text for text in NUMERIC if len(text) < 38]),
        Column("q", "decimal(10,2)", MILD_NUMERIC, mild=True), Column("f4", "float", unsigned_zero(FLOAT4)), Column("f8", "double", unsigned_zero(FLOAT8)),
        Column("g", "double", MILD_FLOAT, mild=True), Column("s", "varchar(100) " + utf8 + "general_ci", TEXT),
        Column("t", "text " + utf8 + "bin NOT NULL", TEXT, 0), Column("sc", "varchar(100) " + utf8 + "nopad_bin", TEXT),
        Column("sx", "varchar(100) " + utf8 + "unicode_ci", TEXT), Column("v", "varchar(40) CHARACTER SET latin1", LATIN1),
        Column("ch", "char(6) " + utf8 + "bin", SHORT), Column("e", "enum('sad','ok','happy')", MOOD[:3]),
        Column("st", "set('a','b','c')", TAGS), Column("yr", "year", YEARS), Column("bt", "bit(8)", BITS), Column("d", "date", DATE),
        Column("ts", "datetime(6)", TIMESTAMP), Column("tz", "timestamp(6) NULL", MODERN), Column("td", "time(6)", MYSQL_TIME),
        Column("y", "varbinary(100)", BYTES), Column("j", "json", JSON),
    ]
    other = {"s": "varchar(100) " + utf8 + "unicode_nopad_ci", "sx": "longtext " + utf8 + "bin", "n": "decimal(65,20)",
             "v": "varchar(40) CHARACTER SET latin1 COLLATE latin1_bin", "ch": "char(6) " + utf8 + "general_ci"}
    tables = {"a": columns, "b": columns, "c": redeclared(columns, other)}

    # What MySQL calls the collations that MariaDB has.
    collations = {"utf8mb4_nopad_bin": "utf8mb4_0900_bin", "utf8mb4_unicode_nopad_ci": "utf8mb4_0900_ai_ci"}

    def __init__(self):
        self.schema = environment("MYSQL_DATABASE")

    def connection(self, user):
        return user.mysql("differential")

    def create(self, table, columns):
        mysql("DROP TABLE IF EXISTS " + table)
        definition = self.definition(table, columns)
        if environment("MYSQL_FLAVOUR") == "mysql":
            for ours, theirs in self.collations.items():
                definition = definition.replace(ours, theirs)
        mysql(definition)

    def literal(self, column, text):
        if text is None:
            return "NULL"
        if column.name == "y":
            return "X'%s'" % text[2:]
        if column.name == "bt":
            return "b'%s'" % text
        return "_utf8mb4 X'%s'" % text.encode().hex()

    def insert(self, table, columns, table_rows):
        for start in range(0, len(table_rows), 20):
            listed = ["(" + ", ".join(map(self.literal, columns, row)) + ")" for row in table_rows[start:start + 20]]
            mysql("SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'; INSERT INTO %s VALUES %s" % (table, ", ".join(listed)))
        mysql("ANALYZE TABLE " + table)
        if environment("MYSQL_FLAVOUR") == "mysql":
            self.normalize([column.name for column in columns].index("j"), table_rows)

    @staticmethod
    def normalize(number, table_rows):
        """MySQL keeps JSON in a form of its own, and is asked for it; MariaDB keeps the text."""
        kept = {text: mysql("SELECT hex(CAST(_utf8mb4 X'%s' AS json))" % text.encode().hex())[0][0] for text in JSON}
        for row in table_rows:
            if row[number] is not None:
                row[number] = bytes.fromhex(kept[row[number]]).decode()


class Sqlite(Engine):
    name = "sqlite"
    without_scale = ("n", "q")
    columns = [
        Column("id", "integer PRIMARY KEY", [], 0), Column("k", "integer", KEYS, mild=True), Column("m", "smallint", SMALL, 0, mild=True),
        Column("i4", "int", INT4), Column("i8", "bigint", INT8, 0), Column("n", "numeric", [text for text in NUMERIC if len(text) < 16]),
        Column("q", "decimal(10,2)", MILD_NUMERIC, mild=True), Column("f4", "float", unsigned_zero(FLOAT4)), Column("f8", "real", unsigned_zero(FLOAT8 + FLOAT8_SPECIAL[1:])),
        Column("g", "double", MILD_FLOAT, mild=True), Column("s", "text", TEXT), Column("t", "text", TEXT, 0),
        Column("sc", "text COLLATE nocase", TEXT), Column("sx", "text COLLATE rtrim", TEXT), Column("v", "varchar(40)", TEXT),
        Column("ch", "char(6)", SHORT), Column("p", "boolean", BOOL), Column("d", "date", DATE), Column("ts", "datetime", TIMESTAMP),
        Column("tz", "timestamptz", MODERN), Column("tm", "time", TIME), Column("y", "blob", BYTES), Column("j", "json", JSON),
        Column("u", "uuid", UUID),
    ]
    strict = {"id": "integer PRIMARY KEY", "k": "integer", "m": "int", "i4": "int", "i8": "integer", "f8": "real", "g": "real", "s": "text", "t": "text",
              "sc": "text COLLATE nocase", "sx": "text", "v": "text", "y": "blob"}
    # Other forms of the same instants, which the input functions of PostgreSQL read as well.
    forms = ["2024-02-29T12:34:56", "2024-02-29 12:34", "2024-02-29 12:34:56.000", "2024-02-29 12:34:56Z", "2024-02-29",
             "2024-02-29 12:34:56.789000", "2024-2-29 12:34:56"]
    tables = {
        "a": columns,
        "b": redeclared(columns, {}, {"ts": TIMESTAMP + forms, "d": DATE + ["2024-2-29", "20240229"]}),
        "c": redeclared(columns[:3] + columns[3:5] + columns[8:15] + columns[21:22], strict),
    }
    clauses = {"c": " STRICT"}

    def __init__(self):
        self.schema = None
        self.file = None

    def connection(self, user):
        connection = user.sqlite("differential")
        path = os.path.join(environment("TENANCY_SQLITE_ROOT"), user.id, "test.db")
        with user.connect() as session:
            execute(session, "differential", "CREATE TABLE IF NOT EXISTS made (x integer)")
            execute(session, "differential", "DROP TABLE made")
        self.file = sqlite3.connect(path, isolation_level=None)
        return connection

    def create(self, table, columns):
        self.file.execute(self.definition(table, columns))

    def stored(self, column, text):
        """The value in the storage class that belongs to the column."""
        declared = column.declared
        if text is None:
            return None
        if column.name == "y":
            return bytes.fromhex(text[2:])
        if column.name == "p":
            return int(text == "true")
        if re.match("real|double|float", declared):
            return float(text.replace("Infinity", "inf"))
        if re.match(".*int", declared):
            return int(text)
        return text

    def insert(self, table, columns, table_rows):
        marks = ", ".join("?" * len(columns))
        self.file.execute("BEGIN")
        for row in table_rows:
            self.file.execute("INSERT INTO %s VALUES (%s)" % (table, marks), list(map(self.stored, columns, row)))
        self.file.execute("COMMIT")
        self.file.execute("ANALYZE")


# Values that do not belong into their columns, which SQLite keeps all the same.
OFF_TYPE = {
    "i": ("integer", [1, 2, 3, -5, "abc", 1.5, b"\x01", "7x", None, 2**62]),
    "f": ("real", [1.5, 2, -3.25, "abc", b"1.5", None, 1e300, "1.5x"]),
    "s": ("text", ["a", "B", "", 5, b"a", b"\xff", None, "zz"]),
    "d": ("date", ["2024-02-29", "2023-01-01", 19000, 2460000.5, "yesterday-ish", "", None, b"2024-02-29"]),
    "p": ("boolean", [0, 1, 2, "yes", "true", "maybe", None, 1.0]),
    "n": ("numeric", [1, 1.5, "12345678901234567890.5", "abc", None, b"1"]),
}


def make_off_type(engine, rng, count=60):
    """The table odd of SQLite: half of its rows have one value of another type."""
    engine.file.execute("CREATE TABLE odd (id integer PRIMARY KEY, k integer, m smallint NOT NULL, %s)" %
                        ", ".join("%s %s" % (name, declared) for name, (declared, _) in OFF_TYPE.items()))
    for number in range(1, count + 1):
        odd = rng.choice(list(OFF_TYPE)) if rng.random() < 0.5 else None
        row = [rng.choice(values if name == odd else values[:2]) for name, (_, values) in OFF_TYPE.items()]
        engine.file.execute("INSERT INTO odd VALUES (?, ?, ?, %s)" % ", ".join("?" * len(row)), [number, number % 12, number % 20, *row])


ENGINES = {engine.name: engine for engine in (Postgres, Mysql, Sqlite)}
