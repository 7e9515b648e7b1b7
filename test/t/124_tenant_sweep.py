#!/usr/bin/python3
"""Every table, view and function that a tenant may touch, found in the catalogs, tried with everything that is another tenant's: no row,
no text and no error tells of it, and nothing of it changes. What is new is tried without being named here; a function needs right
arguments for all but the one that is tried, so what no filler below fits fails until there is one."""

import atexit
import collections
import contextlib
import functools
import io
import json
import re

from tenancy import (UNIQUE, User, app_role, connect, environment, execute, make_role, note, ok, person_role, pid_of, rows, run, same, sqlstate,
                     value, wait_for_history, wait_until)

CANARY = "canary" + UNIQUE.replace("_", "")
MINE = "mine_" + UNIQUE  # the schema that Bob has attached
OPEN = "s_" + UNIQUE  # the schema of ran(), which everybody may call
alice, bob, carol = User("alice." + CANARY), User("bob"), User("carol")


def secrets_of(user):
    """All ids that are the user's in any table: those of rows that name the user."""
    with contextlib.closing(connect()) as admin:
        tables = rows(admin, "SELECT c.oid::regclass::text, CASE c.relname WHEN 'users' THEN 'id' ELSE 'user_id' END FROM pg_class AS c"
                      " WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_attribute AS a"
                      " WHERE a.attrelid = c.oid AND a.attname = CASE c.relname WHEN 'users' THEN 'id' ELSE 'user_id' END)")
        found = {}
        for table, column in tables:
            found[table] = [row[0] for row in rows(admin, "SELECT to_jsonb(t) FROM %s AS t WHERE %s = %%s ORDER BY t::text" % (table, column), user.id)]
    return found


def ids_of(state):
    text = json.dumps(state)
    return set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text)) - {"00000000-0000-0000-0000-000000000000"}


def settle(user, lite, pg, schema, word):
    """Something of everything that a tenant can have."""
    user.sqlite(lite, database_name=word + ".db")
    user.postgres(pg, options={"application_name": word})
    with contextlib.closing(user.connect()) as session:
        rows(session, "SELECT tenancy.update_profile(%s, %s, %s)", word, word, word)
        execute(session, lite, "CREATE TABLE IF NOT EXISTS %s (a int)" % word)
        rows(session, "SELECT tenancy.execute_query(%s, %s, cache_ttl => '1 hour')", lite, "SELECT '%s' AS a" % word)
        answer = execute(session, pg, "SELECT %s" % word)
        wait_for_history("id = %s", answer["query_id"])
        rows(session, "SELECT tenancy.attach(%s, %s)", lite, schema)


def undo():
    with contextlib.closing(connect()) as admin:
        for setting in ("lockout_threshold", "password_cost"):
            rows(admin, "ALTER SYSTEM RESET tenancy." + setting)
        rows(admin, "SELECT pg_reload_conf()")
        wait_until(lambda: value(admin, "SHOW tenancy.lockout_threshold") != "0", 20, "the settings")


def tenants():
    """Both have something of everything; an account of Bob's is not locked by wrong passwords, nor are hashes slow"""
    alice.sqlite("lite")
    settle(alice, CANARY + " lite", CANARY + " pg", CANARY, CANARY)
    settle(bob, "lite", "pg", MINE, "things")
    atexit.register(undo)
    with contextlib.closing(connect()) as admin:
        for setting in ("lockout_threshold = 0", "password_cost = 10"):
            rows(admin, "ALTER SYSTEM SET tenancy." + setting)
        rows(admin, "SELECT pg_reload_conf()")
        wait_until(lambda: value(admin, "SHOW tenancy.lockout_threshold") == "0", 20, "the settings")


def told(session, cursor):
    """All that a session was told: rows and notices."""
    text = "".join(session.notices)
    if cursor.description is not None:
        text += repr(cursor.fetchall())
    return text


def tried(session, statement, *parameters):
    """Everything that a statement answers, as one text, whether it fails or not, and its SQLSTATE, None for success."""
    session.notices = collections.deque(maxlen=10000)
    try:
        with session.cursor() as cursor:
            if statement.endswith("TO STDOUT"):
                copied = io.StringIO()
                cursor.copy_expert(statement, copied)
                return copied.getvalue() + "".join(session.notices), None
            cursor.execute(statement, parameters or None)
            return told(session, cursor), None
    except Exception as error:
        diagnosis = getattr(error, "diag", None)
        text = "%s %s %s %s" % (error, "".join(session.notices), diagnosis and diagnosis.message_detail, diagnosis and diagnosis.context)
        return text, getattr(error, "pgcode", None) or "lost"


