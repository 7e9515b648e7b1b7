#!/usr/bin/python3
"""Secrets with marks of their own, searched after everything has been done with them: in the server's log when it logs everything,
statistics views, plans, answers, errors, catalogs, a dump, the files of the data directory, and the memory of the server's processes."""

import base64
import contextlib
import os
import subprocess

from libpq import Failure, Session
from rogue import FalsePostgres
from tenancy import (UNIQUE, PostgresServer, client_server, environment, is_root, ok, private_directory, rows, run, same, value)

MARK = "canary" + UNIQUE.replace("_", "")
KEY = ("K" + MARK + "K" * 43)[:42] + "A="
BARE_KEY = base64.b64decode(KEY).decode("latin-1")
ADA, NEXT, BOB, STORED, STRING, ROGUE, WRONG = (MARK + word for word in (".ada", ".next", ".bob", ".stored", ".string", ".rogue", ".wrong"))
PASSWORDS = [ADA, NEXT, BOB, STORED, STRING, ROGUE, WRONG]
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
    path = os.path.join(directory, "keys")
    with open(path, "w", encoding="ascii") as file:
        file.write("k1 %s\n" % KEY)
    os.chmod(path, 0o600)
    sqlite = os.path.join(directory, "sqlite")
    os.mkdir(sqlite)
    if is_root():
        for each in (path, sqlite):
            os.chown(each, os.stat(directory).st_uid, os.stat(directory).st_gid)
    server = PostgresServer(LOGGING + "tenancy.key_file = '%s'\ntenancy.sqlite_root = '%s'" % (path, sqlite), {"MYSQL_PASSWORD": "not inherited"})
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "CREATE EXTENSION pg_tenancy; CREATE EXTENSION pg_stat_statements; CREATE ROLE app LOGIN IN ROLE tenancy_user")
        rows(admin, "ALTER ROLE app SET tenancy.identity_scope = 'session'")
    return server


def app():
    return Session(host=platform.directory, port=platform.port, user="app", dbname="postgres")


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
           "SELECT * FROM tenancy.describe_query($1, 'SELECT 1')", "SELECT tenancy.attach($1, 'attached')", "SELECT tenancy.detach($1, 'attached')",
           "SELECT tenancy.update_connection($1, port => 1)", "SELECT * FROM tenancy.connections()", "SELECT * FROM tenancy.pool()")


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
    attempt(session, CREATE, "refused", "postgresql", "/tmp", 5432, "d", "u", WRONG, options)
    attempt(session, "SELECT tenancy.create_connection('string', connection_string => $1)", "postgresql://%s:%s@127.0.0.1:%s/%s" % (
        MARK, STRING, environment("CLIENT_PGPORT"), environment("CLIENT_PGDATABASE")))
    attempt(session, "SELECT tenancy.create_connection('bad', connection_string => $1)", "postgresql://u:%s@/" % WRONG)
    attempt(session, "SELECT tenancy.update_connection('pg', username => $1, password => $2)", MARK, STORED)
    for name in ("pg", "wrong", "my wrong", "rogue", "string"):
        for statement in QUERIES:
            attempt(session, statement, *([name] if "$1" in statement else []))
    with contextlib.closing(platform.connect()) as admin:
        told.append(repr(rows(admin, "SELECT * FROM tenancy.rotate_encryption_key()")) + repr(rows(admin, "SELECT * FROM tenancy.key_ring()")))
    attempt(session, "SELECT tenancy.attach('pg', 'attached')")
    told.append(repr(attempt(session, "SELECT foreign_table_name FROM information_schema.foreign_tables")))
    attempt(session, "EXPLAIN (VERBOSE) SELECT tenancy.login($1, $2)", "ada@test.example", NEXT)
    session.close()


def search(where, text, secrets=None):
    found = [secret for secret in secrets or PASSWORDS + tokens + [KEY, environment("MYSQL_PASSWORD")] if secret in text]
    same(found, [], "no secret in " + where)


