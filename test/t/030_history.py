#!/usr/bin/python3
"""Every run is in query_history, once and for good, whatever becomes of its transaction, backend, server or worker."""

import contextlib
import hashlib
import os
import signal
import threading
from collections import Counter

import psycopg2

from tenancy import (UNIQUE, Background, User, connect, client_server, execute, history, is_up, kill_backend, never,
                     note, ok, pid_of, raised, remote_running, rows, run, same, sqlstate, together, value, wait_for_history,
                     wait_until)

SLOW = "SELECT pg_sleep(60)"


def query(session, connection, statement):
    return rows(session, "SELECT * FROM tenancy.query(%s, %s) AS t(x text)", connection, statement)


def marked(statement, word):
    """A statement that history and the client's server show by its comment."""
    marker = "%s %s" % (word, UNIQUE)
    return "%s /* %s */" % (statement, marker), marker


def only(user, statement):
    """The one run of a statement."""
    found = wait_for_history("generated_sql_query = %s AND (user_id = %s OR user_id IS NULL)", statement, user.id)
    ok(len(found) == 1, "one row of history", found)
    return found[0]


def summary(entry):
    return entry["status"], entry["error_code"]


def worker_pid(session):
    return value(session, "SELECT worker_pid FROM tenancy.history_queue()")


def outcomes():
    """Each way to end has its status."""
    user, other = User(), User("other")
    user.postgres()
    user.postgres("short", options={"statement_timeout": 300})
    foreign = other.postgres()
    session = user.connect()

    answer = execute(session, "pg", "SELECT g FROM generate_series(1, 7) AS g")
    entry = history("id = %s", answer["query_id"])[0]
    same((entry["user_id"], entry["connection_name"], summary(entry), entry["row_count"], entry["source"]),
         (user.id, "pg", ("success", None), 7, "sql"), "success")
    ok(entry["started_at"] <= entry["finished_at"] and entry["backend_pid"] == pid_of(session), "its times and backend")
    ok(len(entry["result_hash"]) == 64 and entry["database_connection_id"] is not None, "its hash and connection")

    answer = execute(session, "pg", "SELECT * FROM there_is_no_such_table")
    same((answer["status"], summary(history("id = %s", answer["query_id"])[0])), ("error", ("error", "42P01")), "error")
    ok("there_is_no_such_table" in history("id = %s", answer["query_id"])[0]["error_message"], "its message")
    statement, _ = marked("SELECT 1 / 0", "raised")
    same((sqlstate(query, session, "pg", statement), summary(only(user, statement))), ("22012", ("error", "22012")),
         "error of tenancy.query")

    answer = execute(session, "short", SLOW)
    same((answer["status"], summary(history("id = %s", answer["query_id"])[0])[0]), ("timeout", "timeout"),
         "timeout by the connection's option")
    with contextlib.closing(user.connect(statement_timeout="300ms")) as hurried:
        answer = execute(hurried, "pg", SLOW)
        same((answer["status"], summary(history("id = %s", answer["query_id"])[0])[0]), ("timeout", "timeout"),
             "timeout by tenancy.statement_timeout")

    statement, _ = marked(SLOW, "local timeout")
    rows(session, "SET statement_timeout = '300ms'")
    same((sqlstate(query, session, "pg", statement), summary(only(user, statement))), ("57014", ("timeout", "57014")),
         "timeout by the client's statement_timeout")
    rows(session, "RESET statement_timeout")

    statement, marker = marked(SLOW, "cancel")
    job = Background(sqlstate, query, session, "pg", statement)
    wait_until(lambda: remote_running(marker) == 1, 10)
    with contextlib.closing(connect()) as admin:
        rows(admin, "SELECT pg_cancel_backend(%s)", pid_of(session))
    same((job.value(), summary(only(user, statement))), ("57014", ("cancelled", "57014")), "cancelled by pg_cancel_backend")

    for label, connection in (("another tenant's", str(foreign)), ("an unknown", "no_such_connection")):
        answer = execute(session, connection, "SELECT 'denied'")
        entry = history("id = %s", answer["query_id"])[0]
        same((answer["status"], summary(entry), entry["user_id"], entry["database_connection_id"], entry["connection_name"]),
             ("denied", ("denied", "42501"), user.id, None, connection), "denied: %s connection" % label)
    same(len(history("user_id = %s", other.id)), 0, "nothing of it is in the other tenant's history")
    session.close()


