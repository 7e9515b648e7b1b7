#!/usr/bin/python3
"""Client databases that attack from the login on, mostly with what they answer to a statement: endless rows, rows that claim to be huge, a byte
a second, silence and half a row. Each ends in time as an error or as a truncated answer, and costs little memory."""

import contextlib
import struct
import time

from rogue import DONE, MYSQL_END, FalseMysql, FalsePostgres, data, message, mysql_row, packet
from tenancy import (Background, User, connect, execute, is_up, memory, note, ok, pid_of, raised, rows, run, same, value)

CHECKPOINTER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
MOST_MEMORY = 700_000
CAPPED_MEMORY = 1_700_000  # what remote/memory_cap.hpp allows while it sends, as much while it leaves, and the statement
CAPPED_SECONDS = 40  # to receive that much, on processors that others use too; the clock ends it only between two reads of libpq
user = User("careless")
with contextlib.closing(connect()) as superuser:
    checkpointer = value(superuser, CHECKPOINTER)


def flood(block):
    """Send the same bytes without an end, until nobody reads them."""
    def serve(visitor):
        while True:
            visitor.sendall(block)
    return serve


def huge(head, size):
    """Begin a message, and go on with its contents for that many bytes."""
    def serve(visitor):
        visitor.sendall(head)
        block = b"x" * (1 << 20)
        for _ in range(size >> 20):
            visitor.sendall(block)
        visitor.recv(1)
    return serve


def drip(whole):
    def serve(visitor):
        for byte in whole * 1000:
            visitor.sendall(bytes([byte]))
            time.sleep(1)
    return serve


def then_silence(whole):
    def serve(visitor):
        visitor.sendall(whole)
        visitor.recv(1)
    return serve


def then_gone(whole):
    def serve(visitor):
        visitor.sendall(whole)
        raise OSError("gone")
    return serve


POSTGRES_ROW, MYSQL_ROW = data(b"a value"), packet(4, mysql_row(b"a value"))


def mysql_flood(visitor):
    """Rows with right numbers: 4 to 255, then from 0."""
    number = 4
    while True:
        block = b""
        for _ in range(2000):
            block += packet(number, mysql_row(b"a value"))
            number = number + 1 & 0xFF
        visitor.sendall(block)


def mysql_huge(visitor):
    """One row in packets of 16 MB, of which the last never comes"""
    block, number = b"\0\0\xfe" + struct.pack("<Q", 1 << 32) + b"x" * (0xFFFFFF - 11), 4
    for _ in range(256):
        visitor.sendall(packet(number, block))
        block, number = b"x" * 0xFFFFFF, number + 1 & 0xFF
    visitor.recv(1)


ATTACKS = [
    ("a row of 1 GB", "postgres", huge(b"D" + struct.pack("!IHI", 0x40000000, 1, 0x3FFFFFFA), 1 << 30)),
    ("a row of 2 GB", "postgres", huge(b"D" + struct.pack("!IHI", 0x7FFFFFFF, 1, 0x7FFFFFF0), 2 << 30)),
    ("a row of 4 GB", "postgres", huge(b"D" + struct.pack("!IHI", 0xFFFFFFFF, 1, 0xFFFFFFF0), 1 << 30)),
    ("a row of negative length", "postgres", then_silence(b"D" + struct.pack("!iHi", -5, 1, -5))),
    ("a value of negative length", "postgres", then_silence(message(b"D", struct.pack("!Hi", 1, -7)) + DONE)),
    ("a value longer than its row", "postgres", then_silence(message(b"D", struct.pack("!HI", 1, 0x7FFFFFF0) + b"x") + DONE)),
    ("an error of 2 GB", "postgres", huge(b"E" + struct.pack("!I", 0x7FFFFFFF) + b"SERROR\0M", 2 << 30)),
    ("notices without end", "postgres", flood(message(b"N", b"SNOTICE\0C00000\0Mblah\0\0") * 1000)),
    ("notifications without end", "postgres", flood(message(b"A", struct.pack("!I", 1) + b"channel\0" + b"p" * 500 + b"\0") * 1000)),
    ("settings without end", "postgres", flood(b"".join(message(b"S", b"name%d\0value\0" % n) for n in range(1000)))),
    ("a byte a second", "postgres", drip(POSTGRES_ROW)),
    ("silence after a row", "postgres", then_silence(POSTGRES_ROW)),
    ("silence in a row", "postgres", then_silence(POSTGRES_ROW + POSTGRES_ROW[:-2])),
    ("gone in a row", "postgres", then_gone(POSTGRES_ROW + POSTGRES_ROW[:-2])),
    ("a row of 4 GB", "mysql", mysql_huge),
    ("a value longer than its row", "mysql", then_silence(packet(4, b"\0\0\xfe" + struct.pack("<Q", 1 << 62) + b"x") + packet(5, MYSQL_END))),
    ("a byte a second", "mysql", drip(MYSQL_ROW)),
    ("silence after a row", "mysql", then_silence(MYSQL_ROW)),
    ("silence in a row", "mysql", then_silence(MYSQL_ROW + MYSQL_ROW[:-2])),
    ("gone in a row", "mysql", then_gone(MYSQL_ROW + MYSQL_ROW[:-2])),
]
ENDED = ("08006", "08P01", "57014", "54000", "53200", "22021", "HY000")


