#!/usr/bin/python3
"""A name that first is a public address and then this machine's own: whoever owns the name server chooses each answer, and
never reaches loopback. All of it in a network of its own, where a public address leads back here."""

import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import threading

from tenancy import Listener, PostgresServer, environment, free_port, is_root, note, ok, private_directory, raised, rows, run, same, value

PUBLIC, NAME = "8.8.4.4", "database.tenant.example.com"


def enter_namespaces():
    """Run this program again where it may own port 53, routes and /etc/resolv.conf."""
    if os.environ.get("TENANCY_OWN_NETWORK"):
        return
    how = ["unshare", "--net", "--mount"] + ([] if is_root() else ["--user", "--map-current-user", "--keep-caps"])
    os.environ["TENANCY_OWN_NETWORK"] = "yes"
    os.execvp(how[0], [*how, sys.executable, *sys.argv])


def administer(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class NameServer:
    """Answers A questions with the next address of a sequence that the test chooses; nothing else has records."""

    def __init__(self):
        self.addresses, self.asked = itertools.repeat(PUBLIC), 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, client = self._socket.recvfrom(512)
            end = question.index(b"\0", 12) + 5
            answers = []
            if question[end - 4:end - 2] == b"\0\1":
                self.asked += 1
                told = next(self.addresses)
                answers = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
                           for address in ([told] if isinstance(told, str) else told)]
            head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
            self._socket.sendto(head + question[12:end] + b"".join(answers), client)


class Twins:
    """Two listeners on one port: of the public address, and of loopback."""

    def __init__(self, serve):
        self.public, self.loopback = Listener(serve, PUBLIC), None
        self.port = self.public.port
        self.loopback = Listener(serve, "127.0.0.1", self.port)

    def close(self):
        self.public.close()
        self.loopback.close()


def hang_up(listener, visitor):
    listener.receive(visitor)


def greet(listener, visitor):
    """A MySQL server that offers TLS."""
    body = (b"\x0a8.0.99\0" + struct.pack("<I", 7) + b"12345678\0" + struct.pack("<HBHHB", 0xFFFF, 45, 2, 0x000F, 21) +
            b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0")
    visitor.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)
    listener.receive(visitor)


def set_up():
    """A platform that allows no private network, a name server, a public address that is served here"""
    administer("ip", "link", "set", "lo", "up")
    administer("ip", "route", "add", "local", PUBLIC, "dev", "lo")
    directory = private_directory()
    resolver = os.path.join(directory, "resolv.conf")
    with open(resolver, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
    os.chmod(directory, 0o711)
    os.chmod(resolver, 0o644)
    administer("mount", "--bind", resolver, os.path.realpath("/etc/resolv.conf"))
    keys = os.path.join(directory, "keys")
    with open(keys, "w", encoding="ascii") as file:
        file.write("k1 " + "A" * 43 + "=\n")
    os.chmod(keys, 0o600)
    if is_root():
        os.chown(keys, os.stat(directory).st_uid, os.stat(directory).st_gid)
    platform = PostgresServer("shared_preload_libraries = 'pg_tenancy'\ntenancy.health_interval = 0\ntenancy.key_file = '%s'" % keys)
    session = platform.connect()
    rows(session, "CREATE EXTENSION pg_tenancy")
    rows(session, "SELECT tenancy.register('a@test.example', 'a long password')")
    token = value(session, "SELECT tenancy.login('a@test.example', 'a long password')")
    rows(session, "SET tenancy.identity_scope = 'session'")
    rows(session, "SELECT set_config('tenancy.session', %s, false)", token)
    return NameServer(), session


def create(name, kind, port, mode):
    rows(session, "SELECT tenancy.create_connection(%s, %s, %s, %s, 'd', 'u', 'a password', options => jsonb_build_object("
         "'connect_timeout', 20, 'sslmode', %s::text))", name, kind, NAME, port, mode)


def code(name):
    return value(session, "SELECT code FROM tenancy.test_connection(%s)", name)


KINDS = [("postgresql", mode) for mode in ("disable", "prefer", "verify-full")] + [("mysql", mode) for mode in ("disable", "prefer", "verify-full")]


def rebinding():
    """The answers alternate in every way, while connections are tested and queried"""
    for kind, mode in KINDS:
        word = "%s %s" % (kind, mode)
        twins = Twins(greet if kind == "mysql" else hang_up)
        create(word, kind, twins.port, mode)
        names.addresses = itertools.repeat(PUBLIC)
        ok(code(word) not in ("ok", "denied_address", "dns"), word + ": the public address is tried")
        ok(twins.public.visits > 0, word + ": and reached")
        names.addresses = itertools.repeat("127.0.0.1")
        same(code(word), "denied_address", word + ": loopback is not")
        names.addresses = itertools.repeat((PUBLIC, "127.0.0.1"))
        same(code(word), "denied_address", word + ": nor both in one answer")
        before = names.asked
        for first in (PUBLIC, "127.0.0.1"):
            names.addresses = itertools.cycle((first, "127.0.0.1" if first == PUBLIC else PUBLIC))
            for _ in range(10):
                ok(code(word) != "ok", word + ": alternating, no connection")
                ok(raised(rows, session, "SELECT FROM tenancy.query(%s, 'SELECT 1') AS t(a int)", word) is not None, word + ": nor a query")
        ok(names.asked - before >= 40, word + ": each asked the name server", names.asked - before)
        ok(twins.loopback.heard == b"", word + ": nothing was ever sent to loopback")
        if word != "mysql verify-full":
            same(twins.loopback.visits, 0, word + ": nor connected")
        twins.close()


def looks():
    """Where the library itself resolves a name again, an open port of loopback looks like a closed one; Oracle's does not"""
    answers, resolves_again = [], environment("MYSQL_FLAVOUR") == "mariadb"
    for port in (Listener(greet, "127.0.0.1").port, free_port()):
        create("looks %d" % port, "mysql", port, "verify-full")
        for _ in range(5):
            names.addresses = itertools.chain((PUBLIC,), itertools.repeat("127.0.0.1"))
            before = names.asked
            answers.append(rows(session, "SELECT code, message FROM tenancy.test_connection(%s)", "looks %d" % port)[0])
            same(names.asked - before >= 2, resolves_again, "it was resolved again, if that library does so")
    if resolves_again:
        same(len(set(answers)), 1, "the same answer for both")
    note("\n".join(str(answer) for answer in sorted(set(answers))))


enter_namespaces()
names, session = set_up()
with contextlib.closing(session):
    run(rebinding, looks)
