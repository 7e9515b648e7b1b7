"""Foreign tables of one tenant for the process tests: the same two small ones on each engine."""

import atexit
import contextlib
import json
import os

from tenancy import UNIQUE, User, client_server, connect, environment, execute, mysql, person_role, rows


class ForeignTables:
    """Tables t and u (id, v) with ids from 1 on, in client databases of one tenant, and their foreign tables."""

    def __init__(self, word, count, engines=None):
        self.user = User(word)
        self.engines = engines or os.environ.get("TENANCY_ENGINES", "pg my lite").split()
        self.word = "%s_%s" % (word, UNIQUE)
        self.connections = {"pg": self.user.postgres, "my": self.user.mysql, "lite": self.user.sqlite}
        self.connections = {engine: self.connections[engine]() for engine in self.engines}
        for engine in self.engines:
            self._make_remote(engine, count)
            self._make_local(engine)
        atexit.register(self._drop)

    def schema(self, engine):
        return '"at_%s_%s"' % (engine, self.word)

    def server(self, engine):
        return self.schema(engine)

    def client(self):
        """A session on the client's PostgreSQL server, of its superuser."""
        return client_server()

    def remote(self, engine, statement):
        """Rows of a statement on the client database itself; {t} and {u} are its tables."""
        statement = statement.replace("{t}", "t_" + self.word).replace("{u}", "u_" + self.word)
        if engine == "my":
            return mysql(statement)
        if engine == "pg":
            with contextlib.closing(client_server(environment("CLIENT_PGUSER"))) as session:
                return rows(session, statement)
        with contextlib.closing(self.user.connect()) as session:
            answer = execute(session, engine, statement)
            if answer["status"] != "success":
                raise RuntimeError(answer["error"])
            return answer["rows"]

    def connect(self, engine=None, **settings):
        return self.user.connect(**settings)

    def read_only(self, engine, wanted):
        with contextlib.closing(self.user.connect()) as session:
            options = {"read_only": wanted, **({"create": True} if engine == "lite" else {})}
            rows(session, "SELECT tenancy.update_connection(%s, options => %s::jsonb)", engine, json.dumps(options))

    def _make_remote(self, engine, count):
        for table in ("t", "u"):
            self.remote(engine, "CREATE TABLE {%s} (id integer PRIMARY KEY, v varchar(40))" % table)
            numbers = {"pg": "SELECT n, 'v' || n FROM generate_series(1, %d) AS n",
                       "my": "SELECT seq, concat('v', seq) FROM seq_1_to_%d",
                       "lite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT %d)"
                               " SELECT n, 'v' || n FROM c"}[engine] % count
            self.remote(engine, "INSERT INTO {%s} %s" % (table, numbers))

    def _make_local(self, engine):
        schema_name = {"pg": "schema_name 'public', ", "my": "schema_name '%s', " % environment("MYSQL_DATABASE"),
                       "lite": ""}[engine]
        number = {"pg": "integer", "my": "int(11)", "lite": "integer"}[engine]
        with contextlib.closing(connect()) as session:
            rows(session, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection '%s')"
                 % (self.server(engine), self.connections[engine]))
            rows(session, "CREATE SCHEMA " + self.schema(engine))
            for table in ("t", "u"):
                rows(session, "CREATE FOREIGN TABLE %s.%s (id integer OPTIONS (key 'true', indexed 'true', native_type '%s')"
                     " NOT NULL, v text) SERVER %s OPTIONS (%stable_name '%s_%s')"
                     % (self.schema(engine), table, number, self.server(engine), schema_name, table, self.word))
            rows(session, 'GRANT USAGE ON SCHEMA %s TO "%s"' % (self.schema(engine), person_role()))
            rows(session, 'GRANT ALL ON ALL TABLES IN SCHEMA %s TO "%s"' % (self.schema(engine), person_role()))

    def _drop(self):
        with contextlib.closing(connect()) as session:
            for engine in self.engines:
                rows(session, "DROP SCHEMA IF EXISTS %s CASCADE" % self.schema(engine))
                rows(session, "DROP SERVER IF EXISTS %s CASCADE" % self.server(engine))
        for engine in self.engines:
            for table in ("t", "u"):
                self.remote(engine, "DROP TABLE {%s}" % table)
