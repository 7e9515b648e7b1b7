#!/usr/bin/python3
"""Secrets with marks of their own, searched after everything has been done with them: in the server's log when it logs everything,
statistics views, plans, answers, errors, catalogs, a dump, the files of the data directory, and the memory of the server's processes."""

import base64
import contextlib
import os
import subprocess

from libpq import Failure, Session
from model import Answer, Model, block
from rogue import FalsePostgres
from tenancy import (UNIQUE, PostgresServer, client_server, environment, is_root, ok, private_directory, rows, run, same, value)

MARK = "canary" + UNIQUE.replace("_", "")
KEY = ("K" + MARK + "K" * 43)[:42] + "A="
BARE_KEY = base64.b64decode(KEY).decode("latin-1")
ADA, NEXT, BOB, RESET, STORED, STRING, ROGUE, WRONG, SEALED, API = (
    MARK + "." * 24 + word for word in (".ada", ".next", ".bob", ".reset", ".stored", ".string", ".rogue", ".wrong", ".sealed", ".api"))
SECRETS = [ADA, NEXT, BOB, RESET, STORED, STRING, ROGUE, WRONG, SEALED, API, KEY, BARE_KEY, environment("MYSQL_PASSWORD")]
FREED = 16  # bytes that malloc writes over in a freed block; the rest of what is long is still known by its end
PRESENT = MARK + "." * 24 + ".present"  # no secret: what a search of memory has to find
LOGGING = """
shared_preload_libraries = 'pg_tenancy, pg_stat_statements'
pg_stat_statements.track = all
tenancy.allowed_networks = '127.0.0.0/8'
log_statement = 'all'
log_min_duration_statement = 0
log_min_error_statement = debug5
log_min_messages = debug1
log_error_verbosity = verbose
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_connections = on
tenancy.llm_model = 'test-model'
tenancy.llm_max_questions = 0
"""


def client_role():
    """A role of the client's server with a marked password"""
    with contextlib.closing(client_server()) as session:
        rows(session, "DROP ROLE IF EXISTS %s" % MARK)
        rows(session, "CREATE ROLE %s LOGIN PASSWORD '%s'" % (MARK, STORED))
        rows(session, "GRANT ALL ON SCHEMA public TO %s" % MARK)


def own_platform():
    """A server that logs everything, with a marked key"""
    directory = private_directory()
    keys, api_key, sqlite = (os.path.join(directory, name) for name in ("keys", "api_key", "sqlite"))
    for path, line in ((keys, "k1 " + KEY), (api_key, API)):
        with open(path, "w", encoding="ascii") as file:
            file.write(line + "\n")
        os.chmod(path, 0o600)
    os.mkdir(sqlite)
    if is_root():
        for each in (keys, api_key, sqlite):
            os.chown(each, os.stat(directory).st_uid, os.stat(directory).st_gid)
    files = "tenancy.key_file = '%s'\ntenancy.llm_api_key_file = '%s'\ntenancy.sqlite_root = '%s'\n" % (keys, api_key, sqlite)
    server = PostgresServer(LOGGING + files + "tenancy.llm_endpoint = '%s'" % model.url, {"MYSQL_PASSWORD": "not inherited"})
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "CREATE EXTENSION pg_tenancy; CREATE EXTENSION pg_stat_statements; CREATE ROLE app LOGIN IN ROLE tenancy_user;"
             " CREATE ROLE other LOGIN IN ROLE tenancy_user; ALTER ROLE app SET tenancy.identity_scope = 'session'")
    return server


def app(user="app"):
    return Session(host=platform.directory, port=platform.port, user=user, dbname="postgres")


def attempt(session, statement, *parameters):
    """What is told, by an answer or by an error, is searched later."""
    try:
        found = session.run(statement, *parameters)
        told.append(repr(found))
        return found
    except Failure as error:
        told.append(str(error))
        return None


def log_in(session, email, password):
    found = session.run("SELECT tenancy.login($1, $2)", email, password)[0][0]
    tokens.append(found)
    attempt(session, "SELECT set_config('tenancy.session', $1, false)", found)


