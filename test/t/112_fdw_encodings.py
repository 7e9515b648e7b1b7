#!/usr/bin/python3
"""PostgreSQL servers whose databases are in another encoding: bytes of characters, and what is a character, differ, so nothing that
depends on them is computed there; and a table of which the encoding is not known is none of ours."""

import contextlib
import os
import sqlite3

from tenancy import UNIQUE, User, client_server, connect, environment, execute, person_role, rows, run, ok, same, value

ENCODINGS = ("UTF8", "LATIN1", "KOI8R", "EUC_JP", "SQL_ASCII")
WORDS = {"UTF8": ["é", "z", "я", "あ"], "LATIN1": ["é", "z", "ü"], "KOI8R": ["ю", "а", "Я", "z"], "EUC_JP": ["あ", "漢", "я", "z"],
         "SQL_ASCII": ["é", "z", "あ"]}
ASKED = ["octet_length(w)", "bit_length(w)", "md5(w)", "ascii(w)", "length(w)", "upper(w COLLATE \"C\")", "substr(w, 1, 1)", "w LIKE '_'", "reverse(w)",
         "w COLLATE \"C\" < 'я'", "max(w COLLATE \"C\") OVER ()", "greatest(w COLLATE \"C\", 'б')", "w = 'z'", "w || 'x'", "chr(200 + id)"]
user = User("encodings")


def database(encoding):
    return "enc_%s_%s" % (encoding.lower(), UNIQUE)


def server(encoding):
    """A session on the database of that encoding."""
    return connect(port=environment("CLIENT_PGPORT"), dbname=database(encoding))


def prepare():
    """A database in each encoding, attached"""
    with contextlib.closing(client_server()) as session:
        for encoding in ENCODINGS:
            rows(session, "CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C'" % (database(encoding), encoding))
    for encoding in ENCODINGS:
        with contextlib.closing(server(encoding)) as session:
            session.set_client_encoding("UTF8" if encoding != "SQL_ASCII" else "SQL_ASCII")
            rows(session, "CREATE TABLE words (id integer PRIMARY KEY, w text)")
            for number, word in enumerate(WORDS[encoding], 1):
                with session.cursor() as cursor:
                    cursor.execute(("INSERT INTO words VALUES (%d, '%s')" % (number, word)).encode())
            rows(session, "GRANT SELECT ON words TO %s" % environment("CLIENT_PGUSER"))
        user.postgres(encoding, database_name=database(encoding))
        with contextlib.closing(user.connect()) as session:
            same(value(session, "SELECT tenancy.attach(%s, %s)", encoding, database(encoding)), 1, encoding + ": a table")


def answers():
    """Each expression and condition, with pushdown and without"""
    for encoding in ENCODINGS:
        with contextlib.closing(user.connect()) as session:
            for sql in ["SELECT id, %s FROM {0}.words ORDER BY id" % asked for asked in ASKED] + [
                    "SELECT id FROM {0}.words WHERE %s IS NOT NULL ORDER BY id" % asked for asked in ASKED if "OVER" not in asked] + [
                    'SELECT w FROM {0}.words ORDER BY w COLLATE "C"', 'SELECT min(w COLLATE "C"), count(DISTINCT w) FROM {0}.words',
                    "SELECT id FROM {0}.words WHERE octet_length(w) > 1 ORDER BY id", "SELECT id FROM {0}.words WHERE length(w) = 1 ORDER BY id",
                    "SELECT id FROM {0}.words WHERE w LIKE '_' ORDER BY id", "SELECT id FROM {0}.words WHERE md5(w) = md5('é') ORDER BY id",
                    "SELECT id FROM {0}.words WHERE w COLLATE \"C\" > 'я' ORDER BY id", "SELECT id FROM {0}.words WHERE chr(232 + id) = 'é' ORDER BY id"]:
                found = []
                for pushed in ("on", "off"):
                    rows(session, "SET tenancy.enable_pushdown = " + pushed)
                    found.append(rows(session, sql.format(database(encoding))))
                same(found[0], found[1], "%s: %s" % (encoding, sql.format("x")))