def make(engine):
    server, name = (FalsePostgres if engine == "postgres" else FalseMysql)(), engine
    (user.postgres if engine == "postgres" else user.mysql)(
        name, host="127.0.0.1", port=server.listener.port, username="u", password="p", database_name="d",
        options={"sslmode": "disable", "connect_timeout": 4, "statement_timeout": 4000})
    return server


def attacked(name, call, most=MOST_MEMORY, seconds=25):
    """Run the call in a session of its own: it ends in time, in an error or with its answer, and the session has not grown."""
    with contextlib.closing(user.connect()) as session:
        before = memory(pid_of(session))["most"]
        job = Background(call, session)
        result = job.value(60)
        ok(job.ended - job.started < seconds, name + ": in time", "%.1f s" % (job.ended - job.started))
        grown = memory(pid_of(session))["most"] - before
        ok(grown < most, name + ": in little memory", "%d kB" % grown)
        same(execute(session, "good", "SELECT 3 AS n")["rows"], [[3]], name + ": and the session works on")
    return result


def attacks():
    """Bytes that are no answer"""
    for what, engine, reply in ATTACKS:
        servers[engine].reply = reply
        statement = "SELECT * FROM tenancy.query('%s', 'attack') AS t(a text)" % engine
        name = "%s: %s" % (engine, what)
        error = attacked(name, lambda session, text=statement: raised(rows, session, text))
        ok(error is not None and error.pgcode in ENDED, name + ": is an error", error and (error.pgcode, str(error)))
        note("%s %s" % (error and error.pgcode, str(error).strip()))
        answer = attacked(name + ", by execute_query", lambda session, where=engine: execute(session, where, "attack"))
        ok(answer["status"] in ("error", "timeout"), name + ": by execute_query, too", answer)


def early():
    """Before any answer: at the end of the login, and while a statement is being sent"""
    server = servers["postgres"]
    server.welcome = huge(b"N" + struct.pack("!I", 0x7FFFFFFF), 2 << 30)
    answer = attacked("postgres: a notice of 2 GB at login", lambda session: execute(session, "postgres", "SELECT 1"))
    same(answer["status"], "error", "postgres: a notice of 2 GB at login: is an error")
    note(answer["error"])
    server.welcome, server.interruption = None, flood(b"x" * (1 << 20))
    # more than the sockets between the two hold
    answer = attacked("postgres: sends and does not read", lambda session: execute(session, "postgres", "SELECT '%s'" % ("x" * (12 << 20))),
                      CAPPED_MEMORY, CAPPED_SECONDS)
    ok(answer["status"] in ("error", "timeout"), "postgres: sends and does not read: is an error", answer)
    note(answer["error"])
    server.interruption = None


def endless():
    """Rows without end: cut where they are limited, and never kept"""
    for engine, reply in (("postgres", flood(POSTGRES_ROW * 1000)), ("mysql", mysql_flood)):
        servers[engine].reply = reply
        answer = attacked(engine + ": endless rows in JSON", lambda session, where=engine: execute(session, where, "SELECT attack"))
        same((answer["status"], answer["truncated"], answer["row_count"]), ("success", True, 10000), engine + ": are cut and say so")

        def by_cursor(session, where=engine):
            rows(session, "BEGIN")
            rows(session, "SELECT tenancy.open_query(%s, 'attack', NULL, 'c')", where)
            for _ in range(5):
                rows(session, "MOVE 10000 IN c")
            rows(session, "ROLLBACK")
        attacked(engine + ": endless rows in a cursor", by_cursor)

        def into_a_file(session, where=engine):
            return raised(rows, session, "SELECT count(*) FROM tenancy.query(%s, 'attack') AS t(a text)", where)
        error = attacked(engine + ": endless rows into a query", into_a_file)
        ok(error is not None and error.pgcode in ("57014", "53400", "54000"), engine + ": end with the time limit", error)


def the_end():
    """The server is the one that it was"""
    ok(is_up(), "the server is up")
    with contextlib.closing(connect()) as session:
        same(value(session, CHECKPOINTER), checkpointer, "and did not start again after a crash")


user.sqlite("good", database_name="good.db")
servers = {"postgres": make("postgres"), "mysql": make("mysql")}
run(attacks, early, endless, the_end)
