#!/usr/bin/python3
"""DROP EXTENSION leaves nothing in the database but attached schemas that CASCADE emptied, and the extension can be made anew."""

import contextlib

from platform_server import Platform, enter, settle
from tenancy import ok, raised, rows, run, same, sqlstate, value, wait_until

CATALOGS = {"pg_class": "relname", "pg_proc": "proname", "pg_type": "typname", "pg_namespace": "nspname", "pg_foreign_server": "srvname",
            "pg_foreign_data_wrapper": "fdwname", "pg_trigger": "tgname", "pg_policy": "polname", "pg_constraint": "conname",
            "pg_default_acl": "defaclrole::regrole", "pg_event_trigger": "evtname", "pg_cast": "castsource::regtype",
            "pg_operator": "oprname", "pg_statistic_ext": "stxname", "pg_seclabel": "label"}

server = Platform()


def contents(session):
    found = {catalog: rows(session, "SELECT %s::text FROM %s WHERE NOT (%s)" % (
        name, catalog, "relname ~ '^pg_toast'" if catalog == "pg_class" else
        "typname ~ '^_?pg_toast'" if catalog == "pg_type" else "false")) for catalog, name in CATALOGS.items()}
    return {catalog: sorted(found[catalog]) for catalog in found}


def drop():
    """Everything that a tenant's use has made goes with it, once nothing is attached any more."""
    with contextlib.closing(server.connect()) as session:
        settle(server)
        used = contents(session)
        error = raised(rows, session, "DROP EXTENSION pg_tenancy")
        same(error and error.pgcode, "2BP01", "what is attached keeps the extension")
        ok(error is not None and "foreign table shop.items depends on server" in error.diag.message_detail and "CASCADE" in error.diag.message_hint,
           "and the error names it", error)
        same(contents(session), used, "nothing has gone")
        rows(session, "SELECT tenancy.detach(connection_id, schema_name) FROM tenancy.attachments")
        rows(session, "DROP EXTENSION pg_tenancy")
        after = contents(session)
        for catalog in CATALOGS:
            same(after[catalog], CLEAN[catalog], catalog + " is what it was")
        same(value(session, "SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass"
                   " AND refobjid NOT IN (SELECT oid FROM pg_extension)"), 0, "nothing depends on it any more")
        same(value(session, "SELECT count(*) FROM pg_shdepend AS d JOIN pg_roles AS r ON r.oid = d.refobjid"
                   " WHERE r.rolname ~ '^tenancy_'"), 0, "nor on its roles")
        ok(wait_until(lambda: value(session, "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^pg_tenancy'"
                                    " AND datname = current_database()") == 0, 60, "the end of the workers") is not None,
           "its workers have ended")


def anew():
    """Made again, it works as on the first day."""
    token = settle(server)
    with contextlib.closing(enter(server, token)) as session:
        ok(value(session, "SELECT count(*) FROM tenancy.history()") >= 5, "history is written")
        same(rows(session, "SELECT * FROM tenancy.verify_history() WHERE problem IS NOT NULL"), [], "in a new chain")


def cascade():
    """CASCADE takes foreign tables and servers along, and leaves the attached schemas: empty, with the privileges of who used them."""
    with contextlib.closing(server.connect()) as session:
        rows(session, "CREATE ROLE eve LOGIN IN ROLE tenancy_user")
        rows(session, "SELECT tenancy.bind_role(id, 'eve') FROM tenancy.users WHERE email = 'ada@example.com'")
        with contextlib.closing(server.connect(user="eve")) as tenant:
            rows(tenant, "SELECT tenancy.attach('shop', 'mine')")
            same(value(tenant, "SELECT count(*) FROM mine.items"), 2, "a tenant's role uses an attached schema")
        rows(session, "DROP EXTENSION pg_tenancy CASCADE")
        after = contents(session)
        same(after.pop("pg_namespace"), sorted(CLEAN["pg_namespace"] + [("mine",), ("shop",)]), "two schemas are left")
        same(after, {catalog: found for catalog, found in CLEAN.items() if catalog != "pg_namespace"}, "and nothing else")
        same(value(session, "SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass"
                   " AND refobjid IN ('mine'::regnamespace, 'shop'::regnamespace)"), 0, "they are empty")
        same(value(session, "SELECT has_schema_privilege('eve', 'mine', 'USAGE')"), True, "the privilege of the tenant's role is left with its schema")
        same(sqlstate(rows, session, "DROP ROLE eve"), "2BP01", "and keeps the role")
        token = settle(server, attaches=False)
        with contextlib.closing(enter(server, token)) as tenant:
            same(sqlstate(rows, tenant, "SELECT tenancy.attach('shop', 'shop')"), "42P06", "a new extension does not take them over")
            rows(session, "DROP SCHEMA mine; DROP SCHEMA shop; DROP ROLE eve")
            same(value(tenant, "SELECT tenancy.attach('shop', 'shop')"), 1, "when they are dropped, by hand, it attaches anew")
            rows(tenant, "SELECT tenancy.detach('shop', 'shop')")
        rows(session, "DROP EXTENSION pg_tenancy")
        same(contents(session), CLEAN, "and leaves nothing")
        rows(session, "DROP ROLE tenancy_admin, tenancy_user")
        same(value(session, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenancy_'"), 0, "the roles can be dropped")


with contextlib.closing(server.connect()) as first:
    CLEAN = contents(first)
run(drop, anew, cascade)
