#!/usr/bin/python3
"""Runs that cannot be written yet, and runs that cannot be written at all: they hold up nobody's, and cost little."""

import contextlib
import itertools
import os
import threading
import time

from tenancy import Background, User, connect, environment, execute, history, never, ok, rows, run, same, sqlstate, value, wait_for_history, wait_until

RUNS = 50
MANY = 2500           # more than two looks go through
PORTION = 110         # more than one look writes
CROWD = 30            # long runs of each user
LONG = 600 * 1024     # bytes of a statement that a process of its own writes
LOG = os.path.join(environment("SANDBOX"), "postgres.log")


def leftovers(user):
    """Each ended run of the user that is not in the history yet, with the version of its row."""
    with contextlib.closing(connect()) as admin:
        return rows(admin, "SELECT id, xmin::text FROM tenancy.running_queries WHERE user_id = %s AND status <> 'running' ORDER BY id", user.id)


def logged(begin, text):
    """How many lines of the server's log from there on have the text."""
    with open(LOG, encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        return sum(text in line for line in file)


def locked_user():
    """A transaction holds the row of the user: their runs wait, without being written again and again."""
    held, other = User("held"), User("other")
    for user in (held, other):
        user.sqlite()
    with contextlib.closing(connect()) as locker, contextlib.closing(held.connect(history_durability="async")) as session:
        rows(locker, "BEGIN")
        rows(locker, "SELECT FROM tenancy.users WHERE id = %s FOR UPDATE", held.id)
        for number in range(RUNS):
            execute(session, "lite", "SELECT %d" % number)
        wait_until(lambda: len(leftovers(held)) == RUNS, 30, "the runs to be left for later")
        before = leftovers(held)
        with contextlib.closing(other.connect(history_durability="finished")) as free:
            same(execute(free, "lite", "SELECT 1")["status"], "success", "another user's run is written meanwhile")
        ok(never(lambda: leftovers(held) != before, 3), "no row of the others is touched in vain")
        rows(locker, "COMMIT")
    same(len(wait_for_history("user_id = %s", held.id, count=RUNS, seconds=60)), RUNS, "all are written when the lock is gone")
    with contextlib.closing(connect()) as admin:
        same(value(admin, "SELECT problem FROM tenancy.verify_history(%s)", held.id), None, "and their chain is whole")


def broken_head():
    """The head of a user's chain is gone: the user's next run has no place, and the others are written all the same"""
    broken, other = User("broken"), User("other")
    for user in (broken, other):
        user.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(broken.connect(history_durability="async")) as session:
        execute(session, "lite", "SELECT 1")
        wait_for_history("user_id = %s", broken.id)
        head = rows(admin, "DELETE FROM tenancy.history_chain WHERE user_id = %s RETURNING seq, hash", broken.id)[0]
        try:
            execute(session, "lite", "SELECT 2")
            with contextlib.closing(other.connect(history_durability="async")) as free:
                for number in range(RUNS):
                    execute(free, "lite", "SELECT %d" % number)
            same(len(wait_for_history("user_id = %s", other.id, count=RUNS, seconds=60)), RUNS, "the runs behind it are written")
            same(len(history("user_id = %s", broken.id)), 1, "it is not")
        finally:
            rows(admin, "INSERT INTO tenancy.history_chain VALUES (%s, %s, %s)", broken.id, *head)
        same(len(wait_for_history("user_id = %s", broken.id, count=2, seconds=60)), 2, "with the head back, it is")
        same(value(admin, "SELECT problem FROM tenancy.verify_history(%s)", broken.id), None, "and the chain is whole")


def fresh_connection(session, word):
    """A transaction that makes a connection and runs a query on it, which waits for its end."""
    rows(session, "BEGIN")
    rows(session, "SELECT tenancy.create_connection(%s, 'sqlite', database_name => 'fresh.db', options => '{\"create\": true}')", word)
    execute(session, word, "SELECT '%s'" % word)


@contextlib.contextmanager
def refused(admin, user, state):
    """No run of the user can be written, for an error with that SQLSTATE; a call that tells how often it was tried."""
    rows(admin, "CREATE SEQUENCE public.tries")
    rows(admin, "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
         " 'BEGIN PERFORM nextval($$public.tries$$); RAISE EXCEPTION SQLSTATE $$%s$$; END'" % state)
    rows(admin, "CREATE TRIGGER refuse BEFORE INSERT ON tenancy.running_queries FOR EACH ROW WHEN (NEW.user_id = '%s')"
         " EXECUTE FUNCTION public.refuse()" % user.id)
    try:
        yield lambda: value(admin, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.tries")
    finally:
        rows(admin, "DROP FUNCTION public.refuse() CASCADE")
        rows(admin, "DROP SEQUENCE public.tries")


def bad_run():
    """A run can never be written: it is tried now and then, not with each batch of others, whose leftovers are written meanwhile"""
    broken, other = User("bad"), User("beside")
    for user in (broken, other):
        user.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(broken.connect(history_durability="async")) as session, \
            contextlib.closing(other.connect()) as busy, contextlib.closing(other.connect(history_durability="async")) as waiting:
        execute(busy, "lite", "SELECT 1")
        with refused(admin, broken, "23514") as tries:
            execute(session, "lite", "SELECT 2")
            wait_until(tries, 30, "a first try")
            fresh_connection(waiting, "fresh")
            wait_until(lambda: len(leftovers(other)) == 1, 30, "a run to be left for later")
            rows(waiting, "COMMIT")
            same(len(wait_for_history("user_id = %s AND connection_name = 'fresh'", other.id, seconds=30)), 1, "what was left for later is written")
            before, begun = tries(), time.monotonic()
            for _ in range(4 * RUNS):
                execute(busy, "lite", "SELECT 1")
            # Each time it is tried with a batch, alone, and without its texts.
            most, tried = 3 * (2 + time.monotonic() - begun), tries() - before
            ok(tried <= most < 4 * RUNS, "so many batches of others do not try it again", (tried, most))
            wait_until(lambda: tries() > before + tried, 30, "one more try")
            with contextlib.closing(broken.connect()) as patient:
                job, until = Background(sqlstate, execute, patient, "lite", "SELECT 3"), time.monotonic() + 60
                while job.running() and time.monotonic() < until:
                    execute(busy, "lite", "SELECT 1")
                same(job.value(), "55000", "who waits for such a run is told so, however much of others is written")
            same(history("user_id = %s", broken.id), [], "it is not written")

            def written_between_two_tries(number):
                before = tries()
                execute(waiting, "lite", "SELECT %d AS number" % number)
                wait_for_history("user_id = %s AND generated_sql_query = %s", other.id, "SELECT %d AS number" % number, seconds=30)
                return tries() == before
            ok(any(written_between_two_tries(number) for number in range(4)), "what nobody waits for does not wait for its next try")
        same(len(wait_for_history("user_id = %s", broken.id, count=2, seconds=30)), 2, "when they can be, they are")
        same(value(admin, "SELECT problem FROM tenancy.verify_history(%s)", broken.id), None, "and the chain is whole")


def damage():
    """One user's rows are damaged: the runs of others are written"""
    damaged, other = User("damaged"), User("beside")
    for user in (damaged, other):
        user.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(damaged.connect(history_durability="async")) as session, \
            contextlib.closing(other.connect()) as busy:
        with refused(admin, damaged, "XX001") as tries:
            execute(session, "lite", "SELECT 1")
            wait_until(tries, 30, "a first try")
            same(sqlstate(execute, busy, "lite", "SELECT 2"), None, "another's run is confirmed")
            same(history("user_id = %s", damaged.id), [], "the damaged one is not written")
        same(len(wait_for_history("user_id = %s", damaged.id, seconds=90)), 1, "when it can be, it is")


def failing_batches():
    """No batch can be written: what was left for later is, as soon as it can be"""
    failing, other = User("failing"), User("beside")
    failing.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(failing.connect(history_durability="async")) as session, \
            contextlib.closing(other.connect(history_durability="async")) as waiting:
        fresh_connection(waiting, "fresh")
        wait_until(lambda: len(leftovers(other)) == 1, 30, "a run to be left for later")
        with refused(admin, failing, "55000") as tries:
            execute(session, "lite", "SELECT 1")
            wait_until(tries, 30, "a batch that fails")
            rows(waiting, "COMMIT")
            same(len(wait_for_history("user_id = %s", other.id, seconds=30)), 1, "what was left for later is written")
            same(history("user_id = %s", failing.id), [], "what fails is not")
        same(len(wait_for_history("user_id = %s", failing.id, seconds=30)), 1, "when it no longer fails, it is")


def all_at_once():
    """Long and short runs of several users, whose rows are locked in turns: the workers share the chains, and each run is in one once."""
    users = [User("crowd%d" % number) for number in range(3)]
    for user in users:
        user.sqlite()
    begin = os.path.getsize(LOG)

    def write_long(user):
        with contextlib.closing(user.connect(history_durability="async")) as session:
            for number in range(CROWD):
                execute(session, "lite", "SELECT %d%s" % (number, " " * LONG))

    def write_short(user, long):
        with contextlib.closing(user.connect(history_durability="async")) as session:
            for number in itertools.count(1):
                execute(session, "lite", "SELECT %d" % number)
                if not long.running():
                    return number

    longs = [Background(write_long, user) for user in users]
    shorts = [Background(write_short, user, long) for user, long in zip(users, longs)]
    with contextlib.closing(connect()) as locker:
        for user, long in itertools.cycle(zip(users, longs)):
            if not any(job.running() for job in longs):
                break
            rows(locker, "BEGIN")
            rows(locker, "SELECT FROM tenancy.users WHERE id = %s FOR UPDATE", user.id)
            wait_until(lambda u=user, l=long: leftovers(u) or not l.running(), 30, "a run that waits for the lock")
            rows(locker, "COMMIT")
        for user, long, short in zip(users, longs, shorts):
            long.value(60)
            count = CROWD + short.value(60)
            same(len(wait_for_history("user_id = %s", user.id, count=count, seconds=60)), count, "every run is written, once")
            same(value(locker, "SELECT problem FROM tenancy.verify_history(%s)", user.id), None, "and the chain is whole")
    same(logged(begin, "could not write"), 0, "neither worker was in the other's way")


def busy_hauler():
    """Long texts of one user, one after the other without end: another's run that was left for later is written between two of them"""
    long, other = User("endless"), User("between")
    long.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(other.connect(history_durability="async")) as session:
        stop = threading.Event()

        def write():
            with contextlib.closing(long.connect(history_durability="async")) as endless:
                while not stop.is_set():
                    execute(endless, "lite", "SELECT 1" + " " * LONG)

        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.create_connection('fresh', 'sqlite', database_name => 'fresh.db', options => '{\"create\": true}')")
        execute(session, "fresh", "SELECT 1")
        wait_until(lambda: len(leftovers(other)) == 1, 30, "a run to be left for later")
        jobs = [Background(write) for _ in range(8)]
        # Beside others' runs the long ones would rest.
        wait_until(lambda: len(history("user_id = %s", long.id)) > 20, 60, "many long ones")
        rows(session, "COMMIT")
        same(len(wait_for_history("user_id = %s", other.id, seconds=60)), 1, "it is in history while the long ones go on")
        ok(all(job.running() for job in jobs), "which they do")
        stop.set()
        for job in jobs:
            job.value(60)


def many():
    """A transaction makes a connection and runs more on it than one look at what is left takes: others' runs are not behind them"""
    crowd, held = User("many"), User("single")
    held.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(crowd.connect(history_durability="async")) as session:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.create_connection('fresh', 'sqlite', database_name => 'fresh.db', options => '{\"create\": true}')")
        rows(session, "SELECT tenancy.execute_query('fresh', 'SELECT ' || i) FROM generate_series(1, %s) AS i", MANY)
        wait_until(lambda: len(leftovers(crowd)) == MANY, 60, "the runs to be left for later")
        rows(admin, "BEGIN")
        rows(admin, "SELECT FROM tenancy.users WHERE id = %s FOR UPDATE", held.id)
        with contextlib.closing(held.connect(history_durability="async")) as other:
            execute(other, "lite", "SELECT 1")
        wait_until(lambda: len(leftovers(held)) == 1, 30, "one more")
        same(value(admin, "SELECT count(*) FROM tenancy.deferred_queries AS d JOIN tenancy.running_queries AS r USING (id) WHERE r.user_id IN (%s, %s)",
                   crowd.id, held.id), MANY + 1, "all are listed")
        rows(admin, "COMMIT")
        same(len(wait_for_history("user_id = %s", held.id, seconds=60)), 1, "the last one is written while the others wait")
        rows(session, "COMMIT")
        same(len(wait_for_history("user_id = %s", crowd.id, count=MANY, seconds=60)), MANY, "and then they are")
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.deferred_queries") == 0, 30, "an empty list")


def some_that_cannot():
    """Of runs that were left for later, more than one look writes can never be written: the others are"""
    broken, other = User("stuck"), User("behind")
    for user in (broken, other):
        user.sqlite()
    with contextlib.closing(connect()) as admin, contextlib.closing(connect()) as locker:
        for user in (broken, other):
            with contextlib.closing(user.connect(history_durability="finished")) as session:
                execute(session, "lite", "SELECT 1")
        rows(locker, "BEGIN")
        rows(locker, "SELECT FROM tenancy.users WHERE id IN (%s, %s) FOR UPDATE", broken.id, other.id)
        for user in (broken, other):
            wanted = PORTION if user is broken else 1
            with contextlib.closing(user.connect(history_durability="async")) as session:
                for number in range(wanted):
                    execute(session, "lite", "SELECT %d" % number)
            wait_until(lambda user=user, wanted=wanted: len(leftovers(user)) == wanted, 30, "the runs to be left for later")
        head = rows(admin, "DELETE FROM tenancy.history_chain WHERE user_id = %s RETURNING seq, hash", broken.id)[0]
        try:
            rows(locker, "COMMIT")
            same(len(wait_for_history("user_id = %s", other.id, count=2, seconds=60)), 2, "the other one is written")
            same(len(history("user_id = %s", broken.id)), 1, "it is not")
        finally:
            rows(admin, "INSERT INTO tenancy.history_chain VALUES (%s, %s, %s)", broken.id, *head)
        same(len(wait_for_history("user_id = %s", broken.id, count=1 + PORTION, seconds=90)), 1 + PORTION, "with the head back, they are")


run(locked_user, broken_head, bad_run, damage, failing_batches, many, some_that_cannot, all_at_once, busy_hauler)
