#!/usr/bin/python3
"""What is written as a database, a user or a host stays that: the servers at the other end record each field as they get it, and
the password goes nowhere else."""

import contextlib
import struct

from rogue import packet, read
from tenancy import Listener, User, environment, ok, raised, rows, run, same, value

OWN_PASSWORD = "smuggled canary"
# Oracle's library offers them always, and gives none: see MysqlRogue.GetsNoFile in test/unit.
OFFERS_FILES = 0x80 if environment("MYSQL_FLAVOUR") == "mysql" else 0
user = User("smuggler")


def startup_fields(listener, visitor):
    """Record the first packet of PostgreSQL's protocol as pairs, and say no."""
    while True:
        body = read(visitor, struct.unpack("!I", read(visitor, 4))[0] - 4)
        if struct.unpack("!I", body[:4])[0] not in (80877103, 80877104):
            break
        visitor.sendall(b"N")
    texts = body[4:].split(b"\0")
    listener.fields.append(dict(zip(texts[0:-2:2], texts[1:-2:2])))


def login_fields(listener, visitor):
    """Record user and database of a MySQL login, and say no."""
    visitor.sendall(packet(0, b"\x0a8.0.99\0\1\0\0\0abcdefgh\0" + struct.pack("<HBHHB", 0xF7FF, 45, 2, 0x0008, 21) + b"\0" * 10 +
                              b"ijklmnopqrst\0mysql_native_password\0"))
    body = read(visitor, int.from_bytes(read(visitor, 4)[:3], "little"))
    capabilities, rest = struct.unpack("<I", body[:4])[0], body[32:]
    name, _, rest = rest.partition(b"\0")
    rest = rest[1 + rest[0]:]
    listener.fields.append({b"user": name, b"database": rest.partition(b"\0")[0], b"files": capabilities & 0x80, b"several": capabilities & 0x10000})


NAMES = ("postgres host=evil.example.com", "postgresql://evil.example.com/x?passfile=/etc/passwd", "d' options='-c role=postgres", "a,b", "a;b", "a b",
         "d\\' host=evil", "service=decoy", "%2Ftmp", "-h", "d?sslmode=disable", "d&allowLoadLocalInfile=true", "${HOME}", "`id`")


def names():
    """Databases and users with names that mean something elsewhere are refused, or arrive as they are"""
    for make, serve in ((user.postgres, startup_fields), (user.mysql, login_fields)):
        listener = Listener(serve)
        listener.fields = []
        with contextlib.closing(user.connect()) as session:
            for number, text in enumerate(NAMES):
                word = "%s %d" % (make.__name__, number)
                del listener.fields[:]
                error = raised(lambda m=make, w=word, t=text: m(w, port=listener.port, database_name=t, username=t, password=OWN_PASSWORD,
                                                                options={"sslmode": "disable"}))
                if error is not None:
                    same(error.pgcode, "22023", "%s: %r is refused when it is written" % (word, text))
                    continue
                ok(value(session, "SELECT code FROM tenancy.test_connection(%s)", word) not in ("ok", "denied_address", "dns"), "%s: it was tried" % word)
                # The connections made before are checked in the background, too.
                seen = {(fields[b"user"], fields[b"database"]) for fields in listener.fields}
                ok((text.encode(), text.encode()) in seen and seen <= {(each.encode(), each.encode()) for each in NAMES}, "%s: %r" % (word, text), seen)
                if make == user.postgres:
                    same({key for fields in listener.fields for key in fields},
                         {b"user", b"database", b"application_name", b"client_encoding"}, word + ": and nothing else is sent")
                else:
                    same([(fields[b"files"], fields[b"several"]) for fields in listener.fields], [(OFFERS_FILES, 0)] * len(listener.fields),
                         word + ": neither files nor several statements are offered")
        ok(listener.visits >= len(NAMES) / 2, make.__name__ + ": most are names that could be")
        listener.close()


def refused():
    """Names that no server could have, and lists of hosts"""
    for make in (user.postgres, user.mysql):
        for field, text in (("host", "127.0.0.1,db.example.com"), ("host", "127.0.0.1 dbname=x"), ("host", "127.0.0.1\nuser=x"), ("host", "/tmp"),
                            ("host", "@tmp"), ("host", "%2Ftmp"), ("database_name", "a\nb"), ("username", "a\nb"), ("database_name", "x" * 300)):
            error = raised(lambda m=make, f=field, t=text: m("refused", **{f: t}))
            ok(error is not None and error.pgcode in ("22023", "42501"), "%s: %s %r" % (make.__name__, field, text[:40]), error)


def elsewhere():
    """A stored password stays with the place that it was given for, and changing the place alone sends nothing"""
    for make, serve in ((user.postgres, startup_fields), (user.mysql, login_fields)):
        listener = Listener(serve)
        listener.fields = []
        word = "moving " + make.__name__
        make(word)
        with contextlib.closing(user.connect()) as session:
            for change in ("host => 'localhost'", "port => %d" % listener.port, "username => 'other'", "options => '{\"sslmode\": \"disable\"}'",
                           "database_type => '%s'" % ("mysql" if make == user.postgres else "postgresql")):
                error = raised(rows, session, "SELECT tenancy.update_connection(%s, " + change + ")", word)
                same(error and error.pgcode, "28P01", word + ": " + change.partition(" ")[0] + " needs the password")
            same(listener.visits, 0, word + ": nothing was sent")
            rows(session, "SELECT tenancy.update_connection(%s, port => %s, password => 'another')", word, listener.port)
            ok(value(session, "SELECT NOT ok FROM tenancy.test_connection(%s)", word) and listener.visits > 0, word + ": with a password it goes there")
        listener.close()


run(names, refused, elsewhere)
