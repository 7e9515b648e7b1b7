#!/usr/bin/python3
"""History has places for 64 databases at a time: one more is refused, and told so."""

import contextlib

from platform_server import Platform, enter, settle
from tenancy import ok, raised, rows, run, same, value

PLACES = 64
server = Platform("max_worker_processes = 200\n")
with contextlib.closing(server.connect()) as owner:
    rows(owner, "CREATE DATABASE model")
token = settle(server, "model", attaches=False)


def ask(database):
    with contextlib.closing(enter(server, token, database)) as session:
        return value(session, "SELECT tenancy.execute_query('shop', 'SELECT 1')")["status"]


def places():
    """The first query of the last database is refused"""
    names = ["model"] + ["copy%d" % number for number in range(PLACES)]
    with contextlib.closing(server.connect()) as admin:
        for name in names[1:]:
            rows(admin, "CREATE DATABASE %s TEMPLATE model" % name)
    same({ask(name) for name in names[:PLACES]}, {"success"}, "%d databases at a time" % PLACES)
    error = raised(ask, names[PLACES])
    ok(error is not None and error.pgcode == "53400" and "too many databases" in error.diag.message_primary, "no more", error)
    same(ask(names[0]), "success", "those that have a place go on")


run(places)