def places():
    """Where it must not be"""
    told[-1] = ""  # the plan of a statement shows the parameters of whoever asked for it
    search("answers and errors", "\n".join(told), PASSWORDS + [KEY])
    with open(os.path.join(platform.directory, "log"), encoding="utf-8", errors="replace") as file:
        log = file.read()
    ok("tenancy.login($1, $2)" in log and "invalid email or password" in log, "the log has everything", log[-2000:])
    search("the log", log)
    with contextlib.closing(platform.connect()) as admin:
        for view in ("pg_stat_activity", "pg_stat_statements", "pg_settings", "pg_file_settings", "pg_db_role_setting", "pg_foreign_server", "pg_user_mapping",
                     "pg_foreign_table", "pg_attribute", "pg_description", "pg_proc", "pg_prepared_statements"):
            search(view, repr(rows(admin, "SELECT t::text FROM %s AS t" % view)))
        for table, in rows(admin, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'tenancy'::regnamespace AND relkind IN ('r', 'v', 'p')"):
            search(table, repr(rows(admin, "SELECT t::text FROM %s AS t" % table)))
        rows(admin, "CHECKPOINT")
        data_directory = value(admin, "SHOW data_directory")
    pg_bin = subprocess.run([environment("PG_CONFIG"), "--bindir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for options in ([], ["--format=custom"]):
        dump = subprocess.run([os.path.join(pg_bin, "pg_dump"), "--host=" + platform.directory, "--port=%d" % platform.port, "--username=postgres", *options, "postgres"],
                              stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
        ok(len(dump) > 5000, "a dump is made")
        search("a dump", dump)
    sizes = 0
    for directory, _, names in os.walk(data_directory):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                contents = file.read().decode("latin-1")
            sizes += len(contents)
            if any(secret in contents for secret in PASSWORDS + tokens + [KEY]):
                search(os.path.join(directory, name), contents)
    ok(sizes > 1 << 24, "the files of the data directory are searched", sizes)


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


def cores():
    """What a core file of each process would have, some with connections that they have opened with stored passwords"""
    closed, pooled, mysql = opened(["pg", "wrong", "my wrong", "rogue", "string"]), opened(["pg"]), opened(["my"])
    attempt(closed, "SELECT tenancy.close_connections()")
    with contextlib.closing(platform.connect()) as admin:
        with open(os.path.join(value(admin, "SHOW data_directory"), "postmaster.pid"), encoding="utf-8") as file:
            postmaster = int(file.readline())
        pids = [postmaster] + [pid for pid, in rows(admin, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'")]
        names = {closed.pid: ", of a session that has closed its connections", pooled.pid: ", of one with a pooled PostgreSQL connection",
                 mysql.pid: ", of one with a pooled MySQL connection"}
        ok(set(names) < set(pids) and len(pids) > 7, "processes are there", pids)
        for pid in pids:
            size, found = 0, dict.fromkeys([*PASSWORDS, environment("MYSQL_PASSWORD"), KEY, BARE_KEY], 0)
            del found[NEXT]  # what a session was given as a parameter lies in PostgreSQL's own buffers
            for piece in dumpable(pid):
                size += len(piece)
                for secret in found:
                    found[secret] += piece.count(secret)
            ok(size > 1 << 20, "process %d has memory" % pid, size)
            if pid == pooled.pid:
                # libpq keeps what it logs in with by SCRAM for as long as the connection lives, and lets nobody at it.
                ok(found.pop(STORED) <= 1, "and a password only where libpq keeps it" + names[pid])
            if pid == closed.pid and environment("MYSQL_FLAVOUR") == "mysql":
                # Oracle's library frees its copy of a password that was refused, out of our reach.
                ok(found.pop(WRONG) <= 1, "and a refused password only where Oracle's library had it" + names[pid])
            same({secret for secret, count in found.items() if count > 0}, set(), "and no secret in it" + names.get(pid, ""))
    for session in (closed, pooled, mysql):
        session.close()


told, tokens = [], []
client_role()
rogue = FalsePostgres()
platform = own_platform()
run(everything, places, cores)
