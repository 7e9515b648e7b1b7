#!/usr/bin/python3
"""Whole statements over foreign tables that could be answered wrongly: cut short, limited, ordered, nested, prepared, over hidden rows."""

import contextlib
import re

import psycopg2

from fdw_world import PG, MY, LITE, ALL, NUMBERS, quoted, world, plain, answers, ids, attach_again, as_unpushed
from tenancy import UNIQUE, User, client_server, mysql, note, ok, person_role, rows, run, same, sqlstate, value


# Silent truncation

def large_values():
    """Values of 100 kB and more arrive whole."""
    doc = '{"text": "%s"}' % ("é" * 51200)
    data = "00ff" * 10240
    for engine in ALL:
        world().remote(engine, "DELETE FROM large")
        blob = "'\\x%s'" % data if engine == PG else "X'%s'" % data
        world().remote(engine, "INSERT INTO large VALUES (1, %s, %s), (2, '{}', NULL), (3, %s, %s)" % (quoted(doc), blob, quoted(doc), blob))
        found = world().query(engine, "SELECT id, doc::text, encode(data, 'hex') FROM @large ORDER BY id")
        same([row[0] for row in found], [1, 2, 3], "large values, %s: every row is there" % engine)
        ok(found[0][1] == doc and found[2][1] == doc, "large values, %s: 100 kB of JSON" % engine)
        ok(found[0][2] == data and found[1][2] is None and found[2][2] == data, "large values, %s: 20 kB of bytes" % engine)


def ended_in_the_middle(engine, view, end):
    """Fetch some rows of a long scan, end the remote statement, and fetch the rest: an error, never fewer rows."""
    with contextlib.closing(world().user.connect()) as session:
        rows(session, "BEGIN")
        rows(session, "DECLARE c CURSOR FOR SELECT * FROM %s.%s" % (world().schema(engine), view))
        ok(len(rows(session, "FETCH 10 FROM c")) == 10, "ended scan, %s: rows come before the end" % engine)
        end()
        got = sqlstate(rows, session, "MOVE FORWARD ALL IN c")
        ok(got is not None, "ended scan, %s: the rest is an error" % engine, "no error")
        note("%s: %s" % (engine, got))
        rows(session, "ROLLBACK")
        ok(value(session, "SELECT count(*) FROM %s.numbers" % world().schema(engine)) == len(NUMBERS),
           "ended scan, %s: the next query works" % engine)


def killed_scans():
    """A statement that is killed in the middle of a scan is an error"""
    world().remote(MY, "DROP TABLE IF EXISTS many", "CREATE TABLE many AS SELECT seq AS id, repeat('x', 200) AS filler FROM seq_1_to_300000")
    world().remote(PG, "DROP TABLE IF EXISTS many", "CREATE TABLE many AS SELECT i AS id, repeat('x', 200) AS filler FROM generate_series(1, 300000) AS i")
    attach_again(MY)
    attach_again(PG)

    def kill_mysql():
        found = mysql("SELECT id FROM information_schema.processlist WHERE info LIKE '%many%' AND id <> connection_id() AND command <> 'Sleep'")
        ok(len(found) == 1, "ended scan, my: the statement runs on the client's server", repr(found))
        for row in found:
            mysql("KILL QUERY " + row[0])

    def kill_postgres(call):
        with contextlib.closing(client_server()) as session:
            found = rows(session, "SELECT %s(pid) FROM pg_stat_activity WHERE query LIKE '%%%%many%%%%' AND state <> 'idle' AND backend_type = 'client backend'"
                         " AND pid <> pg_backend_pid()" % call)
            ok(len(found) == 1, "ended scan, pg: the statement runs on the client's server", repr(found))
    ended_in_the_middle(MY, "many", kill_mysql)
    ended_in_the_middle(PG, "many", lambda: kill_postgres("pg_cancel_backend"))
    ended_in_the_middle(PG, "many", lambda: kill_postgres("pg_terminate_backend"))


