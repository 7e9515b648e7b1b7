#!/usr/bin/python3
"""Schemas of client databases become foreign tables: every type, hostile names, attach, refresh and detach as a tenant who
may do nothing by themself, and nobody else's."""

import contextlib
import re

from tenancy import (UNIQUE, User, app_role, client_server, connect, environment, execute, make_role, mysql, ok, person_role,
                     rows, run, same, sqlstate, value, wait_for_history)

SCHEMA = "att_" + UNIQUE
REMOTE = "imp_" + UNIQUE  # schema on the PostgreSQL server; prefix of tables on MariaDB
IS_MARIADB = environment("MYSQL_FLAVOUR") == "mariadb"
alice = User("alice")
bob = User("bob")

LONG = "n" * 70
HOSTILE = ["quote\"d", "semi;colon", "new\nline", "dollar$$tag$$", "back\\slash", "apo'strophe", "ünï ☃", "); DROP TABLE x; --",
           "select", " lead", "CamelCase"]


def columns_of(session, schema, table):
    """name: (type, not null, options) of a local foreign table."""
    found = rows(session, """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               (SELECT coalesce(json_object_agg(option_name, option_value), '{}') FROM pg_options_to_table(a.attfdwoptions))
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = %s::regnamespace AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum""", '"%s"' % schema, table)
    return {name: (type_, not_null, options) for name, type_, not_null, options in found}


def tables_of(session, schema):
    """local name: options"""
    return dict(rows(session, """
        SELECT c.relname, (SELECT json_object_agg(option_name, option_value) FROM pg_options_to_table(f.ftoptions))
        FROM pg_foreign_table AS f JOIN pg_class AS c ON c.oid = f.ftrelid WHERE c.relnamespace = %s::regnamespace""",
                     '"%s"' % schema))


def check_columns(found, wanted, what):
    """wanted: name: (type, not null, native type, other options)"""
    for name, (type_, not_null, native, others) in wanted.items():
        got = found.get(name)
        options = {"column_name": name, "native_type": native, **others}
        same(got, (type_, not_null, options), "%s %s" % (what, name))
    same(list(found), list(wanted), what + ": no other column, and the order is the remote one")


# What is on the client databases