def attempt(session, statement, *parameters):
    return tried(session, statement, *parameters)[0]


def bobs_session():
    """Bob, who is logged in again when a call has logged him out."""
    with contextlib.closing(connect(user=app_role())) as session:
        if value(session, "SELECT count(*) FROM (SELECT tenancy.authenticate(%s)) AS a", bob.token) != 1:
            raise RuntimeError("bob has no session")
    session = bob.connect()
    rows(session, "SET statement_timeout = '20s'")
    return session


def relog():
    with contextlib.closing(connect(user=app_role())) as session:
        if sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", bob.token) is not None:
            bob.token = value(session, "SELECT tenancy.login(%s, %s)", bob.email, bob.password)


TELL = "SELECT {columns} FROM {table} AS t WHERE pg_temp.tell(t.{first}::text)"
READS = (("SELECT {columns} FROM {table} AS t",), (TELL,), ("SELECT {columns} FROM ONLY {table} AS t",),
         ("COPY (SELECT {columns} FROM {table} AS t) TO STDOUT",), ("COPY (" + TELL + ") TO STDOUT",), ("COPY {table} ({columns}) TO STDOUT",),
         ("WITH q AS MATERIALIZED (SELECT {columns} FROM {table}) SELECT * FROM q",),
         ("SELECT {columns} FROM {table} AS t ORDER BY pg_temp.tell(t.{first}::text)",),
         ("SELECT count(*), max({first}::text), min({first}::text) FROM {table}",),
         ("SELECT {columns}, pg_temp.tell({first}::text) FROM {table} AS t GROUP BY {columns} HAVING pg_temp.tell(max({first}::text))",),
         ("SELECT t.* FROM pg_temp.other AS o LEFT JOIN (SELECT {columns} FROM {table}) AS t ON pg_temp.tell(t.{first}::text)",),
         ("EXPLAIN (VERBOSE, COSTS off) " + TELL,),
         ("DO $do$DECLARE r record; BEGIN FOR r IN SELECT {columns} FROM {table} LOOP RAISE NOTICE '%', r; END LOOP; END$do$",),
         ("BEGIN", "DECLARE c SCROLL CURSOR FOR " + TELL, "FETCH ALL FROM c", "FETCH BACKWARD ALL FROM c", "FETCH FIRST FROM c", "COMMIT"),
         ("BEGIN", "DECLARE c CURSOR WITH HOLD FOR " + TELL, "COMMIT", "FETCH ALL FROM c", "CLOSE c"),
         ("PREPARE p AS " + TELL, "EXECUTE p", "DEALLOCATE p"),
         ("CREATE TEMP VIEW seen AS SELECT {columns} FROM {table}", "SELECT * FROM pg_temp.seen", "PREPARE p AS SELECT * FROM pg_temp.seen", "EXECUTE p",
          "DEALLOCATE p", "DROP VIEW pg_temp.seen"))


def read_relation(session, table, columns, found):
    """What all ways of reading it answer; found counts, for each of them, how often it worked and how often it showed a row of Bob's."""
    words = dict(table=table, columns=columns, first=columns.split(",")[0])
    own, answers = ids_of(secrets_of(bob)), ""
    for read in READS:
        parts = [tried(session, statement.format(**words)) for statement in read]
        rows(session, "ROLLBACK")
        states = [state for _, state in parts if state is not None]
        text = "".join(part for part, _ in parts)
        answers += text
        found["worked", read] += not states
        found["shown", read] += any(word in text for word in own)
        if states and states != ["42809"]:  # COPY knows no views
            found["failed", (read, table, text)] += 1
    return answers