def errors_in_the_middle():
    """An error of a row in the middle is an error of the scan, whatever was read before"""
    world().remote(PG, "DROP VIEW IF EXISTS bad", "CREATE VIEW bad AS SELECT i AS id, 1 / (5000 - i) AS x FROM generate_series(1, 10000) AS i")
    world().remote(LITE, "DROP VIEW IF EXISTS bad", "CREATE VIEW bad AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 10000)"
                   " SELECT i AS id, abs(CASE WHEN i = 5000 THEN -9223372036854775807 - 1 ELSE i END) AS x FROM c")
    world().remote(MY, "DROP VIEW IF EXISTS bad", "CREATE VIEW bad AS SELECT seq AS id, CAST(seq AS SIGNED) + 9223372036854770807 AS x FROM seq_1_to_10000")
    for engine in ALL:
        attach_again(engine)
        got = world().error(engine, "SELECT * FROM @bad")
        ok(got is not None, "error in the middle, %s" % engine, "no error")
        got = world().error(engine, "SELECT count(x) FROM (SELECT x FROM @bad OFFSET 0) AS b")
        ok(got is not None, "error in the middle of what is counted, %s" % engine, "no error")


def time_limits():
    """A remote time limit that ends a scan is an error"""
    world().remote(MY, "DROP VIEW IF EXISTS slow", "CREATE VIEW slow AS SELECT seq AS id, sleep(0.002) AS s FROM seq_1_to_5000")
    world().user.mysql("short", {"statement_timeout": 700})
    schema = "traps_short_" + UNIQUE
    rows(world().session, "SELECT tenancy.attach('short', %s)", schema)
    same(sqlstate(rows, world().session, "SELECT * FROM %s.slow" % schema), "57014", "time limit of the connection, my: an error, no early end")
    attach_again(MY)
    rows(world().session, "SET statement_timeout = '700ms'")
    same(world().error(MY, "SELECT * FROM @slow"), "57014", "time limit of the session, my: an error, no early end")
    rows(world().session, "RESET statement_timeout")


# Plans

def limits():
    """LIMIT, DISTINCT and sorting above a condition that is checked here see only the rows that pass"""
    answers("limit", ALL, "SELECT id FROM @words WHERE w ILIKE 'É' ORDER BY id LIMIT 1", ["13"])
    answers("limit", ALL, "SELECT id FROM @words WHERE md5(w) = md5('É') LIMIT 1", ["15"])
    text, remote = world().plan(MY, "SELECT id FROM @words WHERE md5(w) = 'x' AND id > 0")
    ok("MD5" not in remote.upper() and "WHERE" in remote, "limit, my: md5() stays here, as MySQL from 9.6 on has none", text)
    answers("limit", ALL, "SELECT id FROM @words WHERE w = 'É' LIMIT 1", ["15"])
    answers("limit", ALL, "SELECT count(*) FROM (SELECT id FROM @words WHERE w ILIKE 'a%' LIMIT 3) AS x", ["3"])
    answers("limit", ALL, "SELECT id FROM @numbers ORDER BY i NULLS FIRST, id LIMIT 2 OFFSET 1", ["2", "6"], ALL, "LIMIT")
    answers("limit", ALL, "SELECT n.id FROM @numbers AS n JOIN @words AS w ON w.id = n.id WHERE w.w ILIKE 'Á' LIMIT 1", ["4"])
    answers("limit", ALL, "SELECT DISTINCT z FROM @numbers ORDER BY z LIMIT 2", ["0", "1"])
    answers("distinct", ALL, "SELECT DISTINCT z, now() = now() FROM @numbers ORDER BY z LIMIT 2", [("0", "True"), ("1", "True")], ALL, "GROUP BY")
    answers("distinct", ALL, "SELECT count(*) FROM (SELECT DISTINCT z, gen_random_uuid() FROM @numbers) AS x", ["6"])
    answers("limit", ALL, "SELECT id FROM @words WHERE w = 'é' ORDER BY id FOR UPDATE LIMIT 1", ["13"])


def operands():
    """Operands in the other order, and in both orders of a join"""
    ids("operands", ALL, "numbers", "5 < i", [1, 4], ALL)
    ids("operands", ALL, "numbers", "5 > i", [2, 3, 6], ALL)
    ids("operands", ALL, "numbers", "3 - i = 1", [6])
    answers("operands", ALL, "SELECT x.id FROM @numbers AS x JOIN @numbers AS y ON x.i > y.i WHERE y.id = 3 ORDER BY 1", ["1", "4"])


