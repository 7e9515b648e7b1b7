#!/usr/bin/python3
"""Whoever runs a plan over foreign tables is who must own their connection, at every row."""

import contextlib

from foreign import ForeignTables
from tenancy import (UNIQUE, User, app_role, connect, environment, execute, ok, person_role, raised, rows, run, same, sqlstate, value,
                     wait_for_history)

COUNT = 2500

tables = ForeignTables("owner", COUNT)
other = User("other")
ENGINES = tables.engines
DENIED = "42501"


def grant_to_app(engine):
    with contextlib.closing(connect()) as admin:
        rows(admin, 'GRANT USAGE ON SCHEMA %s TO "%s"' % (tables.schema(engine), app_role()))
        rows(admin, 'GRANT ALL ON ALL TABLES IN SCHEMA %s TO "%s"' % (tables.schema(engine), app_role()))


def become(session, user):
    rows(session, "SELECT set_config('tenancy.session', %s, false)", user.token)


def select(engine, what="count(*)", table="t"):
    return "SELECT %s FROM %s.%s" % (what, tables.schema(engine), table)


def others():
    """Another tenant, nobody, and an admin."""
    for engine in ENGINES:
        with contextlib.closing(other.connect()) as session:
            same(sqlstate(rows, session, select(engine)), DENIED, engine + ": another tenant is denied")
            for change in ("INSERT INTO {0}.t (id, v) VALUES (0, 'x')", "UPDATE {0}.t SET v = 'x' WHERE id = 1",
                           "DELETE FROM {0}.t WHERE id = 1"):
                same(sqlstate(rows, session, change.format(tables.schema(engine))), DENIED,
                     "%s: so is %s" % (engine, change.split()[0]))
            found = wait_for_history("user_id = %s AND source = 'fdw' AND status = 'denied' AND connection_name = %s",
                                     other.id, str(tables.connections[engine]), count=4)
            same([row["error_code"] for row in found], [DENIED] * 4, engine + ": history has each attempt")
            ok("SELECT" in (found[0]["generated_sql_query"] or "").upper(), engine + ": with what was asked",
               found[0]["generated_sql_query"])
        with contextlib.closing(connect(user=person_role())) as session:
            same(sqlstate(rows, session, select(engine)), "28000", engine + ": nobody is denied")
        with contextlib.closing(connect()) as session:
            same(value(session, select(engine)), COUNT, engine + ": an admin reads")
            role = person_role()
            rows(session, "BEGIN")
            rows(session, "DECLARE c CURSOR FOR " + select(engine, "id"))
            rows(session, "FETCH 10 FROM c")
            rows(session, 'SET LOCAL ROLE "%s"' % role)
            same(sqlstate(rows, session, "FETCH 10 FROM c"), DENIED, engine + ": until they are none any more")
            rows(session, "ROLLBACK")


def lent_rights():
    """Views and functions of others do not lend their owner's identity."""
    for engine in ENGINES:
        schema = tables.schema(engine)
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE VIEW %s.seen AS SELECT * FROM %s.t" % (schema, schema))
            rows(admin, "CREATE FUNCTION %s.counted() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                 " SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM %s.t'" % (schema, schema))
            rows(admin, 'GRANT ALL ON ALL TABLES IN SCHEMA %s TO "%s"' % (schema, person_role()))
        with contextlib.closing(other.connect()) as session:
            same(sqlstate(rows, session, select(engine, table="seen")), DENIED, engine + ": an admin's view")
            same(sqlstate(rows, session, "SELECT %s.counted()" % schema), DENIED, engine + ": an admin's function")
        with contextlib.closing(tables.connect(engine)) as session:
            same(value(session, select(engine, table="seen")), COUNT, engine + ": the view, for the connection's owner")
            same(value(session, "SELECT %s.counted()" % schema), COUNT, engine + ": the function, for them")


def prepared_plans():
    """A generic plan, made for one tenant and executed by another one in the same session."""
    for engine in ENGINES:
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, "SET plan_cache_mode = force_generic_plan")
            rows(session, "PREPARE p(int) AS %s WHERE id <= $1" % select(engine))
            for limit in (10, 20):
                same(value(session, "EXECUTE p(%d)" % limit), limit, "%s: the owner, %d" % (engine, limit))
            become(session, other)
            same(sqlstate(rows, session, "EXECUTE p(10)"), DENIED, engine + ": another tenant")
            become(session, tables.user)
            same(value(session, "EXECUTE p(30)"), 30, engine + ": the owner again")


