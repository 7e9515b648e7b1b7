#!/usr/bin/python3
"""Many tenants at once, and one session as many tenants: everybody sees their own, whatever plan, worker or role runs it."""

import contextlib
import random
import threading
from collections import Counter

from tenancy import UNIQUE, User, app_role, connect, execute, make_role, note, ok, raised, rows, run, same, sqlstate, together, value

TENANTS = 16
SESSIONS = 32
ROUNDS = 60
TABLE = "shared_" + UNIQUE


def tenants_at_once():
    """32 sessions of 16 tenants on SQLite databases of their own."""
    users = [User("tenant%d" % n) for n in range(TENANTS)]
    for number, user in enumerate(users):
        user.number = number
        user.sqlite("own")
        user.sqlite("log", database_name="log.db")
        with contextlib.closing(user.connect()) as session:
            rows(session, "SELECT tenancy.execute_query('own', 'CREATE TABLE facts (tenant int, n int)')")
            rows(session, "SELECT tenancy.execute_query('own', 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500)"
                 " INSERT INTO facts SELECT %d, n FROM c')" % number)
            rows(session, "SELECT tenancy.execute_query('log', 'CREATE TABLE log (tenant int, word text)')")
    ids = {user.id: user for user in users}
    connections = {row[0]: row[1] for row in connection_owners(users)}
    start = threading.Barrier(SESSIONS)

    def work(seed):
        """One session serves tenants in turn, as an application server does."""
        chooser, wrong, done = random.Random(seed), [], Counter()
        home = users[seed % TENANTS]
        with contextlib.closing(connect(user=app_role())) as session:
            start.wait()
            for _ in range(ROUNDS):
                user = home if chooser.random() < 0.7 else chooser.choice(users)
                try:
                    rows(session, "BEGIN")
                    rows(session, "SELECT tenancy.authenticate(%s)", user.token)
                    step(session, user, chooser, wrong, done)
                    rows(session, chooser.choice(("COMMIT", "COMMIT", "ROLLBACK")))
                except Exception as error:
                    wrong.append((user.number, "error", str(error)))
                    raised(rows, session, "ROLLBACK")
        return wrong, done

    def step(session, user, chooser, wrong, done):
        kind = chooser.choice(("query", "query", "cursor", "execute", "write", "foreign", "history"))
        done[kind] += 1

        def check(found, wanted):
            if found != wanted:
                wrong.append((user.number, kind, found, wanted))
        if kind == "query":
            low = chooser.randint(1, 400)
            check(rows(session, "SELECT DISTINCT tenant, count(*) OVER () FROM tenancy.query('own',"
                       " 'SELECT tenant FROM facts WHERE n > ?', %s) AS t(tenant int)", low), [(user.number, 500 - low)])
        elif kind == "cursor":
            rows(session, "SELECT tenancy.open_query('own', 'SELECT tenant, n FROM facts', NULL, 'c')")
            check({row[0] for row in rows(session, "FETCH 100 FROM c") + rows(session, "FETCH ALL FROM c")}, {user.number})
            rows(session, "CLOSE c")
        elif kind == "execute":
            answer = value(session, "SELECT tenancy.execute_query('own', 'SELECT tenant, count(*) FROM facts GROUP BY tenant')")
            check((answer["status"], answer["rows"]), ("success", [[user.number, 500]]))
        elif kind == "write":
            answer = value(session, "SELECT tenancy.execute_query('log', 'INSERT INTO log VALUES (?, ?)', jsonb_build_array(%s::int, 'x'))",
                           user.number)
            check(answer["status"], "success")
        elif kind == "foreign":
            other = chooser.choice([candidate for candidate in users if candidate is not user])
            answer = value(session, "SELECT tenancy.execute_query(%s::uuid, 'SELECT * FROM facts')", connections[other.id])
            check((answer["status"], answer["rows"]), ("denied", []))
        else:
            check(rows(session, "SELECT DISTINCT user_id::text FROM tenancy.query_history"), [(user.id,)])
            check({row[0] for row in rows(session, "SELECT user_id::text FROM tenancy.pool()")} - {user.id}, set())

    results = together([lambda s=seed: work(s) for seed in range(SESSIONS)], 600)
    wrong = [found for found, _ in results for found in found]
    done = sum((counts for _, counts in results), Counter())
    ok(not wrong, "zero errors and zero cross reads in %d transactions" % (SESSIONS * ROUNDS),
       "%d wrong, such as %r" % (len(wrong), wrong[:4]))
    same(sum(done.values()), SESSIONS * ROUNDS, "every transaction was done")
    note(dict(done))
    written = [value(user.connect(), "SELECT count(DISTINCT tenant) * 1000000 + max(tenant) FROM tenancy.query('log',"
                     " 'SELECT tenant FROM log') AS t(tenant int)") for user in ids.values()]
    same(written, [1000000 + user.number for user in users], "each log has rows of its own tenant only")
    counted = sum(value(user.connect(), "SELECT count(*) FROM tenancy.query('log', 'SELECT 1 FROM log') AS t(x int)") for user in users)
    same(counted, done["write"], "and every row that was written")