def generic_plans():
    """A plan that was made for one value, or for one tenant, serves the next"""
    with contextlib.closing(world().user.connect()) as session:
        rows(session, "SET plan_cache_mode = force_generic_plan")
        for engine in ALL:
            rows(session, "PREPARE by_%s(text, int) AS SELECT id FROM %s.words WHERE w = $1 OR id = $2 ORDER BY id" % (engine, world().schema(engine)))
            for text, number, wanted in (("a", 7, [1, 7]), ("A", None, [2]), (None, 3, [3]), (None, None, [])):
                same([row[0] for row in rows(session, "EXECUTE by_%s(%%s, %%s)" % engine, text, number)], wanted,
                     "generic plan, %s: %r, %r" % (engine, text, number))
            rows(session, "PREPARE on_%s(date) AS SELECT count(*) FROM %s.days WHERE d > $1" % (engine, world().schema(engine)))
            for day, wanted in (("2024-02-28", 3), ("infinity", 0), ("-infinity", 5), ("0044-03-15 BC", 5)):
                same(value(session, "EXECUTE on_%s(%%s)" % engine, day), wanted, "generic plan, %s: after %s" % (engine, day))
        # The same prepared statement under another identity: their connection, not the one of the first.
        other = User("other")
        rows(session, "SELECT set_config('tenancy.session', %s, false)", other.token)
        same(sqlstate(rows, session, "EXECUTE by_pg('a', 1)"), "42501", "generic plan: another tenant has no use of it")


def credentials():
    """The identity of the moment decides, not the owner of a view or of a function"""
    schema, admin, role = "traps_own_" + UNIQUE, world().admin, person_role()
    rows(admin, "CREATE SCHEMA " + schema)
    rows(admin, 'GRANT USAGE ON SCHEMA %s TO "%s"' % (schema, role))
    rows(admin, "CREATE VIEW %s.shown AS SELECT id FROM %s.numbers" % (schema, world().schema(PG)))
    rows(admin, 'GRANT SELECT ON %s.shown TO "%s"' % (schema, role))
    rows(admin, "CREATE FUNCTION %s.counted() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
         " AS 'SELECT count(*) FROM %s.numbers'" % (schema, world().schema(PG)))
    same(value(world().session, "SELECT count(*) FROM %s.shown" % schema), 6, "identity: the owner of the connection reads through a view")
    with contextlib.closing(User("stranger").connect()) as session:
        for sql in ("SELECT count(*) FROM %s.shown" % schema, "SELECT %s.counted()" % schema, "SELECT count(*) FROM %s.numbers" % world().schema(PG)):
            same(sqlstate(rows, session, sql), "42501", "identity: a stranger does not, " + sql.replace(UNIQUE, ""))


def two_phases():
    """PREPARE TRANSACTION is refused once foreign tables have been used"""
    for engine in ALL:
        with contextlib.closing(world().user.connect()) as session:
            rows(session, "BEGIN")
            rows(session, "UPDATE %s.numbers SET z = z WHERE id = 1" % world().schema(engine))
            got = sqlstate(rows, session, "PREPARE TRANSACTION 'traps'")
            ok(got in ("0A000", "55000"), "two phases, %s: refused" % engine, repr(got))
            rows(session, "ROLLBACK")


def hostile_schema():
    """Names and defaults of a remote schema are never read as SQL"""
    name = 'x"; DROP SCHEMA tenancy CASCADE; --'
    world().remote(PG, 'DROP TABLE IF EXISTS "%s"' % name.replace('"', '""'),
                   'CREATE TABLE "%s" ("a""b\'); SELECT 1; --" integer DEFAULT 1, "select" text DEFAULT \'\'\'); DROP\')' % name.replace('"', '""'))
    world().remote(LITE, 'DROP TABLE IF EXISTS "%s"' % name.replace('"', '""'),
                   'CREATE TABLE "%s" ("a""b\'); SELECT 1; --" integer, "select" text DEFAULT (\'x\' || \'y\'))' % name.replace('"', '""'))
    world().remote(MY, "DROP TABLE IF EXISTS `x\"; DROP --`", "CREATE TABLE `x\"; DROP --` (`a``b'); --` integer DEFAULT 1, `select` text)")
    for engine in ALL:
        attach_again(engine)
        found = [row[0] for row in rows(world().session, "SELECT c.relname FROM pg_class AS c WHERE relnamespace = %s::regnamespace AND relname LIKE 'x%%'",
                                        world().schema(engine))]
        same(found, [name if engine != MY else 'x"; DROP --'], "hostile names, %s: the table is there under its name" % engine)
        same(world().query(engine, 'SELECT * FROM @"%s"' % found[0].replace('"', '""')), [], "hostile names, %s: it can be read" % engine)
        world().remote(engine, ("DROP TABLE `%s`" if engine == MY else 'DROP TABLE "%s"') % (found[0] if engine == MY else found[0].replace('"', '""')))
    ok(value(world().admin, "SELECT to_regnamespace('tenancy') IS NOT NULL"), "hostile names: nothing of theirs was run")