def remote_sql(session, sql):
    return "".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE, COSTS OFF) " + sql) if "Remote SQL" in row[0])


def pushed():
    """What is sent, and what is not"""
    for encoding in ENCODINGS:
        with contextlib.closing(user.connect()) as session:
            table = database(encoding) + ".words"
            same(value(session, "SELECT option_value FROM pg_options_to_table((SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = %s::regclass))"
                       " WHERE option_name = 'encoding'", table), encoding, encoding + " is recorded")
            for sql, word, anywhere in (("SELECT id FROM %s WHERE octet_length(w) = 2", "WHERE", False), ('SELECT id FROM %s ORDER BY w COLLATE "C"', "ORDER BY", False),
                                        ("SELECT id FROM %s WHERE w = 'z'", "WHERE", True), ("SELECT count(DISTINCT w) FROM %s", "count", True),
                                        ("SELECT id FROM %s WHERE id > 1 ORDER BY id", "ORDER BY", True)):
                same(word in remote_sql(session, sql % table), anywhere or encoding == "UTF8", "%s: is sent or not: %s" % (encoding, sql % "x"))


def cursors():
    """Names of columns that are no UTF-8, and one that is cut between two characters"""
    user.sqlite()
    long = "é" * 32
    with contextlib.closing(user.connect()) as session:
        execute(session, "lite", "CREATE TABLE odd AS SELECT 1 AS a_")
        path = os.path.join(environment("TENANCY_SQLITE_ROOT"), user.id, "test.db")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
            file.executescript("PRAGMA writable_schema = on; PRAGMA schema_version = 99; UPDATE sqlite_schema SET sql = replace(sql, 'a_', '\"a' || CAST(x'e9' AS TEXT) || '\"')")
        for sql, described, name in (("SELECT * FROM odd", "a?", "a?"), ('SELECT 1 AS "%s"' % long, long, "é" * 31)):
            same(rows(session, "SELECT name FROM tenancy.describe_query('lite', %s)", sql), [(described,)], sql + ": a description")
            with session.cursor() as cursor:
                rows(session, "BEGIN")
                rows(session, "SELECT tenancy.open_query('lite', %s, cursor => 'c')", sql)
                cursor.execute("FETCH ALL FROM c")
                same(([column.name for column in cursor.description], cursor.fetchall()), ([name], [(1,)]), sql + ": a cursor")
                rows(session, "COMMIT")


def unknown():
    """Made by hand, and refreshed"""
    with contextlib.closing(connect()) as admin, contextlib.closing(user.connect()) as session:
        table = database("UTF8") + ".words"
        rows(admin, "ALTER FOREIGN TABLE %s OPTIONS (DROP encoding)" % table)
        asked = "SELECT id FROM %s WHERE octet_length(w) = 2" % table
        ok("WHERE" not in remote_sql(session, asked), "an encoding that is not known is another one")
        name = value(admin, "SELECT srvname FROM pg_foreign_server AS s JOIN pg_foreign_table AS t ON t.ftserver = s.oid WHERE t.ftrelid = %s::regclass", table)
        rows(admin, "ALTER SERVER %s OPTIONS (ADD encoding 'utf8')" % name)
        ok("WHERE" in remote_sql(session, asked), "the server can say it for its tables")
        rows(admin, "ALTER SERVER %s OPTIONS (DROP encoding)" % name)
        same(rows(session, "SELECT * FROM tenancy.refresh_attached('UTF8', %s)", database("UTF8")), [], "a refresh is no change of the schema")
        ok("WHERE" in remote_sql(session, asked), "but records the encoding")


def clean():
    """The databases go"""
    with contextlib.closing(user.connect()) as session:
        for encoding in ENCODINGS:
            rows(session, "SELECT tenancy.detach(%s, %s)", encoding, database(encoding))
    with contextlib.closing(client_server()) as session:
        for encoding in ENCODINGS:
            rows(session, "DROP DATABASE %s WITH (FORCE)" % database(encoding))
    ok(person_role() is not None, "clean")


run(prepare, answers, pushed, cursors, unknown, clean)
