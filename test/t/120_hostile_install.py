#!/usr/bin/python3
"""A database that its owner has prepared before the extension comes: nothing of theirs is taken over, none of their code runs with
the rights of who installs, nor later; and without a key that is one, no credential is stored."""

import contextlib
import os
import signal

from tenancy import (UNIQUE, PostgresServer, connect, is_root, make_role, ok, private_directory, raised, rows, run, same, sqlstate,
                     value, wait_until)
from traps import TRAPS

DATABASE = "prepared_" + UNIQUE
KEY = "A" * 43 + "="
owner = make_role("owner")


@contextlib.contextmanager
def database():
    """A database of the tenant's, gone afterwards"""
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE DATABASE "%s" OWNER "%s"' % (DATABASE, owner))
        try:
            yield
        finally:
            rows(admin, 'DROP DATABASE "%s" WITH (FORCE)' % DATABASE)


def prepared(*statements):
    """What CREATE EXTENSION raises after the owner has run the statements."""
    with database():
        with contextlib.closing(connect(user=owner, dbname=DATABASE)) as session:
            for statement in statements:
                rows(session, statement)
        with contextlib.closing(connect(dbname=DATABASE)) as admin:
            return sqlstate(rows, admin, "CREATE EXTENSION pg_tenancy")


def adoption():
    """A schema of that name, with and without something in it, is not adopted"""
    same(prepared(), None, "a database of somebody's")
    same(prepared("CREATE SCHEMA tenancy"), "42P06", "with an empty schema of the owner's")
    for made in ("CREATE FUNCTION tenancy.current_user_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
                 "CREATE FUNCTION tenancy.login(varchar, varchar) RETURNS text LANGUAGE sql AS 'SELECT $2'",
                 "CREATE TABLE tenancy.users (id uuid)", "CREATE TYPE tenancy.users AS (id uuid)",
                 "CREATE OPERATOR tenancy.= (LEFTARG = uuid, RIGHTARG = uuid, PROCEDURE = pg_catalog.uuid_eq)"):
        same(prepared("CREATE SCHEMA tenancy", made), "42P06", "with " + made[:60])
    with database(), contextlib.closing(connect(dbname=DATABASE)) as admin:
        rows(admin, "CREATE EXTENSION pg_tenancy")
        rows(admin, "DROP EXTENSION pg_tenancy")
        same(sqlstate(rows, admin, "CREATE EXTENSION pg_tenancy"), None, "the empty schema that an extension left is taken again")


def roles():
    """A role of the extension's name that somebody else can log in as, or can grant, is not adopted; administrators who are there already may stay"""
    platform = PostgresServer("shared_preload_libraries = 'pg_tenancy'")
    with contextlib.closing(platform.connect()) as admin:
        def refused(label, wanted, *statements):
            for statement in statements:
                rows(admin, statement)
            error = raised(rows, admin, "CREATE EXTENSION pg_tenancy")
            ok(error is not None and error.pgcode == "42710" and error.diag.message_hint and all(word in str(error) for word in wanted), label, error)
            rows(admin, "DROP EXTENSION IF EXISTS pg_tenancy")
        rows(admin, "CREATE ROLE helpdesk CREATEROLE")
        rows(admin, "CREATE ROLE root SUPERUSER")
        rows(admin, "CREATE ROLE tenancy_admin")
        refused("one to log in as", ("tenancy_user", "log in"), "CREATE ROLE tenancy_user LOGIN")
        refused("one that its maker can grant", ("tenancy_admin", "helpdesk", "ADMIN OPTION"),
                "ALTER ROLE tenancy_user NOLOGIN", "GRANT tenancy_admin TO helpdesk WITH ADMIN OPTION")
        refused("the other one", ("tenancy_user", "helpdesk", "ADMIN OPTION"),
                "REVOKE ADMIN OPTION FOR tenancy_admin FROM helpdesk", "GRANT tenancy_user TO helpdesk WITH ADMIN OPTION")
        rows(admin, "REVOKE ADMIN OPTION FOR tenancy_user FROM helpdesk")
        rows(admin, "GRANT tenancy_admin TO root WITH ADMIN OPTION")
        same(sqlstate(rows, admin, "CREATE EXTENSION pg_tenancy"), None, "members are no hindrance, nor a superuser who can grant them")
    platform.stop()


def traps():
    """Everything that our SQL names exists in public, first in everybody's search_path: none of it runs"""
    with database():
        with contextlib.closing(connect(user=owner, dbname=DATABASE)) as session:
            rows(session, TRAPS.replace("RAISE EXCEPTION 'trap", "RAISE LOG 'trap").replace("; END$$", "; RETURN NULL; END$$"))
            rows(session, "ALTER DATABASE \"%s\" SET search_path = public, pg_temp, pg_catalog" % DATABASE)
        with contextlib.closing(connect(dbname=DATABASE)) as admin:
            rows(admin, "SET client_min_messages = log")
            rows(admin, "SELECT 'a'::text = 'b'::text")
            ok(any("trap" in notice for notice in admin.notices), "the traps work")
            admin.notices.clear()
            rows(admin, "CREATE EXTENSION pg_tenancy")
            user = value(admin, "SELECT tenancy.register('trapped@test.example', 'a long password')")
            rows(admin, "SELECT tenancy.authenticate(tenancy.login('trapped@test.example', 'a long password'))")
            rows(admin, "SELECT tenancy.set_active(%s, true)", user)
            same([notice for notice in admin.notices if "trap" in notice], [], "none runs while the extension is made and used")