# What the planner moves

def run_conditions():
    """A condition on a window function of a subquery, by which the planner ends the window early, leaves out the other rows"""
    ranked = "SELECT s.id, s.place FROM (SELECT id, %s OVER (ORDER BY id) AS place FROM @numbers) AS s WHERE s.place %s"
    for function in ("row_number()", "rank()", "dense_rank()", "count(*)"):
        answers("run condition", ALL, ranked % (function, "<= 2"), [("1", "1"), ("2", "2")])
        answers("run condition", ALL, ranked % (function, "= 1"), [("1", "1")])
    answers("run condition", ALL, "SELECT s.id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, sum(id) OVER (ORDER BY id) FROM @numbers) AS s"
            " WHERE s.place < 3", ["1", "2"])
    answers("no run condition", ALL, "SELECT id, row_number() OVER (ORDER BY id) FROM @numbers WHERE id < 3 ORDER BY id", [("1", "1"), ("2", "2")],
            ALL, r"\bOVER\b")


def windows_without_an_order():
    """Keys of a window that MySQL takes for positions, and ranks that MariaDB has only with an order"""
    for window in ("row_number() OVER (ORDER BY 1)", "count(*) OVER (PARTITION BY 1)"):
        answers("a number among a window's keys", ALL, "SELECT count(*) FROM (SELECT %s AS place FROM @numbers OFFSET 0) AS s" % window, ["6"])
        _, remote = world().plan(MY, "SELECT %s FROM @numbers" % window)
        # From 18 on PostgreSQL itself leaves out a key that is the same everywhere.
        ok("OVER" not in remote or "OVER ()" in remote, "a number among a window's keys, my: %s is not pushed" % window, remote)
    for window in ("rank() OVER ()", "dense_rank() OVER (PARTITION BY z)"):
        answers("ranks without an order", ALL, "SELECT DISTINCT %s FROM @numbers" % window, ["1"])


def least_values():
    """NOT IN with a number below all that the column holds, by whose index MariaDB misses the first value, also where the column is cast"""
    world().remote(MY, "DROP TABLE IF EXISTS lows", "CREATE TABLE lows (id integer PRIMARY KEY, i integer, pad varchar(200), KEY (i))",
                   "INSERT INTO lows SELECT seq, CASE seq WHEN 1 THEN -2147483648 WHEN 2 THEN 7 ELSE 5 END, repeat('x', 200) FROM seq_1_to_3000",
                   "ANALYZE TABLE lows")
    attach_again(MY)
    for column in ("i", "i::bigint", "i::numeric", "i::bigint::numeric"):
        ids("a least value by an index", (MY,), "lows", "%s NOT IN (-3000000000, 5)" % column, [1, 2], (MY,))


def lacking_rows():
    """A condition on the missing side, above a join that finds the rows without a partner"""
    lacking = "SELECT x.id FROM @numbers AS x LEFT JOIN @flags AS y ON y.id = x.id WHERE y.id IS NULL AND %s ORDER BY 1"
    answers("anti join", ALL, lacking % "coalesce(y.id, 0) = 0", ["4", "5", "6"])
    answers("anti join", ALL, lacking % "coalesce(y.id > 2, x.id > 4)", ["5", "6"])
    answers("anti join", ALL, lacking % "x.id > 4", ["5", "6"], ALL, r"NOT EXISTS")


def operators_of_others():
    """An operator of the client database that takes just these types does not come before PostgreSQL's own"""
    world().remote(PG, "DROP TABLE IF EXISTS tagged", "CREATE TABLE tagged (id integer PRIMARY KEY, tags integer[])",
                   "INSERT INTO tagged VALUES (1, '{1,NULL}'), (2, '{2}')", "DROP OPERATOR IF EXISTS public.&& (integer[], integer[])",
                   "CREATE OR REPLACE FUNCTION public.never(integer[], integer[]) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
                   "CREATE OPERATOR public.&& (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = public.never)")
    attach_again(PG)
    ids("operators of others", (PG,), "tagged", "tags && ARRAY[1]", [1], (PG,))
    world().remote(PG, "DROP OPERATOR public.&& (integer[], integer[])", "DROP FUNCTION public.never")


