#!/usr/bin/python3
"""A platform database in another encoding than UTF8: what client databases say, and names in errors, are in its encoding, in JSON, as errors and in
history, with question marks for the characters that it lacks."""

import contextlib
from urllib.parse import quote

from tenancy import (UNIQUE, client_server, connect, environment, execute, health_checks, ok, raised, rows, run, same, sqlstate, value,
                     wait_until)

PLATFORM = "latin_" + UNIQUE
BYTES = "bytes_" + UNIQUE
HOME = environment("PGDATABASE")


def admin(name=PLATFORM):
    return connect(dbname=name)


def login():
    """A session of a tenant of that database, which reads UTF-8."""
    session = admin()
    session.set_client_encoding("UTF8")
    rows(session, "SET tenancy.identity_scope = 'session'")
    token = value(session, "SELECT tenancy.login('latin@test.example', 'a long password of latin')")
    rows(session, "SELECT set_config('tenancy.session', %s, false)", token)
    return session


def prepare():
    """The database"""
    with contextlib.closing(admin(HOME)) as superuser:
        rows(superuser, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'" % PLATFORM)
    with contextlib.closing(admin()) as superuser:
        rows(superuser, "CREATE EXTENSION pg_tenancy")
        rows(superuser, "SELECT tenancy.register('latin@test.example', 'a long password of latin')")


def answers():
    """Characters that it has, and some that it has not"""
    with contextlib.closing(login()) as session:
        rows(session, "SELECT tenancy.create_connection('lite', database_type => 'sqlite', database_name => 'latin.db', options => '{\"create\": true}')")
        for asked, told in (("é", "é"), ("éя", "é?"), ("я€é", "??é")):
            statement = "SELECT json_extract('{}', CAST(x'%s' AS TEXT))" % asked.encode().hex()
            answer = execute(session, "lite", statement)
            ok(answer["status"] == "error" and told in answer["error"]["message"], asked + ": in JSON", answer)
            error = raised(rows, session, "SELECT * FROM tenancy.query('lite', %s) AS t(a text)", statement)
            ok(error is not None and told in str(error), asked + ": as an error", error)
            found = rows(session, "SELECT error_message FROM tenancy.query_history ORDER BY id DESC LIMIT 2")
            ok(len(found) == 2 and all(told in message for message, in found), asked + ": in history", found)


def beyond():
    """Values with characters that it has not are written as JSON can write them: the statement has run"""
    with contextlib.closing(login()) as session:
        for asked in ("é", "é€", "я😀\"\\"):
            answer = execute(session, "lite", "SELECT CAST(x'%s' AS TEXT) AS a" % asked.encode().hex())
            same((answer["status"], answer["rows"]), ("success", [[asked]]), asked)


def denied():
    """A connection that is not there"""
    with contextlib.closing(login()) as session:
        answer = execute(session, "nö", "SELECT 1")
        same((answer["status"], answer["error"]["message"]), ("denied", 'permission denied for connection "nö"'), "in JSON")
        error = raised(rows, session, "SELECT * FROM tenancy.query('nö', 'SELECT 1') AS t(a text)")
        ok(error is not None and error.pgcode == "42501" and "nö" in str(error), "as an error", error)
        same(rows(session, "SELECT DISTINCT error_message FROM tenancy.query_history WHERE status = 'denied'"),
             [('permission denied for connection "nö"',)], "in history")


def fields():
    """What a client database is told of a connection, however it was given"""
    password, name = "pässé", "é_" + UNIQUE
    with contextlib.closing(client_server()) as there:
        rows(there, 'CREATE ROLE "%s" LOGIN PASSWORD \'%s\'' % (name, password))
        rows(there, 'CREATE SCHEMA "%s" AUTHORIZATION "%s"' % (name, name))
        rows(there, 'CREATE TABLE "%s".dé AS SELECT 1 AS é' % name)
        rows(there, 'ALTER TABLE "%s".dé OWNER TO "%s"' % (name, name))
    place = [environment("CLIENT_PG" + field) for field in ("HOST", "PORT", "DATABASE")]
    with contextlib.closing(login()) as session:
        rows(session, "SELECT tenancy.create_connection('fields', database_type => 'postgresql', host => %s, port => %s, database_name => %s,"
             " username => %s, password => %s)", *place, name, password)
        rows(session, "SELECT tenancy.create_connection('string', connection_string => %s)",
             "postgresql://%s:%s@%s:%s/%s" % (quote(name), quote(password), *place))
        for connection in ("fields", "string"):
            same(execute(session, connection, "SELECT current_user::text")["rows"], [[name]], connection)
            same(rows(session, "SELECT username FROM tenancy.connections() WHERE name = %s", connection), [(name,)], connection + ", as it is shown")
        rows(session, "SELECT tenancy.update_connection('string', options => '{\"connect_timeout\": 9}')")
        same(execute(session, "string", 'SELECT é FROM "%s".dé' % name)["rows"], [[1]], "a change keeps it")
        rows(session, "SELECT tenancy.attach('fields', 'dé', remote_schema => %s)", name)
        same(rows(session, "SELECT é FROM dé.dé"), [(1,)], "a foreign table")
        error = raised(rows, session, "SELECT tenancy.create_connection('lacks', connection_string => 'sqlite:%D1%8F.db')")
        same(error and error.pgcode, "22P05", "what the platform cannot store")
    with contextlib.closing(client_server()) as there:
        rows(there, 'DROP SCHEMA "%s" CASCADE; DROP ROLE "%s"' % (name, name))


def schemas():
    """A schema with characters that it has not: such names are left out, and no other text costs more than itself"""
    name = "schemas_" + UNIQUE
    with contextlib.closing(client_server()) as there:
        rows(there, """CREATE SCHEMA {0}
            CREATE TABLE whole (id int PRIMARY KEY, é text UNIQUE DEFAULT 'éя', w text, "имя" text, CONSTRAINT "ключ" UNIQUE (w), UNIQUE (w, "имя"))
            CREATE TABLE part (id int REFERENCES whole, w text REFERENCES whole (w), "имя" int, PRIMARY KEY (id, "имя"))
            CREATE TABLE "таблица" (id int REFERENCES whole PRIMARY KEY)
            CREATE TABLE other (id int REFERENCES "таблица")""".format(name))
        rows(there, "COMMENT ON TABLE {0}.whole IS 'éя'; COMMENT ON COLUMN {0}.whole.w IS 'я'".format(name))
        rows(there, "INSERT INTO {0}.whole VALUES (1, 'a', 'é', 'x'), (2, 'b', 'я', 'x'), (3, 'c', '?', 'x')".format(name))
        rows(there, "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1}".format(name, environment("CLIENT_PGUSER")))
    with contextlib.closing(login()) as session:
        rows(session, "SELECT tenancy.create_connection('schemas', database_type => 'postgresql', host => %s, port => %s, database_name => %s, username => %s,"
             " password => %s, options => '{\"catalog_values\": true}')", *(environment("CLIENT_PG" + field) for field in ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")))
        same(rows(session, "SELECT name, comment, primary_key FROM tenancy.tables('schemas') WHERE schema = %s", name),
             [("other", None, []), ("part", None, []), ("whole", "é?", ["id"])], "tables")
        same(rows(session, "SELECT name, default_value, comment, distinct_values FROM tenancy.columns('schemas', 'whole') WHERE table_schema = %s", name),
             [("id", None, None, None), ("é", "'é?'::text", None, ["a", "b", "c"]), ("w", None, "?", ["?", "é"])], "columns, and their values")
        same(rows(session, "SELECT table_name, columns FROM tenancy.relationships('schemas') WHERE table_schema = %s ORDER BY 2", name),
             [("part", ["id"]), ("part", ["w"])], "foreign keys")
        same(rows(session, "SELECT i -> 'columns' FROM jsonb_path_query(tenancy.schema('schemas'), '$.tables[*] ? (@.schema == $s && @.name == \"whole\").indexes[*]',"
             " jsonb_build_object('s', %s)) AS i", name), [(["é"],)], "indexes")
        version = "SELECT tenancy.schema('schemas', true) ->> 'version'"
        same(value(session, version), value(session, version), "the next detection finds the same")
        answer = value(session, "SELECT tenancy.sample_data('schemas', %s)", name + ".whole")
        same([column["name"] for column in answer["columns"]], ["id", "é", "w"], "a sample")
    with contextlib.closing(client_server()) as there:
        rows(there, "DROP SCHEMA %s CASCADE" % name)


def column_names():
    """Columns of cursors and descriptions have names with question marks, and what is written stays written"""
    table = "column_names_" + UNIQUE
    with contextlib.closing(client_server()) as there, contextlib.closing(login()) as session, session.cursor() as cursor:
        rows(there, "CREATE TABLE {0} (a int); GRANT ALL ON {0} TO {1}".format(table, environment("CLIENT_PGUSER")))
        insert = r'INSERT INTO %s VALUES (7) RETURNING a AS U&"\00e9\044f"' % table
        same(rows(session, "SELECT name, type FROM tenancy.describe_query('schemas', %s)", insert), [("é?", "integer")], "a description")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.open_query('schemas', %s, cursor => 'c')", insert)
        cursor.execute("FETCH ALL FROM c")
        same(([column.name for column in cursor.description], cursor.fetchall()), (["é?"], [(7,)]), "a cursor")
        rows(session, "COMMIT")
        same(rows(there, "SELECT a FROM " + table), [(7,)], "the row is there")
        rows(there, "DROP TABLE " + table)


def failures():
    """What a test of a connection and its health say of a server that does not let it in"""
    with contextlib.closing(login()) as session:
        rows(session, "SELECT tenancy.create_connection('broken', database_type => 'postgresql', host => %s, port => %s, database_name => 'keiné',"
             " username => %s, password => %s)", *(environment("CLIENT_PG" + field) for field in ("HOST", "PORT", "USER", "PASSWORD")))
        ok('"keiné"' in value(session, "SELECT message FROM tenancy.test_connection('broken')"), "a test of it")
        health = "SELECT h.last_error FROM tenancy.connection_health AS h JOIN tenancy.database_connections AS c ON c.id = h.connection_id WHERE c.name = 'broken'"
        with health_checks():
            wait_until(lambda: value(session, health) is not None, 60, "a check of its health")
        ok('"kein?"' in value(session, health), "its health, which is asked outside of transactions, where nothing is converted", value(session, health))


def bytes_of_no_encoding():
    """SQL_ASCII takes any bytes: names have to be UTF-8, and a run whose text is not leaves it out of the history, also when it was begun with it"""
    with contextlib.closing(admin(HOME)) as superuser:
        rows(superuser, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'" % BYTES)
    with contextlib.closing(admin(BYTES)) as session:
        rows(session, "CREATE EXTENSION pg_tenancy")
        rows(session, "SET tenancy.identity_scope = 'session'")
        rows(session, "SELECT tenancy.register('bytes@test.example', 'a long password of bytes')")
        rows(session, "SELECT set_config('tenancy.session', tenancy.login('bytes@test.example', 'a long password of bytes'), false)")
        create = "SELECT tenancy.create_connection(%s, 'sqlite', database_name => 'bytes.db', options => '{\"create\": true}')"
        same(sqlstate(rows, session, create % r"E'\xff'"), "22021", "a name that is no UTF-8")
        rows(session, create % "'lite'")
        rows(session, "SET tenancy.history_durability = 'started'")
        raised(rows, session, r"SELECT tenancy.execute_query('lite', E'SELECT 1 /* \xff */')")
        rows(session, "SELECT tenancy.execute_query('lite', 'SELECT 2')")
        found = "SELECT coalesce(generated_sql_query, error_message) FROM tenancy.query_history ORDER BY id"
        wait_until(lambda: len(rows(session, found)) == 2, 30, "both runs")
        same(rows(session, found), [("the texts of this run could not be stored",), ("SELECT 2",)], "the first one without its text")
        rows(session, "CREATE FUNCTION failing(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION E'\\377'; END $$")
        rows(session, "CREATE DOMAIN failing_type AS integer CHECK (failing(VALUE))")
        raised(rows, session, "SELECT * FROM tenancy.query('lite', 'SELECT 3') AS t(a failing_type)")
        wait_until(lambda: len(rows(session, found)) == 3, 30, "the run that the tenant made fail")
        same(rows(session, "SELECT generated_sql_query, error_message FROM tenancy.query_history ORDER BY id DESC LIMIT 1"),
             [("SELECT 3", "the message of this run could not be stored")], "an error that has no UTF-8 does not hide what was run")
        rows(session, r"SELECT set_config('app.foreign', convert_from('\xe9'::bytea, 'SQL_ASCII') || %s, false) IS NULL", UNIQUE)
        rows(session, "DO $$ BEGIN EXECUTE format('CREATE ROLE %I IN ROLE tenancy_user SUPERUSER', current_setting('app.foreign')); END $$")
        rows(session, "SELECT set_config('session_authorization', current_setting('app.foreign'), false) IS NULL")
        same(value(session, "SELECT tenancy.execute_query('lite', 'SELECT 9')")["status"], "success", "a query of a role whose name is no UTF-8")
        rows(session, "RESET SESSION AUTHORIZATION")
        wait_until(lambda: len(rows(session, found)) == 4, 30, "its run")
        same(rows(session, "SELECT generated_sql_query, role_name FROM tenancy.query_history ORDER BY id DESC LIMIT 1"),
             [("SELECT 9", "?" + UNIQUE)], "has a question mark in its name")
        rows(session, "DO $$ BEGIN EXECUTE format('DROP ROLE %I', current_setting('app.foreign')); END $$")
        late = connect(dbname=BYTES)
        rows(late, "BEGIN")
        rows(late, "SELECT set_config('tenancy.session', tenancy.login('bytes@test.example', 'a long password of bytes'), false)")
        rows(late, create.replace("bytes.db", "late.db") % "'late'")
        rows(late, "SAVEPOINT s")
        raised(rows, late, "SELECT * FROM tenancy.query('late', 'SELECT 4') AS t(a failing_type)")
        rows(late, "ROLLBACK TO s")
        wait_until(lambda: value(session, "SELECT count(*) FROM tenancy.deferred_queries") == 1, 30, "the run of a connection that nobody sees yet")
        rows(late, "COMMIT")
        wait_until(lambda: len(rows(session, found)) == 5, 30, "the run that was written later")
        same(rows(session, "SELECT generated_sql_query, error_message FROM tenancy.query_history ORDER BY id DESC LIMIT 1"),
             [("SELECT 4", "the message of this run could not be stored")], "nor is that hidden when it is written later")


def clean():
    """The databases go"""
    with contextlib.closing(admin(HOME)) as superuser:
        for name in (PLATFORM, BYTES):
            rows(superuser, "DROP DATABASE %s WITH (FORCE)" % name)
    ok(True, "clean")


run(prepare, answers, beyond, denied, fields, schemas, column_names, failures, bytes_of_no_encoding, clean)