def relations():
    """Each table and view, read in every way"""
    secret = ids_of(secrets_of(alice)) | {CANARY}
    with contextlib.closing(connect()) as admin:
        found = rows(admin, "SELECT c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),"
                     " CASE WHEN c.relname = 'users' THEN 'id' WHEN bool_or(a.attname = 'user_id') THEN 'user_id' END FROM pg_class AS c"
                     " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                     " WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')"
                     " AND has_column_privilege(%s, c.oid, a.attnum, 'SELECT') GROUP BY c.oid ORDER BY 1", person_role())
    ok(len(found) > 8, "tables and views are found", found)
    with contextlib.closing(bobs_session()) as session, contextlib.closing(connect()) as admin:
        rows(session, "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS"
             " $$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$")
        rows(session, "CREATE TEMP TABLE other AS SELECT 1 AS a")
        full = 0
        for table, _, owner in found:
            his, hers = (value(admin, "SELECT count(*) FROM %s WHERE %s = %%s" % (table, owner), user.id) if owner else 0 for user in (bob, alice))
            full += his > 0 and hers > 0
            same(value(session, "SELECT count(*) FROM " + table), his, "Bob sees his own rows of " + table)
        ok(full > 10, "both have rows in %d of them" % full, found)
        counts = collections.Counter()
        for settings in ("", "SET enable_indexscan = off; SET enable_bitmapscan = off",
                         "RESET enable_indexscan; RESET enable_bitmapscan; SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan"):
            rows(session, settings + "; SELECT 1")
            for table, columns, _ in found:
                answers = read_relation(session, table, columns, counts)
                same([word for word in secret if word in answers], [], "%s tells nothing (%s)" % (table, settings or "as usual"))
        same([what for (kind, what) in counts if kind == "failed"], [], "nothing is read by errors only")
        for read in READS:
            ok(counts["worked", read] > 8, "it works: " + read[-1][:100], counts["worked", read])
            if not read[0].startswith("EXPLAIN"):
                ok(counts["shown", read] > 8, "and shows rows of Bob's: " + read[0][:100], counts["shown", read])


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def connection_id(name):
    return "(SELECT id FROM tenancy.connections() WHERE name = '%s')" % name


def filler(function, name, kind, parametrised):
    """What is right for an argument, so that a call comes as far as the one that is tried: SQL, or None for what may be left out."""
    known = {
        "connection text": "'lite'", "connection uuid": connection_id("lite"), "connection_id uuid": connection_id("lite"),
        "user_id uuid": "tenancy.current_user_id()", "subject uuid": "tenancy.current_user_id()", "id uuid": "(SELECT id FROM tenancy.query_history LIMIT 1)",
        "sql text": "'SELECT ? AS a'" if parametrised else "'SELECT 1 AS a'", "params \"any\"": "1",
        "schema name": quoted(MINE), "table_name text": "'things'", "of_table text": "'things'", "document jsonb": "tenancy.schema('lite')",
        "question text": "'How many things are there?'", "database_type text": "'sqlite'", "zone text": "'UTC'", "bucket text": "'day'",
        "from timestamp with time zone": "now() - interval '1 day'", "until timestamp with time zone": "now()",
        "at timestamp with time zone": "now()", "local timestamp without time zone": "localtimestamp", "most integer": "3",
        "anchor text": "(SELECT anchor FROM tenancy.history_anchor())", "token text": quoted(bob.token),
        "old_password text": quoted(bob.password), "new_password text": quoted(bob.password),
        "login.email text": quoted(carol.email), "login.password text": quoted(carol.password),
        "register.email text": "gen_random_uuid() || '@test.example'", "register.password text": "'a long password'",
        "history.until timestamp with time zone": None, "history.connection text": None,
        "delete_connection.connection text": "'spare'", "delete_connection.connection uuid": connection_id("spare"),
        "update_connection.connection text": "'pg'", "update_connection.connection uuid": connection_id("pg"),
        "update_connection.database_type text": None, "create_connection.name text": "'made ' || gen_random_uuid()",
        "update_connection.password text": quoted(environment("CLIENT_PGPASSWORD")),
        "create_connection.database_type text": "'postgresql'", "create_connection.host text": "'127.0.0.1'", "create_connection.username text": "'made'",
        "create_connection.password text": "'made'", "create_connection.database_name text": "'made'"}
    word = "%s %s" % (name, kind)
    return known.get("%s.%s" % (function.rpartition(".")[2], word), known.get(word))


