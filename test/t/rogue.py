"""Client databases that are none: as much of each protocol as the drivers need to log in and to send a statement, and then
whatever the test wants to answer. Real sockets on loopback."""

import struct
import time

from tenancy import Listener


def message(kind, body):
    """One message of PostgreSQL's protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


def description(*columns):
    """Of columns with name, type, modifier, and 1 behind them for those that claim to come in binary."""
    return message(b"T", struct.pack("!H", len(columns)) + b"".join(
        name + b"\0" + struct.pack("!IHIhih", 0, 0, oid, -1, typmod, sum(form)) for name, oid, typmod, *form in columns))


def data(*values):
    return message(b"D", struct.pack("!H", len(values)) + b"".join(struct.pack("!i", len(text)) + text for text in values))


DONE = message(b"C", b"SELECT 1\0")
TEXT = (b"a", 25, -1)


def read(visitor, size):
    """Exactly that many bytes; OSError when the visitor has gone, which ends the serving."""
    got = b""
    while len(got) < size:
        part = visitor.recv(size - len(got))
        if not part:
            raise OSError("gone")
        got += part
    return got


class FalsePostgres:
    """To a statement with self.word in it it answers self.description, of the statement's text when it can be called, and self.reply: bytes, or
    what to call with the visitor's socket. Where they are set, it sends self.welcome to who is let in, and self.interruption in place of
    reading a statement of 1 MB or more."""

    word = b"attack"

    def __init__(self):
        self.welcome = self.interruption = None
        self.description, self.reply, self.refusal, self.version = description(TEXT), DONE, None, b"15.1"
        self.listener = Listener(self._serve)

    @staticmethod
    def _packet(visitor):
        return read(visitor, struct.unpack("!I", read(visitor, 4))[0] - 4)

    def _answer(self, visitor):
        if callable(self.reply):
            self.reply(visitor)
        else:
            visitor.sendall(self.reply)

    def _serve(self, _, visitor):
        while struct.unpack("!I", self._packet(visitor)[:4])[0] in (80877103, 80877104):
            visitor.sendall(b"N")
        visitor.sendall(message(b"R", struct.pack("!I", 5) + b"salt"))  # md5: newer libpqs tell no password in clear
        read(visitor, 1)
        self._packet(visitor)
        greeting = message(b"R", struct.pack("!I", 0))
        for name, setting in ((b"server_version", self.version), (b"client_encoding", b"UTF8"), (b"DateStyle", b"ISO, MDY"), (b"TimeZone", b"UTC"),
                              (b"IntervalStyle", b"postgres"), (b"standard_conforming_strings", b"on")):
            greeting += message(b"S", name + b"\0" + setting + b"\0")
        if self.welcome:
            visitor.sendall(greeting)
            self.welcome(visitor)
        visitor.sendall(greeting + message(b"K", struct.pack("!II", 1, 2)) + message(b"Z", b"I"))
        sql, state = b"", b"I"
        while True:
            kind, size = read(visitor, 1), struct.unpack("!I", read(visitor, 4))[0] - 4
            if self.interruption and size >= 1 << 20:
                self.interruption(visitor)
            body = read(visitor, size)
            attacked, own_reply = self.word in sql, b"pg_backend_pid" in sql
            if kind == b"P":
                sql = body.split(b"\0")[1]
                if sql.startswith((b"BEGIN", b"START")):
                    state = b"T"
                elif sql.startswith((b"COMMIT", b"ROLLBACK", b"ABORT", b"DISCARD")) and not sql.startswith(b"ROLLBACK TO"):
                    state = b"I"
                visitor.sendall(self.refusal if self.word in sql and self.refusal else message(b"1", b""))
            elif kind == b"B":
                visitor.sendall(message(b"2", b""))
            elif kind == b"D":
                described = self.description(sql) if callable(self.description) else self.description
                told = described if attacked else description(TEXT) if own_reply else message(b"n", b"")
                visitor.sendall((message(b"t", struct.pack("!H", 0)) if body[:1] == b"S" else b"") + told)
            elif kind == b"E":
                if attacked:
                    self._answer(visitor)
                else:
                    word = sql.split(b" ")[0]
                    tag = word if word in (b"BEGIN", b"COMMIT", b"ROLLBACK") else b"SET"
                    visitor.sendall(data(b"1") + DONE if own_reply else message(b"C", tag + b"\0"))
            elif kind == b"S":
                visitor.sendall(message(b"Z", state))
            elif kind == b"X":
                return


def packet(number, body):
    """One packet of MySQL's protocol."""
    return struct.pack("<I", len(body))[:3] + bytes([number & 0xFF]) + body


