#!/usr/bin/python3
"""Client databases whose answers are wrong in their form: states that are none, values in binary where text was asked for, messages that are no
text, rows wider than anybody asked for, and results behind the result. Each is an error that can be told, in JSON, to a client and in history."""

import contextlib
import struct

from rogue import DONE, MYSQL_COLUMN, MYSQL_END, TEXT, FalseMysql, FalsePostgres, data, description, message, mysql_row, packet
from tenancy import Background, User, connect, execute, history, memory, note, ok, pid_of, raised, rows, run, same, sqlstate

DATE, UUID = (b"d", 1082, -1), (b"u", 2950, -1)
NOT_STATES = (b"\xff" * 5, b'",":1', b"22p02", b"22 02", b"2200", b"220000", b"")
MOST_MEMORY = 400_000  # what the libraries make of so many columns, and a batch of their rows
WIDTH = 60_000
user = User("formless")


def make(name, engine, milliseconds=3000):
    server = engine()
    (user.mysql if engine is FalseMysql else user.postgres)(
        name, host="127.0.0.1", port=server.listener.port, username="u", password="p", database_name="d",
        options={"sslmode": "disable", "statement_timeout": milliseconds})
    return server


def states():
    """A SQLSTATE is five digits and capital letters"""
    with contextlib.closing(user.connect()) as session:
        for state in (b"22P02",) + NOT_STATES:
            wanted = "22P02" if state == b"22P02" else "08P01"
            servers["pg"].reply = message(b"E", b"SERROR\0VERROR\0C" + state + b"\0Mbad\0\0")
            answer = execute(session, "pg", "attack")
            same(answer["error"], {"code": "query", "sqlstate": wanted, "message": "bad"}, "%r in JSON" % state)
            same(sqlstate(rows, session, "SELECT * FROM tenancy.query('pg', 'attack') AS t(a text)"), wanted, "%r as an error" % state)
    with contextlib.closing(connect()) as admin:
        told = rows(admin, "SELECT DISTINCT encode(error_code::bytea, 'escape') FROM tenancy.query_history WHERE user_id = %s ORDER BY 1", user.id)
    same(told, [("08P01",), ("22P02",)], "and history has nothing else")


def forms():
    """Values in binary where text was asked for, and some in binary and some not"""
    server = servers["pg"]
    binary, text = b"\0\0\0\1", b"2001-02-03"
    for name, columns, values, readable in (
            ("a date in binary", [(*DATE, 1)], [binary], True), ("a uuid in binary", [(*UUID, 1)], [b"\1" * 16], True), ("text in binary", [(*TEXT, 1)], [b"a"], True),
            ("one in binary", [DATE, (*DATE, 1)], [text, binary], False), ("one in text", [(*DATE, 1), DATE], [binary, text], False)):
        server.description, server.reply = description(*columns), data(*values) + DONE
        with contextlib.closing(user.connect()) as session:
            answer = execute(session, "pg", "attack")
            same((answer["status"], answer["error"] and answer["error"]["sqlstate"], answer["rows"]), ("error", "08P01", []), name + ": in JSON")
            error = raised(rows, session, "SELECT * FROM tenancy.query('pg', 'attack') AS t(%s)" % ", ".join("c%d text" % n for n in range(len(columns))))
            ok(error is not None and error.pgcode == "08P01" if not readable else error is None or error.pgcode == "08P01", name + ": as rows", error)
    server.description, server.reply = description(TEXT), DONE


def messages():
    """A message of SQLite that quotes bytes of the statement"""
    statement = "SELECT json_extract('{}', CAST(x'%s' AS TEXT))"
    with contextlib.closing(user.connect()) as session:
        for bytes_ in ("ff", "c3", "0a41ff07"):
            answer = execute(session, "lite", statement % bytes_)
            same(answer["status"], "error", bytes_ + ": in JSON")
            error = raised(rows, session, "SELECT * FROM tenancy.query('lite', %s) AS t(a text)", statement % bytes_)
            ok(error is not None and error.pgcode == answer["error"]["sqlstate"] and "?" in str(error), bytes_ + ": as an error", error)
            note(error)
        same(len(history("user_id = %s AND error_message LIKE '%%?%%'", user.id)), 6, "and in history")


def widths():
    """A NULL is a bit for the server, and sixteen bytes here"""
    server = servers["wide"]
    server.columns = WIDTH
    nulls = b"\0" + b"\xff" * ((WIDTH + 9) // 8)
    server.reply = b"".join(packet(server.first() + n, nulls) for n in range(1000)) + packet(server.first() + 1000, MYSQL_END)
    for word, statement, state in ((b"attack", "SELECT tenancy.execute_query('wide', 'attack')", None),
                                   (b"information_schema", "SELECT tenancy.detect_client_schema('wide')", "08P01")):
        server.word = word
        with contextlib.closing(user.connect()) as session:
            before = memory(pid_of(session))["most"]
            error = raised(rows, session, statement)
            grown = memory(pid_of(session))["most"] - before
            same(error and error.pgcode, state, statement)
            ok(grown < MOST_MEMORY, statement + ": in little memory", "%d kB" % grown)
            note("%s %d kB" % (error, grown))


def results():
    """Results behind the result, which nobody wants, without an end"""
    server = servers["my"]
    server.described = more = MYSQL_END[:3] + struct.pack("<H", 10)  # autocommit, and another result
    for name, begin, each in (("rows", packet(4, more) + packet(5, b"\1") + packet(6, MYSQL_COLUMN) + packet(7, more), mysql_row(b"a value")),
                              ("results", packet(4, more), b"\0\0\0\x0a\0\0\0")):
        block = b"".join(packet((8 if name == "rows" else 5) + n, each) for n in range(256 * 400))

        def flood(visitor, begin=begin, block=block):
            visitor.sendall(begin)
            while True:
                visitor.sendall(block)
        server.reply = flood
        with contextlib.closing(user.connect()) as session:
            job = Background(execute, session, "my", "attack")
            answer = job.value(60)
            ok(job.ended - job.started < 25, name + " without an end: in time", "%.1f s" % (job.ended - job.started))
            same(answer["error"] and answer["error"]["sqlstate"], "57014", name + " without an end")


servers = {"pg": make("pg", FalsePostgres), "my": make("my", FalseMysql), "wide": make("wide", FalseMysql, 60_000)}
user.sqlite()
run(states, forms, messages, widths, results)