def functions():
    """Each function that a tenant may call: its name, names and types of its arguments, how many may be left out, whether its columns must be named."""
    with contextlib.closing(connect()) as admin:
        return rows(admin, "SELECT p.oid::regproc::text, ARRAY(SELECT coalesce(p.proargnames[n], '') FROM generate_series(1,"
                    " coalesce(cardinality(p.proargmodes), p.pronargs)) AS n WHERE coalesce(p.proargmodes[n], 'i') IN ('i', 'b', 'v') ORDER BY n),"
                    " ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n), p.pronargdefaults,"
                    " p.prorettype = 'record'::regtype AND (p.proargmodes IS NULL OR NOT p.proargmodes && '{o,b,t}'::\"char\"[]) FROM pg_proc AS p"
                    " WHERE p.pronamespace = 'tenancy'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype"
                    " AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY p.provolatile = 'v', p.oid::regprocedure::text", person_role())


def call(function, names, types, defaults, untyped, given):
    """The statement that calls it with these values, by place, and with right ones for the rest."""
    arguments = []
    for place, (name, kind) in enumerate(zip(names, types)):
        told_by_string = "connection_string" in (names[n] for n in given) and name not in ("connection", "name", "connection_string")
        what = given.get(place, None if told_by_string else filler(function, name, kind, '"any"' in types))
        if what is None and place >= len(types) - defaults:
            continue
        label = '"%s" => ' % name if name and '"any"' not in types else ""
        arguments.append(label + (what or "NULL" if kind == '"any"' else "(%s)::%s" % (what or "NULL", kind)))
    return "SELECT * FROM %s(%s)%s" % (function, ", ".join(arguments), " AS t (a text)" if untyped else "")


def calls(foreign, also=None):
    """Each function with each of the foreign values, by type, in each place that could take it; what only reads goes first, so that Bob's history does not
    hold them yet. also: values for arguments of these names, of functions that have them beside the one that is tried."""
    for function, names, types, defaults, untyped in functions():
        fixed = {place: also[name] for place, name in enumerate(names) if name in (also or {})}
        for place, kind in enumerate(types):
            if also is not None and not set(fixed) - {place}:
                continue
            for word in foreign.get(kind, ()):
                statement = functools.partial(call, function, names, types, defaults, untyped, {**fixed, place: word})
                yield "%s(%s)" % (function, ", ".join(types)), names[place], word, statement


class Caller:
    """Bob, who calls functions, and is put back when a call has changed what is his: his password, login, connections and attachments."""

    def __init__(self):
        self._admin = connect()
        self._kept = None
        self.session = bobs_session()
        self._mend()

    def close(self):
        self._admin.close()
        self.session.close()

    def call(self, statement):
        """What is told, and the SQLSTATE."""
        answer = tried(self.session, statement)
        if self.session.closed or self._look() != self._kept or value(self.session, "SELECT tenancy.current_user_id()") != bob.id:
            self._mend()
        return answer

    def _look(self):
        return (value(self._admin, "SELECT password_hash FROM tenancy.users WHERE id = %s", bob.id),
                rows(self._admin, "SELECT id, name, version FROM tenancy.database_connections WHERE user_id = %s AND deleted_at IS NULL ORDER BY id", bob.id),
                rows(self._admin, "SELECT schema_name, connection_id FROM tenancy.attachments WHERE user_id = %s ORDER BY 1", bob.id))

    def _mend(self):
        found = self._look()
        password, connections, attachments = self._kept or found
        if password != found[0]:
            rows(self._admin, "SELECT tenancy.reset_password(%s, %s)", bob.id, bob.password)
        if self.session.closed or value(self.session, "SELECT tenancy.current_user_id()") != bob.id:
            self.session.close()
            relog()
            self.session = bobs_session()
        for schema, connection in found[2]:
            if (schema, connection) not in attachments:
                rows(self.session, "SELECT tenancy.detach(%s::uuid, %s)", connection, schema)
        for connection in found[1]:
            if connection not in connections:
                rows(self.session, "SELECT tenancy.delete_connection(%s::uuid)", connection[0])
        left = [name for (name,) in rows(self.session, "SELECT name FROM tenancy.connections()")]
        if "spare" not in left:
            bob.sqlite("spare", database_name="spare.db")
        if "pg" not in left:
            bob.postgres("pg")
        if not value(self.session, "SELECT count(*) FROM tenancy.attached()"):
            rows(self.session, "SELECT tenancy.attach('lite', %s)", MINE)
        self._kept = self._look()


FAILED = re.compile(r"^\[\(\{[^][{}]*'status': '(error|denied|refused)'")
STOPPED = "permission denied for connection"