def connection_owners(users):
    with contextlib.closing(connect()) as session:
        return rows(session, "SELECT user_id::text, id::text FROM tenancy.database_connections WHERE name = 'own'"
                    " AND user_id::text = ANY (%s)", [user.id for user in users])


@contextlib.contextmanager
def shared_table(ann, bob, role):
    """A table of both tenants under row-level security; ann has 30000 rows, bob 10000."""
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE TABLE %s (n int, owner uuid)" % TABLE)
        rows(admin, "INSERT INTO " + TABLE + " SELECT n, CASE WHEN n %% 4 = 0 THEN %s ELSE %s END::uuid FROM generate_series(1, 40000) AS n",
             bob.id, ann.id)
        rows(admin, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY" % TABLE)
        rows(admin, "CREATE POLICY own ON %s USING (owner = tenancy.current_user_id())" % TABLE)
        rows(admin, 'GRANT SELECT ON %s TO "%s"' % (TABLE, role))
        rows(admin, "ANALYZE " + TABLE)
        try:
            yield admin
        finally:
            rows(admin, "DROP TABLE %s CASCADE" % TABLE)


def one_session_as_many():
    """Plans, cursors, workers and roles follow the identity."""
    ann, bob, role = User("ann"), User("bob"), app_role()
    counts = {ann: 30000, bob: 10000, None: 0}
    with shared_table(ann, bob, role) as admin, contextlib.closing(connect(user=role)) as session:
        def as_user(user, *statements):
            """The rows of the last statement, in a transaction of the user."""
            rows(session, "BEGIN")
            if user is not None:
                rows(session, "SELECT tenancy.authenticate(%s)", user.token)
            found = None
            for statement in statements:
                found = rows(session, statement)
            rows(session, "COMMIT")
            return found

        count = "SELECT count(*), count(DISTINCT owner), min(n), sum(n) FROM " + TABLE
        serial = {user: as_user(user, "SET LOCAL max_parallel_workers_per_gather = 0", count) for user in counts}
        same({user: found[0][0] for user, found in serial.items()}, counts, "without workers, each sees their own rows")
        rows(session, "SET parallel_setup_cost = 0")
        rows(session, "SET parallel_tuple_cost = 0")
        rows(session, "SET min_parallel_table_scan_size = 0")
        rows(admin, "ALTER TABLE %s SET (parallel_workers = 4)" % TABLE)
        rows(session, "SET max_parallel_workers_per_gather = 4")
        rows(session, "SET max_parallel_workers = 16")
        for leader in ("on", "off"):
            rows(session, "SET parallel_leader_participation = " + leader)
            plan = "\n".join(row[0] for row in as_user(ann, "EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT owner FROM " + TABLE))
            ok("Workers Launched: 4" in plan, "four workers run (leader %s)" % leader, plan)
            same({user: as_user(user, count) for user in counts}, serial, "with four workers, the same rows (leader %s)" % leader)
        forced = "debug_parallel_query" if session.server_version >= 160000 else "force_parallel_mode"
        rows(session, "SET %s = on" % forced)
        same({user: as_user(user, "SELECT tenancy.current_user_id()::text") for user in counts},
             {ann: [(ann.id,)], bob: [(bob.id,)], None: [(None,)]}, "a forced worker knows the identity")
        same({user: as_user(user, count) for user in counts}, serial, "and reads the same rows")
        rows(session, "SET %s = off" % forced)

        for mode in ("force_generic_plan", "force_custom_plan", "auto"):
            rows(session, "SET plan_cache_mode = " + mode)
            as_user(ann, "PREPARE shared AS SELECT count(*) FROM " + TABLE)
            same([as_user(user, "EXECUTE shared")[0][0] for user in (ann, bob, None, bob, ann) * 3], [30000, 10000, 0, 10000, 30000] * 3,
                 "a statement that one tenant prepared is each one's own (%s)" % mode)
            rows(session, "DEALLOCATE shared")
        rows(session, "RESET plan_cache_mode")
        same(value(session, "SELECT count(*) FROM " + TABLE), 0, "outside of a transaction of anybody: no rows")

        # A cursor has the rows of who declared it; what it is asked to compute meanwhile is of the moment.
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.authenticate(%s)", ann.token)
        rows(session, "DECLARE held CURSOR WITH HOLD FOR SELECT owner::text FROM %s ORDER BY n" % TABLE)
        rows(session, "DECLARE plain CURSOR FOR SELECT owner::text FROM (SELECT DISTINCT owner FROM %s) AS t" % TABLE)
        rows(session, "SELECT tenancy.authenticate(%s)", bob.token)
        found = {row[0] for row in rows(session, "FETCH ALL FROM plain")}
        ok(found in ({ann.id}, {bob.id}), "a cursor across a change of identity shows rows of one tenant", found)
        note("of %s" % ("the one who declared it" if found == {ann.id} else "the one who fetches"))
        rows(session, "COMMIT")
        held = {row[0] for row in rows(session, "FETCH ALL FROM held")}
        ok(len(held) == 1, "a held cursor has rows of one tenant", held)
        rows(session, "CLOSE ALL")

        discard_all(ann)
        roles(admin, session, as_user, ann, bob, role)


def discard_all(user):
    """In the scope "session" an identity lasts: until DISCARD ALL."""
    user.sqlite()
    who = "SELECT tenancy.current_user_id()::text, (SELECT count(*) FROM tenancy.pool()), (SELECT count(*) FROM tenancy.users)"
    with contextlib.closing(user.connect()) as session:
        rows(session, "SELECT tenancy.execute_query('lite', 'SELECT 1')")
        same(rows(session, who), [(user.id, 1, 1)], "an identity of the session, with a pooled connection")
        rows(session, "DISCARD ALL")
        same(rows(session, who), [(None, 0, 0)], "DISCARD ALL leaves nobody, who sees no connection")
        error = raised(rows, session, "SELECT tenancy.execute_query('lite', 'SELECT 1')")
        same(error and error.pgcode, "28000", "and who runs no query")


def pooled():
    """A pooled connection serves whom it was made for, for the connection as it was then"""
    user = User("pooled")
    identity = user.postgres()
    with contextlib.closing(connect()) as session:
        def become(token):
            rows(session, "SELECT set_config('tenancy.session', %s, false)", token)

        def backend():
            return value(session, "SELECT tenancy.execute_query(%s, 'SELECT pg_backend_pid()')", identity)["rows"][0][0]
        rows(session, "SET tenancy.identity_scope = 'session'")
        become(user.token)
        mine = backend()
        same(backend(), mine, "the user's connection is pooled")
        become("")
        ok(backend() != mine, "an administrator in the same session gets another one")
        become(user.token)
        same(backend(), mine, "the user gets the first one again")
        rows(session, "SELECT tenancy.update_connection(%s, options => '{\"connect_timeout\": 9}')", identity)
        ok(backend() != mine, "but not when the connection has been changed")


def roles(admin, session, as_user, ann, bob, role):
    """SET ROLE and SECURITY DEFINER change privileges, never who is asking."""
    other, owner = make_role("other"), make_role("owner")
    rows(admin, 'GRANT "%s" TO "%s"' % (other, role))
    rows(admin, 'GRANT SELECT ON %s TO "%s", "%s"' % (TABLE, other, owner))
    bound = make_role("bound")
    rows(admin, "SELECT tenancy.bind_role(%s, %s)", bob.id, bound)
    rows(admin, 'GRANT "%s" TO "%s"' % (bound, role))
    rows(admin, 'GRANT SELECT ON %s TO "%s"' % (TABLE, bound))
    who = "SELECT tenancy.current_user_id()::text, (SELECT count(*) FROM %s)" % TABLE
    same(as_user(ann, 'SET LOCAL ROLE "%s"' % other, who), [(ann.id, 30000)], "SET ROLE keeps the identity")
    same(as_user(None, 'SET LOCAL ROLE "%s"' % bound, who), [(None, 0)], "SET ROLE to a bound role gives none")
    same(as_user(ann, 'SET LOCAL ROLE "%s"' % bound, who), [(ann.id, 30000)], "nor does it change one")
    with contextlib.closing(connect(user=bound)) as direct:
        same(rows(direct, who), [(bob.id, 10000)], "a session of the bound role has it")

    name = "definer_" + UNIQUE
    rows(admin, "CREATE FUNCTION %s() RETURNS TABLE (who text, seen bigint) SECURITY DEFINER STABLE LANGUAGE plpgsql"
         " SET search_path = pg_catalog, pg_temp AS $$BEGIN RETURN QUERY SELECT tenancy.current_user_id()::text,"
         " (SELECT count(*) FROM public.%s); END$$" % (name, TABLE))
    rows(admin, 'ALTER FUNCTION %s() OWNER TO "%s"' % (name, owner))
    same([as_user(user, "SELECT * FROM %s()" % name) for user in (ann, bob, None)], [[(ann.id, 30000)], [(bob.id, 10000)], [(None, 0)]],
         "a SECURITY DEFINER function works for who calls it")
    rows(admin, 'ALTER FUNCTION %s() OWNER TO "%s"' % (name, bound))
    same([as_user(user, "SELECT * FROM %s()" % name) for user in (ann, None)], [[(ann.id, 30000)], [(None, 0)]],
         "also when its owner is a bound role")
    rows(admin, "DROP FUNCTION %s()" % name)

    view = "view_" + UNIQUE
    rows(admin, 'CREATE VIEW %s AS SELECT * FROM %s' % (view, TABLE))
    rows(admin, 'ALTER VIEW %s OWNER TO "%s"' % (view, owner))
    rows(admin, 'GRANT SELECT ON %s TO "%s"' % (view, role))
    same([as_user(user, "SELECT count(*) FROM " + view)[0][0] for user in (ann, bob, None)], [30000, 10000, 0],
         "a view of another owner shows the rows of who asks")
    rows(admin, "DROP VIEW " + view)

    # Inside of one transaction, from one to the other and back.
    rows(session, "BEGIN")
    seen = []
    for user in (ann, bob, ann):
        rows(session, "SELECT tenancy.authenticate(%s)", user.token)
        seen.append(rows(session, who)[0])
    rows(session, "COMMIT")
    same(seen, [(ann.id, 30000), (bob.id, 10000), (ann.id, 30000)], "a transaction may change its identity")


def old_snapshots():
    """A transaction that sees an old snapshot does not go on with a connection that was changed or deleted since"""
    user = User("snapshot")
    user.sqlite("kept")
    with contextlib.closing(user.connect()) as old, contextlib.closing(user.connect()) as now:
        same(execute(old, "kept", "CREATE TABLE t (a integer)")["status"], "success", "a table")
        rows(old, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        same(execute(old, "kept", "SELECT count(*) FROM t")["rows"], [[0]], "a transaction that keeps its snapshot")
        rows(now, "SELECT tenancy.update_connection('kept', options => '{\"read_only\": true}')")
        same(execute(old, "kept", "INSERT INTO t VALUES (1)")["error"]["sqlstate"], "25006", "a connection that only reads now only reads there, too")
        rows(now, "SELECT tenancy.delete_connection('kept')")
        same(execute(old, "kept", "SELECT 1")["status"], "denied", "and one that is deleted is gone")
        rows(old, "COMMIT")
        for change in ("SELECT tenancy.update_connection('since', is_active => false)", "SELECT tenancy.delete_connection('since')"):
            rows(old, "BEGIN ISOLATION LEVEL REPEATABLE READ")
            rows(old, "SELECT count(*) FROM tenancy.users")
            user.sqlite("since")
            same(sqlstate(rows, old, change), "40001", "one that is newer than the snapshot is not left as it is in silence: " + change)
            rows(old, "ROLLBACK")
            same(rows(now, "SELECT is_active FROM tenancy.connections() WHERE name = 'since'"), [(True,)], "it is as it was")
            same(sqlstate(rows, old, change), None, "tried again, it works")
            if "update" in change:
                rows(now, "SELECT tenancy.delete_connection('since')")
        same(rows(now, "SELECT is_active FROM tenancy.connections() WHERE name = 'since'"), [], "and is gone")


def reindexed():
    """Users and connections are found by their indexes; an operator makes these anew meanwhile."""
    user = User("reindexed")
    user.sqlite("kept")
    over, answers = threading.Event(), []

    def ask():
        with contextlib.closing(connect(user=app_role())) as session:
            while not over.is_set():
                rows(session, "BEGIN")
                rows(session, "SELECT tenancy.authenticate(%s)", user.token)
                answers.append(execute(session, "kept", "SELECT 1")["rows"])
                rows(session, "COMMIT")

    def reindex():
        try:
            with contextlib.closing(connect()) as admin:
                for table in 3 * ("user_sessions", "users", "database_connections", "role_bindings"):
                    rows(admin, "REINDEX TABLE CONCURRENTLY tenancy." + table)
                rows(admin, "CLUSTER tenancy.users USING users_pkey")
        finally:
            over.set()

    together([ask, ask, reindex])
    same(Counter(map(str, answers)), {"[[1]]": len(answers)}, "every query was answered")
    ok(len(answers) > 20, "and there were some", len(answers))


run(tenants_at_once, one_session_as_many, pooled, old_snapshots, reindexed)
