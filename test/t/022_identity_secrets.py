#!/usr/bin/python3
"""Passwords and tokens: not in the log, not in pg_stat_activity, not guessed in parallel, not alive after a change."""

import contextlib
import os
import time

import psycopg2.errors

from tenancy import (UNIQUE, Background, User, app_role, connect, environment, ok, pid_of, raised, rows, run, same, sqlstate,
                     together, value)

CANARY = "canary" + UNIQUE
LOG = os.path.join(environment("SANDBOX"), "postgres.log")

user = User("secrets")


def app():
    return connect(user=app_role())


def activity(session):
    with contextlib.closing(connect()) as other:
        return value(other, "SELECT query FROM pg_stat_activity WHERE pid = %s", pid_of(session))


def log():
    with open(LOG, encoding="utf-8", errors="replace") as file:
        return file.read()


def hidden():
    """Literals (psycopg2 sends nothing else) of functions that take a secret are not seen, whether they fail or not."""
    email = "%s@secrets.example" % CANARY.replace("canary", "bird")
    calls = [
        ("register", None, (email, CANARY + "1")), ("register", "23505", (email, CANARY + "2")),
        ("register", "22023", ("nonsense", CANARY + "3")), ("register", "22023", ("a@b", CANARY[:7])),
        ("login", None, (email, CANARY + "1")), ("login", "28P01", (email, CANARY + "4")),
        ("login", "28P01", ("nobody@secrets.example", CANARY + "5")), ("authenticate", "28000", ("tncy_" + CANARY,)),
        ("change_password", "28000", (CANARY + "6", CANARY + "7"))]
    with contextlib.closing(app()) as session:
        for function, code, arguments in calls:
            marks = ", ".join(["%s"] * len(arguments))
            same(sqlstate(rows, session, "SELECT tenancy.%s(%s)" % (function, marks), *arguments), code,
                 "%s gives %s" % (function, code))
            same(activity(session), "tenancy.%s(...)" % function, "pg_stat_activity after %s" % function)
        same(sqlstate(rows, session, "SELECT tenancy.login(%s, %s), 1 / (pg_backend_pid() * 0)", email, CANARY + "1"), "22012",
             "an error later in the statement")
        rows(session, "SET tenancy.session = '%s'" % CANARY)
        ok(CANARY not in activity(session), "SET is hidden too")
        rows(session, "RESET tenancy.session")
    with contextlib.closing(connect()) as session:
        sealed = value(session, "SELECT tenancy.encrypt_database_password(%s)", CANARY + "8")
        same(activity(session), "tenancy.encrypt_database_password(...)", "pg_stat_activity after sealing")
        same(value(session, "SELECT tenancy.decrypt_database_password(%s)", sealed), CANARY + "8", "and opening")
        same(sqlstate(rows, session, "SELECT tenancy.decrypt_database_password(%s)", CANARY), "22023", "and failing")
    ok("invalid email or password" in log(), "failed logins are logged")
    ok(CANARY not in log(), "but no secret is", lambda: "\n".join(line for line in log().splitlines() if CANARY in line))


def startup():
    """Neither a start-up packet nor a role's setting brings an identity along."""
    with contextlib.closing(connect(user=app_role(), options="-c tenancy.session=" + user.token)) as session:
        same(value(session, "SELECT tenancy.current_user_id()"), None, "no identity from the start-up packet")
        rows(session, "BEGIN")
        same(value(session, "SELECT tenancy.current_user_id()"), None, "nor in a later transaction")
        rows(session, "RESET tenancy.session")
        same(value(session, "SELECT tenancy.current_user_id()"), None, "nor by a reset to it")
        rows(session, "ROLLBACK")
        rows(session, "DISCARD ALL")
        same(value(session, "SELECT tenancy.current_user_id()"), None, "nor after DISCARD ALL")
    same(sqlstate(lambda: connect(user=app_role(), options="-c tenancy.identity_scope=session")), "lost",
         "the scope is not the client's to choose")
    with contextlib.closing(app()) as session:
        rows(session, 'ALTER ROLE "%s" SET tenancy.session = %%s' % app_role(), user.token)
    with contextlib.closing(app()) as session:
        same(value(session, "SELECT tenancy.current_user_id()"), None, "no identity from ALTER ROLE")
        rows(session, 'ALTER ROLE "%s" RESET tenancy.session' % app_role())