def right_calls():
    """Each function works with the arguments that are taken for right: what is tried in their company is not stopped by them"""
    count = 0
    with contextlib.closing(Caller()) as caller:
        for function, names, types, defaults, untyped in functions():
            text, state = caller.call(call(function, names, types, defaults, untyped, {}))
            count += 1
            ok(state is None and not FAILED.search(text), "%s(%s)" % (function, ", ".join(names)), text[:500])
    ok(count > 60, "%d functions" % count)


def foreign_ids():
    """Each function, with each id and name of Alice's in each argument"""
    state = secrets_of(alice)
    ids = sorted(ids_of(state))
    chosen = {}
    for table, found in state.items():
        for row in found[:2]:
            for column, text in row.items():
                if isinstance(text, str) and text in ids:
                    chosen[(table, column)] = text
    values = sorted(set(chosen.values()))
    note("%d ids" % len(values))
    texts = [quoted(text) for text in values + [CANARY + " pg", CANARY + " lite", CANARY, alice.email]]
    secret = set(ids) | {CANARY}
    count, told_of, stopped, further = 0, [], set(), set()
    foreign = {"uuid": [quoted(text) for text in values], "text": texts, "name": [quoted(CANARY)], "text[]": ["ARRAY[%s]" % quoted(CANARY)], '"any"': texts}
    hers = quoted(alice.id)
    with contextlib.closing(Caller()) as caller:
        for function, name, word, statement in [*calls(foreign), *calls(foreign, {"user_id": hers, "subject": hers})]:
            if re.search(r"tenancy\.(register|login)\(", function):
                continue
            count += 1
            answer, _ = caller.call(statement())
            given = word.strip("'")
            known = given if given in secret else CANARY if CANARY in given else None
            leaked = [text for text in secret if text in answer.replace(given, "") and text not in (known, alice.id if hers in statement() else None)]
            if leaked:
                told_of.append((statement(), leaked[:2], answer[:200]))
            (stopped if STOPPED in answer else further).add((function, name))
    ok(count > 900, "%d calls" % count)
    ok(len(further) > 50, "%d arguments of functions are looked at" % len(further), further)
    ok({name for _, name in stopped - further} <= {"connection", "connection_id", "user_id"}, "only names and ids of hers stop a call", stopped - further)
    same(told_of, [], "none of them tells anything")
    after = secrets_of(alice)
    for table in state:
        if table not in ("tenancy.running_queries", "tenancy.user_sessions", "tenancy.connection_health"):
            same(after[table], state[table], "%s of Alice's is unchanged" % table)


RAN = "SELECT last_value + is_called::int - 1 FROM %s.runs" % OPEN  # what a statement that fails later has called counts, too
ARRIVED = "CREATE TABLE IF NOT EXISTS arrived (a int)"
PAYLOADS = [payload.replace("RUN", "%s.ran()" % OPEN) for payload in (
    "SELECT 1; SELECT RUN", "x'; SELECT RUN; --", "x\"; SELECT RUN; --", "x'); SELECT RUN; --", "$$; SELECT RUN; $$", "SELECT RUN", "RUN", "x' || RUN || '",
    "x\", RUN AS \"x", "SELECT 1; ALTER ROLE \"%s\" SUPERUSER" % person_role())]