def cursors():
    """A cursor that is held across a change of identity."""
    for engine in ENGINES:
        grant_to_app(engine)
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, "BEGIN")
            rows(session, "DECLARE c CURSOR FOR " + select(engine, "id"))
            same(len(rows(session, "FETCH 10 FROM c")), 10, engine + ": rows for the owner")
            become(session, other)
            same(sqlstate(rows, session, "FETCH 1 FROM c"), DENIED, engine + ": none for another tenant")
            rows(session, "ROLLBACK")
            become(session, tables.user)
            rows(session, "BEGIN")
            rows(session, "DECLARE c CURSOR FOR " + select(engine, "id"))
            rows(session, "FETCH 10 FROM c")
            rows(session, "SELECT set_config('tenancy.session', '', false)")
            same(sqlstate(rows, session, "FETCH 1 FROM c"), DENIED, engine + ": none for nobody")
            rows(session, "ROLLBACK")
        with contextlib.closing(connect(user=app_role())) as session:
            rows(session, "BEGIN")
            rows(session, "SELECT tenancy.authenticate(%s)", tables.user.token)
            same(value(session, select(engine)), COUNT, engine + ": an identity that lasts for a transaction")
            rows(session, "COMMIT")
            same(sqlstate(rows, session, select(engine)), "28000", engine + ": is gone with it")
            rows(session, "BEGIN")
            rows(session, "SELECT tenancy.authenticate(%s)", tables.user.token)
            rows(session, "DECLARE c CURSOR FOR " + select(engine, "id"))
            rows(session, "FETCH 5 FROM c")
            rows(session, "SAVEPOINT a")
            rows(session, "SELECT tenancy.authenticate(%s)", other.token)
            same(sqlstate(rows, session, "FETCH 5 FROM c"), DENIED, engine + ": another one inside of a savepoint")
            rows(session, "ROLLBACK")


def explain():
    """EXPLAIN tells nothing of the connection but the remote SQL, and asks nobody."""
    for engine in ENGINES:
        with contextlib.closing(connect(user=person_role())) as session:
            plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE) " + select(engine, "id, v") + " WHERE id < 5"))
            ok("Remote SQL: SELECT" in plan, engine + ": the remote SQL", plan)
            for secret in (str(tables.connections[engine]), tables.user.id, tables.user.email, "client_owner", "127.0.0.1"):
                ok(secret not in plan, engine + ": nothing else", plan)
            modify = "\n".join(row[0] for row in rows(session, "EXPLAIN (VERBOSE) INSERT INTO %s.t (id, v) VALUES (1, 'x')"
                                                      % tables.schema(engine)))
            ok("Remote SQL: INSERT" in modify, engine + ": that of a modification", modify)


def parallel_queries():
    """Parallel plans, forced: scans stay in the leader."""
    for engine in ENGINES:
        with contextlib.closing(tables.connect(engine)) as session:
            join = "SELECT count(*) FROM pg_class AS c, %s.t AS t WHERE c.oid::int = t.id" % tables.schema(engine)
            alone = value(session, join)
            forced = "debug_parallel_query" if session.server_version >= 160000 else "force_parallel_mode"
            for setting in (forced + " = on", "parallel_setup_cost = 0", "parallel_tuple_cost = 0",
                            "min_parallel_table_scan_size = 0"):
                rows(session, "SET " + setting)
            rows(session, "CREATE TEMP TABLE here AS SELECT g AS id FROM generate_series(1, 5000) AS g")
            rows(session, "ANALYZE here")
            same(value(session, select(engine)), COUNT, engine + ": a scan")
            plan = "\n".join(row[0] for row in rows(session, "EXPLAIN (COSTS off) " + join))
            ok("Gather" in plan and "Parallel Seq Scan on pg_class" in plan, engine + ": a plan with workers", plan)
            ok(alone > 0, engine + ": rows of a join with a local table", alone)
            same(value(session, join), alone, engine + ": as many of it with workers")
            same(value(session, "SELECT count(*) FROM here JOIN %s.t USING (id)" % tables.schema(engine)), COUNT,
                 engine + ": a join with a temporary one")


