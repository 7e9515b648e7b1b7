#!/usr/bin/python3
"""A tenant's transaction stays open: what each run writes again begins anew now and then, so that nobody's runs get slower and slower."""

import contextlib

from tenancy import User, connect, execute, ok, rows, run, same, value

RUNS = 2500   # written one by one
SUMS = ("query_rollups", "statement_rollups", "connection_rollups")

user = User("steady")
user.sqlite()


def write(session):
    """Runs that are each in a statement of their own, and in a transaction of the history worker"""
    for _ in range(RUNS):
        execute(session, "lite", "SELECT 1")


def parts(admin, table):
    """Rows of the most frequent sum, how many runs they have in all, and in the fullest of them"""
    key = {"query_rollups": "user_id = '%s'" % user.id, "statement_rollups": "user_id = '%s'" % user.id,
           "connection_rollups": "database_connection_id IN (SELECT id FROM tenancy.database_connections WHERE user_id = '%s')" % user.id}[table]
    return rows(admin, "SELECT count(*), sum(runs), max(runs), bool_or(part <> 0) FROM tenancy.%s WHERE %s" % (table, key))[0]


def shown(admin):
    """What an administrator's dashboard says of the user"""
    document = value(admin, "SELECT tenancy.dashboard_analytics(user_id => %s)", user.id)
    return document["total"]["runs"], [(entry["runs"], entry["statement"]) for entry in document["statements"]["most_frequent"]]


def fold_all(admin):
    """What the maintenance worker does each minute"""
    while value(admin, "SELECT tenancy.fold_rollups(2)"):
        pass


def head(admin):
    """The head of the user's chain: one row"""
    (found,) = rows(admin, "SELECT seq, part FROM tenancy.history_chain WHERE user_id = %s", user.id)
    return found


def open_transaction():
    """While it is open, no row takes more than a thousand or two of the versions that it keeps"""
    bystander = User("bystander")
    with contextlib.closing(connect()) as admin, contextlib.closing(user.connect(history_durability="finished")) as session:
        with contextlib.closing(bystander.connect()) as open_session:
            rows(open_session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
            rows(open_session, "SELECT count(*) FROM tenancy.users")
            write(session)
            write(session)
            for table in SUMS:
                count, total, most, began = parts(admin, table)
                same(total, 2 * RUNS, "the sum in %s is right" % table)
                ok(began and count > 2 and most <= RUNS, "and has begun anew: %d rows" % count, (count, most))
            seq, part = head(admin)
            same(seq, 2 * RUNS, "the chain has one head, the right one")
            ok(part > 0, "which has begun anew, too")
            open_pid = value(open_session, "SELECT pg_backend_pid()")
            fold_all(admin)
            ok(all(parts(admin, table)[3] for table in SUMS), "parts whose old versions are kept are not folded yet")
            told = value(admin, "SELECT value FROM tenancy.status() WHERE item = 'transactions'")
            ok(told.endswith("in process %d" % open_pid), "status() names the oldest open transaction", told)
            rows(open_session, "COMMIT")
        same(shown(admin), (2 * RUNS, [(2 * RUNS, "select ?")]), "dashboards show the sums as ever")


def fold():
    """Afterwards the sums become one row each, and the rows are written again as ever"""
    with contextlib.closing(connect()) as admin, contextlib.closing(user.connect(history_durability="finished")) as session:
        before = shown(admin)
        fold_all(admin)
        for table in SUMS:
            _, total, _, began = parts(admin, table)
            same((total, began), (2 * RUNS, False), "%s has no parts" % table)
        same(shown(admin), before, "dashboards show the same")
        write(session)
        same(head(admin)[0], 3 * RUNS, "the chain goes on")
        for _ in range(3):  # an autovacuum that lasts may keep old versions, too
            fold_all(admin)
            write(session)
            began = [parts(admin, table)[3] for table in SUMS]
            if not any(began):
                break
        same(began, [False] * 3, "without old versions nothing begins anew")
        same(value(admin, "SELECT problem FROM tenancy.verify_history(%s)", user.id), None, "the chain is whole")


def restored():
    """A head whose part is of another cluster, which had had many more transactions, begins anew here"""
    with contextlib.closing(connect()) as admin, contextlib.closing(user.connect(history_durability="finished")) as session:
        rows(admin, "UPDATE tenancy.history_chain SET part = 1::bigint << 60 WHERE user_id = %s", user.id)
        seq, _ = head(admin)
        write(session)
        after, part = head(admin)
        ok(after == seq + RUNS and part < 1 << 60, "it goes on, in a part of this one", (seq, after, part))
        same(value(admin, "SELECT problem FROM tenancy.verify_history(%s)", user.id), None, "and the chain is whole")


run(open_transaction, fold, restored)
