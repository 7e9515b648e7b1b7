"""A credential cache of Kerberos with a ticket for a service, as login programs leave them in files: nobody checks a ticket but the service."""

import struct
import time

REALM = b"DECOY.TEST"
AES256 = 18
HOST_BASED, PLAIN = 3, 1  # kinds of names
CONFIGURATION = """[libdefaults]
default_realm = %s
dns_canonicalize_hostname = false
rdns = false
dns_lookup_kdc = false
dns_lookup_realm = false
""" % REALM.decode()


def _der(tag, body):
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack("!H", len(body))
    return bytes([tag]) + size + body


def _number(value):
    return _der(0x02, bytes([value]))


def _text(text):
    return _der(0x1B, text)


def _ticket(kind, names):
    """What the service would open with its own key."""
    name = _der(0x30, _der(0xA0, _number(kind)) + _der(0xA1, _der(0x30, b"".join(_text(part) for part in names))))
    sealed = _der(0x30, _der(0xA0, _number(AES256)) + _der(0xA2, _der(0x04, b"sealed" * 30)))
    return _der(0x61, _der(0x30, _der(0xA0, _number(5)) + _der(0xA1, _text(REALM)) + _der(0xA2, name) + _der(0xA3, sealed)))


def _counted(data):
    return struct.pack("!I", len(data)) + data


def _principal(kind, names):
    return struct.pack("!II", kind, len(names)) + _counted(REALM) + b"".join(_counted(name) for name in names)


def credential_cache(client, *services):
    """The bytes of the file, with a ticket of an hour for each of the services, as (b"postgres", b"db.example.com")."""
    now = int(time.time())
    owner = _principal(PLAIN, (client,))
    file = b"\x05\x04\0\0" + owner
    for names in ((b"krbtgt", REALM), *services):
        kind = 2 if names[0] == b"krbtgt" else HOST_BASED
        file += owner + _principal(kind, names) + struct.pack("!H", AES256) + _counted(b"k" * 32)
        file += struct.pack("!IIIIBIII", now - 60, now - 60, now + 3600, 0, 0, 0, 0, 0) + _counted(_ticket(kind, names)) + _counted(b"")
    return file