def recorded():
    """Each scan is a run in history."""
    for engine in ENGINES:
        with contextlib.closing(tables.connect(engine)) as session:
            rows(session, "SET application_name = '%s %s'" % (UNIQUE, engine))
            rows(session, select(engine, "id, v") + " WHERE id <= 7")
            rows(session, select(engine, "v") + " WHERE id = 1")
            rows(session, "BEGIN")
            rows(session, "DECLARE c CURSOR FOR " + select(engine, "id"))
            rows(session, "FETCH 10 FROM c")
            rows(session, "COMMIT")
            sqlstate(rows, session, "SELECT 1 / (id - 1) FROM %s.t WHERE id = 1" % tables.schema(engine))
        found = wait_for_history("application_name = %s", "%s %s" % (UNIQUE, engine), count=4)
        same([(row["source"], row["row_count"]) for row in found[:2]], [("fdw", 7), ("fdw", 1)],
             engine + ": source and rows")
        same({str(row["user_id"]) for row in found}, {tables.user.id}, engine + ": whose they are")
        ok(all("t_" + tables.word in row["generated_sql_query"] for row in found), engine + ": the remote SQL",
           [row["generated_sql_query"] for row in found])
        same(found[2]["status"], "success", engine + ": a cursor that was not read to its end")
        same(len(found), 4, engine + ": each once")
    if "pg" in ENGINES:
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE FOREIGN TABLE %s.wrong (id integer, v integer) SERVER %s OPTIONS"
                 " (schema_name 'public', table_name 't_%s')" % (tables.schema("pg"), tables.server("pg"), tables.word))
            rows(admin, 'GRANT SELECT ON %s.wrong TO "%s"' % (tables.schema("pg"), person_role()))
        with contextlib.closing(tables.connect("pg")) as session:
            rows(session, "SET application_name = '%s wrong'" % UNIQUE)
            error = raised(rows, session, select("pg", "*", "wrong"))
            ok(error is not None and "column \"v\" of foreign table \"wrong\"" in str(error),
               "a column of another type says which one it is", str(error))
        found = wait_for_history("application_name = %s", UNIQUE + " wrong")
        same((found[0]["status"], found[0]["error_code"]), ("error", "22P02"), "and is in history with its SQLSTATE")


def moved():
    """A connection leads to another engine: a session that knew the first one plans anew for tables that have been imported again"""
    if "my" not in ENGINES:
        return
    user, schema, name = User("moving"), "moved_" + UNIQUE, "moved_" + UNIQUE
    user.mysql("other way")
    user.sqlite("moving")
    with contextlib.closing(user.connect()) as knows, contextlib.closing(user.connect()) as changes:
        execute(changes, "other way", "CREATE TABLE %s (a int PRIMARY KEY)" % name)
        execute(changes, "other way", "INSERT INTO %s VALUES (1), (2)" % name)
        execute(changes, "moving", "CREATE TABLE %s (a int PRIMARY KEY)" % name)
        rows(changes, "SELECT tenancy.attach('moving', %s)", schema)
        counted = "SELECT count(*) FROM %s.%s" % (schema, name)
        same(value(knows, counted), 0, "the first database")
        rows(changes, "SELECT tenancy.update_connection('moving', database_type => 'mysql', host => %s, port => %s, database_name => %s,"
             " username => %s, password => %s, options => '{}')", environment("MYSQL_HOST"), int(environment("MYSQL_PORT")),
             environment("MYSQL_DATABASE"), environment("MYSQL_USER"), environment("MYSQL_PASSWORD"))
        rows(changes, "SELECT tenancy.attach('moving', %s)", schema)
        rows(knows, "PREPARE counted AS " + counted)
        same(sqlstate(rows, knows, "EXECUTE counted"), "HV000", "a plan for the first one is refused")
        same(value(knows, "EXECUTE counted"), 2, "and made again for the other")


run(others, lent_rights, prepared_plans, cursors, explain, parallel_queries, recorded, moved)
