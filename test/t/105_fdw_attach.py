#!/usr/bin/python3
"""What attach() must not do to others: schemas where their unqualified names are looked up, more than one user's share, waiting
without end, and statistics of their tables; and what a refresh follows."""

import contextlib

from tenancy import UNIQUE, Background, User, app_role, client_server, connect, execute, make_role, ok, person_role, raised, rows, run, same, sqlstate, value, wait_for_history

SCHEMA = "share_" + UNIQUE
alice, bob, carol = User("alice"), User("bob"), User("carol")
ATTACH, DETACH, REFRESH = ("SELECT tenancy.%s('lite', %%s)" % word for word in ("attach", "detach", "refresh_attached"))


def connections():
    for user in (alice, bob):
        user.sqlite()
        with contextlib.closing(user.connect()) as session:
            for name in ("a", "b", "c", "d"):
                same(execute(session, "lite", "CREATE TABLE %s (x int)" % name)["status"], "success", "a table")


def refused(session, schema, what):
    error = raised(rows, session, ATTACH, schema)
    ok(error is not None and error.pgcode == "42939" and "search_path" in (error.diag.message_detail or ""), "not taken: " + what, error)


def named_like_roles():
    """A schema named like a role is where the role's unqualified names go, by "$user" """
    with contextlib.closing(connect()) as admin, contextlib.closing(alice.connect()) as session:
        for name, what in ((value(admin, "SELECT current_user"), "the superuser"), (app_role(), "the role of all tenants"),
                           (person_role(), "the caller"), ("tenancy_admin", "a role that cannot log in")):
            refused(session, name, what)
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM pg_roles")
        late = make_role("late")
        refused(session, late, "a role that is younger than the snapshot")
        rows(session, "ROLLBACK")


def named_by_search_paths():
    """Nor where a configured search_path leads"""
    name = 'Say "x", ' + SCHEMA
    quoted = '"%s"' % name.replace('"', '""')
    role, function = make_role("path"), "public.path_" + UNIQUE
    with contextlib.closing(connect()) as admin, contextlib.closing(alice.connect()) as session:
        database = value(admin, "SELECT quote_ident(current_database())")
        for set_, reset, what in (
                ('ALTER ROLE "%s" SET search_path = public, %s' % (role, quoted), 'ALTER ROLE "%s" RESET ALL' % role, "a role's"),
                ('ALTER ROLE "%s" IN DATABASE %s SET search_path = %s' % (role, database, quoted),
                 'ALTER ROLE "%s" IN DATABASE %s RESET ALL' % (role, database), "a role's in the database"),
                ("ALTER DATABASE %s SET search_path = %s, public" % (database, quoted), "ALTER DATABASE %s RESET search_path" % database, "the database's"),
                ("CREATE FUNCTION %s() RETURNS int LANGUAGE sql SET search_path = pg_catalog, %s AS 'SELECT 1'" % (function, quoted),
                 "DROP FUNCTION %s()" % function, "a function's"),
                ('ALTER SYSTEM SET search_path = "$user", public, %s' % quoted, "ALTER SYSTEM RESET search_path", "the server's")):
            rows(admin, set_)
            try:
                refused(session, name, what + " search_path")
                same(sqlstate(rows, session, ATTACH, "x"), None, "part of it is another name")
                rows(session, DETACH, "x")
            finally:
                rows(admin, reset)
        same(sqlstate(rows, session, ATTACH, name), None, "a name that nothing names any more")
        rows(session, DETACH, name)


def roles_made_later():
    """A role that gets the name of an attached schema afterwards: status() tells, and the attachment can be kept up and removed"""
    with contextlib.closing(connect()) as admin, contextlib.closing(alice.connect()) as session:
        def item():
            return rows(admin, "SELECT state, value, hint FROM tenancy.status() WHERE item = 'attachments'")[0]
        name = "%s_later" % UNIQUE
        same(value(session, ATTACH, name), 4, "attached")
        ok(name not in item()[1], "status() has nothing to say", item())
        rows(admin, 'CREATE ROLE "%s"' % name)
        try:
            state, found, hint = item()
            ok(state == "warning" and name in found and "tenancy.detach(" in hint, "status() warns", item())
            same(value(session, ATTACH, name), 4, "it is attached again")
            same(rows(session, REFRESH, name), [], "and refreshed")
            identity = value(session, "SELECT connection_id FROM tenancy.attached() WHERE schema_name = %s", name)
            rows(admin, "SELECT tenancy.detach(%s::uuid, %s)", identity, name)
            ok(name not in item()[1], "an administrator has detached it", item())
            refused(session, name, "the name, now")
        finally:
            rows(admin, 'DROP ROLE "%s"' % name)