def mysql_greeting(tls, version=b"5.5.5-10.11.0-MariaDB"):
    body = (b"\x0a" + version + b"\0" + struct.pack("<I", 7) + b"12345678\0" +
            struct.pack("<HBHHB", 0xFFDF if tls else 0xF7DF, 45, 2, 0x000F | 0x0008, 21) + b"\0" * 10 + b"123456789012\0" +
            b"mysql_native_password\0")
    return packet(0, body)


def mysql_answering(greeting, *answers, pause=None):
    """Greets, byte by byte with a pause, and gives the answers one after the other."""
    def serve(listener, visitor):
        for part in [greeting] if pause is None else [greeting[at:at + 1] for at in range(len(greeting))]:
            visitor.sendall(part)
            time.sleep(pause or 0)
        for answer in answers:
            if not listener.receive(visitor):
                return
            visitor.sendall(answer)
        while listener.receive(visitor):
            pass
    return serve


MYSQL_OK = b"\0\0\0\2\0\0\0"
MYSQL_END = b"\xfe\0\0\2\0"
MYSQL_COLUMN = b"\3def\0\0\0\1c\1c\x0c\x2d\0\x40\0\0\0\xfd\0\0\0\0\0"


def mysql_row(text):
    """The bytes of a row with one column of text."""
    return b"\0\0\xfd" + struct.pack("<I", len(text))[:3] + text


class FalseMysql:
    """To a statement with self.word in it it answers so many columns, self.described, and self.reply: bytes, or what to call with the visitor's
    socket; its first packet has the number that first() tells."""

    word, columns, described = b"attack", 1, MYSQL_END

    def __init__(self):
        self.reply = packet(4, MYSQL_END)
        self.listener = Listener(self._serve)

    @staticmethod
    def _packet(visitor):
        return read(visitor, int.from_bytes(read(visitor, 4)[:3], "little"))

    def first(self):
        return 3 + self.columns

    def _columns(self, number, end):
        return b"".join(packet(number + n, MYSQL_COLUMN) for n in range(self.columns)) + packet(number + self.columns, end)

    def _prepared(self, marks):
        parameters = b"".join(packet(2 + n, MYSQL_COLUMN) for n in range(marks)) + (packet(2 + marks, MYSQL_END) if marks else b"")
        return (packet(1, b"\0\1\0\0\0" + struct.pack("<HH", self.columns, marks) + b"\0\0\0") + parameters +
                self._columns(2 + marks + (marks > 0), MYSQL_END))

    def _answer(self, visitor):
        visitor.sendall(packet(1, b"\xfc" + struct.pack("<H", self.columns)) + self._columns(2, self.described))
        if callable(self.reply):
            self.reply(visitor)
        else:
            visitor.sendall(self.reply)

    def _serve(self, _, visitor):
        visitor.sendall(packet(0, b"\x0a8.0.99\0\1\0\0\0abcdefgh\0" + struct.pack("<HBHHB", 0xF7FF, 45, 2, 0x000F, 21) + b"\0" * 10 +
                               b"ijklmnopqrst\0mysql_native_password\0"))
        self._packet(visitor)
        visitor.sendall(packet(2, MYSQL_OK))
        attacked = False
        while True:
            command = self._packet(visitor)
            if command[:1] == b"\x16":
                attacked = self.word in command
                if attacked:
                    visitor.sendall(self._prepared(command.count(b"?")))
                else:
                    visitor.sendall(packet(1, b"\0\1\0\0\0\1\0\0\0\0\0\0") + packet(2, MYSQL_COLUMN) + packet(3, MYSQL_END))
            elif command[:1] == b"\x17" and attacked:
                self._answer(visitor)
            elif command[:1] == b"\x17":
                visitor.sendall(packet(1, b"\1") + packet(2, MYSQL_COLUMN) + packet(3, MYSQL_END) + packet(4, mysql_row(b"1")) + packet(5, MYSQL_END))
            elif command[:1] == b"\1":
                return
            elif command[:1] != b"\x19":
                visitor.sendall(packet(1, MYSQL_OK))