def encodings_of_a_join():
    """A join with a table whose encoding is not known sends no more than both sides may"""
    admin, schema = world().admin, world().schema(PG)
    rows(admin, "CREATE FOREIGN TABLE {0}.all_numbers (id integer) SERVER {1} OPTIONS (query 'SELECT id FROM numbers')".format(
        schema, value(admin, "SELECT quote_ident(s.srvname) FROM pg_foreign_table AS t JOIN pg_foreign_server AS s ON s.oid = t.ftserver WHERE t.ftrelid = %s::regclass",
                      schema + ".words")))
    rows(admin, "GRANT SELECT ON {0}.all_numbers TO PUBLIC".format(schema))
    joined = "SELECT w.id FROM @words AS w JOIN @all_numbers AS n ON n.id = w.id WHERE %s ORDER BY w.id"
    for condition in ("length(w.w) > 100", "length(w.w) > 100 AND w.id > 1 OR w.id = 2"):
        answers("encodings", (PG,), joined % condition, ["2"] if " OR " in condition else [])
    exists = joined % "EXISTS (SELECT FROM @words AS v WHERE length(v.w) + w.id > 1000 AND v.id > 0 OR v.id = w.id + 1 AND w.id < 3)"
    answers("encodings of EXISTS", (PG,), exists, ["1", "2"])
    rows(admin, "DROP FOREIGN TABLE {0}.all_numbers".format(schema))


def conditional_subselects():
    """A sub-select behind COALESCE is run only when PostgreSQL comes to it"""
    ids("COALESCE", ALL, "numbers", "id <> 5 AND COALESCE(z, (SELECT 1 FROM generate_series(1, 2))) = 3", [4])


def hidden_rows():
    """A condition that may fail is not asked of rows that row-level security hides, which a remote server would not heed"""
    admin, schema = world().admin, world().schema(PG)
    rows(admin, "CREATE TABLE {0}.guarded (LIKE {0}.numbers) PARTITION BY RANGE (id)".format(schema))
    rows(admin, "ALTER TABLE {0}.guarded ATTACH PARTITION {0}.numbers DEFAULT".format(schema))
    rows(admin, "ALTER TABLE {0}.guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY guard ON {0}.guarded USING (lower(id::text) <> '1');"
         ' GRANT SELECT ON {0}.guarded TO "{1}"'.format(schema, person_role()))
    answers("hidden rows", (PG,), "SELECT count(*) FROM @guarded WHERE 1 / (i - 7) < 5", ["4"])
    answers("hidden rows", (PG,), "SELECT id FROM @guarded WHERE id = 2", ["2"], (PG,))
    joined = "SELECT count(*) FROM @guarded AS g JOIN @days AS d ON d.id = g.id AND 1 / (g.i - 7) < d.id WHERE g.id > 0"
    answers("hidden rows of a join", (PG,), joined, ["4"])
    rows(world().session, "SET enable_sort = off")
    answers("hidden rows in order", (PG,), "SELECT id FROM @guarded WHERE id < 4 ORDER BY 100 / (i - 7) DESC", ["2", "3"])
    rows(world().session, "RESET enable_sort")
    rows(admin, "ALTER TABLE {0}.guarded DETACH PARTITION {0}.numbers; DROP TABLE {0}.guarded".format(schema))


def nested(template, innermost, depth):
    for _ in range(depth):
        innermost = template % innermost
    return innermost


def as_computed_here(trap, engine, sql):
    """The answer is that without pushdown."""
    found = []
    for setting in ("off", "on"):
        rows(world().session, "SET tenancy.enable_pushdown = " + setting)
        try:
            found.append(plain(world().query(engine, sql)))
        except psycopg2.Error as error:
            found.append(str(error))
    rows(world().session, "RESET tenancy.enable_pushdown")
    ok(isinstance(found[0], list) and found[1] == found[0], trap, found)