CREATE = "SELECT tenancy.create_connection($1, $2, $3, $4::int, $5, $6, $7, options => $8::jsonb)"
QUERIES = ("SELECT * FROM tenancy.test_connection($1)", "SELECT tenancy.execute_query($1, 'SELECT 1')", "SELECT * FROM tenancy.query($1, 'SELECT 1') AS t(a int)",
           "SELECT * FROM tenancy.query($1, 'SELECT nothing') AS t(a int)", "SELECT tenancy.execute_query($1, 'SELECT nothing')",
           "SELECT tenancy.open_query($1, 'SELECT 1', NULL, 'opened')", "FETCH ALL FROM opened", "SELECT tenancy.open_query($1, 'SELECT nothing')",
           "SELECT tenancy.detect_client_schema($1)", "SELECT tenancy.schema($1)", "SELECT * FROM tenancy.tables($1)", "SELECT * FROM tenancy.columns($1)",
           "SELECT * FROM tenancy.relationships($1)", "SELECT * FROM tenancy.schema_changes($1)", "SELECT tenancy.sample_data($1, 'nothing')",
           "SELECT tenancy.ask($1, 'How many are there?')", "SELECT * FROM tenancy.translate($1, 'How many are there?')",
           "SELECT * FROM tenancy.describe_query($1, 'SELECT 1')", "SELECT tenancy.attach($1, 'attached')", "SELECT tenancy.detach($1, 'attached')",
           "SELECT tenancy.update_connection($1, port => 1)", "SELECT * FROM tenancy.connections()", "SELECT * FROM tenancy.pool()")
RECORDS = ("SELECT * FROM tenancy.history()", "SELECT tenancy.history_entry(id) FROM tenancy.query_history", "SELECT * FROM tenancy.verify_history()",
           "SELECT * FROM tenancy.history_anchor()", "SELECT * FROM tenancy.audit_log", "SELECT tenancy.dashboard_overview()",
           "SELECT tenancy.dashboard_charts()", "SELECT tenancy.dashboard_analytics()", "SELECT * FROM tenancy.query_cache",
           "SELECT * FROM tenancy.sessions()", "SELECT * FROM tenancy.attached()")
EXPLAIN = "EXPLAIN (ANALYZE, VERBOSE, SETTINGS, BUFFERS) "
PLANS = ("EXPLAIN (VERBOSE) SELECT * FROM {0}", EXPLAIN + "SELECT * FROM {0} WHERE a > 0", "EXPLAIN (ANALYZE, VERBOSE, FORMAT json) SELECT count(*) FROM {0}",
         EXPLAIN + "SELECT * FROM {0} AS x JOIN {0} AS y USING (a)", EXPLAIN + "INSERT INTO {0} VALUES (1)",
         EXPLAIN + "UPDATE {0} SET a = a + 1 WHERE a = 1", EXPLAIN + "DELETE FROM {0} WHERE a = random()")


def remembered():
    """A MySQL server takes a password without TLS from whom it remembers with it: from another session, as that one's memory is not searched."""
    with contextlib.closing(app()) as session:
        log_in(session, "ada@test.example", NEXT)
        attempt(session, CREATE, "my tls", "mysql", environment("MYSQL_HOST"), environment("MYSQL_PORT"), environment("MYSQL_DATABASE"),
                environment("MYSQL_USER"), environment("MYSQL_PASSWORD"), '{"sslmode": "prefer"}')
        same(attempt(session, "SELECT ok FROM tenancy.test_connection('my tls')"), [["t"]], "MySQL is reached")