def transactions():
    """History does not follow the fate of the transaction."""
    user = User()
    user.postgres()
    session = user.connect()
    rows(session, "BEGIN")
    answer = execute(session, "pg", "SELECT 'rolled back'")
    same(len(history("id = %s", answer["query_id"])), 1, "another session sees the run before the transaction ends")
    rows(session, "ROLLBACK")
    same(len(history("id = %s", answer["query_id"])), 1, "and after ROLLBACK")

    statement, _ = marked("SELECT 1 / 0", "in a block")
    rows(session, "BEGIN")
    rows(session, "SAVEPOINT s")
    same(sqlstate(query, session, "pg", statement), "22012", "an error inside of a savepoint")
    rows(session, "ROLLBACK TO s")
    rows(session, "ROLLBACK")
    same(summary(only(user, statement)), ("error", "22012"), "is in history")

    rows(session, "BEGIN")
    rows(session, "SELECT tenancy.create_connection('gone', connection_string => 'sqlite:gone.db?create=true')")
    answer = execute(session, "gone", "SELECT 42 AS n")
    same((answer["status"], answer["rows"]), ("success", [[42]]), "a connection of this very transaction serves")
    rows(session, "ROLLBACK")
    entry = wait_for_history("id = %s", answer["query_id"])[0]
    same((summary(entry), entry["user_id"], entry["database_connection_id"], entry["connection_name"]),
         (("success", None), user.id, None, "gone"), "rolled back, its run stays, without the connection")

    rows(session, "BEGIN")
    connection = value(session, "SELECT tenancy.create_connection('kept', connection_string => 'sqlite:kept.db?create=true')")
    answer = execute(session, "kept", "SELECT 43 AS n")
    rows(session, "COMMIT")
    entry = wait_for_history("id = %s", answer["query_id"])[0]
    same((entry["database_connection_id"], entry["connection_name"]), (connection, "kept"),
         "committed, its run refers to the connection")

    rows(session, "BEGIN")
    email = "nobody.%s@test.example" % UNIQUE
    rows(session, "SELECT tenancy.register(%s, 'a long password')", email)
    token = value(session, "SELECT tenancy.login(%s, 'a long password')", email)
    rows(session, "SELECT set_config('tenancy.session', %s, true)", token)
    rows(session, "SELECT tenancy.create_connection('gone', connection_string => 'sqlite:gone.db?create=true')")
    answer = execute(session, "gone", "SELECT 44 AS n")
    rows(session, "ROLLBACK")
    entry = wait_for_history("id = %s", answer["query_id"])[0]
    same((summary(entry), entry["user_id"], entry["row_count"]), (("success", None), None, 1),
         "the run of a user who was rolled back stays, without the user")

    rows(session, "BEGIN")
    rows(session, "SELECT tenancy.open_query('pg', 'SELECT g FROM generate_series(1, 3000000) AS g /* cursor %s */', NULL, 'c')" % UNIQUE)
    rows(session, "FETCH 10 FROM c")
    rows(session, "COMMIT")
    entry = wait_for_history("user_id = %s AND generated_sql_query LIKE '%%cursor%%'", user.id)[0]
    ok(entry["status"] in ("success", "cancelled") and entry["finished_at"] is not None, "a cursor that COMMIT closes has ended", entry)
    session.close()


def terminated():
    """pg_terminate_backend in the middle of a query."""
    user = User()
    user.postgres()
    session = user.connect()
    statement, marker = marked(SLOW, "terminate")
    job = Background(raised, query, session, "pg", statement)
    wait_until(lambda: remote_running(marker) == 1, 10)
    with contextlib.closing(connect()) as admin:
        rows(admin, "SELECT pg_terminate_backend(%s)", pid_of(session))
    ok(isinstance(job.value(), psycopg2.Error), "the session ended")
    same(summary(only(user, statement)), ("cancelled", "57P01"), "its run is cancelled with 57P01")