def smuggled():
    """Each function, with SQL in each argument that is a text: it is never run here, but where it may be, on the own client database"""
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE SCHEMA {0}; GRANT ALL ON SCHEMA {0} TO PUBLIC; CREATE SEQUENCE {0}.runs; GRANT ALL ON SEQUENCE {0}.runs TO PUBLIC;"
             " CREATE FUNCTION {0}.ran() RETURNS text VOLATILE LANGUAGE sql AS $$SELECT nextval('{0}.runs')::text$$".format(OPEN))
        with contextlib.closing(bobs_session()) as session:
            same(value(admin, RAN), 0, "nothing is run here yet")
            rows(session, PAYLOADS[0])
            same(value(admin, RAN), 1, "what is run here leaves a trace, with Bob's rights too")
    texts = [quoted(payload) for payload in (*PAYLOADS, ARRIVED)]
    foreign = {"text": texts, "name": texts, "refcursor": texts, '"any"': texts, "text[]": ["ARRAY[%s]" % text for text in texts],
               "jsonb": ["jsonb_build_array(%s)" % text for text in texts] + ["jsonb_build_object({0}, {0})".format(text) for text in texts]}
    count, stopped, further = 0, set(), set()
    with contextlib.closing(Caller()) as caller:
        for function, name, _, statement in calls(foreign):
            count += 1
            answer, _ = caller.call(statement())
            (stopped if STOPPED in answer else further).add((function, name))
        same({name for _, name in stopped - further}, {"connection"}, "only where the connection's name is tried is it all that is looked at")
        same(execute(caller.session, "lite", "SELECT count(*) FROM sqlite_master WHERE name = 'arrived'")["rows"], [[1]], "SQL arrives on Bob's own database")
    ok(count > 1000, "%d calls" % count)
    ok(len(further) > 60, "%d arguments of functions are looked at" % len(further), further)
    with contextlib.closing(connect()) as admin:
        same(value(admin, RAN), 1, "nothing else was run")
        same(value(admin, "SELECT count(*) FROM pg_roles WHERE rolname = %s AND rolsuper", person_role()), 0, "nor is there a superuser more")
        rows(admin, "DROP SCHEMA %s CASCADE" % OPEN)


COUNTS = ("EXPLAIN (ANALYZE, TIMING off, COSTS off, SUMMARY off) ", "EXPLAIN (ANALYZE false, ANALYZE) ", "EXPLAIN ANALYZE ", "EXPLAIN (ANALYZE, BUFFERS) ")


def explained():
    """EXPLAIN ANALYZE would count rows of others, by conditions that go before row-level security; estimates do not know them"""
    with contextlib.closing(connect()) as admin:
        found = rows(admin, "SELECT c.oid::regclass::text, CASE c.relname WHEN 'users' THEN 'id' ELSE 'user_id' END FROM pg_class AS c"
                     " WHERE c.relnamespace = 'tenancy'::regnamespace AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_rewrite AS r"
                     " JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass"
                     " JOIN pg_class AS t ON t.oid = d.refobjid AND t.relrowsecurity WHERE r.ev_class = c.oid)) AND EXISTS (SELECT FROM pg_attribute AS a"
                     " WHERE a.attrelid = c.oid AND a.attname = CASE c.relname WHEN 'users' THEN 'id' ELSE 'user_id' END"
                     " AND has_column_privilege(%s, c.oid, a.attnum, 'SELECT'))", person_role())
    ok(len(found) > 8, "tables, and views of them, are found", found)
    with contextlib.closing(bobs_session()) as session, contextlib.closing(connect()) as admin:
        for table, column in found:
            query = "SELECT 1 FROM %s WHERE %s = '%s'" % (table, column, alice.id)
            for explain in COUNTS:
                same(sqlstate(rows, session, explain + query), "42501", explain + table)
            same(sqlstate(rows, session, "EXPLAIN " + query), None, "EXPLAIN " + table)
            same(sqlstate(rows, session, "EXPLAIN (ANALYZE, ANALYZE false) " + query), None, "EXPLAIN (ANALYZE false) " + table)
            rows(session, "PREPARE counted AS " + query)
            same(sqlstate(rows, session, "EXPLAIN ANALYZE EXECUTE counted"), "42501", "a prepared statement on " + table)
            rows(session, "DEALLOCATE counted")
            same(sqlstate(rows, session, "EXPLAIN ANALYZE CREATE TEMP TABLE copied AS " + query), "42501", "CREATE TABLE AS from " + table)
            same(sqlstate(rows, session, "DO $$BEGIN EXECUTE 'EXPLAIN ANALYZE %s'; END$$" % query.replace("'", "''")), "42501", "inside of a block, " + table)
            same(sqlstate(rows, admin, "EXPLAIN ANALYZE " + query), None, "a superuser may, " + table)
        rows(session, "CREATE FUNCTION pg_temp.counted(uuid) RETURNS bigint STABLE LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM tenancy.query_history"
             " WHERE user_id = $1); END$$")
        for explain in COUNTS:
            same(sqlstate(rows, session, explain + "SELECT pg_temp.counted('%s') LIMIT 1" % alice.id), "42501", explain + "a function that counts")
        same(sqlstate(rows, session, "EXPLAIN (BUFFERS) SELECT FROM pg_class WHERE relpages < pg_temp.counted('%s')" % alice.id), "42501",
             "what counts while it is planned")
        rows(session, "BEGIN")
        rows(session, "DECLARE before CURSOR FOR SELECT FROM tenancy.query_history WHERE user_id = '%s'" % alice.id)
        same(sqlstate(rows, session, "EXPLAIN ANALYZE SELECT cursor_to_xml('before', 1, false, false, '')"), "42501", "a cursor that was opened before")
        rows(session, "ROLLBACK")
        rows(session, "CREATE FUNCTION pg_temp.aside(uuid) RETURNS bigint STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$BEGIN"
             " RETURN (SELECT count(*) FROM tenancy.query_history WHERE user_id = $1); END$$")
        forced = "debug_parallel_query" if session.server_version >= 160000 else "force_parallel_mode"
        rows(session, "SET %s = on" % forced)
        same(value(session, "SELECT pg_temp.aside('%s')" % alice.id), 0, "a parallel worker reads nothing of hers")
        same(sqlstate(rows, session, "EXPLAIN (ANALYZE, BUFFERS) SELECT pg_temp.aside('%s')" % alice.id), "42501", "nor may it be measured")
        rows(session, "RESET %s" % forced)
        same(sqlstate(rows, session, "EXPLAIN ANALYZE SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a int)"), None, "functions may be measured")
        same(sqlstate(rows, session, "EXPLAIN ANALYZE SELECT count(*) FROM pg_class"), None, "and what is not ours")


