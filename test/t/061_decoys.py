#!/usr/bin/python3
"""Passwords, certificates, tickets, proxies and settings that lie around in the server account's home and environment are used for nobody's connection."""

import os
import struct
import subprocess
import sys

from certificates import Certificates
from model import Answer, block, playing
from platform_server import Platform, give
from tenancy import UNIQUE, Listener, note, ok, private_directory, raised, rows, run, same, value
from tickets import CONFIGURATION, credential_cache

DECOY, OWN = "decoy-" + UNIQUE, "own-" + UNIQUE
CERTIFICATES = Certificates()
TLS_REQUEST, GSS_REQUEST = struct.pack("!ii", 8, 80877103), struct.pack("!ii", 8, 80877104)
GSSAPI, SSPI = 7, 9  # ways to ask for a ticket
TOKEN = bytes.fromhex("06092a864886f712010202")  # Kerberos, in each of its tokens


def home():
    """A home directory that a careless administrator has filled"""
    directory = private_directory()
    os.mkdir(os.path.join(directory, ".postgresql"), 0o700)
    give(os.path.join(directory, ".postgresql"))
    client = "[client]\nuser=%s\npassword=%s\ninit-command=SELECT '%s'\nhost=127.0.0.1\nport=%d\nssl-ca=%s/.postgresql/root.crt\nssl-cert=%s/.postgresql/postgresql.crt\n" \
             "ssl-key=%s/.postgresql/postgresql.key\n" % (DECOY, DECOY, DECOY, trap.port, directory, directory, directory)
    files = {".pgpass": "*:*:*:*:%s\n" % DECOY, ".netrc": "default login %s password %s\n" % (DECOY, DECOY), ".my.cnf": client, ".mylogin.cnf": client,
             ".pg_service.conf": "[decoy]\nuser=%s\npassword=%s\nhostaddr=127.0.0.1\nport=%d\n" % (DECOY, DECOY, trap.port),
             ".postgresql/postgresql.crt": CERTIFICATES.text("server"), ".postgresql/postgresql.key": CERTIFICATES.text("server", "key"),
             ".postgresql/root.crt": CERTIFICATES.ca, "krb5.conf": CONFIGURATION,
             "tickets": credential_cache(DECOY.encode(), (b"postgres", b"127.0.0.1"))}
    for name, content in files.items():
        path = os.path.join(directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        give(path)
    return directory


def kerberos(directory):
    """The part of an environment that leads to the tickets"""
    return {"KRB5CCNAME": "FILE:" + os.path.join(directory, "tickets"), "KRB5_CONFIG": os.path.join(directory, "krb5.conf")}


def surroundings(directory):
    """An environment that leads there"""
    crt = os.path.join(directory, ".postgresql")
    proxy = "http://%s:%s@127.0.0.1:%d" % (DECOY, DECOY, trap.port)
    return {"HOME": directory, "http_proxy": proxy, "https_proxy": proxy, "HTTPS_PROXY": proxy, "all_proxy": proxy, "ALL_PROXY": proxy, "PGPASSWORD": DECOY, "PGUSER": DECOY, "PGPASSFILE": os.path.join(directory, ".pgpass"), "PGSERVICE": "decoy",
            "PGSERVICEFILE": os.path.join(directory, ".pg_service.conf"), "PGSYSCONFDIR": directory, "PGAPPNAME": DECOY,
            "PGOPTIONS": "-c search_path=" + DECOY, "PGREQUIREPEER": DECOY, "PGSSLCERT": os.path.join(crt, "postgresql.crt"),
            "PGSSLKEY": os.path.join(crt, "postgresql.key"), "PGSSLROOTCERT": os.path.join(crt, "root.crt"), "MYSQL_PWD": DECOY, "MYSQL_HOME": directory, "MARIADB_HOME": directory, "MYSQL_HOST": "127.0.0.1",
            "MYSQL_TCP_PORT": str(trap.port), "MYSQL_UNIX_PORT": os.path.join(directory, "socket"), "MYSQL_GROUP_SUFFIX": "", "USER": DECOY,
            **kerberos(directory)}


def curious(listener, visitor):
    """A PostgreSQL server without TLS that asks for the password in clear, and lets in whoever gives one"""
    packet = listener.receive(visitor)
    while packet in (TLS_REQUEST, GSS_REQUEST):
        visitor.sendall(b"N")
        packet = listener.receive(visitor)
    if packet:
        visitor.sendall(b"R" + struct.pack("!ii", 8, 3))
        if listener.receive(visitor):
            visitor.sendall(b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!i", 5) + b"I")
            while listener.receive(visitor):
                pass


def asking_by(method):
    """One that asks for a ticket, and encrypts nothing"""
    def serve(listener, visitor):
        while listener.receive(visitor) in (TLS_REQUEST, GSS_REQUEST):
            visitor.sendall(b"N")
        visitor.sendall(b"R" + struct.pack("!ii", 8, method))
        listener.receive(visitor)
    return serve


def demanding(listener, visitor):
    """One with TLS that asks for a certificate as well"""
    listener.receive(visitor)
    visitor.sendall(b"S")
    with CERTIFICATES.curious_context().wrap_socket(visitor, server_side=True) as secured:
        shown.append(secured.getpeercert(True))
        listener.heard += secured.recv(65536)
        secured.sendall(b"R" + struct.pack("!ii", 8, 3))
        listener.heard += secured.recv(65536)


def greet(listener, visitor):
    body = (b"\x0a5.5.5-10.11.0-MariaDB\0" + struct.pack("<I", 7) + b"12345678\0" + struct.pack("<HBHHB", 0xF7DF, 45, 2, 0x000F | 0x0008, 21) +
            b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0")
    visitor.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)
    listener.receive(visitor)


def switching(listener, visitor):
    """A MariaDB server that switches to the password in clear"""
    greet(listener, visitor)
    visitor.sendall(struct.pack("<I", 44)[:3] + b"\2\xfe" + b"mysql_clear_password\0" + b"x" * 22)
    listener.receive(visitor)


def admitting(listener, visitor):
    """One that lets in whoever comes"""
    greet(listener, visitor)
    visitor.sendall(b"\7\0\0\2" + b"\0\0\0\2\0\0\0")
    while listener.receive(visitor):
        pass


def code_of(name, kind, listener, password, sslmode="prefer"):
    """What test_connection says of a new connection, or the SQLSTATE that refuses it"""
    error = raised(rows, session, "SELECT tenancy.create_connection(%s, %s, '127.0.0.1', %s, 'd', 'u', %s,"
                   " options => jsonb_build_object('connect_timeout', 10, 'sslmode', %s))", name, kind, listener.port, password, sslmode)
    return error.pgcode if error is not None else value(session, "SELECT code FROM tenancy.test_connection(%s)", name)


def unguarded(listener):
    """libpq as it is, in a process that finds the same home directory and the same tickets"""
    words = "host=127.0.0.1 port=%d dbname=d user=u sslmode=disable connect_timeout=10" % listener.port
    subprocess.run([sys.executable, "-c", "import psycopg2, sys; psycopg2.connect(sys.argv[1])", words],
                   env={"PATH": os.environ["PATH"], "HOME": decoys, **kerberos(decoys)}, stderr=subprocess.DEVNULL, timeout=60, check=False)


def passwords():
    """A server that asks hears the connection's own password, or none"""
    fooled = Listener(curious)
    unguarded(fooled)
    ok(DECOY.encode() in fooled.heard, "a libpq that is not kept from it sends the password of the home directory", fooled.heard)
    asking, clear = Listener(curious), Listener(switching)
    code_of("with", "postgresql", asking, OWN)
    code_of("my with", "mysql", clear, OWN)
    ok(asking.visits > 0 and clear.visits > 0, "connections with a password go out")
    # From libpq 16 on not even that, as there is no TLS.
    same(OWN.encode() in asking.heard, session.server_version < 160000, "a server that asks hears the connection's own password")
    ok(OWN.encode() not in clear.heard, "MariaDB's clear text method gets nothing", clear.heard)
    for name, kind, listener, password in (("without", "postgresql", asking, None), ("empty", "postgresql", asking, ""), ("my without", "mysql", clear, None)):
        ok(code_of(name, kind, listener, password) in ("28P01", "22023", "password"), name + " a password: no connection")
    entered = Listener(admitting)
    code_of("my entered", "mysql", entered, OWN)
    ok(b"SET" in entered.heard.upper() and DECOY.encode() not in entered.heard, "no command of an option file is sent", entered.heard)
    ok(DECOY.encode() not in asking.heard + clear.heard, "neither a decoy's password nor its user is sent", asking.heard + clear.heard)


def tickets():
    """No ticket of the server's account is used: neither to log in, nor to encrypt"""
    for word, method in (("GSSAPI", GSSAPI), ("SSPI", SSPI)):
        fooled = Listener(asking_by(method))
        unguarded(fooled)
        ok(fooled.heard.startswith(GSS_REQUEST) and TOKEN in fooled.heard, word + ": a libpq that is not kept from it does both", fooled.heard)
        for sslmode in ("disable", "prefer"):
            listener, name = Listener(asking_by(method)), "%s %s" % (word, sslmode)
            rows(session, "SELECT tenancy.create_connection(%s, 'postgresql', '127.0.0.1', %s, 'd', 'u', %s,"
                 " options => jsonb_build_object('connect_timeout', 10, 'sslmode', %s))", name, listener.port, OWN, sslmode)
            done, code, message = rows(session, "SELECT ok, code, message FROM tenancy.test_connection(%s)", name)[0]
            note("%s: %s" % (code, message))
            ok(listener.visits > 0 and not done and code in ("password", "other"), name + ": a server that asks for a ticket is refused", (code, message))
            ok(GSS_REQUEST not in listener.heard, name + ": it is not asked to encrypt by Kerberos", listener.heard)
            ok(TOKEN not in listener.heard and OWN.encode() not in listener.heard, name + ": and gets nothing", listener.heard)


def certificates():
    """No certificate of the home directory is shown, and none there is trusted"""
    listener = Listener(demanding)
    code_of("tls", "postgresql", listener, OWN, "require")
    same(shown, [None], "a server that asks for a certificate gets none")
    ok(OWN.encode() in listener.heard and DECOY.encode() not in listener.heard, "but the password of the connection", listener.heard)
    same(code_of("verified", "postgresql", listener, OWN, "verify-ca"), "tls", "a server whose CA only ~/.postgresql/root.crt knows is refused")


def questions():
    """The language model's endpoint is asked without a proxy, and with nobody's password"""
    with playing(Answer(block("SELECT 1 AS n"))) as model:
        for name, setting in (("llm_endpoint", model.url), ("llm_model", "m")):
            rows(session, "SELECT set_config('tenancy.' || %s, %s, false)", name, setting)
        rows(session, "SELECT tenancy.create_connection('lite', 'sqlite', database_name => 'x.db', options => '{\"create\": true}')")
        same(value(session, "SELECT tenancy.ask('lite', 'What is one?')")["rows"], [[1]], "a question is answered")
        ok("Authorization" not in model.requests[0]["headers"] and DECOY not in str(model.requests), "nothing of .netrc is sent", model.requests)


def elsewhere():
    """Nothing went where services, option files and the environment lead"""
    same(trap.visits, 0, "no visitor at the decoys' port")


shown = []
trap = Listener(lambda listener, visitor: listener.receive(visitor))
decoys = home()
platform = Platform(variables=surroundings(decoys))
session = platform.connect()
rows(session, "CREATE EXTENSION pg_tenancy")
rows(session, "SELECT tenancy.register('a@test.example', 'a long password')")
rows(session, "SET tenancy.identity_scope = 'session'")
rows(session, "SELECT set_config('tenancy.session', tenancy.login('a@test.example', 'a long password'), false)")
run(passwords, tickets, certificates, questions, elsewhere)
