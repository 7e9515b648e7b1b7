#!/usr/bin/python3
"""Passwords and tokens: not in the log, not in pg_stat_activity, not guessed in parallel, not alive after a change."""

import contextlib
import os
import threading
import time

import psycopg2.errors

from tenancy import (UNIQUE, Background, User, app_role, connect, environment, make_role, ok, pid_of, raised, rows, run, same, server_settings,
                     sqlstate, together, value, wait_until)

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


def processor_time(pid):
    """Seconds that a process has worked so far."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        user_time, system_time = file.read().rpartition(")")[2].split()[11:13]
    return (int(user_time) + int(system_time)) / os.sysconf("SC_CLK_TCK")


def hidden():
    """Literals (psycopg2 sends nothing else) of functions that take a secret are not seen, whether they fail or not."""
    email = "%s@secrets.example" % CANARY.replace("canary", "bird")
    calls = [
        ("register", None, (email, CANARY + "1")), ("register", "23505", (email, CANARY + "2")),
        ("register", "22023", ("nonsense", CANARY + "3")), ("register", "22023", ("a@b", CANARY[:7])),
        ("login", None, (email, CANARY + "1")), ("login", "28P01", (email, CANARY + "4")),
        ("login", "28P01", ("nobody@secrets.example", CANARY + "5")), ("authenticate", "28000", ("tncy_" + CANARY,)),
        ("change_password", "28000", (CANARY + "6", CANARY + "7")), ("login", "22004", (None, CANARY + "9")),
        ("change_password", "22004", (CANARY + "10", None))]
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
        same(sqlstate(rows, session, "SELECT tenancy.reset_password(NULL, %s)", CANARY + "11"), "22004", "reset_password of nobody")
        same(activity(session), "tenancy.reset_password(...)", "pg_stat_activity after it")
        sealed = value(session, "SELECT tenancy.encrypt_database_password(%s)", CANARY + "8")
        same(activity(session), "tenancy.encrypt_database_password(...)", "pg_stat_activity after sealing")
        same(value(session, "SELECT tenancy.decrypt_database_password(%s)", sealed), CANARY + "8", "and opening")
        same(sqlstate(rows, session, "SELECT tenancy.decrypt_database_password(%s)", CANARY), "22023", "and failing")
    hidden_registrations()
    ok("invalid email or password" in log(), "failed logins are logged")
    ok(CANARY not in log(), "but no secret is", lambda: "\n".join(line for line in log().splitlines() if CANARY in line))


def hidden_registrations():
    """The same of functions that take the password of a connection, and of the administrators'."""
    fields = "'postgresql', 'localhost', 1, 'd', 'u'"
    with contextlib.closing(user.connect()) as session:
        create = "SELECT tenancy.create_connection('hidden', %s, '%s')"
        update = "SELECT tenancy.update_connection('hidden', password => '%s')"
        by_string = "SELECT tenancy.%s_connection('hidden', connection_string => 'postgresql://u:%s@localhost/d%s')"
        for function, code, statement in (
                ("create", None, create % (fields, CANARY + "1")), ("create", "42710", create % (fields, CANARY + "2")),
                ("create", "22023", create % (fields.replace("postgresql", "oracle"), CANARY + "3")),
                ("create", "22023", by_string % ("create", CANARY + "4", "?nonsense=1")),
                ("update", None, update % (CANARY + "5")), ("update", "22023", (update % (CANARY + "6"))[:-1] + ", port => 0)"),
                ("update", None, by_string % ("update", CANARY + "7", ""))):
            same(sqlstate(rows, session, statement), code, "%s_connection gives %s" % (function, code))
            same(activity(session), "tenancy.%s_connection(...)" % function, "pg_stat_activity after %s_connection" % function)
    reset = User("reset")
    with contextlib.closing(connect()) as session:
        for code, of, password in ((None, reset.id, CANARY + "8"), ("22023", reset.id, CANARY[:7]), ("42704", "0" * 32, CANARY + "9")):
            same(sqlstate(rows, session, "SELECT tenancy.reset_password(%s, %s)", of, password), code, "reset_password gives %s" % code)
            same(activity(session), "tenancy.reset_password(...)", "pg_stat_activity after reset_password")


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
    stored = ('ALTER ROLE "%s" SET tenancy.session = %%s' % app_role(), 'ALTER DATABASE "%s" SET tenancy.session = %%s' % environment("PGDATABASE"),
              "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET tenancy.session = %s AS 'SELECT 1'")
    with contextlib.closing(app()) as session, contextlib.closing(connect()) as admin:
        for statement in stored:
            error = raised(rows, admin, statement, user.token)
            ok(error.pgcode == "0A000" and user.token not in str(error), "a token is not stored where everybody can read it", error)
        rows(admin, "INSERT INTO pg_db_role_setting SELECT 0, oid, ARRAY['tenancy.session=' || %s] FROM pg_roles WHERE rolname = %s", user.token, app_role())
    with contextlib.closing(app()) as session:
        same(value(session, "SELECT tenancy.current_user_id()"), None, "and brings no identity along where it is")
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


