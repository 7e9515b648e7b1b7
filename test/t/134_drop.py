#!/usr/bin/python3
"""DROP EXTENSION leaves nothing in the database, and the extension can be made anew."""

import contextlib

from platform_server import Platform, enter, settle
from tenancy import ok, rows, run, same, value, wait_until

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
    """Everything that a tenant's use has made goes with it."""
    with contextlib.closing(server.connect()) as session:
        before = contents(session)
        settle(server)
        rows(session, "SELECT tenancy.detach('shop', 'shop')")
        rows(session, "DROP EXTENSION pg_tenancy")
        after = contents(session)
        for catalog in CATALOGS:
            same(after[catalog], before[catalog], catalog + " is what it was")
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
    with contextlib.closing(server.connect()) as session:
        rows(session, "DROP EXTENSION pg_tenancy CASCADE")
        same(value(session, "SELECT count(*) FROM pg_foreign_table"), 0, "CASCADE takes foreign tables along")
        rows(session, "DROP ROLE tenancy_admin, tenancy_user")
        same(value(session, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenancy_'"), 0, "the roles can be dropped")


run(drop, anew)