def everything():
    """Every function that a secret goes through, with success and without"""
    session = app()
    for email, password in (("ada@test.example", ADA), ("bob@test.example", BOB), ("bob@test.example", WRONG), ("nonsense", WRONG)):
        attempt(session, "SELECT tenancy.register($1, $2)", email, password)
    attempt(session, "SELECT tenancy.login($1, $2)", "ada@test.example", WRONG)
    attempt(session, "SELECT tenancy.authenticate($1)", WRONG)
    attempt(session, "SELECT tenancy.change_password($1, $2)", WRONG, WRONG)
    log_in(session, "ada@test.example", ADA)
    attempt(session, "SELECT tenancy.change_password($1, $2)", WRONG, NEXT)
    ok(attempt(session, "SELECT tenancy.change_password($1, $2)", ADA, NEXT) is not None, "a password is changed")
    options = '{"sslmode": "disable", "connect_timeout": 5}'
    place = ("127.0.0.1", environment("CLIENT_PGPORT"), environment("CLIENT_PGDATABASE"), MARK)
    ok(attempt(session, CREATE, "pg", "postgresql", *place, STORED, options) is not None, "a connection is stored")
    attempt(session, CREATE, "pg", "postgresql", *place, WRONG, options)
    attempt(session, CREATE, "wrong", "postgresql", *place, WRONG, options)
    attempt(session, CREATE, "my wrong", "mysql", "127.0.0.1", environment("MYSQL_PORT"), "d", "u", WRONG, options)
    attempt(session, CREATE, "rogue", "postgresql", "127.0.0.1", rogue.listener.port, "d", "u", ROGUE, options)
    attempt(session, CREATE, "my", "mysql", environment("MYSQL_HOST"), environment("MYSQL_PORT"), environment("MYSQL_DATABASE"), environment("MYSQL_USER"),
            environment("MYSQL_PASSWORD"), options)
    remembered()
    attempt(session, CREATE, "refused", "postgresql", "/tmp", 5432, "d", "u", WRONG, options)
    attempt(session, "SELECT tenancy.create_connection('string', connection_string => $1)", "postgresql://%s:%s@127.0.0.1:%s/%s" % (
        MARK, STRING, environment("CLIENT_PGPORT"), environment("CLIENT_PGDATABASE")))
    attempt(session, "SELECT tenancy.create_connection('bad', connection_string => $1)", "postgresql://u:%s@/" % WRONG)
    attempt(session, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'lite.db', options => '{\"create\": true}')")
    attempt(session, "SELECT tenancy.update_connection('pg', username => $1, password => $2)", MARK, STORED)
    for name in ("pg", "wrong", "my", "my wrong", "rogue", "string", "lite"):
        attempt(session, "BEGIN")
        for statement in QUERIES:
            attempt(session, "SAVEPOINT before")
            if attempt(session, statement, *([name] if "$1" in statement else [])) is None:
                attempt(session, "ROLLBACK TO before")
        attempt(session, "COMMIT")
    same(model.requests[0]["headers"].get("Authorization"), "Bearer " + API, "the language model is sent the API key")
    attempt(session, "SELECT tenancy.attach('pg', 'attached')")
    told.append(repr(attempt(session, "SELECT foreign_table_name FROM information_schema.foreign_tables")))
    for statement in RECORDS:
        ok(attempt(session, statement) is not None, statement, told[-1])
    # An own parameter is shown to who asks for the plan: this answer alone is not searched, but all places that it might come to.
    plan = session.run("EXPLAIN (VERBOSE) SELECT tenancy.login($1, $2)", "ada@test.example", NEXT)
    ok(NEXT in repr(plan), "EXPLAIN shows the parameters to who gave them", plan)
    session.close()


def administration():
    """Functions for administrators that a secret goes through"""
    session = app("postgres")
    bob = session.run("SELECT id FROM tenancy.users WHERE email = 'bob@test.example'")[0][0]
    ok(attempt(session, "SELECT tenancy.reset_password($1, $2)", bob, RESET) is not None, "a password is reset")
    ok(attempt(session, "SELECT tenancy.reset_password($1, $2)", bob, "") is None, "not to an empty one")
    attempt(session, "SELECT tenancy.reset_password(gen_random_uuid(), $1)", RESET)
    sealed = attempt(session, "SELECT tenancy.encrypt_database_password($1)", SEALED)[0][0]
    same(session.run("SELECT tenancy.decrypt_database_password($1)", sealed), [[SEALED]], "a password is encrypted and decrypted")
    attempt(session, "SELECT tenancy.decrypt_database_password($1)", SEALED)
    for statement in ("SELECT * FROM tenancy.rotate_encryption_key()", "SELECT * FROM tenancy.key_ring()", "SELECT * FROM tenancy.status()",
                      "SELECT * FROM tenancy.pool()", "SELECT tenancy.dashboard_overview()", "SELECT * FROM tenancy.history()"):
        ok(attempt(session, statement) is not None, statement, told[-1])
    session.close()