def many_tables(engine):
    """More than the remote server joins, where joins here are avoided"""
    methods = ("enable_nestloop", "enable_hashjoin", "enable_mergejoin")
    for method in methods:
        rows(world().session, "SET %s = off" % method)
    sql = "SELECT id FROM @flags " + " ".join("JOIN @flags AS f%d USING (id)" % n for n in range(70))
    text, _ = world().plan(engine, sql)
    sent = [line.count(" JOIN ") for line in re.findall(r"Remote SQL: (.*)", text)]
    ok(8 < max(sent) < {PG: 1000, MY: 61, LITE: 32}[engine], engine + ": no more tables than it joins are sent together", sent)
    same(sorted(world().query(engine, sql)), [(1,), (2,), (3,)], engine + ": many tables")
    for method in methods:
        rows(world().session, "RESET %s" % method)


def deep_statements():
    """What is too long or too deep for the remote parser stays here"""
    wraps = (("numbers", "abs(%s)", "i"), ("numbers", "(%s + 1)", "z::bigint"), ("numbers", "coalesce(nullif(%s, 3), 1)", "z"),
             ("numbers", "CASE WHEN %s > 1 THEN 1 ELSE 0 END", "i"), ("numbers", "CASE WHEN z > 5 THEN 1 ELSE %s END", "i"),
             ("numbers", "(%s / 2)", "j"), ("numbers", "round(%s, 2)", "n"),
             ("words", "upper(lower(%s))", "wb"), ("words", "substr(%s || wb, 1, 9)", "wb"), ("words", "ltrim(%s, 'a')", "wb"))
    for engine in ALL:
        for table, template, column in wraps:
            for depth in (4, 9, 17, 40, 150, 600):
                as_computed_here("%s: %s, %d deep" % (engine, template, depth), engine,
                                 "SELECT id FROM @%s WHERE %s IS NOT NULL ORDER BY id" % (table, nested(template, column, depth)))
        for count in (150, 450, 1500):
            for word in (" AND ", " OR "):
                as_computed_here("%s: %d conditions with%s" % (engine, count, word), engine, "SELECT id FROM @numbers WHERE %s ORDER BY id" %
                                 word.join("(i <> %d AND z <> %d)" % (n, n) for n in range(count)))
            as_computed_here("%s: HAVING of %d" % (engine, count), engine, "SELECT z FROM @numbers GROUP BY z HAVING %s ORDER BY 1" %
                             " AND ".join("count(*) <> %d" % (n + 7) for n in range(count)))
            world().query(engine, "DELETE FROM @flags WHERE id > 3 AND " + " AND ".join("id <> %d" % (n + 10) for n in range(count)))
        for depth in range(6, 14):
            as_computed_here("%s: in ON, %d deep" % (engine, depth), engine, "SELECT a.id FROM @numbers AS a LEFT JOIN @numbers AS b ON %s = b.i ORDER BY 1"
                             % nested("(%s + 1)", "a.z", depth))
        for depth in (5, 20, 150):
            condition = "id > 0"
            for n in range(depth):
                condition = "(%s AND z <> %d OR i = %d)" % (condition, n, n)
            as_computed_here("%s: AND and OR, %d deep" % (engine, depth), engine, "SELECT id FROM @numbers WHERE %s ORDER BY id" % condition)
        many_tables(engine)


def distinct_and_ordered():
    """DISTINCT and ORDER BY of one aggregate are about one expression"""
    for call in ("string_agg(DISTINCT c, ',' ORDER BY c)", "string_agg(DISTINCT c, ',' ORDER BY c DESC NULLS LAST)", "array_agg(DISTINCT c ORDER BY c)", "count(DISTINCT c ORDER BY c)",
                 "string_agg(DISTINCT x COLLATE \"C\", ',' ORDER BY x COLLATE \"C\")", "array_agg(DISTINCT id ORDER BY id DESC)", "min(DISTINCT c ORDER BY c)"):
        as_unpushed("DISTINCT and ORDER BY", "SELECT %s FROM (SELECT id, w COLLATE \"C\" AS c, w AS x FROM @words) AS s" % call, r"DISTINCT.*ORDER BY")
    as_unpushed("DISTINCT and ORDER BY", "SELECT string_agg(DISTINCT w, ',' ORDER BY w) FROM @words")


