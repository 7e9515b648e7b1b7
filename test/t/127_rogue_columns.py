#!/usr/bin/python3
"""Client databases that answer rows of other widths than they were asked for, wherever rows are read for foreign tables and for the
schema of a client: an error each time, and nothing is read that is not there."""

import contextlib

from rogue import DONE, TEXT, FalseMysql, FalsePostgres, data, description
from tenancy import (UNIQUE, User, connect, execute, is_up, memory, ok, person_role, pid_of, raised, rows, run, same, sqlstate, value,
                     wait_for_history)

CHECKPOINTER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
SCHEMA = "narrow_" + UNIQUE
WIDTH = "HV021"
NUMBER = (b"n", 20, -1)
MOST_MEMORY = 700_000
user = User("narrow")
with contextlib.closing(connect()) as superuser:
    checkpointer = value(superuser, CHECKPOINTER)


def answer(*columns):
    """Rows of so many columns, each of them 1."""
    servers["pg"].description = description(*columns)
    servers["pg"].reply = data(*(b"1" for _ in columns)) + DONE


def make(name, engine):
    server = engine()
    (user.mysql if engine is FalseMysql else user.postgres)(
        name, host="127.0.0.1", port=server.listener.port, username="u", password="p", database_name="d",
        options={"sslmode": "disable", "statement_timeout": 4000})
    return server


def make_tables():
    """A table that is attacked, with key and without statistics of its own"""
    with contextlib.closing(connect()) as admin:
        identity = value(admin, "SELECT id FROM tenancy.database_connections WHERE name = 'pg' AND user_id = %s", user.id)
        rows(admin, "CREATE SCHEMA %s" % SCHEMA)
        rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')" % (SCHEMA, identity))
        rows(admin, "CREATE FOREIGN TABLE %s.attack (id bigint OPTIONS (key 'true'), v bigint, w bigint) SERVER %s" % (SCHEMA, SCHEMA))
        rows(admin, "CREATE FOREIGN TABLE %s.estimated (id bigint) SERVER %s OPTIONS (table_name 'attack', use_remote_estimate 'true')" % (SCHEMA, SCHEMA))
        rows(admin, 'GRANT USAGE ON SCHEMA %s TO "%s"' % (SCHEMA, person_role()))
        rows(admin, 'GRANT ALL ON ALL TABLES IN SCHEMA %s TO "%s"' % (SCHEMA, person_role()))
        rows(admin, 'ALTER FOREIGN TABLE %s.attack OWNER TO "%s"' % (SCHEMA, person_role()))


STATEMENTS = ["SELECT * FROM {0}.attack", "SELECT sum(x.v) FROM (SELECT id, v FROM {0}.attack OFFSET 0) AS x WHERE x.id > 0",
              "INSERT INTO {0}.attack VALUES (1, 2, 3) RETURNING *", "UPDATE {0}.attack SET v = 2 WHERE id = 1 RETURNING *",
              "DELETE FROM {0}.attack WHERE id = 1 RETURNING *", "ANALYZE {0}.attack"]


def foreign_tables():
    """Fewer columns and more"""
    for columns in ((), (NUMBER,), (NUMBER,) * 5):
        answer(*columns)
        for statement in STATEMENTS:
            with contextlib.closing(user.connect()) as session:
                error = raised(rows, session, statement.format(SCHEMA))
                same(error and error.pgcode, WIDTH, "%d columns: %s" % (len(columns), statement.format("t")))
                same(value(session, "SELECT 1"), 1, "and the session works on")


def estimates():
    """The remote planner's answer"""
    with contextlib.closing(user.connect()) as session:
        answer()
        same(sqlstate(rows, session, "EXPLAIN SELECT * FROM %s.estimated" % SCHEMA), WIDTH, "EXPLAIN without a column")
        answer((b"QUERY PLAN", 25, -1))
        same(sqlstate(rows, session, "EXPLAIN SELECT * FROM %s.estimated" % SCHEMA), None, "nor with a plan that says nothing")
        found = wait_for_history("user_id = %s AND source = 'fdw' AND generated_sql_query LIKE 'EXPLAIN%%' AND status = 'success'", user.id)
        same(len(found), 1, "a run that has ended, in history")


def schemas():
    """The catalog's answer, for attach() and for the schema of the client"""
    servers["pg"].word = b"pg_catalog.pg_class"
    try:
        for columns in ((), (NUMBER,), (NUMBER,) * 30):
            answer(*columns)
            with contextlib.closing(user.connect()) as session:
                for statement in ("SELECT tenancy.attach('pg', '%s_at')" % SCHEMA, "SELECT tenancy.detect_client_schema('pg')"):
                    same(sqlstate(rows, session, statement), "08P01", "%d columns: %s" % (len(columns), statement.replace(SCHEMA, "x")))
    finally:
        servers["pg"].word = b"attack"
    with contextlib.closing(user.connect()) as session:
        for statement in ("SELECT tenancy.attach('my', '%s_at', 'd')" % SCHEMA, "SELECT tenancy.detect_client_schema('my')"):
            same(sqlstate(rows, session, statement), "08P01", "one column of MySQL: " + statement.replace(SCHEMA, "x"))


def descriptions():
    """Very many columns, and names without an end"""
    server, name = servers["pg"], b"n" * (64 << 10)
    server.word = b"attack"
    for columns, wanted in (((NUMBER,) * 5000, "54011"), (((name, 20, -1),) * 100, "54000")):
        answer(*columns)
        with contextlib.closing(user.connect()) as session:
            told = execute(session, "pg", "SELECT attack")
            same((told["status"], told.get("error", {}).get("sqlstate")), ("error", wanted), "%d columns: execute_query" % len(columns))
            same(sqlstate(rows, session, "SELECT * FROM tenancy.describe_query('pg', 'SELECT attack')"), wanted, "%d columns: describe_query" % len(columns))
            same(value(session, "SELECT 1"), 1, "and the session works on")


def names_of_types():
    """A type whose name is 60 MB, and is that of many columns"""
    server = servers["pg"]
    server.word = b"_type"  # of the statement, and of the question how the type is called
    server.description = lambda sql: description(*([(b"t", 26, -1), TEXT] if b"format_type" in sql else [(b"n", 99999, -1)] * 40))
    server.reply = data(b"99999", b"x" * (60 << 20)) + data(b"99998", b"other") + DONE
    with contextlib.closing(user.connect()) as session:
        told = rows(session, "SELECT * FROM tenancy.describe_query('pg', 'SELECT attack_type')")
        same(len(told), 40, "is known by it")
        ok(memory(pid_of(session))["most"] < MOST_MEMORY, "but it is not copied for each", memory(pid_of(session)))
        same(value(session, "SELECT 1"), 1, "and the session works on")


def the_end():
    """The server is the one that it was"""
    ok(is_up(), "the server is up")
    with contextlib.closing(connect()) as session:
        same(value(session, CHECKPOINTER), checkpointer, "and did not start again after a crash")
        rows(session, "DROP SCHEMA %s CASCADE" % SCHEMA)
        rows(session, "DROP SERVER %s" % SCHEMA)


servers = {"pg": make("pg", FalsePostgres), "my": make("my", FalseMysql)}
make_tables()
run(foreign_tables, estimates, schemas, descriptions, names_of_types, the_end)