def schemas():
    """How many schemas one user attaches, in all sessions together"""
    limit = dict(max_attachments_per_user="3")

    def attach(number):
        with contextlib.closing(alice.connect(**limit)) as session:
            return sqlstate(rows, session, ATTACH, "%s_%d" % (SCHEMA, number))
    jobs = [Background(attach, number) for number in range(6)]
    same(sorted(str(job.value(60)) for job in jobs), ["53400"] * 3 + ["None"] * 3, "three of six at once")
    with contextlib.closing(alice.connect(**limit)) as session, contextlib.closing(bob.connect(**limit)) as stranger, \
            contextlib.closing(alice.connect(**limit)) as old, contextlib.closing(alice.connect(max_attachments_per_user="0")) as free:
        same(sqlstate(rows, stranger, ATTACH, SCHEMA + "_bob"), None, "somebody else has room")
        rows(stranger, DETACH, SCHEMA + "_bob")
        names = [name for name, in rows(session, "SELECT schema_name FROM tenancy.attached() ORDER BY 1")]
        same(sqlstate(rows, session, ATTACH, names[0]), None, "the same once more")
        rows(session, DETACH, names[0])
        rows(old, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        same(value(old, "SELECT count(*) FROM tenancy.attached()"), 2, "two are seen by an old snapshot")
        same(sqlstate(rows, session, ATTACH, names[0]), None, "a third is made meanwhile")
        error = raised(rows, old, ATTACH, SCHEMA + "_more")
        ok(error is not None and error.pgcode == "53400" and error.diag.message_detail.endswith(".") and error.diag.message_hint.endswith("."),
           "and is counted", error)
        rows(old, "ROLLBACK")
        same(sqlstate(rows, free, ATTACH, SCHEMA + "_free"), None, "0 is no limit")
        for name, in rows(session, "SELECT schema_name FROM tenancy.attached()"):
            rows(session, DETACH, name)


def tables():
    """How many foreign tables are in all of them"""
    limit = dict(max_attached_tables_per_user="10")
    one, two, three = (SCHEMA + end for end in ("_one", "_two", "_three"))
    some = "SELECT tenancy.attach('lite', %s, tables => %s)"
    with contextlib.closing(alice.connect(**limit)) as session, contextlib.closing(bob.connect(**limit)) as stranger, \
            contextlib.closing(alice.connect(**limit)) as old, contextlib.closing(alice.connect(max_attached_tables_per_user="0")) as free:
        rows(old, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        same(value(old, "SELECT count(*) FROM tenancy.attached()"), 0, "nothing is seen by an old snapshot")
        same((value(session, ATTACH, one), value(session, ATTACH, two)), (4, 4), "eight tables")
        error = raised(rows, session, ATTACH, three)
        ok(error is not None and error.pgcode == "53400" and "12" in error.diag.message_detail and error.diag.message_hint.endswith("."), "not twelve", error)
        same(value(session, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", three), 0, "and nothing is left of them")
        same(sqlstate(rows, old, some, three, ["a", "b", "c"]), "53400", "an old snapshot hides no table")
        rows(old, "ROLLBACK")
        same(value(session, some, three, ["a", "b"]), 2, "but ten")
        same(value(stranger, ATTACH, SCHEMA + "_bob"), 4, "somebody else has room")
        rows(stranger, DETACH, SCHEMA + "_bob")
        execute(session, "lite", "CREATE TABLE e (x int)")
        same(sqlstate(rows, session, REFRESH, one), "53400", "a refresh does not make an eleventh")
        same(value(session, some, three, ["c", "d"]), 2, "two others in the place of two")
        execute(session, "lite", "DROP TABLE d")
        same(sorted(rows(session, "SELECT change, table_name FROM tenancy.refresh_attached('lite', %s)", one)), [("table added", "e"), ("table dropped", "d")], "one for one")
        same(value(free, ATTACH, SCHEMA + "_free"), 4, "0 is no limit")
        for name, in rows(session, "SELECT schema_name FROM tenancy.attached()"):
            rows(session, DETACH, name)


def locks():
    """Tables of one transaction, each of which is locked to its end, leave locks for others"""
    with contextlib.closing(connect()) as admin, contextlib.closing(client_server()) as client, contextlib.closing(alice.connect()) as session:
        most = value(admin, "SELECT current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / 4")
        wide = "wide_" + UNIQUE
        rows(client, "CREATE SCHEMA %s" % wide)
        rows(client, "DO $$BEGIN FOR i IN 1 .. %d LOOP EXECUTE 'CREATE TABLE %s.t' || i || ' (x int NOT NULL)'; END LOOP; END$$" % (most * 3 / 2, wide))
        rows(client, "GRANT USAGE ON SCHEMA %s TO PUBLIC" % wide)
        rows(client, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO PUBLIC" % wide)
        alice.postgres("many")
        attach = "SELECT tenancy.attach('many', %s, remote_schema => %s, tables => %s)"
        one, two = SCHEMA + "_one", SCHEMA + "_two"
        names = ["t%d" % i for i in range(1, most * 3 // 2 + 1)]
        error = raised(rows, session, attach, one, wide, None)
        ok(error is not None and error.pgcode == "53400" and "max_locks_per_transaction" in error.diag.message_hint, "not all of them at once", error)
        rows(session, "BEGIN")
        same(value(session, attach, one, wide, names[:most * 3 // 4]), most * 3 // 4, "but a half")
        same(sqlstate(rows, session, attach, two, wide, names[most * 3 // 4:]), "53400", "and not the other half in the same transaction")
        rows(session, "ROLLBACK")
        same(value(session, attach, two, wide, names[most * 3 // 4:]), len(names) - most * 3 // 4, "in another one it may")
        rows(session, "BEGIN")
        same(value(session, attach, one, wide, names[:most * 3 // 4]), most * 3 // 4, "and the other half again")
        same(sqlstate(rows, session, attach[:-1] + ", options => '{\"import_not_null\": false}')", two, wide, names[most * 3 // 4:]), "53400",
             "but not a change of the first half's tables with them")
        rows(session, "ROLLBACK")
        rows(session, "SELECT tenancy.detach('many', %s)", two)
        for at in range(0, len(names), 500):
            rows(client, "DROP TABLE " + ", ".join(wide + "." + name for name in names[at:at + 500]))
        rows(client, "DROP SCHEMA %s" % wide)


def waiting():
    """A name in somebody's open transaction is not waited for without end, and the session's own limit is left alone"""
    with contextlib.closing(alice.connect()) as session, contextlib.closing(alice.connect()) as hasty, contextlib.closing(bob.connect()) as holder:
        rows(holder, "BEGIN")
        rows(holder, ATTACH, SCHEMA)
        waits = Background(sqlstate, rows, session, ATTACH, SCHEMA)
        rows(hasty, "SET lock_timeout = '20ms'")
        same(sqlstate(rows, hasty, ATTACH, SCHEMA), "55P03", "who has a limit of their own")
        same(value(hasty, "SHOW lock_timeout"), "20ms", "which stays")
        same(waits.value(60), "55P03", "and who has none")
        same(value(session, "SHOW lock_timeout"), "0", "and has none afterwards")
        rows(holder, "ROLLBACK")
        same(sqlstate(rows, session, ATTACH, SCHEMA), None, "when it is rolled back, the name is free")
        rows(session, DETACH, SCHEMA)


def statistics():
    """Attaching again for more than the owner's own role leaves nothing that a sample has learned"""
    own, schema = make_role("own"), SCHEMA + "_own"
    known = "SELECT count(*) FROM pg_stats WHERE schemaname = %s"
    carol.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(carol.connect()) as session:
        execute(session, "lite", "CREATE TABLE secrets (x text, y int)")
        execute(session, "lite", "INSERT INTO secrets VALUES ('a', 1), ('a', 2), ('b', 3)")
        rows(admin, "SELECT tenancy.bind_role(%s, %s)", carol.id, own)
        with contextlib.closing(connect(user=own)) as person:
            same(value(person, ATTACH, schema), 1, "attached by a role that is the owner's")
            rows(admin, 'ANALYZE "%s".secrets' % schema)
            same(value(person, ATTACH, schema), 1, "and again")
            same(value(person, known, schema), 2, "whose samples stay")
        same(value(session, ATTACH, schema), 1, "attached again by a role of many")
        same(value(session, 'SELECT count(*) FROM "%s".secrets' % schema), 3, "which reads the table")
        same(value(session, known, schema), 0, "but no values in statistics")
        rows(admin, 'ANALYZE "%s".secrets' % schema)
        same(value(admin, known, schema), 0, "nor does another sample put them there")
        rows(session, DETACH, schema)


def read_only():
    """What is a view now and was a table, and the other way round"""
    insert = 'INSERT INTO "%s".%%s VALUES (1)' % SCHEMA
    with contextlib.closing(connect()) as admin, contextlib.closing(carol.connect()) as session:
        def remote(*statements):
            for statement in statements:
                same(execute(session, "lite", statement)["status"], "success", statement)
        remote("CREATE TABLE base (x int)", "CREATE VIEW v AS SELECT x FROM base", "CREATE TABLE w (x int)", "CREATE TABLE kept (x int)")
        rows(session, ATTACH, SCHEMA)
        rows(admin, 'ALTER FOREIGN TABLE "%s".kept OPTIONS (ADD updatable \'false\')' % SCHEMA)
        same([sqlstate(rows, session, insert % name) for name in ("v", "w", "kept")], ["55000", None, "55000"], "a view, a table, and one that somebody keeps")
        remote("DROP VIEW v", "CREATE TABLE v (x int)", "DROP TABLE w", "CREATE VIEW w AS SELECT x FROM base")
        found = rows(session, "SELECT table_name FROM tenancy.refresh_attached('lite', %s) WHERE change = 'table changed' ORDER BY 1", SCHEMA)
        same(found, [("v",), ("w",)], "changed")
        same([sqlstate(rows, session, insert % name) for name in ("v", "w", "kept")], [None, "55000", "55000"], "a table, a view, and what is kept")
        same(sqlstate(rows, session, 'TRUNCATE "%s".v' % SCHEMA), None, "a table is emptied, too")
        same(rows(session, REFRESH, SCHEMA), [], "and then nothing")
        rows(session, DETACH, SCHEMA)


def kept_tables():
    """Tables that a refresh leaves alone are not locked by it"""
    with contextlib.closing(carol.connect()) as session:
        rows(session, ATTACH, SCHEMA)
        rows(session, "BEGIN")
        same(rows(session, REFRESH, SCHEMA), [], "nothing has changed")
        same(rows(session, "SELECT c.relname, l.mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
                  " WHERE c.relnamespace = %s::regnamespace AND l.pid = pg_backend_pid()", '"%s"' % SCHEMA), [], "no table is locked")
        rows(session, "ROLLBACK")
        rows(session, DETACH, SCHEMA)


def more_columns():
    """Columns that are gone count among the 1,600 that a table can have: it is made anew when they are too many"""
    make = "CREATE TABLE wide (%s)"
    attach = "SELECT tenancy.attach('lite', %s, tables => ARRAY['wide'])"
    with contextlib.closing(connect()) as admin, contextlib.closing(carol.connect()) as session:
        execute(session, "lite", make % ", ".join("a%d int" % i for i in range(900)))
        same(value(session, attach, SCHEMA), 1, "attached")
        execute(session, "lite", "DROP TABLE wide")
        execute(session, "lite", make % ", ".join("b%d int" % i for i in range(900)))
        same(rows(session, "SELECT change, table_name FROM tenancy.refresh_attached('lite', %s)", SCHEMA), [("table dropped", "wide"), ("table added", "wide")],
             "900 others")
        same(value(session, 'SELECT count(b899) FROM "%s".wide' % SCHEMA), 0, "which can be read")
        rows(admin, 'ALTER FOREIGN TABLE "%s".wide RENAME TO other' % SCHEMA)
        execute(session, "lite", "DROP TABLE wide")
        execute(session, "lite", make % ", ".join("c%d int" % i for i in range(900)))
        same(value(session, attach, SCHEMA), 1, "attached again, and 900 others")
        same(value(session, 'SELECT count(c899) FROM "%s".wide' % SCHEMA), 0, "which can be read by their own name")
        rows(session, DETACH, SCHEMA)


def denied():
    """An attempt on somebody else's connection is in the history of who made it"""
    with contextlib.closing(alice.connect()) as session:
        theirs = value(session, "SELECT id FROM tenancy.connections() WHERE name = 'lite'")
    with contextlib.closing(bob.connect()) as session:
        for word in ("attach", "refresh_attached", "detach"):
            same(sqlstate(rows, session, "SELECT tenancy.%s(%%s::uuid, %%s)" % word, theirs, SCHEMA), "42501", word)
    found = wait_for_history("user_id = %s AND source = 'fdw' AND status = 'denied' AND connection_name = %s", bob.id, theirs, count=3)
    same(len(found), 3, "all three are kept")


run(connections, named_like_roles, named_by_search_paths, roles_made_later, schemas, tables, locks, waiting, statistics, read_only, kept_tables, more_columns, denied)