def other_servers():
    """What is called immutable, but depends on zones, letters, versions or names of this side, stays here"""
    world().remote(PG, "DROP TABLE IF EXISTS elsewhere", "CREATE TABLE elsewhere (id integer PRIMARY KEY, y timestamptz, z timestamptz, i interval, t text, c text)",
                   "INSERT INTO elsewhere VALUES (1, '2024-03-01 03:00+00', '2024-02-01 03:00+00', '-1 month', 'ä', 'a'), (2, NULL, NULL, NULL, 'b', 'b')")
    attach_again(PG)
    here = world().schema(PG)
    rows(world().admin, "CREATE COLLATION {0}.letters (lc_collate = 'C', lc_ctype = 'C.UTF-8'); CREATE DOMAIN {0}.word AS text".format(here))
    rows(world().admin, "ALTER FOREIGN TABLE {0}.elsewhere ALTER c TYPE {0}.word".format(here))
    rows(world().session, "SET timezone = 'America/New_York'")
    ids("age of moments", (PG,), "elsewhere", "age(y, z) >= interval '1 month'", [])
    rows(world().session, "RESET timezone")
    for condition in ("upper(t COLLATE @letters) = 'Ä'", "t COLLATE @letters ILIKE 'Ä'", "t COLLATE @letters ~ '^[[:alpha:]]$' AND id = 1"):
        ids("order of bytes, letters of UTF-8", (PG,), "elsewhere", condition, [1])
    ids("order of bytes, letters of UTF-8", (PG,), "elsewhere", "t COLLATE @letters < 'c'", [2], (PG,))
    ids("upper, of C", (PG,), "elsewhere", "upper(t COLLATE \"C\") = 'B'", [2], (PG,))
    for condition in ("y AT TIME ZONE ('Europe/Kyiv' COLLATE \"C\") > '2024-03-01'", "extract(quarter from i) = extract(quarter from interval '-1 month')",
                      "pg_size_pretty(id::bigint) = '1 bytes'", "normalize(id::text COLLATE \"C\") = '1'"):
        ids("zones and versions", (PG,), "elsewhere", condition, [1])
        _, remote = world().plan(PG, "SELECT id FROM @elsewhere WHERE " + condition)
        ok("WHERE" not in remote, "zones and versions, pg: %s is not pushed" % condition, remote)
    ids("domain", (PG,), "elsewhere", "c = 'a'", [1], (PG,))
    rows(world().admin, "DROP DOMAIN {0}.word CASCADE; DROP COLLATION {0}.letters".format(here))


def rounded_groups():
    """Groups of -0, and numbers that have a digit more when they are rounded"""
    world().remote(MY, "DROP TABLE IF EXISTS signs", "CREATE TABLE signs (id integer PRIMARY KEY, f double, n decimal(2,0))")
    attach_again(MY)
    world().query(MY, "INSERT INTO @signs VALUES (1, '-0', 95), (2, '-0', 99)")
    for sql in ("SELECT f, count(*) FROM @signs GROUP BY f", "SELECT DISTINCT f FROM @signs"):  # MySQL keeps -0, MariaDB makes 0 of it
        _, remote = world().plan(MY, sql)
        ok("GROUP BY" not in remote, "-0, my: %s is not pushed" % sql, remote)
        as_computed_here("-0", MY, sql)
    answers("-0", (MY,), "SELECT count(*) OVER (PARTITION BY f) FROM @signs", ["2", "2"], (MY,), "PARTITION BY")
    world().remote(MY, "DROP TABLE IF EXISTS rests", "CREATE TABLE rests (id integer PRIMARY KEY, n decimal(10,2), m decimal(20,0))",
                   "INSERT INTO rests VALUES (1, -6, -60000000000), (2, 6, 60000000000), (3, -5.5, -60000000001)")
    attach_again(MY)
    for condition, wanted in (("n % 3 = 0", [1, 2]), ("n % 3 < 0", [3]), ("n % 3 >= 0", [1, 2]), ("mod(n, 0.5) = 0", [1, 2, 3]), ("m % 10000000000 = 0", [1, 2]),
                              ("m % 10000000000 < 0", [3])):
        ids("negative zero", (MY,), "rests", condition, wanted)
    answers("round", (MY,), "SELECT max(round(n, -1)) FROM @signs GROUP BY n", ["100", "100"], (MY,), "ROUND")
    answers("round", (MY,), "SELECT max(round(n, -1)) OVER () FROM @signs", ["100", "100"])


run(large_values, killed_scans, errors_in_the_middle, time_limits, limits, operands, generic_plans, credentials, two_phases, hostile_schema,
    run_conditions, windows_without_an_order, least_values, lacking_rows, operators_of_others, encodings_of_a_join, conditional_subselects,
    hidden_rows, distinct_and_ordered, other_servers, rounded_groups, deep_statements)