def plans():
    """Plans of foreign tables, with connections that have marked passwords, and of the functions"""
    session = app()
    log_in(session, "ada@test.example", NEXT)
    for name in ("pg", "my", "lite"):
        table = 'plans_%s."%s"' % (name, MARK)
        attempt(session, "SELECT tenancy.execute_query($1, $2)", name, "CREATE TABLE %s (a int PRIMARY KEY)" % MARK)
        attached = attempt(session, "SELECT tenancy.attach($1, $2, tables => ARRAY[$3])", name, "plans_" + name, MARK)
        ok(attached is not None, name + " is attached", told[-1])
        for statement in PLANS:
            plan = attempt(session, statement.format(table))
            ok("Remote SQL" in repr(plan), statement.format(table), told[-1])
        attempt(session, EXPLAIN + "SELECT tenancy.detach($1, $2)", name, "plans_" + name)
        attempt(session, EXPLAIN + "SELECT tenancy.execute_query($1, $2)", name, "DROP TABLE " + MARK)
        for statement in QUERIES:
            attempt(session, EXPLAIN + statement, *([name] if "$1" in statement else []))
    session.close()


def search(where, text):
    same([secret for secret in SECRETS + tokens if secret in text], [], "no secret in " + where)


def places():
    """Where it must not be"""
    search("answers and errors", "\n".join(told))
    with open(os.path.join(platform.directory, "log"), encoding="utf-8", errors="replace") as file:
        log = file.read()
    ok("tenancy.login($1, $2)" in log and "invalid email or password" in log, "the log has everything", log[-2000:])
    search("the log", log)
    with contextlib.closing(platform.connect()) as admin:
        for view in ("pg_stat_activity", "pg_stat_statements", "pg_settings", "pg_file_settings", "pg_db_role_setting", "pg_foreign_server", "pg_user_mapping",
                     "pg_foreign_table", "pg_attribute", "pg_description", "pg_proc", "pg_prepared_statements"):
            search(view, repr(rows(admin, "SELECT t::text FROM %s AS t" % view)))
        ok(value(admin, "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%tenancy.login($1, $2)%'") > 0, "pg_stat_statements has them all")
        same(value(admin, "SELECT count(*) FROM tenancy.database_connections WHERE username = '%s'" % MARK), 3, "the connections are stored")
        for table, in rows(admin, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'tenancy'::regnamespace AND relkind IN ('r', 'v', 'p')"):
            search(table, repr(rows(admin, "SELECT t::text FROM %s AS t" % table)))
        rows(admin, "CHECKPOINT")
        data_directory = value(admin, "SHOW data_directory")
    pg_bin = subprocess.run([environment("PG_CONFIG"), "--bindir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for options in ([], ["--format=custom", "--compress=0"]):
        dump = subprocess.run([os.path.join(pg_bin, "pg_dump"), "--host=" + platform.directory, "--port=%d" % platform.port, "--username=postgres", *options, "postgres"],
                              stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
        ok(MARK in dump, "a dump is made, and has the connections")
        search("a dump", dump)
    holding = []
    for directory, _, names in os.walk(data_directory):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                contents = file.read().decode("latin-1")
            if MARK in contents:
                holding.append(os.path.join(directory, name))
            if any(secret in contents for secret in SECRETS + tokens):
                search(os.path.join(directory, name), contents)
    ok(all(any(part in path for path in holding) for part in ("/base/", "/pg_wal/")), "the data directory's files have the connections", holding)


def strangers():
    """Statements of one role are not told to another"""
    texts = "SELECT query FROM pg_stat_statements WHERE query LIKE '%tenancy.%'"
    with contextlib.closing(platform.connect(user="app")) as own, contextlib.closing(platform.connect(user="other")) as other:
        ok(len(rows(own, texts)) > 20, "pg_stat_statements tells a role its own statements")
        same(rows(other, texts), [], "and no other role")
        ok(value(other, "SELECT count(*) FROM pg_stat_statements WHERE query = '<insufficient privilege>'") > 20, "which sees that there are some")


def dumpable(pid):
    """The memory of a process that the kernel would write into a core file, piece by piece."""
    regions, start = [], None
    with open("/proc/%d/smaps" % pid, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if "-" in words[0] and len(words) >= 5 and len(words[1]) == 4:
                start, kept = [int(word, 16) for word in words[0].split("-")], words[1].startswith("rw")
            elif words[0] == "VmFlags:" and kept and "dd" not in words and "io" not in words:
                regions.append(start)
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for first, last in regions:
            for place in range(first, last, 1 << 24):
                with contextlib.suppress(OSError):
                    memory.seek(place)
                    yield memory.read(min(last - place, 1 << 24)).decode("latin-1")


def opened(names):
    """A session that has asked the connections of these names"""
    session = app()
    log_in(session, "ada@test.example", NEXT)
    for name in names:
        for statement in QUERIES[:3]:
            attempt(session, statement, name)
    same(attempt(session, "SELECT count(*) FROM tenancy.pool()"), [["1"]], "a pooled connection")
    return session


def asked():
    """A session that has put questions to the language model."""
    session = app()
    log_in(session, "ada@test.example", NEXT)
    for _ in range(3):
        before = len(model.requests)
        ok("success" in repr(attempt(session, "SELECT tenancy.ask('lite', 'How many are there?')")), "a question is answered", told[-1])
        same([request["headers"].get("Authorization") for request in model.requests[before:]], ["Bearer " + API], "with the API key")
    return session


def cores():
    """What a core file of each process would have, some with connections that they have opened with stored passwords"""
    closed, pooled, mysql, asking = opened(["pg", "wrong", "my wrong", "rogue", "string"]), opened(["pg"]), opened(["my"]), asked()
    attempt(closed, "SELECT tenancy.close_connections()")
    attempt(closed, "SELECT set_config('canary.present', $1, false)", PRESENT)
    with contextlib.closing(platform.connect()) as admin:
        search("pg_stat_activity of sessions that are open", repr(rows(admin, "SELECT t::text FROM pg_stat_activity AS t")))
        with open(os.path.join(value(admin, "SHOW data_directory"), "postmaster.pid"), encoding="utf-8") as file:
            postmaster = int(file.readline())
        pids = [postmaster] + [pid for pid, in rows(admin, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'")]
        names = {closed.pid: ", of a session that has closed its connections", pooled.pid: ", of one with a pooled PostgreSQL connection",
                 mysql.pid: ", of one with a pooled MySQL connection", asking.pid: ", of one that has asked the language model"}
        ok(set(names) < set(pids) and len(pids) > 7, "processes are there", pids)
        for pid in pids:
            size, found = 0, dict.fromkeys([*SECRETS, PRESENT], 0)
            del found[NEXT]  # what a session was given as a parameter lies in PostgreSQL's own buffers
            for piece in dumpable(pid):
                size += len(piece)
                for secret in found:
                    found[secret] += piece.count(secret[FREED:] if secret.startswith(MARK) else secret)
            ok(size > 1 << 20, "process %d has memory" % pid, size)
            same(found.pop(PRESENT) > 0, pid == closed.pid, "and what it was told to keep" + names.get(pid, ""))
            if pid == pooled.pid:
                # libpq keeps what it logs in with by SCRAM for as long as the connection lives, and lets nobody at it.
                ok(found.pop(STORED) <= 1, "and a password only where libpq keeps it" + names[pid])
            if pid == closed.pid and environment("MYSQL_FLAVOUR") == "mysql":
                # Oracle's library frees its copy of a password that was refused, out of our reach.
                ok(found.pop(WRONG) <= 1, "and a refused password only where Oracle's library had it" + names[pid])
            same({secret for secret, count in found.items() if count > 0}, set(), "and no secret in it" + names.get(pid, ""))
    for session in (closed, pooled, mysql, asking):
        session.close()


told, tokens = [], []
client_role()
rogue = FalsePostgres()
model = Model(Answer(("no such key: " + API).encode(), 401), Answer(block("SELECT 1 AS n")))
platform = own_platform()
run(everything, administration, plans, places, strangers, cores)
