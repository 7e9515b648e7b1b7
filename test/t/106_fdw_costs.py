#!/usr/bin/python3
"""Plans over foreign tables of many rows: one statement where an index finds few of them, lookups where it does not."""

import contextlib
import re

from foreign import ForeignTables
from tenancy import connect, ok, person_role, rows, run

tables = ForeignTables("costs", 200_000)


def statistics():
    """Each table knows what is in it."""
    with contextlib.closing(connect()) as admin:
        for engine in tables.engines:
            schema = tables.schema(engine)
            rows(admin, "ALTER FOREIGN TABLE %s.t ALTER COLUMN v OPTIONS (ADD indexed 'true')" % schema)
            rows(admin, "CREATE TABLE %s.few AS SELECT i AS id FROM generate_series(1, 100) AS i" % schema)
            rows(admin, "ANALYZE %s.few" % schema)
            for table in ("t", "u"):
                rows(admin, 'ALTER FOREIGN TABLE %s.%s OWNER TO "%s"' % (schema, table, person_role()))
            rows(admin, 'GRANT SELECT ON %s.few TO "%s"' % (schema, person_role()))
    for engine in tables.engines:
        with contextlib.closing(tables.connect(engine)) as session:
            for table in ("t", "u"):
                rows(session, "ANALYZE %s.%s" % (tables.schema(engine), table))


def plans():
    """What an index finds costs what it finds, alone and in a join of two tables there; what it does not find costs the whole table."""
    for engine in tables.engines:
        with contextlib.closing(tables.connect(engine)) as session:
            def plan(statement):
                return "\n".join(line for line, in rows(session, "EXPLAIN (VERBOSE) " + statement.replace("@", tables.schema(engine) + ".")))

            def costs(statement):
                return float(re.search(r"cost=[0-9.]+[.][.]([0-9.]+)", plan(statement)).group(1))
            lookups = plan("SELECT t.v FROM @few AS f JOIN @t AS t ON t.id = f.id")
            ok("Nested Loop" in lookups, engine + ": a lookup for each row", lookups)
            whole = costs("SELECT v FROM @t WHERE v IS NULL")
            ok(10 * (costs("SELECT v FROM @t WHERE id < 5") - 100) < whole - 100, engine + ": a few rows by the key", plan("SELECT v FROM @t WHERE id < 5"))
            joined = "SELECT u.v, t.v FROM @t AS t JOIN @u AS u ON u.id = t.id WHERE t.id < 5"
            ok("JOIN" in plan(joined) and 10 * (costs(joined) - 100) < whole - 100, engine + ": and by the key of the second table", plan(joined))


run(statistics, plans)
