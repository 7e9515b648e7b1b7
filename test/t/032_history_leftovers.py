#!/usr/bin/python3
"""Runs that cannot be written yet, and runs that cannot be written at all: they hold up nobody's, and cost little."""

import contextlib

from tenancy import User, connect, execute, history, never, ok, rows, run, same, value, wait_for_history, wait_until

RUNS = 50


def leftovers(user):
    """Each ended run of the user that is not in the history yet, with the version of its row."""
    with contextlib.closing(connect()) as admin:
        return rows(admin, "SELECT id, xmin::text FROM tenancy.running_queries WHERE user_id = %s AND status <> 'running' ORDER BY id", user.id)


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


run(locked_user, broken_head)