def prepare_postgres():
    """A PostgreSQL schema with every kind of type and relation"""
    with contextlib.closing(client_server()) as session:
        rows(session, 'CREATE SCHEMA %s' % REMOTE)
        rows(session, 'SET search_path = %s' % REMOTE)
        for statement in (
                "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN price AS numeric(8,2) CHECK (VALUE > 0)",
                "CREATE DOMAIN dear AS price", "CREATE DOMAIN feeling AS mood", "CREATE TYPE pair AS (a int, b text)",
                "CREATE DOMAIN tags AS text[]",
                "CREATE COLLATION nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                """CREATE TABLE types (
                     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, i2 smallint, i4 int NOT NULL, b boolean,
                     n numeric, n2 numeric(12,3), f4 real, f8 double precision, t text, v varchar(20), c char(5), d date,
                     tm time(3), ts timestamp(2), tz timestamptz, iv interval day to second(2), by bytea, u uuid, j json, jb jsonb,
                     bi bit(3), vb varbit(9), ip inet, ia int[], na numeric(6,1)[], e mood, ea mood[], p price, pp dear, fe feeling,
                     tg tags, pr pair, r int4range, nd text COLLATE nd, x text COLLATE "C", m money, oi oid, "char" "char",
                     g int GENERATED ALWAYS AS (i4 * 2) STORED)""",
                "CREATE INDEX ON types (t, v)", "CREATE INDEX ON types (v) WHERE b", "CREATE INDEX ON types (lower(c))",
                "CREATE TABLE keys (b int, a int, c int, PRIMARY KEY (a, b) INCLUDE (c))", "INSERT INTO keys VALUES (1, 2, NULL)",
                "CREATE VIEW seen AS SELECT id, t FROM types", "CREATE MATERIALIZED VIEW kept AS SELECT id, t FROM types",
                "CREATE TABLE parts (k int PRIMARY KEY, v text NOT NULL) PARTITION BY RANGE (k)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE parent (k int PRIMARY KEY, v text NOT NULL)", "CREATE TABLE child () INHERITS (parent)",
                "CREATE TABLE nothing ()", "CREATE TABLE secret (a int)", "CREATE SEQUENCE counter"):
            rows(session, statement)
        for name in HOSTILE:
            rows(session, 'CREATE TABLE "%s" ("%s" int, "ctid " int)' % (name.replace('"', '""'), name.replace('"', '""')))
        rows(session, 'CREATE TABLE "%s" (a int, "Ünïcödé" text DEFAULT %s)' % ("t" * 63, "pg_catalog.version()"))
        rows(session, 'GRANT USAGE ON SCHEMA %s TO %s' % (REMOTE, environment("CLIENT_PGUSER")))
        rows(session, 'GRANT ALL ON ALL TABLES IN SCHEMA %s TO %s' % (REMOTE, environment("CLIENT_PGUSER")))
        rows(session, 'REVOKE ALL ON secret FROM %s' % environment("CLIENT_PGUSER"))


POSTGRES_TYPES = {
    "id": ("bigint", True, "bigint", {"key": "true", "indexed": "true", "identity": "true"}),
    "s": ("integer", True, "integer", {"identity": "true"}),
    "i2": ("smallint", False, "smallint", {}), "i4": ("integer", True, "integer", {}), "b": ("boolean", False, "boolean", {}),
    "n": ("numeric", False, "numeric", {}), "n2": ("numeric(12,3)", False, "numeric(12,3)", {}),
    "f4": ("real", False, "real", {}), "f8": ("double precision", False, "double precision", {}),
    "t": ("text", False, "text", {"collation": "default", "indexed": "true"}),
    "v": ("character varying(20)", False, "character varying(20)", {"collation": "default"}),
    "c": ("character(5)", False, "character(5)", {"collation": "default"}), "d": ("date", False, "date", {}),
    "tm": ("time(3) without time zone", False, "time(3) without time zone", {}),
    "ts": ("timestamp(2) without time zone", False, "timestamp(2) without time zone", {}),
    "tz": ("timestamp with time zone", False, "timestamp with time zone", {}),
    "iv": ("interval", False, "interval day to second(2)", {}), "by": ("bytea", False, "bytea", {}), "u": ("uuid", False, "uuid", {}),
    "j": ("json", False, "json", {}), "jb": ("jsonb", False, "jsonb", {}), "bi": ("bit(3)", False, "bit(3)", {}),
    "vb": ("bit varying(9)", False, "bit varying(9)", {}), "ip": ("inet", False, "inet", {}),
    "ia": ("integer[]", False, "integer[]", {}), "na": ("numeric(6,1)[]", False, "numeric(6,1)[]", {}),
    "e": ("text", False, "enum", {}), "ea": ("text", False, REMOTE + ".mood[]", {}),
    "p": ("numeric(8,2)", False, "numeric(8,2)", {}), "pp": ("numeric(8,2)", False, "numeric(8,2)", {}),
    "fe": ("text", False, "enum", {}), "tg": ("text[]", False, "text[]", {"collation": "default"}),
    "pr": ("text", False, REMOTE + ".pair", {}), "r": ("int4range", False, "int4range", {}),
    "nd": ("text", False, "text", {"collation": "nondeterministic"}), "x": ("text", False, "text", {"collation": "deterministic"}),
    "m": ("text", False, "money", {}), "oi": ("oid", False, "oid", {}), "char": ('"char"', False, '"char"', {}),
    "g": ("integer", False, "integer", {"generated": "true"}),
}


def prepare_mysql():
    """A MariaDB or MySQL database with every type that it has, hostile names in backquotes"""
    mysql("""CREATE TABLE `%s_types` (
        id bigint unsigned NOT NULL AUTO_INCREMENT, k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        t1 tinyint(1), t tinyint, tu tinyint unsigned, s smallint, su smallint unsigned, m mediumint, mu mediumint unsigned,
        i int, iu int unsigned, b bigint, bu bigint unsigned, y year, d decimal(12,3), du decimal(65,30) unsigned, f float, fd double,
        da date NOT NULL, dt datetime(3), ts timestamp NOT NULL DEFAULT current_timestamp(), ti time(6), bi bit(9), j json,
        jt text CHECK (json_valid(jt)), jn text CHECK (json_valid(jn) AND length(jn) < 10), c char(3), v varchar(30) COLLATE utf8mb4_general_ci,
        tt tinytext, lt longtext, e enum('A','b''c'), st set('x','Y'), bin binary(4), vb varbinary(8), bl longblob, p point,
        %s g int AS (i + 1) STORED, gv int AS (i + 2) VIRTUAL, z int(5) unsigned zerofill,
        PRIMARY KEY (id, k), KEY (v, i), KEY (i))""" % (REMOTE, "u uuid, i6 inet6," if IS_MARIADB else ""))
    mysql("CREATE VIEW `%s_view` AS SELECT id, k FROM `%s_types`" % (REMOTE, REMOTE))
    mysql("CREATE TABLE `%s_uni` (a int NOT NULL UNIQUE, b int DEFAULT (uuid_short() %% 7))" % REMOTE)
    for number, name in enumerate(HOSTILE):
        if not name.startswith(" "):
            mysql("CREATE TABLE `%s_%d%s` (`%s` int)" % (REMOTE, number, name.replace("`", "``"), name.replace("`", "``")))
    mysql("CREATE TABLE `%s_back``tick` (`a``b` int CHECK (`a``b` > 0))" % REMOTE)
    for end in "ab":
        mysql("CREATE TABLE `%s` (id int, `%s` int)" % ((REMOTE + "_").ljust(63, "w") + end, "c" * 63 + end))
    mysql("CREATE TABLE `%s` (a int)" % ((REMOTE + "_ü").ljust(64, "ü")))


def mysql_types():
    general = value_of_mysql_collation()
    text = {"collation": general}
    types = {
        "id": ("numeric(20,0)", True, "bigint(20) unsigned", {"key": "true", "indexed": "true", "identity": "true"}),
        "k": ("text", True, "varchar(20)", {"collation": "utf8mb4_bin", "key": "true"}),
        "t1": ("smallint", False, "tinyint(1)", {}), "t": ("smallint", False, "tinyint(4)", {}),
        "tu": ("smallint", False, "tinyint(3) unsigned", {}), "s": ("smallint", False, "smallint(6)", {}),
        "su": ("integer", False, "smallint(5) unsigned", {}), "m": ("integer", False, "mediumint(9)", {}),
        "mu": ("integer", False, "mediumint(8) unsigned", {}), "i": ("integer", False, "int(11)", {"indexed": "true"}),
        "iu": ("bigint", False, "int(10) unsigned", {}), "b": ("bigint", False, "bigint(20)", {}),
        "bu": ("numeric(20,0)", False, "bigint(20) unsigned", {}), "y": ("smallint", False, "year(4)", {}),
        "d": ("numeric(12,3)", False, "decimal(12,3)", {}), "du": ("numeric(65,30)", False, "decimal(65,30) unsigned", {}),
        "f": ("real", False, "float", {}), "fd": ("double precision", False, "double", {}),
        "da": ("date", False, "date", {}), "dt": ("timestamp without time zone", False, "datetime(3)", {}),
        "ts": ("timestamp with time zone", False, "timestamp", {}), "ti": ("interval", False, "time(6)", {}),
        "bi": ("bit(9)", False, "bit(9)", {}), "j": ("json", False, "longtext", {"collation": "utf8mb4_bin"}),
        "jt": ("json", False, "text", text), "jn": ("text", False, "text", text), "c": ("text", False, "char(3)", text),
        "v": ("text", False, "varchar(30)", {"collation": "utf8mb4_general_ci", "indexed": "true"}), "tt": ("text", False, "tinytext", text),
        "lt": ("text", False, "longtext", text), "e": ("text", False, "enum('A','b''c')", text),
        "st": ("text", False, "set('x','Y')", text), "bin": ("bytea", False, "binary(4)", {}), "vb": ("bytea", False, "varbinary(8)", {}),
        "bl": ("bytea", False, "longblob", {}), "p": ("bytea", False, "point", {}), "u": ("uuid", False, "uuid", {}),
        "i6": ("text", False, "inet6", {}), "g": ("integer", False, "int(11)", {"generated": "true"}),
        "gv": ("integer", False, "int(11)", {"generated": "true"}), "z": ("bigint", False, "int(5) unsigned zerofill", {}),
    }
    return types if IS_MARIADB else {name: mysql_type(*entry) for name, entry in types.items() if name not in ("u", "i6")}


def mysql_type(type_, not_null, native, others):
    """The same column on MySQL: integers and years have no width, but those of zerofill and tinyint(1); json is a type, and text is none."""
    if type_ == "json":
        return ("json", not_null, "json", {}) if native == "longtext" else ("text", not_null, native, others)
    if "zerofill" not in native and native != "tinyint(1)":
        native = re.sub(r"^(\w*int|year)\(\d+\)", r"\1", native)
    return type_, not_null, native, others


def value_of_mysql_collation():
    return mysql("SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = database()")[0][0]


SQLITE = [
    """CREATE TABLE types (id INTEGER PRIMARY KEY, v VARCHAR(20) COLLATE nocase, t TEXT NOT NULL DEFAULT (1 COLLATE RTRIM), n, r REAL,
         b BLOB, bo BOOLEAN, d DATE, dt DATETIME, j JSON, nu NUMERIC(10,2), de DECIMAL(5,1), bi BIGINT UNSIGNED, w WEIRD TYPE,
         /* COLLATE BINARY */ x TEXT COLLATE "RTRIM" CHECK (x COLLATE nocase <> 'a'), g INT AS (id + 1) STORED)""",
    "CREATE INDEX types_t ON types (t, r)", "CREATE INDEX types_p ON types (r) WHERE r > 0", "CREATE INDEX types_e ON types (lower(v))",
    "CREATE TABLE strict_one (i INT PRIMARY KEY, a ANY, t TEXT NOT NULL) STRICT",
    "CREATE TABLE no_rowid (a TEXT, b INT, c INT, PRIMARY KEY (a, b)) WITHOUT ROWID",
    "CREATE TABLE backwards (id INTEGER PRIMARY KEY DESC, v TEXT)",
    "CREATE TABLE aliased (id INTEGER, v TEXT, PRIMARY KEY (id DESC))",
    "CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
    "CREATE VIEW seen AS SELECT id, t, id + 1 AS more FROM types", "CREATE TABLE gone (a)", "CREATE VIEW broken AS SELECT * FROM gone",
    "DROP TABLE gone", "CREATE VIRTUAL TABLE words USING fts5(a, b)", 'CREATE TABLE "" ("" int)',
    "CREATE TABLE %s (a, %s, %s)" % ("l" * 70, "c" * 63 + "1", "c" * 63 + "2"), "CREATE TABLE %s2 (a)" % ("l" * 69),
    "CREATE TABLE %s (a)" % ("ü" * 40), "CREATE TABLE renamed (ctid INT, xmin INT, oid INT)",
    "CREATE TABLE wide (%s)" % ", ".join("c%d" % i for i in range(1700)),
    "CREATE TABLE long_type (a %s, %s INT)" % ("TYPE" * 1000, "x" * 2000),
] + ['CREATE TABLE "%s" ("%s" "%s")' % ((name.replace('"', '""'),) * 3) for name in HOSTILE]

SQLITE_TYPES = {
    "id": ("bigint", True, "integer primary key", {"collation": "BINARY", "key": "true", "indexed": "true", "identity": "true"}),
    "v": ("text", False, "varchar(20)", {"collation": "NOCASE"}),
    "t": ("text", True, "text", {"collation": "BINARY", "indexed": "true"}), "n": ("text", False, "", {"collation": "BINARY"}),
    "r": ("double precision", False, "real", {"collation": "BINARY"}), "b": ("bytea", False, "blob", {"collation": "BINARY"}),
    "bo": ("boolean", False, "boolean", {"collation": "BINARY"}), "d": ("date", False, "date", {"collation": "BINARY"}),
    "dt": ("timestamp without time zone", False, "datetime", {"collation": "BINARY"}),
    "j": ("json", False, "json", {"collation": "BINARY"}), "nu": ("numeric", False, "numeric(10,2)", {"collation": "BINARY"}),
    "de": ("numeric", False, "decimal(5,1)", {"collation": "BINARY"}),
    "bi": ("bigint", False, "bigint unsigned", {"collation": "BINARY"}), "w": ("text", False, "weird type", {"collation": "BINARY"}),
    "x": ("text", False, "text", {"collation": "RTRIM"}),
    "g": ("bigint", False, "int", {"collation": "BINARY", "generated": "true"}),
}


def prepare_sqlite():
    """A SQLite database with all that declarations can say"""
    alice.sqlite("lite")
    with contextlib.closing(alice.connect()) as session:
        for statement in SQLITE:
            answer = execute(session, "lite", statement)
            if answer["status"] != "success":
                ok(False, "prepared " + statement[:60], str(answer["error"]))


# What becomes of it

def postgres_schema():
    """attach() of a PostgreSQL schema"""
    alice.postgres("pg")
    schema = SCHEMA + "_pg"
    with contextlib.closing(alice.connect()) as session:
        count = value(session, "SELECT tenancy.attach('pg', %s, %s)", schema, REMOTE)
        tables = tables_of(session, schema)
        same(count, len(tables), "as many tables as it says")
        same(sorted(tables), sorted(HOSTILE + ["types", "keys", "seen", "kept", "parts", "parent", "child", "nothing", "t" * 63]),
             "tables, views, partitioned tables without their partitions, nothing unreadable")
        same(tables["kept"], {"schema_name": REMOTE, "table_name": "kept", "encoding": "UTF8", "updatable": "false",
                              "truncatable": "false"}, "a materialized view is read only")
        check_columns(columns_of(session, schema, "types"), POSTGRES_TYPES, "postgres")
        keys = columns_of(session, schema, "keys")
        same([[name, options.get("key"), options.get("indexed")] for name, (_, _, options) in keys.items()],
             [["b", "true", None], ["a", "true", "true"], ["c", None, None]], "a key of two columns, without what its index includes")
        rows(session, "CREATE TEMP TABLE news AS SELECT 1 AS b, 7 AS c")
        rows(session, 'UPDATE "%s".keys AS k SET c = n.c FROM news AS n WHERE n.b = k.b' % schema)
        same(rows(session, 'SELECT * FROM "%s".keys' % schema), [(1, 2, 7)], "which finds a row whose included column is null")
        parts, parent = columns_of(session, schema, "parts"), columns_of(session, schema, "parent")
        same([parts["k"][1], parts["k"][2].get("key"), parts["v"][1]], [True, "true", False], "a partitioned table has its key")
        same([parent["k"][1], parent["k"][2].get("key")], [False, None], "a parent's key says nothing of its children's rows")
        for name in HOSTILE:
            same(list(columns_of(session, schema, name)), [name, "ctid "], "table and column %r" % name)
    with contextlib.closing(connect()) as session:
        same(value(session, "SELECT count(*) FROM pg_attrdef AS d JOIN pg_class AS c ON c.oid = d.adrelid WHERE relkind = 'f'"), 0,
             "no default came along")


def mysql_schema():
    """attach() of a MariaDB database"""
    alice.mysql("my")
    schema = SCHEMA + "_my"
    with contextlib.closing(alice.connect()) as session:
        value(session, "SELECT tenancy.attach('my', %s)", schema)
        tables = tables_of(session, schema)
        for number, name in enumerate(HOSTILE):
            if not name.startswith(" "):
                same(list(columns_of(session, schema, "%s_%d%s" % (REMOTE, number, name))), [name], "table and column %r" % name)
        same(list(columns_of(session, schema, REMOTE + "_back`tick")), ["a`b"], "backquotes")
        check_columns(columns_of(session, schema, REMOTE + "_types"), mysql_types(), "mysql")
        same({name: entry[2].get("key") for name, entry in columns_of(session, schema, REMOTE + "_uni").items()},
             {"a": "true", "b": None}, "a unique column that is never null is a key")
        same([entry[1:] for entry in columns_of(session, schema, REMOTE + "_view").values()][0],
             (False, {"column_name": "id", "native_type": mysql_types()["id"][2]}), "a view has no key and promises nothing")
        long = sorted(name for name, options in tables.items() if options["table_name"].startswith((REMOTE + "_").ljust(63, "w")))
        same([len(long), len(set(long)), max(map(len, long))], [2, 2, 63], "two names that differ after 63 bytes stay two")
        columns = columns_of(session, schema, long[0])
        same(sorted(options["column_name"][:63] for _, _, options in columns.values()), ["c" * 63, "id"], "so do columns")
        unicode = [name for name, options in tables.items() if options["table_name"].startswith(REMOTE + "_üüü")]
        ok(len(unicode) == 1 and len(unicode[0].encode()) <= 63 and unicode[0].rpartition("_")[0].endswith("ü"), "characters are not cut", unicode)
    same(sqlstate_of(alice, "SELECT tenancy.attach('my', %s, 'no_such_database')", SCHEMA + "_no"), "3F000", "a database that is not there")
    with contextlib.closing(alice.connect()) as session:
        value(session, "SELECT tenancy.attach('my', %s, NULL, ARRAY[%s], '{\"tinyint1_as_boolean\": true, \"import_not_null\": false,"
              " \"import_collate\": \"byte\", \"fetch_size\": 77}')", SCHEMA + "_opt", REMOTE + "_types")
        columns = columns_of(session, SCHEMA + "_opt", REMOTE + "_types")
        same([columns["t1"][0], columns["t"][0], columns["k"][1]], ["boolean", "smallint", False], "options of the import")
        same(value(session, "SELECT collation_name FROM information_schema.columns WHERE table_schema = %s AND column_name = 'v'",
                   SCHEMA + "_opt"), "C", "text in byte order")
        ok("fetch_size=77" in value(session, "SELECT srvoptions::text FROM pg_foreign_server AS s JOIN tenancy.attached() AS a"
                                    " ON a.server_name = s.srvname WHERE a.schema_name = %s", SCHEMA + "_opt"), "options of the server")


def sqlite_schema():
    """attach() of a SQLite database"""
    schema = SCHEMA + "_lite"
    with contextlib.closing(alice.connect()) as session:
        value(session, "SELECT tenancy.attach('lite', %s)", schema)
        notices = "".join(session.notices)
        ok('view "broken" is left out' in notices, "a broken view fails alone", notices)
        tables = tables_of(session, schema)
        ok(all(name in tables for name in HOSTILE) and "broken" not in tables, "hostile names", sorted(tables))
        for name in HOSTILE:
            columns = columns_of(session, schema, name)
            same((list(columns), columns[name][2]["native_type"]), ([name], name.lower()), "table, column and type %r" % name)
        check_columns(columns_of(session, schema, "types"), SQLITE_TYPES, "sqlite")
        summary = {table: {name: (entry[0], entry[1], entry[2]["native_type"], entry[2].get("key"), entry[2].get("identity"))
                           for name, entry in columns_of(session, schema, table).items()}
                   for table in ("strict_one", "no_rowid", "backwards", "aliased", "two")}
        same(summary, {
            "strict_one": {"i": ("bigint", True, "int strict", "true", None), "a": ("text", False, "any strict", None, None),
                           "t": ("text", True, "text strict", None, None)},
            "no_rowid": {"a": ("text", True, "text", "true", None), "b": ("bigint", True, "int", "true", None),
                         "c": ("bigint", False, "int", None, None)},
            "backwards": {"id": ("bigint", False, "integer", "true", None), "v": ("text", False, "text", None, None)},
            "aliased": {"id": ("bigint", True, "integer primary key", "true", "true"), "v": ("text", False, "text", None, None)},
            "two": {"a": ("bigint", False, "integer", "true", None), "b": ("bigint", False, "integer", "true", None)}},
             "keys, strict tables and tables without rowid")
        same({name: entry[:2] + (entry[2]["collation"],) for name, entry in columns_of(session, schema, "seen").items()},
             {"id": ("bigint", False, "unknown"), "t": ("text", False, "unknown"), "more": ("text", False, "unknown")}, "a view")
        same(list(columns_of(session, schema, "words")), ["a", "b"], "a virtual table without its hidden columns")
        same([len(columns_of(session, schema, "wide")), len(columns_of(session, schema, "long_type"))], [1600, 1], "what PostgreSQL cannot hold is left out")
        names = {options["table_name"]: name for name, options in tables.items()}
        ok(names["l" * 70] != names["l" * 69 + "2"] and len(names["l" * 70]) == 63, "long names", names)
        ok(names[""].startswith("_") and columns_of(session, schema, names[""])[names[""]][2]["column_name"] == "", "the empty name")
        renamed = columns_of(session, schema, "renamed")
        ok(["ctid", "xmin", "oid"] == [entry[2]["column_name"] for entry in renamed.values()] and "ctid" not in renamed and "oid" in renamed,
           "names of system columns", renamed)


def taken_names():
    """A server or a schema that somebody else made under the names of an attachment is theirs"""
    schema, maker = SCHEMA + "_taken", make_role("maker")
    with contextlib.closing(connect()) as admin, contextlib.closing(alice.connect()) as session:
        rows(admin, 'GRANT USAGE ON FOREIGN DATA WRAPPER tenant_fdw TO "%s"' % maker)
        value(session, "SELECT tenancy.attach('lite', %s)", schema)
        server, identity = rows(session, "SELECT server_name, connection_id FROM tenancy.attached() WHERE schema_name = %s", schema)[0]
        make = "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s'); ALTER SERVER %s OWNER TO \"%s\"" % (server, identity, server, maker)
        refresh, attach, detach = ("SELECT tenancy.%s('lite', %%s)" % word for word in ("refresh_attached", "attach", "detach"))
        rows(admin, "DROP SERVER %s CASCADE" % server)
        rows(admin, make)
        same(sqlstate(rows, session, refresh, schema), "42710", "no refresh with somebody else's server")
        same(sqlstate(rows, session, attach, schema), "42710", "nor another attach()")
        value(session, detach, schema)
        same(value(admin, "SELECT count(*) FROM pg_foreign_server WHERE srvname = %s", server), 1, "detach() leaves it")
        same(sqlstate(rows, session, attach, schema), "42710", "no first attach() with it")
        rows(admin, "DROP SERVER %s" % server)
        value(session, attach, schema)
        rows(admin, 'DROP SCHEMA "%s" CASCADE' % schema)
        rows(admin, 'CREATE SCHEMA "%s" AUTHORIZATION "%s"' % (schema, maker))
        same(sqlstate(rows, session, refresh, schema), "42P06", "no refresh into somebody else's schema")
        same(sqlstate(rows, session, attach, schema), "42P06", "nor another attach()")
        value(session, detach, schema)
        same(value(admin, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", schema), 1, "detach() leaves it")
        rows(admin, 'DROP SCHEMA "%s"' % schema)
        rows(admin, 'REVOKE USAGE ON FOREIGN DATA WRAPPER tenant_fdw FROM "%s"' % maker)


def sqlstate_of(user, statement, *parameters):
    with contextlib.closing(user.connect()) as session:
        return sqlstate(rows, session, statement, *parameters)


def by_hand():
    """IMPORT FOREIGN SCHEMA with LIMIT TO and EXCEPT"""
    with contextlib.closing(connect()) as session:
        rows(session, 'CREATE SCHEMA "%s_hand" AUTHORIZATION "%s"' % (SCHEMA, person_role()))
    with contextlib.closing(alice.connect()) as session:
        pg = value(session, "SELECT id FROM tenancy.connections() WHERE name = 'pg'")
        lite = value(session, "SELECT id FROM tenancy.connections() WHERE name = 'lite'")
        server = "hand_" + UNIQUE
        rows(session, "CREATE SERVER %s_pg FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (server, pg))
        rows(session, "CREATE SERVER %s_lite FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (server, lite))
        rows(session, 'IMPORT FOREIGN SCHEMA %s LIMIT TO ("semi;colon", types, missing) FROM SERVER %s_pg INTO "%s_hand"' % (REMOTE, server, SCHEMA))
        same(sorted(tables_of(session, SCHEMA + "_hand")), ["semi;colon", "types"], "LIMIT TO")
        rows(session, 'IMPORT FOREIGN SCHEMA main EXCEPT (types, seen, wide, "semi;colon") FROM SERVER %s_lite INTO "%s_hand"' % (server, SCHEMA))
        found = tables_of(session, SCHEMA + "_hand")
        ok("two" in found and "seen" not in found and "wide" not in found, "EXCEPT", sorted(found))
        shortened = [name for name in found if name.startswith("l" * 50) and found[name]["table_name"] == "l" * 70][0]
        rows(session, 'DROP FOREIGN TABLE "%s_hand"."%s"' % (SCHEMA, shortened))
        rows(session, 'IMPORT FOREIGN SCHEMA main LIMIT TO ("%s") FROM SERVER %s_lite INTO "%s_hand"' % (shortened, server, SCHEMA))
        ok(shortened in tables_of(session, SCHEMA + "_hand"), "LIMIT TO a shortened name")
        for wanted, options in (("HV00D", "nonsense 'x'"), ("22023", "import_default 'true'"), ("22023", "import_collate 'true'"),
                                ("22023", "import_not_null 'maybe'")):
            same(sqlstate(rows, session, "IMPORT FOREIGN SCHEMA main FROM SERVER %s_lite INTO \"%s_hand\" OPTIONS (%s)"
                          % (server, SCHEMA, options)), wanted, options)
        same(sqlstate(rows, session, 'IMPORT FOREIGN SCHEMA other FROM SERVER %s_lite INTO "%s_hand"' % (server, SCHEMA)), "3F000", "no such schema")
        done = wait_for_history("user_id = %s AND source = 'fdw' AND status = 'success'", alice.id)
        ok(any("pg_catalog.pg_class" in row["generated_sql_query"] for row in done), "it is in history")
    with contextlib.closing(bob.connect()) as session:
        same(sqlstate(rows, session, 'IMPORT FOREIGN SCHEMA %s FROM SERVER %s_pg INTO "%s_hand"' % (REMOTE, server, SCHEMA)), "42501",
             "the same role with another identity")
        same(sqlstate(rows, session, "CREATE SERVER %s_his FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (server, pg)), "42501",
             "nor has it a server of its own for that connection")
        wait_for_history("user_id = %s AND source = 'fdw' AND status = 'denied'", bob.id, count=2)
        ok(True, "which history knows")


def refreshing():
    """refresh_attached() after changes on the client database"""
    schema = SCHEMA + "_re"
    with contextlib.closing(client_server()) as session:
        rows(session, "CREATE SCHEMA %s_re" % REMOTE)
        rows(session, "GRANT USAGE ON SCHEMA %s_re TO %s" % (REMOTE, environment("CLIENT_PGUSER")))
        rows(session, "ALTER DEFAULT PRIVILEGES IN SCHEMA %s_re GRANT ALL ON TABLES TO %s" % (REMOTE, environment("CLIENT_PGUSER")))
        rows(session, "SET search_path = %s_re" % REMOTE)
        rows(session, "CREATE TABLE a (id int PRIMARY KEY, old text, kind varchar(10), same int)")
        rows(session, "CREATE TABLE b (x int)")
        with contextlib.closing(alice.connect()) as local:
            value(local, "SELECT tenancy.attach('pg', %s, %s)", schema, REMOTE + "_re")
            same(rows(local, "SELECT * FROM tenancy.refresh_attached('pg', %s)", schema), [], "nothing has changed")
            for statement in ("ALTER TABLE a DROP COLUMN old", "ALTER TABLE a ADD COLUMN \"new;\" bigint NOT NULL DEFAULT 1",
                              "ALTER TABLE a ALTER COLUMN kind TYPE varchar(20) COLLATE \"C\"", "ALTER TABLE a ALTER COLUMN kind SET NOT NULL",
                              "DROP TABLE b", "CREATE TABLE \"c'c\" (y int)"):
                rows(session, statement)
            same(sorted(rows(local, "SELECT change, table_name, column_name FROM tenancy.refresh_attached('pg', %s)", schema), key=str),
                 sorted([("table dropped", "b", None), ("table added", "c'c", None), ("column added", "a", "new;"),
                         ("column dropped", "a", "old"), ("column changed", "a", "kind")], key=str), "each change")
            columns = columns_of(local, schema, "a")
            same([columns["kind"][:2], columns["new;"][:2]], [("character varying(20)", True), ("bigint", True)], "applied")
            same(rows(local, "SELECT * FROM tenancy.refresh_attached('pg', %s)", schema), [], "and then nothing again")
            ok(value(local, "SELECT has_table_privilege(%s, 'SELECT, INSERT, UPDATE, DELETE')", '"%s"."c\'c"' % schema), "privileges on the new table")
            rows(session, "ALTER TABLE a DROP CONSTRAINT a_pkey, ADD PRIMARY KEY (same)")
            changed = rows(local, "SELECT column_name FROM tenancy.refresh_attached('pg', %s) ORDER BY 1", schema)
            same([column for column, in changed], ["id", "same"], "another key")
            same([columns_of(local, schema, "a")[name][2].get("key") for name in ("id", "same")], [None, "true"], "which is now the key")
            same(value(local, "SELECT tenancy.attach('pg', %s, %s, ARRAY['a'], '{\"import_not_null\": false}')", schema, REMOTE + "_re"), 1,
                 "attached again, with fewer tables")
            same((list(tables_of(local, schema)), columns_of(local, schema, "a")["same"][1]), (["a"], False), "and other options")
            same(sqlstate(rows, local, "SELECT tenancy.attach('pg', %s, %s, ARRAY['nowhere'])", schema, REMOTE + "_re"), "42P01", "a table that is not there")
        with contextlib.closing(connect()) as admin:
            rows(admin, 'CREATE VIEW "user_view_%s" AS SELECT same FROM "%s".a' % (UNIQUE, schema))
            rows(session, "DROP TABLE a")
            same(sqlstate_of(alice, "SELECT * FROM tenancy.refresh_attached('pg', %s)", schema), "2BP01", "what a view uses is not dropped from under it")
            rows(admin, 'DROP VIEW "user_view_%s"' % UNIQUE)


def privileges():
    """Who may attach what, and where"""
    with contextlib.closing(alice.connect()) as session:
        for name in ("public", "tenancy", "information_schema", "pg_mine", "pg_catalog", ""):
            same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s)", name), "42939", "the schema %r" % name)
        same(sqlstate(rows, session, "CREATE SCHEMA mine_" + UNIQUE), "42501", "a tenant cannot make schemas")
        same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s)", SCHEMA + "_pg"), "42P06", "the schema of another connection")
        same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s)", SCHEMA + "_hand"), "42P06", "a schema of somebody's")
        same(sqlstate(rows, session, "SELECT tenancy.attach('nobody', %s)", SCHEMA + "_x"), "42501", "an unknown connection")
        for wanted, options in (("HV00D", '{"connection": "x"}'), ("HV00D", '{"nonsense": 1}'), ("22023", '{"fetch_size": -1}'), ("22023", "[]")):
            same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s, options => %s)", SCHEMA + "_x", options), wanted, options)
        same(value(session, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", SCHEMA + "_x"), 0, "nothing stays of a failure")
        same(value(session, "SELECT count(*) FROM tenancy.attached() WHERE schema_name ~ %s", "^" + SCHEMA), 5, "the list of attachments")
        same(sqlstate(rows, session, 'DROP SCHEMA "%s_pg" CASCADE' % SCHEMA), "42501", "the tenant does not own the schema")
        same(sqlstate(rows, session, 'CREATE TABLE "%s_pg".mine (a int)' % SCHEMA), "42501", "nor makes things in it")
        same(sqlstate(rows, session, 'ALTER FOREIGN TABLE "%s_pg".types OPTIONS (SET table_name %s)' % (SCHEMA, "'x'")), "42501", "nor changes its tables")
    with contextlib.closing(connect()) as superuser:
        lite = value(superuser, "SELECT id FROM tenancy.database_connections WHERE user_id = %s AND name = 'lite'", alice.id)
    with contextlib.closing(bob.connect()) as session:
        for call in ("tenancy.attach(%s::uuid, '{0}_b')", "tenancy.detach(%s::uuid, '{0}_lite')", "tenancy.refresh_attached(%s::uuid, '{0}_lite')"):
            same(sqlstate(rows, session, "SELECT " + call.format(SCHEMA), lite), "42501", "another tenant: " + call)
        same(rows(session, "SELECT * FROM tenancy.attached()"), [], "another tenant sees no attachment")
        same(rows(session, "SELECT * FROM tenancy.attachments"), [], "nor in the table")
        bob.sqlite("lite")
        same(sqlstate(rows, session, "SELECT tenancy.detach('lite', %s)", SCHEMA + "_lite"), "3F000", "with a connection of the same name")
        same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s)", SCHEMA + "_lite"), "42P06", "nor takes over the schema")
    with contextlib.closing(connect(user=app_role())) as session:
        same(sqlstate(rows, session, "SELECT tenancy.attach('lite', %s)", SCHEMA + "_n"), "28000", "nobody")
        same(sqlstate(rows, session, "SELECT tenancy.detach('lite', %s)", SCHEMA + "_lite"), "28000", "nobody detaches")


def no_code_of_the_caller():
    """Nothing of the caller's search_path takes part in what is done with more rights"""
    trap = "trap_" + UNIQUE
    with contextlib.closing(connect()) as session:
        rows(session, 'CREATE SCHEMA "%s" AUTHORIZATION "%s"' % (trap, person_role()))
    with contextlib.closing(alice.connect()) as session:
        rows(session, 'SET search_path = "%s", pg_catalog' % trap)
        for statement in ("CREATE FUNCTION jsonb_each_text(jsonb, OUT key text, OUT value text) RETURNS SETOF record LANGUAGE plpgsql"
                          " AS $$BEGIN RAISE EXCEPTION 'trap'; END$$", "CREATE DOMAIN text AS pg_catalog.text CHECK (VALUE = 'trap')",
                          "CREATE DOMAIN int8 AS pg_catalog.int8 CHECK (VALUE = 7)",
                          "CREATE FUNCTION name_trap(name, name) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap'; END$$",
                          "CREATE OPERATOR = (LEFTARG = name, RIGHTARG = name, PROCEDURE = name_trap)"):
            rows(session, statement)
        ok(value(session, "SELECT tenancy.attach('lite', %s, options => '{\"fetch_size\": 5}')", SCHEMA + "_trap") > 0, "attach()")
        same(rows(session, "SELECT * FROM tenancy.refresh_attached('lite', %s)", SCHEMA + "_trap"), [], "refresh_attached()")
        same(rows(session, """SELECT DISTINCT t.typnamespace::regnamespace::pg_catalog.text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                  JOIN pg_type AS t ON t.oid = a.atttypid
                  WHERE c.relnamespace OPERATOR(pg_catalog.=) %s::regnamespace AND a.attnum > 0""", '"%s_trap"' % SCHEMA),
             [("pg_catalog",)], "types are the server's own")
        rows(session, "SELECT tenancy.detach('lite', %s)", SCHEMA + "_trap")
    with contextlib.closing(connect()) as session:
        rows(session, 'DROP SCHEMA "%s" CASCADE' % trap)


def sampling():
    """ANALYZE asks the client database for a sample"""
    with contextlib.closing(client_server()) as session:
        rows(session, "CREATE TABLE %s.many AS SELECT i, 'v' || i %% 7 AS v FROM generate_series(1, 20000) AS i" % REMOTE)
        rows(session, "GRANT SELECT ON %s.many TO %s" % (REMOTE, environment("CLIENT_PGUSER")))
    mysql("CREATE TABLE `%s_many` AS SELECT seq AS i, concat('v', seq %% 7) AS v FROM seq_1_to_20000" % REMOTE)
    with contextlib.closing(alice.connect()) as session:
        execute(session, "lite", "CREATE TABLE many AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20000)"
                " SELECT i, 'v' || (i % 7) AS v FROM s")
        ids = dict(rows(session, "SELECT name, id FROM tenancy.connections()"))
    with contextlib.closing(connect()) as session:
        rows(session, "SET default_statistics_target = 10")
        for name, schema, table in (("pg", REMOTE, "many"), ("my", environment("MYSQL_DATABASE"), REMOTE + "_many"), ("lite", "main", "many")):
            local = "%s_sample_%s" % (SCHEMA, name)
            rows(session, 'CREATE SCHEMA "%s"' % local)
            rows(session, 'CREATE SERVER "%s" FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection \'%s\')' % (local, ids[name]))
            rows(session, 'IMPORT FOREIGN SCHEMA "%s" LIMIT TO ("%s") FROM SERVER "%s" INTO "%s"' % (schema, table, local, local))
            rows(session, 'ANALYZE "%s"."%s"' % (local, table))
            count = value(session, "SELECT reltuples FROM pg_class WHERE oid = %s::regclass", '"%s"."%s"' % (local, table))
            ok(16000 < count < 24000, "%s: the number of rows" % name, count)
            found = rows(session, "SELECT attname, n_distinct FROM pg_stats WHERE schemaname = %s ORDER BY 1", local)
            ok([entry[0] for entry in found] == ["i", "v"] and found[0][1] < -0.5 and found[1][1] == 7, "%s: its values" % name, found)
            rows(session, 'DROP SCHEMA "%s" CASCADE' % local)
            rows(session, 'DROP SERVER "%s"' % local)
        session.notices.clear()
        rows(session, 'ANALYZE "%s_lite".two' % SCHEMA)
        ok("cannot analyze" in "".join(session.notices), "a shared attachment is not sampled at all", session.notices)


def statistics():
    """Where several users share a role, nothing is learned from statistics"""
    with contextlib.closing(connect()) as session:
        same(value(session, """SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
             WHERE c.relnamespace = %s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget IS DISTINCT FROM 0""",
                   '"%s_pg"' % SCHEMA), 0, "no column of a shared attachment is sampled")


def detaching():
    """detach(), also of a connection that is deleted"""
    with contextlib.closing(alice.connect()) as session:
        servers = value(session, "SELECT array_agg(server_name::text) FROM tenancy.attached()")
        rows(session, "SELECT tenancy.detach('pg', %s)", SCHEMA + "_pg")
        same(value(session, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", SCHEMA + "_pg"), 0, "the schema is gone")
        same(sqlstate(rows, session, "SELECT tenancy.detach('pg', %s)", SCHEMA + "_pg"), "3F000", "twice")
        same(sqlstate(rows, session, "SELECT * FROM tenancy.refresh_attached('pg', %s)", SCHEMA + "_pg"), "3F000", "refreshing what is detached")
        rows(session, "SELECT tenancy.delete_connection('my')")
        same(sqlstate(rows, session, "SELECT * FROM tenancy.refresh_attached('my', %s)", SCHEMA + "_my"), "42501", "refreshing a deleted connection")
        alice.mysql("my")
        same(sqlstate(rows, session, "SELECT * FROM tenancy.refresh_attached('my', %s)", SCHEMA + "_my"), "42501",
             "nor is it another one that has got its name")
        rows(session, "SELECT tenancy.detach('my', %s)", SCHEMA + "_my")
    with contextlib.closing(bob.connect()) as session:
        same(sqlstate(rows, session, "SELECT tenancy.detach('my', %s)", SCHEMA + "_opt"), "42501", "another tenant and a deleted connection")
    with contextlib.closing(alice.connect()) as session:
        for schema, name in (("_opt", "my"), ("_lite", "lite"), ("_re", "pg")):
            rows(session, "SELECT tenancy.detach(%s, %s)", name, SCHEMA + schema)
        same(value(session, "SELECT count(*) FROM tenancy.attached()"), 0, "nothing is attached any more")
    with contextlib.closing(connect()) as session:
        same(value(session, "SELECT count(*) FROM pg_foreign_server WHERE srvname = ANY (%s)", servers), 0, "no server is left")


def clean():
    """Everything that was made on the client servers goes"""
    with contextlib.closing(client_server()) as session:
        rows(session, "DROP SCHEMA %s, %s_re CASCADE" % (REMOTE, REMOTE))
    with contextlib.closing(connect()) as session:
        rows(session, 'DROP SCHEMA "%s_hand" CASCADE' % SCHEMA)
        rows(session, "DROP SERVER hand_%s_pg, hand_%s_lite" % (UNIQUE, UNIQUE))
    for name, kind in mysql("SELECT hex(table_name), table_type FROM information_schema.tables"
                            " WHERE table_schema = database() AND table_name LIKE '%s%%'" % REMOTE):
        mysql("DROP %s `%s`" % ("VIEW" if kind == "VIEW" else "TABLE", bytes.fromhex(name).decode().replace("`", "``")))
    ok(True, "clean")


run(prepare_postgres, prepare_mysql, prepare_sqlite, postgres_schema, mysql_schema, sqlite_schema, by_hand, refreshing, privileges, no_code_of_the_caller,
    statistics, sampling, taken_names, detaching, clean)
