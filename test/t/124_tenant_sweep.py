#!/usr/bin/python3
"""Every table, view and function that a tenant may touch, found in the catalogs, tried with everything that is another tenant's: no row,
no text and no error tells of it, and nothing of it changes. What is new is tried without being named here."""

import collections
import contextlib
import json
import re

from tenancy import (UNIQUE, User, app_role, connect, environment, execute, note, ok, person_role, raised, rows, run, same, sqlstate,
                     value, wait_for_history)

CANARY = "canary" + UNIQUE.replace("_", "")
alice, bob = User("alice." + CANARY), User("bob")
PAYLOADS = ("SELECT 1; CREATE TABLE public.smuggled ()", "x'; CREATE TABLE public.smuggled (); --", "x\"; CREATE TABLE public.smuggled (); --",
            "$$; CREATE TABLE public.smuggled (); $$", "SELECT 1; ALTER ROLE \"%s\" SUPERUSER" % person_role())


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


def tenants():
    """Alice has something of everything"""
    for user in (alice, bob):
        user.sqlite("lite")
    alice.postgres(CANARY + " pg", options={"application_name": CANARY})
    alice.sqlite(CANARY + " lite", database_name=CANARY + ".db")
    with contextlib.closing(alice.connect()) as session:
        rows(session, "SELECT tenancy.update_profile(%s, %s, %s)", CANARY, CANARY, CANARY)
        execute(session, CANARY + " lite", "CREATE TABLE %s (a int)" % CANARY)
        execute(session, CANARY + " lite", "SELECT '%s' AS a" % CANARY)
        answer = execute(session, CANARY + " pg", "SELECT %s" % CANARY)
        wait_for_history("id = %s", answer["query_id"])
        rows(session, "SELECT tenancy.attach(%s, %s)", CANARY + " lite", CANARY)


def told(session, cursor):
    """All that a session was told: rows and notices."""
    text = "".join(session.notices)
    if cursor.description is not None:
        text += repr(cursor.fetchall())
    return text


def attempt(session, statement, *parameters):
    """Everything that a statement answers, as one text, whether it fails or not."""
    session.notices = collections.deque(maxlen=10000)
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return told(session, cursor)
    except Exception as error:
        diagnosis = getattr(error, "diag", None)
        return "%s %s %s %s" % (error, "".join(session.notices), diagnosis and diagnosis.message_detail, diagnosis and diagnosis.context)


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


READS = ("SELECT {columns} FROM {table} AS t", "SELECT {columns} FROM {table} AS t WHERE pg_temp.tell(t.{first}::text)", "SELECT {columns} FROM ONLY {table} AS t",
         "COPY (SELECT {columns} FROM {table} AS t) TO STDOUT", "WITH q AS MATERIALIZED (SELECT {columns} FROM {table}) SELECT * FROM q",
         "SELECT {columns} FROM {table} AS t ORDER BY pg_temp.tell(t.{first}::text)", "SELECT count(*), max({first}::text), min({first}::text) FROM {table}",
         "SELECT {columns}, pg_temp.tell({first}::text) FROM {table} AS t GROUP BY {columns} HAVING pg_temp.tell(max({first}::text))",
         "SELECT t.* FROM pg_temp.other AS o LEFT JOIN (SELECT {columns} FROM {table}) AS t ON pg_temp.tell(t.{first}::text)",
         "EXPLAIN (VERBOSE, COSTS off) SELECT {columns} FROM {table} AS t WHERE pg_temp.tell(t.{first}::text)",
         "EXPECT_VIEW")


def relations():
    """Each table and view, read in every way"""
    secret = ids_of(secrets_of(alice)) | {CANARY}
    with contextlib.closing(connect()) as admin:
        found = rows(admin, "SELECT c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_class AS c"
                     " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                     " WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')"
                     " AND has_column_privilege(%s, c.oid, a.attnum, 'SELECT') GROUP BY c.oid ORDER BY 1", person_role())
    ok(len(found) > 8, "tables and views are found", found)
    with contextlib.closing(bobs_session()) as session:
        rows(session, "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS"
             " $$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$")
        rows(session, "CREATE TEMP TABLE other AS SELECT 1 AS a")
        for settings in ("", "SET enable_indexscan = off; SET enable_bitmapscan = off", "SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan"):
            rows(session, settings + "; SELECT 1")
            for table, columns in found:
                words = dict(table=table, columns=columns, first=columns.split(",")[0])
                answers = ""
                for read in READS:
                    if read == "EXPECT_VIEW":
                        rows(session, "CREATE TEMP VIEW seen AS SELECT {columns} FROM {table}".format(**words))
                        answers += attempt(session, "SELECT * FROM pg_temp.seen")
                        rows(session, "PREPARE p AS SELECT * FROM pg_temp.seen")
                        answers += attempt(session, "EXECUTE p")
                        rows(session, "DEALLOCATE p; DROP VIEW pg_temp.seen")
                    elif read.startswith("COPY"):
                        answers += attempt(session, "DO $do$DECLARE r record; BEGIN FOR r IN %s LOOP RAISE NOTICE '%%', r; END LOOP; END$do$"
                                           % READS[0].format(**words))
                    else:
                        answers += attempt(session, read.format(**words))
                same([word for word in secret if word in answers], [], "%s tells nothing (%s)" % (table, settings or "as usual"))


