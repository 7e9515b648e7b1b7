#!/usr/bin/python3
"""A thousand tables are read with as many remote queries as one; detections wait for nobody; what a server says is not trusted."""

import contextlib
import json
import os
import sqlite3

from tenancy import (UNIQUE, Background, PostgresServer, User, environment, execute, history, mysql, ok, rows, run, same, sqlstate, together, value,
                     wait_for_history, wait_until)

TABLES = 1000
HOSTILE = ["quote\"d", "semi;colon", "new\nline", "dollar$$tag$$", "back\\slash", "apo'strophe", "ünï ☃", "); DROP TABLE x; --",
           "select", " lead", "CamelCase", "a.b", "back`tick", "{\"json\": 1}", "%s", "${x}"]
owner = User("cataloguer")


class Shop(PostgresServer):
    """A client's server that logs each statement, and a role that may log in with a password."""

    def __init__(self):
        super().__init__("log_statement = all\nlog_line_prefix = '%u|'")
        with contextlib.closing(self.connect()) as session:
            rows(session, "CREATE ROLE tenant LOGIN PASSWORD 'a password'")
            rows(session, "GRANT CREATE ON DATABASE postgres TO tenant")
            rows(session, "CREATE SCHEMA AUTHORIZATION tenant")

    def statements(self):
        """How many statements of the tenant's sessions the server has logged."""
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return sum(line.startswith("tenant|LOG:  ") and ("statement:" in line or "execute" in line) for line in file)

    def connection(self, name, **options):
        owner.create(name, database_type="postgresql", host="127.0.0.1", port=self.port, database_name="postgres",
                     username="tenant", password="a password", options={"sslmode": "disable", **options})


def names_of(document, prefix):
    return {table["name"] for table in document["tables"] if table["name"].startswith(prefix)}


shop = Shop()
shop.connection("shop")


def fill_postgres(first, last):
    with contextlib.closing(shop.connect()) as session:
        rows(session, "SET ROLE tenant")
        rows(session, """DO $do$ BEGIN FOR i IN %d..%d LOOP EXECUTE format(
            'CREATE TABLE t%%s (id int PRIMARY KEY, parent int REFERENCES t%%s, a text DEFAULT ''x'', b numeric(10,2), c timestamptz)',
            i, i / 2); EXECUTE format('CREATE INDEX i%%s ON t%%s (parent)', i, i); END LOOP; END $do$""" % (first, last))


def queries_of_postgres():
    """PostgreSQL: as many queries for a thousand tables as for one"""
    with contextlib.closing(shop.connect()) as session:
        rows(session, "SET ROLE tenant")
        rows(session, "CREATE TABLE t0 (id int PRIMARY KEY)")
    with contextlib.closing(owner.connect()) as session:
        rows(session, "SELECT tenancy.execute_query('shop', 'SELECT 1')")  # the connection is in the pool now
        counts = []
        for tables in (1, TABLES):
            if tables > 1:
                fill_postgres(1, TABLES - 1)
            before = shop.statements()
            document = value(session, "SELECT tenancy.detect_client_schema('shop')")
            counts.append(shop.statements() - before)
            same(len(names_of(document, "t")), tables, "%d tables are found" % tables)
        same(counts[0], counts[1], "the server logs the same number of statements for both")
        ok(0 < counts[0] <= 12, "and not many", counts)
        table = [table for table in document["tables"] if table["name"] == "t999"][0]
        same((table["primary_key"], [key["references"]["table"] for key in table["foreign_keys"]],
              [index["columns"] for index in table["indexes"]], len(table["columns"])),
             (["id"], ["t499"], [["parent"]], 5), "each of them is whole")
        before = shop.statements()
        for _ in range(5):
            rows(session, "SELECT tenancy.schema('shop')")
        same(shop.statements() - before, 0, "the cached answer asks nothing")
        # The name is looked up once: once for each table took minutes.
        rows(session, "SET statement_timeout = '60s'")
        same(value(session, "SELECT count(*) FROM tenancy.columns('shop', 't999')"), 5, "the columns of one table among them")