def lapsed():
    """Failed logins that have lapsed make room for new ones, before those that still count do."""
    names = ["first.%s@test.example" % UNIQUE, "second.%s@test.example" % UNIQUE]
    with server_settings(lockout_threshold=3, lockout_duration="3s", password_cost=10) as admin:
        rows(admin, """CREATE FUNCTION pg_temp.guess(email text) RETURNS text LANGUAGE plpgsql AS $$
            DECLARE
                hint text;
            BEGIN
                PERFORM tenancy.login(email, 'wrong');
            EXCEPTION WHEN invalid_password THEN
                GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
                RETURN hint;
            END $$""")
        rows(admin, "SELECT pg_temp.guess(format('%%s.%%s@test.example', n / 2, %s)) FROM generate_series(2, 8193) AS n", UNIQUE)
        hints = [value(admin, "SELECT pg_temp.guess(%s)", name) for _ in range(4) for name in names]
    same([bool(hint) for hint in hints], [False] * 6 + [True] * 2, "two accounts that are guessed in turn are locked, though thousands were before")


def unlocks():
    """A locked account opens by itself after tenancy.lockout_duration."""
    victim = User("patient")
    with server_settings(lockout_duration="3s") as admin, contextlib.closing(app()) as session:
        def attempt(password):
            return raised(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, password)

        def locked():
            error = attempt(victim.password)
            return error is not None and bool(error.diag.message_hint)
        for _ in range(int(value(admin, "SHOW tenancy.lockout_threshold"))):
            last = time.monotonic()
            attempt("a wrong password")
        ok(locked(), "locked")
        wait_until(lambda: not locked(), 60, "the end of the lock")
        ok(time.monotonic() - last > 2.9, "it lasts as long as was set, and ends", time.monotonic() - last)


def expires():
    """A login is valid for tenancy.session_lifetime."""
    with contextlib.closing(connect()) as admin, contextlib.closing(app()) as session:
        rows(admin, "SET tenancy.session_lifetime = '3s'")
        begun = time.monotonic()
        token = value(admin, "SELECT tenancy.login(%s, %s)", user.email, user.password)

        def state():
            return sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token)
        same(state(), None, "at first it is")
        wait_until(lambda: state() == "28000", 60, "the end of the session")
        ok(time.monotonic() - begun > 2.9, "as long as was set, and then no more", time.monotonic() - begun)


def rehashed():
    """After tenancy.password_cost was raised, a login replaces the user's older hash."""
    member = User("older")
    with contextlib.closing(connect()) as admin:
        def log_in():
            with contextlib.closing(app()) as session:
                rows(session, "SELECT tenancy.login(%s, %s)", member.email, member.password)
            return value(admin, "SELECT password_hash FROM tenancy.users WHERE id = %s", member.id)
        cost, before = int(value(admin, "SHOW tenancy.password_cost")), log_in()
        ok(before.startswith("$scrypt$ln=%d," % cost), "a hash of the cost that was set", before[:20])
        same(log_in(), before, "which the next login keeps")
        with server_settings(password_cost=cost + 1):
            after = log_in()
            ok(after.startswith("$scrypt$ln=%d," % (cost + 1)), "the next one after it was raised does not", after[:20])
        same(log_in(), after, "the password is the same, and no hash becomes weaker")


def work(session, emails, password):
    """Seconds of processor time that a login takes its backend, and the answers. No account is locked meanwhile."""
    answers = set()
    with contextlib.closing(connect()) as admin:
        before = processor_time(pid_of(session))
        for email in emails:
            error = raised(rows, session, "SELECT tenancy.login(%s, %s)", email, password)
            answers.add(error and (error.pgcode, error.diag.message_primary, error.diag.message_hint))
            rows(admin, "SELECT tenancy.unlock_account(%s)", email)
        return (processor_time(pid_of(session)) - before) / len(emails), answers