def calls(foreign):
    """Statements that call each function a tenant may call with each of the foreign values in each place that could take it."""
    with contextlib.closing(connect()) as admin:
        found = rows(admin, "SELECT p.oid::regproc::text, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n),"
                     " p.prorettype = 'record'::regtype AND p.proallargtypes IS NULL, p.provariadic <> 0 FROM pg_proc AS p"
                     " WHERE p.pronamespace = 'tenancy'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype"
                     " AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text", person_role())
    plain = {"text": "'SELECT 1'", "uuid": "NULL", "integer": "NULL", "jsonb": "NULL", "\"any\"": "1", "boolean": "NULL", "refcursor": "NULL",
             "interval": "NULL", "name": "'n%s'" % UNIQUE, "text[]": "NULL"}
    for function, types, untyped, _ in found:
        for place, kind in enumerate(types):
            for word in foreign.get(kind, ()):
                arguments = ["%s::%s" % (plain.get(t, "NULL"), t) if t != '"any"' else "1" for t in types]
                arguments[place] = "%s::%s" % (word, kind)
                yield function, place, word, "SELECT * FROM %s(%s)%s" % (function, ", ".join(arguments), " AS t (a text)" if untyped else "")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


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
    count, told_of, sentences = 0, [], collections.defaultdict(set)
    session = bobs_session()
    for function, place, word, statement in calls({"uuid": [quoted(text) for text in values], "text": texts, "name": [quoted(CANARY)], "text[]": ["ARRAY[%s]" % quoted(CANARY)]}):
        if re.search(r"tenancy\.(register|login|close_connections)$", function):
            continue
        count += 1
        answer = attempt(session, statement)
        given = word.strip("'")
        known = given if given in secret else CANARY if CANARY in given else None
        leaked = [text for text in secret if text in answer.replace(word.strip("'"), "") and text != known]
        if leaked:
            told_of.append((statement, leaked[:2], answer[:200]))
        sentences[(function, place)].add(answer.replace(given, "…")[:80])
        if session.closed or "no tenancy identity" in answer or function in ("tenancy.logout", "tenancy.logout_everywhere", "tenancy.change_password"):
            session.close()
            relog()
            session = bobs_session()
    session.close()
    ok(count > 200, "%d calls" % count)
    same(told_of, [], "none of them tells anything")
    after = secrets_of(alice)
    for table in state:
        if table not in ("tenancy.running_queries", "tenancy.user_sessions", "tenancy.connection_health"):
            same(after[table], state[table], "%s of Alice's is unchanged" % table)


def smuggled():
    """Each function, with SQL in each argument that is a text: it is never run here"""
    session, count = bobs_session(), 0
    for function, _, _, statement in calls({"text": [quoted(text) for text in PAYLOADS], "name": [quoted(PAYLOADS[2])], "text[]": ["ARRAY[%s]" % quoted(PAYLOADS[1])],
                                            "refcursor": [quoted(PAYLOADS[2])]}):
        count += 1
        attempt(session, statement)
        if session.closed or function in ("tenancy.logout", "tenancy.logout_everywhere", "tenancy.change_password", "tenancy.authenticate"):
            session.close()
            relog()
            session = bobs_session()
    session.close()
    ok(count > 100, "%d calls" % count)
    with contextlib.closing(connect()) as admin:
        same(value(admin, "SELECT count(*) FROM pg_class WHERE relname = 'smuggled'"), 0, "no table was made")
        same(value(admin, "SELECT count(*) FROM pg_roles WHERE rolname = %s AND rolsuper", person_role()), 0, "nor a superuser")


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
        same(sqlstate(rows, session, "EXPLAIN ANALYZE SELECT * FROM tenancy.query('lite', 'SELECT 1') AS t(a int)"), None, "functions may be measured")
        same(sqlstate(rows, session, "EXPLAIN ANALYZE SELECT count(*) FROM pg_class"), None, "and what is not ours")


def aside():
    """What lies beside the tables: statistics, locks, channels, large objects, other sessions' objects, catalogs"""
    with contextlib.closing(alice.connect()) as hers, contextlib.closing(bobs_session()) as session:
        rows(hers, "CREATE TEMP TABLE hers AS SELECT %s AS a", CANARY)
        rows(hers, "BEGIN")
        rows(hers, "SELECT tenancy.open_query(%s, %s, NULL, 'hers')", CANARY + " lite", "SELECT '%s' AS a" % CANARY)
        rows(hers, "PREPARE hers AS SELECT 1")
        temporary = value(hers, "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
        for statement in ("SELECT * FROM pg_stats WHERE schemaname = 'tenancy' AND attname <> 'id'", "SELECT * FROM pg_cursors", "SELECT * FROM pg_prepared_statements",
                          "FETCH ALL FROM hers", "EXECUTE hers", "SELECT * FROM %s.hers" % temporary, "SELECT * FROM pg_largeobject",
                          "SELECT * FROM pg_user_mappings", "SELECT * FROM pg_locks WHERE locktype = 'advisory'", "SELECT * FROM pg_listening_channels()",
                          "SELECT * FROM pg_statistic", "SELECT * FROM pg_stat_statements", "SELECT * FROM pg_hba_file_rules", "SELECT * FROM pg_file_settings",
                          "SELECT pg_read_file('postgresql.conf')", "SELECT pg_ls_dir('.')", "SELECT * FROM pg_backend_memory_contexts",
                          "COPY tenancy.users TO PROGRAM 'cat'", "COPY tenancy.users TO '/tmp/x'", "LOAD '/tmp/x.so'", "TABLE \"%s\".%s" % (CANARY, CANARY)):
            answer = attempt(session, statement)
            leaked = [word for word in (CANARY, alice.id) if word in answer.replace(statement, "").replace('"%s"' % CANARY, "")]
            same(leaked, [], statement[:70])
        rows(hers, "ROLLBACK")


relog()
run(tenants, relations, foreign_ids, smuggled, explained, aside)