def crashed():
    """A backend is killed, the server recovers, and the run that was under way is lost, but not forgotten."""
    user = User()
    user.postgres()
    session = user.connect()
    before = execute(session, "pg", "SELECT 'before the crash'")["query_id"]
    statement, marker = marked(SLOW, "crash")
    job = Background(raised, query, session, "pg", statement)
    wait_until(lambda: remote_running(marker) == 1, 10)
    with contextlib.closing(connect()) as admin:
        wait_until(lambda: value(admin, "SELECT count(*) FROM tenancy.running_queries WHERE generated_sql_query = %s",
                                 statement) == 1, 10, "the run in running_queries")
        position = value(admin, "SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: value(admin, "SELECT pg_current_wal_flush_lsn() >= %s", position), 10, "its commit on disk, as nobody waits for it")
        epoch = value(admin, "SELECT pg_postmaster_start_time()")
        kill_backend(pid_of(session), signal.SIGKILL)
        wait_until(lambda: raised(rows, admin, "SELECT 1") is not None, 30, "the end of all sessions")
    ok(job.value() is not None, "the session ended")
    wait_until(is_up, 60, "crash recovery")
    same(summary(only(user, statement))[0], "lost", "the run has status lost")
    same(len(history("id = %s", before)), 1, "the run before it is there")
    with contextlib.closing(user.connect()) as again:
        same(execute(again, "pg", "SELECT 'after the crash'")["status"], "success", "queries run again")
        same(value(again, "SELECT pg_postmaster_start_time()"), epoch, "by recovery, not by a new postmaster")
    with contextlib.closing(connect()) as admin:
        same(value(admin, "SELECT count(*) FROM tenancy.running_queries"), 0, "nothing is left in running_queries")
    same(broken_links(user), [], "the hash chain goes on")
    wait_until(lambda: remote_running(marker) == 0, 10, "the end of the remote query")


def broken_links(user):
    """What is wrong with a user's hash chain, recomputed link by link."""
    with contextlib.closing(connect()) as session:
        links = rows(session, "SELECT q.chain_seq, q.chain_hash, tenancy.history_entry_digest(q) FROM tenancy.query_history AS q"
                     " WHERE user_id = %s ORDER BY chain_seq", user.id)
        head = rows(session, "SELECT seq, hash FROM tenancy.history_chain WHERE user_id = %s", user.id)
    wrong, last = [], b""
    for place, (seq, digest, link) in enumerate(links, 1):
        wanted = hashlib.sha256(last + bytes(link)).digest()
        if seq != place or bytes(digest) != wanted:
            wrong.append((place, seq))
        last = bytes(digest)
    if head and (head[0][0], bytes(head[0][1])) != (len(links), last):
        wrong.append(("head", head[0][0]))
    return wrong


def concurrent():
    """32 sessions of 8 users, 100 runs each."""
    users = [User() for _ in range(8)]
    for user in users:
        user.sqlite()

    def work(user):
        with contextlib.closing(user.connect()) as session:
            return [execute(session, "lite", "SELECT %d AS n" % n)["query_id"] for n in range(100)]
    ids = [query_id for found in together([lambda u=user: work(u) for user in users for _ in range(4)]) for query_id in found]
    same(len(set(ids)), 3200, "3200 different ids were answered")
    entries = [entry for user in users for entry in history("user_id = %s", user.id)]
    same(len(entries), 3200, "exactly 3200 rows are in history")
    same({entry["id"] for entry in entries}, set(ids), "with the ids of the answers")
    same(Counter(entry["status"] for entry in entries), Counter(success=3200), "all of them success")
    for user in users:
        sequence = sorted(entry["chain_seq"] for entry in entries if entry["user_id"] == user.id)
        if sequence != list(range(1, 401)) or broken_links(user):
            ok(False, "the hash chain of each user is whole", (user.id, sequence[:5], broken_links(user)[:5]))
            break
    else:
        ok(True, "the hash chain of each user is whole: 1 to 400, each link right")
    with contextlib.closing(connect()) as session:
        same(value(session, "SELECT sum(runs)::int FROM tenancy.query_daily WHERE user_id::text = ANY (%s)",
                   [user.id for user in users]), 3200, "the daily sums agree")


def worker_restart():
    """The worker is ended five times while eight sessions run: nothing that was answered is lost."""
    users = [User() for _ in range(8)]
    for user in users:
        user.sqlite()
    stop = threading.Event()

    def work(user):
        acknowledged = []
        with contextlib.closing(user.connect()) as session:
            while not stop.is_set():
                acknowledged.append(execute(session, "lite", "SELECT %d AS n" % len(acknowledged))["query_id"])
        return acknowledged
    jobs = [Background(work, user) for user in users]
    with contextlib.closing(connect()) as admin:
        for _ in range(5):
            old = worker_pid(admin)
            commits = value(admin, "SELECT commits FROM tenancy.history_queue()")
            wait_until(lambda: value(admin, "SELECT commits FROM tenancy.history_queue()") > commits + 20, 30, "progress")
            rows(admin, "SELECT pg_terminate_backend(%s)", old)
            wait_until(lambda: worker_pid(admin) not in (old, 0, None), 60, "a new worker")
        commits = value(admin, "SELECT commits FROM tenancy.history_queue()")
        wait_until(lambda: value(admin, "SELECT commits FROM tenancy.history_queue()") > commits + 20, 30, "progress")
    stop.set()
    acknowledged = [job.value() for job in jobs]
    note("runs: %d" % sum(map(len, acknowledged)))
    for user, ids in zip(users, acknowledged):
        entries = [entry["id"] for entry in history("user_id = %s", user.id)]
        if sorted(entries) != sorted(ids) or broken_links(user):
            ok(False, "each answer is in history exactly once", "answers %d, rows %d, missing %r, more %r, chain %r" % (
                len(ids), len(entries), sorted(set(ids) - set(entries))[:3], sorted(set(entries) - set(ids))[:3], broken_links(user)[:3]))
            return
    ok(True, "each answer is in history exactly once, and the hash chains are whole")


@contextlib.contextmanager
def stopped_worker(admin):
    """The worker stands still, as if its disk did."""
    wait_until(lambda: rows(admin, "SELECT queued, running FROM tenancy.history_queue()") == [(0, 0)], 30, "an empty queue")
    pid = worker_pid(admin)
    kill_backend(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def durability():
    """async answers at once, finished waits for the row, started does not even begin before its row is there."""
    user = User()
    user.postgres()
    table = "durable_" + UNIQUE
    client = client_server("client_owner")
    rows(client, "CREATE TABLE %s (word text)" % table)
    admin = connect()

    def insert(session, word):
        return execute(session, "pg", "INSERT INTO %s VALUES ('%s')" % (table, word))["query_id"]

    def waits(session):
        return value(admin, "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid_of(session)) == "Extension"

    def inserted(word):
        return value(client, "SELECT count(*) FROM " + table + " WHERE word = %s", word)

    sessions = {word: user.connect(history_durability=word) for word in ("async", "finished", "started")}
    for session in sessions.values():
        execute(session, "pg", "SELECT 'warm'")
    with stopped_worker(admin):
        query_id = insert(sessions["async"], "async")
        same(len(history("id = %s", query_id)), 0, "async: answered before the row is written")
    same(len(wait_for_history("id = %s", query_id)), 1, "async: the row follows")

    for word, contacted in (("finished", 1), ("started", 0)):
        with stopped_worker(admin):
            job = Background(insert, sessions[word], word)
            if contacted:
                wait_until(lambda w=word: inserted(w) == 1, 10, "the insert on the client database")
            wait_until(lambda w=word: waits(sessions[w]), 10, "a backend that waits for the commit")
            ok(never(lambda w=word: inserted(w) != contacted, 0.5),
               "%s: the client database has %s contacted" % (word, "been" if contacted else "not been"))
            ok(job.running(), "%s: no answer while the row is not written" % word)
        query_id = job.value()
        same(len(history("id = %s", query_id)), 1, "%s: with the answer, the row is there" % word)
        same(inserted(word), 1, "%s: it ran once" % word)

    with stopped_worker(admin):
        job = Background(sqlstate, insert, sessions["finished"], "cancelled while waiting")
        wait_until(lambda: inserted("cancelled while waiting") == 1, 10)
        wait_until(lambda: waits(sessions["finished"]), 10)
        rows(admin, "SELECT pg_cancel_backend(%s)", pid_of(sessions["finished"]))
        same(job.value(), "57014", "a cancel ends the wait for the row")
    found = wait_for_history("user_id = %s AND generated_sql_query LIKE '%%cancelled while waiting%%'", user.id)
    same(len(found), 1, "which is written all the same")
    rows(client, "DROP TABLE " + table)
    for session in (*sessions.values(), client, admin):
        session.close()


def long_text():
    """A statement of a megabyte is stored whole."""
    user = User()
    user.sqlite()
    with contextlib.closing(user.connect()) as session:
        for label, filler in (("ASCII", "x"), ("multi-byte", "\u2603")):
            text = filler * (1024 * 1024 // len(filler.encode())) + "'"
            statement = "SELECT length('" + text[:-1] + "') AS n"
            answer = execute(session, "lite", statement)
            same(answer["rows"], [[len(text) - 1]], "it runs (%s)" % label)
            entry = history("id = %s", answer["query_id"])[0]
            ok(entry["generated_sql_query"] == statement, "its text is stored whole (%s)" % label,
               lambda e=entry: len(e["generated_sql_query"]))
    same(broken_links(user), [], "the hash chain holds")


run(outcomes, transactions, terminated, concurrent, worker_restart, durability, long_text, crashed)
