"""The three engines to write to through foreign tables: a connection, a server and a table of all types for each."""

import contextlib
import traceback

from tenancy import UNIQUE, User, connect, execute, note, ok, person_role, raised, rows

SCHEMA = "modify_" + UNIQUE

# Columns of the table "thing": local type, and what each engine declares.
THING = {
    "id": ("integer", "integer", "int", "integer"),
    "s": ("smallint", "smallint", "smallint", "smallint"),
    "big": ("bigint", "bigint", "bigint", "bigint"),
    "n": ("numeric", "numeric", "decimal(65,20)", "text"),
    "f": ("double precision", "double precision", "double", "real"),
    "t": ("text", "text", "longtext", "text"),
    "b": ("bytea", "bytea", "longblob", "blob"),
    "d": ("date", "date", "date", "date"),
    "ts": ("timestamp without time zone", "timestamp without time zone", "datetime(6)", "timestamp"),
    "tz": ("timestamp with time zone", "timestamp with time zone", "timestamp(6) null", "timestamptz"),
    "flag": ("boolean", "boolean", "tinyint(1)", "boolean"),
}


class Engine:
    """One client database: its connection, its server, and ways to look at it from the other side."""

    def __init__(self, name, position, user):
        self.name, self.position, self.user = name, position, user
        self.server = "%s_%s" % (name, UNIQUE)
        self.connection = {"postgres": user.postgres, "mysql": user.mysql, "sqlite": user.sqlite}[name](name)
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')"
                 % (self.server, self.connection))
            rows(admin, 'GRANT USAGE ON FOREIGN SERVER %s TO "%s"' % (self.server, person_role()))

    def remote(self, statement, parameters=None):
        """Rows of a statement on the client database itself, outside of any transaction."""
        answer = execute(self.user.session, self.name, statement, parameters)
        if answer["status"] != "success":
            raise RuntimeError("%s: %s" % (statement, answer["error"]))
        return [tuple(row) for row in answer["rows"]]

    def quoted(self, name):
        return "`%s`" % name if self.name == "mysql" else '"%s"' % name

    def make(self, name, declaration, columns, table_options="", key=("id",)):
        """A remote table, and a foreign table <engine>_<name> for it. columns: name to (local type, remote type)."""
        remote_name = "%s_%s" % (name, UNIQUE)
        self.remote("CREATE TABLE %s (%s)" % (self.quoted(remote_name), declaration))
        self.attach(name, remote_name, columns, table_options, key)
        return remote_name

    def attach(self, name, remote_name, columns, table_options="", key=("id",)):
        parts = []
        for column, described in columns.items():
            local, native, *flags = described
            options = ["native_type '%s'" % native.lower()] if native else []
            options += ["key 'true'"] if column in key else []
            options += ["%s 'true'" % flag for flag in flags if flag in ("identity", "generated")]
            rest = " ".join(flag for flag in flags if flag not in ("identity", "generated"))
            parts.append("%s %s %s %s" % (column, local, "OPTIONS (%s)" % ", ".join(options) if options else "", rest))
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE FOREIGN TABLE %s.%s_%s (%s) SERVER %s OPTIONS (table_name '%s'%s)"
                 % (SCHEMA, self.name, name, ", ".join(parts), self.server, remote_name, table_options))
            rows(admin, 'GRANT ALL ON %s.%s_%s TO "%s"' % (SCHEMA, self.name, name, person_role()))

    def table(self, name):
        return "%s.%s_%s" % (SCHEMA, self.name, name)


ENGINES = []


def prepare():
    """A tenant with three databases and a table in each."""
    user = User("modify")
    user.session = user.connect()
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SCHEMA %s" % SCHEMA)
        rows(admin, 'GRANT ALL ON SCHEMA %s TO "%s"' % (SCHEMA, person_role()))
    for position, name in enumerate(("postgres", "mysql", "sqlite")):
        engine = Engine(name, position, user)
        ENGINES.append(engine)
        declaration = ", ".join("%s %s%s" % (engine.quoted(column), types[1 + position], " PRIMARY KEY" if column == "id" else "")
                                for column, types in THING.items())
        engine.thing = engine.make("thing", declaration, {c: (types[0], types[1 + position]) for c, types in THING.items()})


def each(test):
    """The test on every engine."""
    def tested():
        for engine in ENGINES:
            note(engine.name)
            raised(rows, engine.user.session, "ROLLBACK")
            engine.remote("DELETE FROM " + engine.quoted(engine.thing))
            try:
                test(engine, engine.user.session)
            except Exception:
                ok(False, "%s: %s ended without an exception" % (engine.name, test.__name__), traceback.format_exc())
    tested.__doc__, tested.__name__ = test.__doc__, test.__name__
    return tested