def is_registered(name, where):
    return value(where, "SELECT count(*) FROM tenancy.database_connections WHERE name = %s", name)


def keys():
    """No key, half a key, a key that others can read: no credential is stored, and the server still runs"""
    directory = private_directory()
    path = os.path.join(directory, "ring")

    def write(text, mode=0o600):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        if is_root():
            os.chown(path, os.stat(directory).st_uid, os.stat(directory).st_gid)
    write("k1 %s\n" % KEY)
    platform = PostgresServer("shared_preload_libraries = 'pg_tenancy'")
    with contextlib.closing(platform.connect()) as session:
        rows(session, "CREATE EXTENSION pg_tenancy")
        rows(session, "SET tenancy.identity_scope = 'session'")
        rows(session, "SELECT tenancy.register('a@test.example', 'a long password')")
        rows(session, "SELECT set_config('tenancy.session', tenancy.login('a@test.example', 'a long password'), false)")
        create = "SELECT tenancy.create_connection(%s, 'postgresql', 'db.example.com', 5432, 'd', 'u', 'a password')"
        same(sqlstate(rows, session, create, "none"), "58000", "without a key")
        same(is_registered("none", session), 0, "nothing is stored")
        rows(session, "ALTER SYSTEM SET tenancy.key_file = '%s'" % path)
        rows(session, "SELECT pg_reload_conf()")
        wait_until(lambda: value(session, "SHOW tenancy.key_file") == path, 10, "the new setting")
        for text, mode, what in (("", 0o600, "an empty file"), ("k1 c2hvcnQ=\n", 0o600, "a short key"), ("k1 %s\n" % KEY, 0o644, "a key that all can read"),
                                 ("k1 %s\n" % KEY, 0o660, "a key that the group can write")):
            write(text, mode)
            error = raised(rows, session, create, what)
            ok(error is not None and error.pgcode in ("22023", "42501"), "with " + what, error and (error.pgcode, str(error)))
            ok("c2hvcnQ" not in str(error) and KEY not in str(error), "which is not shown", error)
            same(is_registered(what, session), 0, "nothing is stored")
        write("k1 %s\n" % KEY)
        same(sqlstate(rows, session, create, "good"), None, "with a key")
    platform.stop()


def afterwards():
    """The extension is dropped while its worker has something to write: in tables of the same names, which are somebody else's, it does not"""
    with database(), contextlib.closing(connect(dbname=DATABASE)) as admin:
        rows(admin, "CREATE EXTENSION pg_tenancy")
        rows(admin, "SET tenancy.identity_scope = 'session'")
        rows(admin, "SELECT tenancy.register('late@test.example', 'a long password')")
        rows(admin, "SELECT set_config('tenancy.session', tenancy.login('late@test.example', 'a long password'), false)")
        rows(admin, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'late.db', options => '{\"create\": true}')")
        rows(admin, "SELECT tenancy.execute_query('lite', 'SELECT 1')")
        worker = value(admin, "SELECT worker_pid FROM tenancy.history_queue()")
        definition = value(admin, "SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)"
                           " FROM pg_attribute WHERE attrelid = 'tenancy.running_queries'::regclass AND attnum > 0")
        rows(admin, "SET tenancy.history_durability = 'async'")
        wait_until(lambda: value(admin, "SELECT queued FROM tenancy.history_queue()") == 0, 30, "the first run to be written")
        os.kill(worker, signal.SIGSTOP)
        try:
            rows(admin, "SELECT tenancy.execute_query('lite', 'SELECT 2')")
            rows(admin, "DROP EXTENSION pg_tenancy")
            with contextlib.closing(connect(user=owner, dbname=DATABASE)) as session:
                rows(session, "CREATE SCHEMA tenancy")
                rows(session, "CREATE TABLE tenancy.running_queries (%s, PRIMARY KEY (id))" % definition)
                rows(session, "CREATE TABLE tenancy.caught (who text)")
                rows(session, "CREATE FUNCTION tenancy.f() RETURNS trigger LANGUAGE plpgsql AS"
                     " 'BEGIN INSERT INTO tenancy.caught VALUES (current_user); RETURN NEW; END'")
                rows(session, "CREATE TRIGGER t BEFORE INSERT ON tenancy.running_queries FOR EACH ROW EXECUTE FUNCTION tenancy.f()")
        finally:
            os.kill(worker, signal.SIGCONT)
        wait_until(lambda: value(admin, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", worker) == 0, 30, "the worker to leave")
        same(rows(admin, "SELECT who FROM tenancy.caught"), [], "nothing is written for others to see, nor run with its rights")


run(adoption, roles, traps, keys, afterwards)