def unknown():
    """That there is no such account, or that it is inactive, shows neither in the answer nor in the work for it."""
    known, inactive = User("known"), User("inactive")
    with contextlib.closing(connect()) as admin:
        rows(admin, "SELECT tenancy.set_active(%s, false)", inactive.id)
    with contextlib.closing(app()) as session:
        refused, _ = work(session, [known.email] * 20, "x" * 2000)
        wrong, answers = work(session, [known.email] * 20, "a wrong password")
        ok(refused < wrong / 4, "work is measured: what can be no password costs far less than a wrong one", (refused, wrong))
        nobody = ["nobody%d.%s@test.example" % (number, UNIQUE) for number in range(20)]
        for label, emails, password in (("an unknown address", nobody, "a wrong password"),
                                        ("an inactive account", [inactive.email] * 20, inactive.password)):
            cost, told = work(session, emails, password)
            ok(cost >= wrong / 2, label + " costs the same work as a wrong password", (cost, wrong))
            same(told, answers, label + " gets the same answer")


def crowd():
    """While many log in, half of the processors hash and the others wait; waiting can be cancelled, and nobody fails."""
    places = max(1, os.sysconf("SC_NPROCESSORS_ONLN") // 2)
    users = [User("crowd%d" % number) for number in range(8 + places // 4)]
    everybody = 4 * len(users)  # more than there are places; of one user fewer than lock the account
    enough = threading.Event()

    def log_in(member):
        tokens = []
        with contextlib.closing(app()) as session:
            while not enough.is_set():
                tokens.append(value(session, "SELECT tenancy.login(%s, %s)", member.email, member.password))
        return tokens

    def at_work(admin):
        """Sessions that log in, and how many of them wait for a place: what goes to the disk waits otherwise."""
        return rows(admin, "SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Extension') FROM pg_stat_activity"
                    " WHERE usename = %s AND state = 'active' AND query = 'tenancy.login(...)'", app_role())[0]

    def cost_of(call):
        before = processor_time(pid_of(impatient))
        return call(), processor_time(pid_of(impatient)) - before

    def cancelled():
        job = Background(log_in_once)
        wait_until(lambda: value(admin, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid_of(impatient)) == "Extension", 60,
                   "one more that waits")
        rows(admin, "SELECT pg_cancel_backend(%s)", pid_of(impatient))
        return job.value()

    def log_in_once():
        return sqlstate(rows, impatient, "SELECT tenancy.login(%s, %s)", user.email, user.password)
    with contextlib.closing(connect()) as admin, contextlib.closing(app()) as impatient:
        same(log_in_once(), None, "somebody gets in")
        jobs = [Background(log_in, member) for member in users for _ in range(4)]
        try:
            wait_until(lambda: at_work(admin) == (everybody, everybody - places), 60, "that as many hash as may, and all others wait")
            ok(True, "half of the processors hash (%d), all others wait (%d)" % (places, everybody - places))
            code, waiting = cost_of(cancelled)
            same(code, "57014", "waiting can be cancelled")
        finally:
            enough.set()
        tokens = [token for job in jobs for token in job.value()]
        code, working = cost_of(log_in_once)
        ok(code is None and waiting < working / 2, "and who was cancelled had not begun to hash", (code, waiting, working))
    ok(len(tokens) >= everybody and all(token.startswith("tncy_") for token in tokens), "everybody got in")


def changes():
    """No session of the old password outlives a change of password, however the two meet."""
    old, got, alive = user.password, 0, 0
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
        got += len(tokens)
        with contextlib.closing(app()) as session:
            alive += sum(sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token) is None for token in tokens)
        with contextlib.closing(connect()) as session:
            rows(session, "SELECT tenancy.unlock_account(%s)", user.email)
        old = new
    user.password = old
    ok(got > 0, "some have logged in with an old password, before it was changed", got)
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


def ends():
    """What ends sessions ends those that began after the transaction's snapshot, too."""
    def log_in(victim):
        with contextlib.closing(app()) as session:
            return value(session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password)

    def lives(token):
        with contextlib.closing(app()) as session:
            return sqlstate(rows, session, "SELECT tenancy.authenticate(%s)", token) is None

    def ended(label, statement, *parameters, by=app, victim=None):
        victim = victim or User("ends")
        for level in ("REPEATABLE READ", "SERIALIZABLE"):
            with contextlib.closing(by()) as session:
                rows(session, "BEGIN ISOLATION LEVEL " + level)
                rows(session, "SELECT count(*) FROM tenancy.users")
                token = log_in(victim)
                if by is app:
                    rows(session, "SELECT tenancy.authenticate(%s)", token if "logout" in statement else victim.token)
                rows(session, statement, *(getattr(victim, name) for name in parameters))
                rows(session, "COMMIT")
            ok(not lives(token), "%s (%s)" % (label, level))
    ended("change_password", "SELECT tenancy.change_password(%s, %s)", "password", "password")
    ended("logout", "SELECT tenancy.logout()")
    ended("logout_everywhere", "SELECT tenancy.logout_everywhere()")
    ended("reset_password", "SELECT tenancy.reset_password(%s, %s)", "id", "password", by=connect)
    victim = User("ends")
    with contextlib.closing(connect()) as admin:
        rows(admin, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(admin, "SELECT count(*) FROM tenancy.users")
        token = log_in(victim)
        rows(admin, "SELECT tenancy.set_active(%s, false)", victim.id)
        rows(admin, "COMMIT")
        rows(admin, "SELECT tenancy.set_active(%s, true)", victim.id)
    ok(not lives(token), "set_active")
    with contextlib.closing(connect()) as admin:
        for statement, names in (("SELECT tenancy.login(%s, %s)", ("email", "password")), ("SELECT tenancy.reset_password(%s, %s)", ("id", "password")),
                                 ("SELECT tenancy.set_active(%s, false)", ("id",))):
            rows(admin, "BEGIN ISOLATION LEVEL REPEATABLE READ")
            rows(admin, "SELECT count(*) FROM tenancy.users")
            victim = User("later")
            same(sqlstate(rows, admin, statement, *(getattr(victim, name) for name in names)), "40001", statement + " of a user who is newer than the snapshot")
            rows(admin, "ROLLBACK")


def bindings():
    """A binding, and who is bound, may be newer than the transaction's snapshot, too."""
    role = make_role("bound")
    with contextlib.closing(connect()) as admin, contextlib.closing(connect()) as other:
        rows(admin, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(admin, "SELECT count(*) FROM tenancy.users")
        rows(other, "SELECT tenancy.bind_role(%s, %s)", user.id, role)
        same(value(admin, "SELECT tenancy.unbind_role(%s)", role), True, "unbind_role finds a binding that is newer than the snapshot")
        rows(admin, "COMMIT")
        same(value(other, "SELECT count(*) FROM tenancy.role_bindings WHERE role_name = %s", role), 0, "and undoes it")
        rows(admin, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(admin, "SELECT count(*) FROM tenancy.users")
        victim = User("later")
        same(sqlstate(rows, admin, "SELECT tenancy.bind_role(%s, %s)", victim.id, role), "40001", "bind_role to a user who is newer")
        rows(admin, "ROLLBACK")
        same(sqlstate(rows, admin, "SELECT tenancy.bind_role(gen_random_uuid(), %s)", role), "42704", "and to none")


def profiles():
    """A change of the profile of a user who is newer than the transaction's snapshot is not lost without a word."""
    with contextlib.closing(app()) as session, contextlib.closing(connect()) as admin:
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM tenancy.users")
        victim = User("later")
        rows(session, "SELECT tenancy.authenticate(%s)", victim.token)
        error = raised(rows, session, "SELECT tenancy.update_profile('Ada')")
        same((error and error.pgcode, error and error.diag.message_primary, error and error.diag.message_hint),
             ("40001", "user was made since the transaction began", "Try again in a new transaction."), "update_profile of a user who is newer")
        rows(session, "ROLLBACK")
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.authenticate(%s)", victim.token)
        rows(session, "SELECT tenancy.update_profile('Ada', company_name => 'Engines')")
        rows(session, "SELECT tenancy.update_profile(last_name => 'Lovelace')")
        rows(session, "COMMIT")
        same(rows(admin, "SELECT first_name, last_name, company_name FROM tenancy.users WHERE id = %s", victim.id), [("Ada", "Lovelace", "Engines")],
             "and in a new transaction it is changed")


def forgotten():
    """To a transaction with an old snapshot an old password is as wrong as to any other, and the new one is right."""
    victim, new = User("forgotten"), "a new long password"
    with contextlib.closing(app()) as session, contextlib.closing(connect()) as admin:
        rows(session, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(session, "SELECT count(*) FROM tenancy.users")
        rows(admin, "SELECT tenancy.reset_password(%s, %s)", victim.id, new)
        for _ in range(int(value(admin, "SHOW tenancy.lockout_threshold"))):
            rows(session, "SAVEPOINT s")
            same(sqlstate(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password), "28P01", "the old password")
            rows(session, "ROLLBACK TO s")
        error = raised(rows, session, "SELECT tenancy.login(%s, %s)", victim.email, victim.password)
        ok(error is not None and error.diag.message_hint, "it locks the account", error)
        rows(session, "ROLLBACK TO s")
        rows(admin, "SELECT tenancy.unlock_account(%s)", victim.email)
        ok(value(session, "SELECT tenancy.login(%s, %s)", victim.email, new), "the new one lets in")
        rows(session, "COMMIT")


run(hidden, startup, guesses, lapsed, unlocks, expires, rehashed, unknown, crowd, changes, snapshots, ends, bindings, profiles, forgotten)