def guesses():
    """Guesses at the same time, each rolled back, count one by one; the lock holds for the right password too."""
    victim = User("victim")
    with contextlib.closing(connect()) as session:
        threshold = int(value(session, "SHOW tenancy.lockout_threshold"))

    def guess(number):
        seen = []
        with contextlib.closing(app()) as session:
            for i in range(3):
                rows(session, "BEGIN")
                error = raised(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, "wrong %d %d" % (number, i))
                seen.append(bool(error.diag.message_hint))
                rows(session, "ROLLBACK")
        return seen
    answers = sum(together([lambda n=n: guess(n) for n in range(8)]), [])
    same(answers.count(False), threshold, "exactly the threshold of guesses was looked at")
    with contextlib.closing(app()) as session:
        same(sqlstate(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password), "28P01", "locked")
        rows(session, "BEGIN")
        ok(value(session, "SELECT tenancy.authenticate(%s)", victim.token) is not None, "sessions are not affected")
        rows(session, "ROLLBACK")
    with contextlib.closing(connect()) as session:
        rows(session, "SELECT tenancy.unlock_account(%s)", victim.email)
    with contextlib.closing(app()) as session:
        ok(value(session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password), "unlocked")


def crowd():
    """While many log in, waiting for a processor can be cancelled, and nobody fails."""
    def log_in():
        with contextlib.closing(app()) as session:
            return value(session, "SELECT tenancy.login(%s, %s)", user.email, user.password)

    def impatient():
        with contextlib.closing(app()) as session:
            rows(session, "SET statement_timeout = '20ms'")
            start = time.monotonic()
            code = sqlstate(rows, session, "SELECT tenancy.login(%s, %s)", user.email, user.password)
            return code, time.monotonic() - start
    results = together([log_in] * 24 + [impatient])
    ok(all(token.startswith("tncy_") for token in results[:-1]), "everybody got in")
    ok(results[-1][0] == "57014" and results[-1][1] < 1, "the impatient one left at once", repr(results[-1]))


def changes():
    """No session of the old password outlives a change of password, however the two meet."""
    old, alive = user.password, 0
    for turn in range(12):
        new = "password number %d" % turn

        def change(old=old, new=new):
            with contextlib.closing(app()) as session:
                session.autocommit = False
                rows(session, "SELECT tenancy.authenticate(%s)", user.token)
                rows(session, "SELECT tenancy.change_password(%s, %s)", old, new)
                session.commit()

        def log_in(old=old):
            with contextlib.closing(app()) as session:
                found = []
                for _ in range(3):
                    with contextlib.suppress(psycopg2.errors.InvalidPassword):
                        found.append(value(session, "SELECT tenancy.login(%s, %s)", user.email, old))
                return found
        jobs = [Background(log_in), Background(change)]
        tokens = jobs[0].value()
        jobs[1].value()
        with contextlib.closing(app()) as session:
            alive += sum(sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token) is None for token in tokens)
        with contextlib.closing(connect()) as session:
            rows(session, "SELECT tenancy.unlock_account(%s)", user.email)
        old = new
    user.password = old
    same(alive, 0, "sessions of old passwords that live")


def snapshots():
    """A transaction with an old snapshot does not revive a session that was ended since."""
    with contextlib.closing(app()) as session, contextlib.closing(app()) as other:
        token = value(session, "SELECT tenancy.login(%s, %s)", user.email, user.password)
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM tenancy.users")
        rows(other, "BEGIN")
        rows(other, "SELECT tenancy.authenticate(%s)", token)
        rows(other, "SELECT tenancy.logout()")
        rows(other, "COMMIT")
        same(sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token), "28000", "the ended session stays ended")
        rows(session, "ROLLBACK")


run(hidden, startup, guesses, crowd, changes, snapshots)