def in_pieces(statements, size=200):
    """Statements on the MariaDB server, as many at once as a command line holds."""
    statements = list(statements)
    for first in range(0, len(statements), size):
        mysql("SET foreign_key_checks = 0; " + "; ".join(statements[first:first + size]))


def queries_of_mysql():
    """MariaDB: the same"""
    prefix = "c%s_" % UNIQUE[-8:]
    owner.mysql("my")

    def questions(session):
        return int(execute(session, "my", "SHOW SESSION STATUS LIKE 'Questions'")["rows"][0][1])
    try:
        with contextlib.closing(owner.connect(history_durability="async")) as session:
            counts = []
            for tables in (1, TABLES):
                if tables == 1:
                    mysql("CREATE TABLE %st0 (id int PRIMARY KEY)" % prefix)
                else:
                    in_pieces("CREATE TABLE %st%d (id int PRIMARY KEY, parent int, a varchar(20) DEFAULT 'x', FOREIGN KEY (parent)"
                              " REFERENCES %st%d (id))" % (prefix, n, prefix, n // 2) for n in range(1, tables))
                before = questions(session)
                document = value(session, "SELECT tenancy.detect_client_schema('my')")
                counts.append(questions(session) - before)
                same(len(names_of(document, prefix)), tables, "%d tables are found" % tables)
            same(counts[0], counts[1], "the server counts the same number of questions for both")
            ok(0 < counts[0] <= 20, "and not many", counts)
    finally:
        in_pieces("DROP TABLE IF EXISTS %st%d" % (prefix, n) for n in range(TABLES))


def tables_of_sqlite():
    """SQLite: a thousand tables, and a broken view among them"""
    owner.sqlite("lite", database_name="thousand.db")
    with contextlib.closing(owner.connect(history_durability="async")) as session:
        rows(session, """SELECT tenancy.execute_query('lite', format('CREATE TABLE t%%s (id integer PRIMARY KEY, parent int REFERENCES t%%s (id))',
                         i, i / 2)) FROM generate_series(0, %s) AS i""", TABLES - 1)
        execute(session, "lite", "CREATE TABLE gone (a int)")
        execute(session, "lite", "CREATE VIEW broken AS SELECT a FROM gone")
        execute(session, "lite", "DROP TABLE gone")
        execute(session, "lite", "CREATE VIEW whole AS SELECT id FROM t1")
        document = value(session, "SELECT tenancy.detect_client_schema('lite')")
        same(len(names_of(document, "t")), TABLES, "all tables are found")
        same({table["name"]: len(table["columns"]) for table in document["tables"] if table["kind"] == "view"},
             {"broken": 0, "whole": 1}, "a broken view has no columns, and harms no other")
        with contextlib.closing(sqlite3.connect(os.path.join(environment("TENANCY_SQLITE_ROOT"), owner.id, "thousand.db"))) as file:
            file.executescript("CREATE VIRTUAL TABLE places USING rtree (id, low, high); DELETE FROM places_node WHERE nodeno = 1")
        document = value(session, "SELECT tenancy.detect_client_schema('lite')")
        same({table["name"]: len(table["columns"]) for table in document["tables"] if table["name"] in ("places", "t1")},
             {"places": 0, "t1": 2}, "nor does a virtual table whose content is damaged")


def detections_wait_for_nobody():
    """Two sessions detect at once, one of them in an open transaction"""
    with contextlib.closing(owner.connect()) as first, contextlib.closing(owner.connect()) as second:
        rows(first, "SELECT tenancy.detect_client_schema('shop')")
        rows(first, "BEGIN")
        version = value(first, "SELECT tenancy.detect_client_schema('shop') ->> 'version'")
        rows(second, "SET statement_timeout = '60s'")
        same(value(second, "SELECT tenancy.detect_client_schema('shop') ->> 'version'"), version, "the other one is not held up")
        answer = execute(second, "shop", "SELECT 1")
        same(answer["status"], "success", "nor is a query")
        ok(history("id = %s", answer["query_id"]), "nor is its history")
        # A statement of the open transaction makes stale what that transaction has kept, though it holds the row.
        execute(first, "shop", "CREATE TABLE tenant.late (a int)")
        same(value(first, "SELECT count(*) FROM tenancy.tables('shop') WHERE name = 'late'"), 1, "DDL counts in the transaction that ran it")
        rows(first, "ROLLBACK")
        same(value(second, "SELECT count(*) FROM tenancy.tables('shop') WHERE name = 'late'"), 1, "and after its rollback")
        same(value(second, "SELECT string_agg(change || ' ' || table_name, ',') FROM tenancy.schema_changes('shop')"), "added late",
             "which the list of changes shows")

    def detect():
        with contextlib.closing(owner.connect()) as session:
            return [value(session, "SELECT tenancy.detect_client_schema('shop') ->> 'version'") for _ in range(3)]
    versions = {version for found in together([detect] * 6) for version in found}
    same(len(versions), 1, "six sessions detect at once, and agree on the version")


@contextlib.contextmanager
def locked_table():
    """A table of the tenant's that nobody can read meanwhile"""
    with contextlib.closing(shop.connect()) as session:
        rows(session, "CREATE TABLE tenant.held (v text)")
        rows(session, "GRANT SELECT ON tenant.held TO tenant")
        session.autocommit = False
        rows(session, "LOCK TABLE tenant.held")
        try:
            yield
        finally:
            session.rollback()
            session.autocommit = True
            rows(session, "DROP TABLE tenant.held")


def newer_ones_stay():
    """A detection that ends after another one that began later"""
    def detect(session):
        return names_of(value(session, "SELECT tenancy.detect_client_schema('shop')"), "newer")

    def is_waiting():
        with contextlib.closing(shop.connect()) as session:
            return value(session, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant' AND wait_event_type = 'Lock'") == 1
    with contextlib.closing(owner.connect(catalog_values="on")) as slow, contextlib.closing(owner.connect()) as fast:
        with locked_table():
            older = Background(detect, slow)
            wait_until(is_waiting, 60, "the question for values")
            with contextlib.closing(shop.connect()) as session:
                rows(session, "CREATE TABLE tenant.newer (a int)")
                rows(session, "GRANT SELECT ON tenant.newer TO tenant")
            same(detect(fast), {"newer"}, "the one that began later finds a new table")
        same(older.value(), {"newer"}, "which the other one answers too")
        same(value(fast, "SELECT count(*) FROM tenancy.tables('shop') WHERE name = 'newer'"), 1, "and leaves in the catalog")
        same(rows(fast, "SELECT change FROM tenancy.schema_changes('shop') WHERE table_name = 'newer'"), [("added",)], "and in the changes")


def values_in_time():
    """A time limit costs the values, not the schema"""
    shop.connection("hurried", catalog_values=True, statement_timeout=1000)
    with contextlib.closing(owner.connect()) as session:
        with locked_table():
            document = value(session, "SELECT tenancy.detect_client_schema('hurried')")
            ok("held" in names_of(document, "h"), "a table that cannot be read is in the schema")
            same(execute(session, "hurried", "SELECT 1")["rows"], [[1]], "and the connection works")
        rows(session, "SELECT tenancy.delete_connection('hurried')")


def values_of_sqlite():
    """SQLite: a text with a zero byte is no value, and a table that cannot be read costs the values, not the schema"""
    owner.sqlite("valued", {"catalog_values": True}, "valued.db")

    def found():
        rows(session, "SELECT tenancy.detect_client_schema('valued')")
        return dict(rows(session, "SELECT table_name || '.' || name, distinct_values FROM tenancy.columns('valued') WHERE name <> 'id'"))

    def change(*statements):
        for statement in statements:
            same(execute(session, "valued", statement)["status"], "success", statement)

    with contextlib.closing(owner.connect()) as session:
        change("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE u (id INTEGER PRIMARY KEY, w TEXT)",
               "INSERT INTO t (v) VALUES ('a'), ('b')", "INSERT INTO u (w) VALUES ('c')")
        same(found(), {"t.v": ["a", "b"], "u.w": ["c"]}, "values are kept")
        change("INSERT INTO t (v) VALUES (char(65, 0, 66))")
        same(found(), {"t.v": ["a", "b"], "u.w": ["c"]}, "but for a text with a zero byte")
        change("CREATE TABLE bad (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO bad (n) VALUES (-9223372036854775807 - 1)",
               "ALTER TABLE bad ADD COLUMN x TEXT AS (abs(n))")
        same(execute(session, "valued", "SELECT x FROM bad")["status"], "error", "a table that cannot be read")
        same(found(), {"t.v": None, "u.w": None, "bad.n": None, "bad.x": None}, "keeps nobody from the rest of the schema")
        same(execute(session, "valued", "SELECT count(*) FROM t")["rows"], [[3]], "and the session works")


def values_of_mysql():
    """MariaDB: a text with a zero byte is no value"""
    table = "a0_" + UNIQUE
    owner.mysql("valued_my", {"catalog_values": True})
    mysql("CREATE TABLE %s (id int PRIMARY KEY, v varchar(20) CHARACTER SET utf8mb4, w varchar(20) CHARACTER SET latin1)" % table)
    mysql("INSERT INTO %s VALUES (1, 'é', 'ä'), (2, 0x410042, 0x410042), (3, 'b', 'b')" % table)
    try:
        with contextlib.closing(owner.connect()) as session:
            rows(session, "SELECT tenancy.detect_client_schema('valued_my')")
            same(dict(rows(session, "SELECT name, distinct_values FROM tenancy.columns('valued_my') WHERE table_name = %s AND name <> 'id'", table)),
                 {"v": ["b", "é"], "w": ["b", "ä"]}, "the others are kept")
    finally:
        mysql("DROP TABLE " + table)


def hostile_schema():
    """Names, comments and defaults of a stranger"""
    with contextlib.closing(shop.connect()) as session:
        rows(session, "CREATE SCHEMA hostile AUTHORIZATION tenant")
        for name in HOSTILE:
            quoted = '"%s"' % name.replace('"', '""')
            with session.cursor() as cursor:
                cursor.execute("CREATE TABLE hostile.%s (%s text DEFAULT 'it''s \\ \"x\"')" % (quoted, quoted))
                cursor.execute("INSERT INTO hostile.%s DEFAULT VALUES" % quoted)
                cursor.execute("GRANT SELECT ON hostile.%s TO tenant" % quoted)
        rows(session, "CREATE TABLE hostile.wide (%s)" % ", ".join("c%d int" % n for n in range(1600)))
        rows(session, "GRANT SELECT ON hostile.wide TO tenant")
        rows(session, "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE hostile.wide IS %L', repeat('\u2603', 10000000)); END $$")
    with contextlib.closing(owner.connect()) as session:
        document = value(session, "SELECT tenancy.schema('shop', true)")
        found = {table["name"]: table for table in document["tables"] if table["schema"] == "hostile"}
        same(sorted(found), sorted(HOSTILE + ["wide"]), "every name is there as it is")
        same([len(found["wide"]["columns"]), len(found["wide"]["comment"].encode()) < 1100], [1600, True], "a wide table, a cut comment")
        for name in HOSTILE:
            answer = value(session, "SELECT tenancy.sample_data('shop', 'hostile.\"' || replace(%s, '\"', '\"\"') || '\"')", name)
            same((answer["status"], answer["columns"][0]["name"] if answer["columns"] else answer["error"], answer["rows"]),
                 ("success", name, [["it's \\ \"x\""]]), "a sample of " + json.dumps(name))
        rows(session, "SELECT tenancy.update_connection('shop', options => '{\"catalog_values\": true, \"sslmode\": \"disable\"}', password => 'a password')")
        found = rows(session, "SELECT name, distinct_values FROM tenancy.columns('shop') WHERE table_schema = 'hostile' AND distinct_values IS NOT NULL")
        same(sorted(found), sorted((name, ["it's \\ \"x\""]) for name in HOSTILE), "and their values, where that is wanted")


def temporal_keys():
    """A key of periods says what contains what, not what is equal; only PostgreSQL 18 has them, the others have the same without"""
    with contextlib.closing(shop.connect()) as session:
        period, overlaps = ("PERIOD ", " WITHOUT OVERLAPS") if session.server_version >= 180000 else ("", "")
        rows(session, "SET ROLE tenant")
        rows(session, "CREATE TABLE term (who int4range, at daterange, PRIMARY KEY (who, at%s))" % overlaps)
        rows(session, "CREATE TABLE stay (who int4range, at daterange, whose int4range, since daterange,"
                      " FOREIGN KEY (whose, %ssince) REFERENCES term (who, %sat), PRIMARY KEY (who, at%s))" % (period, period, overlaps))
    with contextlib.closing(owner.connect()) as session:
        found = [table for table in value(session, "SELECT tenancy.schema('shop', true)")["tables"] if table["name"] == "stay"][0]
        same((found["primary_key"], [key["columns"] for key in found["foreign_keys"]]),
             (["who", "at"], [] if period else [["whose", "since"]]), "its columns do not refer to others")


def privileges():
    """What the connection's user may not read is not there"""
    with contextlib.closing(shop.connect()) as session:
        rows(session, "CREATE SCHEMA shown")
        rows(session, "CREATE SCHEMA closed")
        rows(session, "GRANT USAGE ON SCHEMA shown TO tenant")
        for schema in ("shown", "closed"):
            rows(session, "CREATE TABLE %s.whole (a int)" % schema)
            rows(session, "CREATE TABLE %s.part (id int PRIMARY KEY, secret text, b int)" % schema)
            rows(session, "CREATE TABLE %s.nothing (a int)" % schema)
            rows(session, "GRANT SELECT ON %s.whole TO tenant" % schema)
            rows(session, "GRANT SELECT (id, b) ON %s.part TO tenant" % schema)
            rows(session, "GRANT INSERT ON %s.nothing TO tenant" % schema)
    with contextlib.closing(owner.connect()) as session:
        rows(session, "SELECT tenancy.schema('shop', true)")
        same(rows(session, "SELECT table_name::text, string_agg(name, ',' ORDER BY position) FROM tenancy.columns('shop')"
                  " WHERE table_schema IN ('shown', 'closed') GROUP BY 1 ORDER BY 1"), [("part", "id,b"), ("whole", "a")],
             "tables without SELECT or in closed schemas, and columns without SELECT, are not shown")
        same(value(session, "SELECT tenancy.sample_data('shop', 'shown.part') ->> 'status'"), "success", "a sample asks for the visible columns only")
        same(sqlstate(rows, session, "SELECT tenancy.sample_data('shop', 'shown.nothing')"), "42P01", "the others do not exist")


def failures():
    """A client database that is gone is an error, and in history"""
    with contextlib.closing(owner.connect()) as session:
        rows(session, "SELECT tenancy.schema('shop')")
        shop.stop()
        ok(value(session, "SELECT tenancy.schema('shop') ->> 'version'"), "the cached answer needs no server")
        ok(sqlstate(rows, session, "SELECT tenancy.schema('shop', true)"), "a detection does")
        wait_for_history("user_id = %s AND source = 'catalog' AND status = 'error'", owner.id)
        same(value(session, "SELECT tenancy.sample_data('shop', 'shown.part') ->> 'status'"), "error", "a sample answers what failed")


run(queries_of_postgres, queries_of_mysql, tables_of_sqlite, detections_wait_for_nobody, newer_ones_stay, values_in_time, values_of_sqlite,
    values_of_mysql, hostile_schema, temporal_keys, privileges, failures)