def looked_up():
    """What the extension itself looks up counts no buffers, so that none tells whether there is something"""
    with contextlib.closing(connect()) as admin:
        hers = value(admin, "SELECT id FROM tenancy.database_connections WHERE user_id = %s LIMIT 1", alice.id)
    with contextlib.closing(bobs_session()) as session:
        rows(session, "SET enable_seqscan = off")  # as with many rows
        rows(session, "CREATE FUNCTION pg_temp.code_of(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE $1; RETURN ''; EXCEPTION WHEN OTHERS THEN"
             " RETURN SQLSTATE; END$$")

        def buffers(statement):
            for _ in range(3):  # until caches are warm
                plan = value(session, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT pg_temp.code_of(%s)", statement)[0]["Plan"]
            return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        for statement, there, missing in (("SELECT tenancy.test_connection('%s')", hers, "00000000-0000-4000-8000-000000000000"),
                                          ("SELECT tenancy.login('%s', 'wrong')", carol.email, "nobody@test.example")):
            same(buffers(statement % there), buffers(statement % missing), statement)


def bound(user, word):
    """A session of a role of the user's own."""
    role = make_role(word)
    with contextlib.closing(connect()) as admin:
        rows(admin, "SELECT tenancy.bind_role(%s, %s)", user.id, role)
    return connect(user=role)


LOCK = int(UNIQUE.partition("_")[0])
ASIDE = ("SELECT * FROM pg_stats WHERE schemaname = 'tenancy' AND attname <> 'id'", "SELECT * FROM pg_cursors", "SELECT * FROM pg_prepared_statements",
         "FETCH ALL FROM hers", "EXECUTE hers", "SELECT * FROM {temporary}.hers", "SELECT * FROM pg_largeobject", "SELECT * FROM pg_largeobject_metadata",
         "SELECT * FROM pg_user_mappings", "SELECT * FROM pg_locks", "SELECT * FROM pg_listening_channels()",
         "SELECT * FROM pg_statistic", "SELECT * FROM pg_hba_file_rules", "SELECT * FROM pg_file_settings",
         "SELECT pg_read_file('postgresql.conf')", "SELECT pg_ls_dir('.')", "SELECT * FROM pg_backend_memory_contexts",
         "COPY tenancy.users TO PROGRAM 'cat'", "COPY tenancy.users TO '/tmp/x'", "LOAD '/tmp/x.so'")


def leave(session):
    """What Alice leaves beside the tables, in a transaction that stays open; answers a large object, and the schema of her temporary tables."""
    large = value(session, "SELECT lo_from_bytea(0, convert_to(%s, 'UTF8'))", CANARY)
    rows(session, "CREATE TEMP TABLE hers AS SELECT %s AS a", CANARY)
    rows(session, "SET application_name = %s", "app" + CANARY)
    rows(session, "LISTEN " + CANARY)
    rows(session, "PREPARE hers AS SELECT 1")
    rows(session, "SELECT pg_advisory_lock(%s)", LOCK)
    temporary = value(session, "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
    rows(session, "BEGIN")
    rows(session, "SELECT tenancy.open_query(%s, %s, NULL, 'hers')", CANARY + " lite", "SELECT '%s' AS a" % CANARY)
    rows(session, "SELECT 'asked by %s'" % CANARY)
    return large, temporary


def hears(session, channel, other):
    """What a session that listens to the channel is told when the other one has notified Alice's."""
    rows(session, "LISTEN %s; LISTEN ready" % channel)
    session.notifies.clear()
    with contextlib.closing(connect()) as admin:
        rows(other, "SELECT pg_notify(%s, %s)", CANARY, "told by " + CANARY)
        rows(admin, "NOTIFY ready")

    def ready():
        rows(session, "SELECT 1")
        return any(heard.channel == "ready" for heard in session.notifies)
    wait_until(ready, 20, "a notification")
    rows(session, "UNLISTEN *")
    return [heard.payload for heard in session.notifies if heard.channel != "ready"]


def beside(label, hers, session, shared):
    """What a session finds of the other one, whose role is the same or not."""
    attached = "TABLE {0}.{0}".format(CANARY)
    if shared:
        same(sqlstate(rows, hers, attached), None, label + ": she reads her foreign table")
    same(sqlstate(rows, session, attached), "42501", label + ": nobody else does")
    (large, temporary), admin = leave(hers), connect()
    for statement in (statement.format(temporary=temporary) for statement in ASIDE):
        answer = attempt(session, statement).replace(statement, "")
        same([word for word in (CANARY, alice.id) if word in answer], [], "%s: %s" % (label, statement[:70]))
    activity = "SELECT query, application_name FROM pg_stat_activity WHERE pid = %s"
    asked = rows(admin, activity, pid_of(hers))
    same(asked, [("SELECT 'asked by %s'" % CANARY, "app" + CANARY)], label + ": a superuser sees what she asks")
    same(rows(session, activity, pid_of(hers)), asked if shared else [("<insufficient privilege>", "app" + CANARY)],
         label + ": her query is %s, the name of her application is always seen" % ("seen" if shared else "hidden"))
    content = "SELECT convert_from(lo_get(%s), 'UTF8')" % large
    same(value(admin, content), CANARY, label + ": she has a large object")
    same((CANARY in attempt(session, content), sqlstate(rows, session, content)), (True, None) if shared else (False, "42501"), label + ": her large object")
    same(sqlstate(rows, session, "SELECT pg_cancel_backend(%s)", pid_of(hers)), None if shared else "42501", label + ": to cancel what she runs")
    same(rows(session, "SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND pid = %s", pid_of(hers)), [(LOCK,)],
         label + ": the number of her advisory lock is seen")
    same(value(session, "SELECT pg_try_advisory_lock(%s)", LOCK), False, label + ": and is in the way")
    rows(hers, "ROLLBACK")
    same(hears(session, "elsewhere", hers), [], label + ": another channel tells nothing")
    same(hears(session, CANARY, hers), ["told by " + CANARY], label + ": a channel whose name is known is everybody's")
    rows(hers, "SELECT lo_unlink(%s)", large)
    admin.close()


def aside():
    """What lies beside the tables: statistics, locks, channels, large objects, other sessions' objects, catalogs"""
    with contextlib.closing(connect()) as admin:
        rows(admin, "ANALYZE " + ", ".join(table for table, in rows(admin, "SELECT oid::regclass::text FROM pg_class"
                                                                    " WHERE relnamespace = 'tenancy'::regnamespace AND relkind = 'r'")))
        ok(value(admin, "SELECT count(*) FROM pg_stats WHERE schemaname = 'tenancy' AND attname = 'id'") > 0, "there are statistics")
    with contextlib.closing(alice.connect()) as hers, contextlib.closing(bobs_session()) as session:
        beside("one role", hers, session, True)
    with contextlib.closing(bound(alice, "hers")) as hers, contextlib.closing(bound(bob, "his")) as session:
        same([value(each, "SELECT tenancy.current_user_id()") for each in (hers, session)], [alice.id, bob.id], "roles of their own are theirs")
        beside("a role each", hers, session, False)


relog()
run(tenants, relations, right_calls, foreign_ids, smuggled, explained, looked_up, aside)
