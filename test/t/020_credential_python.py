#!/usr/bin/python3
"""Passwords that the platform's Python seals open in SQL, and the reverse: the functions below are the architecture's own."""

import base64
import contextlib
import os

try:
    from Crypto.Cipher import AES
except ImportError:
    from Cryptodome.Cipher import AES  # Debian's name for the same

from tenancy import User, connect, environment, ok, person_role, rows, run, same, sqlstate, value

PASSWORDS = ["s3cret", "", "x" * 10_000, "pässwörd ☃ 密码", "quote ' and \\ backslash"]


class settings:
    ENCRYPTION_KEY = None


class EncryptionService:
    def encrypt_database_password(self, password: str) -> str:
        """Encrypt database password using AES"""
        key = settings.ENCRYPTION_KEY
        cipher = AES.new(key, AES.MODE_GCM)
        ciphertext, tag = cipher.encrypt_and_digest(password.encode())
        return base64.b64encode(cipher.nonce + tag + ciphertext).decode()

    def decrypt_database_password(self, encrypted_password: str) -> str:
        """Decrypt database password"""
        key = settings.ENCRYPTION_KEY
        data = base64.b64decode(encrypted_password.encode())
        nonce = data[:12]
        tag = data[12:28]
        ciphertext = data[28:]
        cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
        return cipher.decrypt_and_verify(ciphertext, tag).decode()


def load_key():
    with open(environment("TENANCY_KEY_FILE"), encoding="ascii") as ring:
        for line in ring:
            if line.strip() and not line.startswith("#"):
                return base64.b64decode(line.split()[1])
    raise ValueError("empty key ring")


def seal_here(password):
    """The same with a nonce of 12 bytes, as decrypt_database_password above expects it."""
    cipher = AES.new(settings.ENCRYPTION_KEY, AES.MODE_GCM, nonce=os.urandom(12))
    ciphertext, tag = cipher.encrypt_and_digest(password.encode())
    return base64.b64encode(cipher.nonce + tag + ciphertext).decode()


def sql_to_python():
    """What SQL seals opens in Python."""
    with contextlib.closing(connect()) as session:
        for password in PASSWORDS:
            sealed = value(session, "SELECT tenancy.encrypt_database_password(%s)", password)
            same(service.decrypt_database_password(sealed), password, "Python opens %d characters" % len(password))


def python_to_sql():
    """What Python seals opens in SQL, with its nonce of 16 bytes and with one of 12."""
    with contextlib.closing(connect()) as session:
        for password in PASSWORDS:
            for name, seal in (("16", service.encrypt_database_password), ("12", seal_here)):
                opened = value(session, "SELECT tenancy.decrypt_database_password(%s)", seal(password))
                same(opened, password, "SQL opens %d characters, nonce of %s bytes" % (len(password), name))
        cipher = AES.new(b"another key of thirty-two bytes!", AES.MODE_GCM)
        ciphertext, tag = cipher.encrypt_and_digest(b"s3cret")
        same(sqlstate(rows, session, "SELECT tenancy.decrypt_database_password(%s)",
                      base64.b64encode(cipher.nonce + tag + ciphertext).decode()), "28000", "another key does not open")


def stored_columns():
    """A stored password is bound to its user, its row and its column."""
    user = User()
    id_ = user.create("stored", database_type="postgresql", host="127.0.0.1", port=1, database_name="d", username="u",
                      password="s3cret")
    with contextlib.closing(connect()) as session:
        sealed, user_bytes, id_bytes = rows(
            session, "SELECT password_encrypted, uuid_send(user_id), uuid_send(id) FROM tenancy.database_connections"
            " WHERE id = %s", id_)[0]
        data = base64.b64decode(sealed)
        cipher = AES.new(settings.ENCRYPTION_KEY, AES.MODE_GCM, nonce=data[:12])
        cipher.update(b"tenancy:1:" + bytes(user_bytes) + bytes(id_bytes) + b"password_encrypted")
        same(cipher.decrypt_and_verify(data[28:], data[12:28]), b"s3cret", "the documented additional data opens it")
        same(sqlstate(rows, session, "SELECT tenancy.decrypt_database_password(%s)", sealed), "28000",
             "it does not open without")
    other = User("other")
    theirs = other.create("stolen", database_type="postgresql", host="127.0.0.1", port=1, database_name="d", username="u",
                          password="theirs")
    with contextlib.closing(connect()) as session:
        rows(session, "UPDATE tenancy.database_connections SET password_encrypted = %s WHERE id = %s", sealed, theirs)
    with contextlib.closing(other.connect()) as session:
        code = sqlstate(rows, session, "SELECT tenancy.test_connection('stolen')")
        answer = None if code else rows(session, "SELECT ok, code FROM tenancy.test_connection('stolen')")[0]
        ok(code == "28000" or (answer and answer[0] is False and answer[1] == "other"),
           "a ciphertext that was copied to another row does not open", repr((code, answer)))
        rows(session, "SELECT tenancy.delete_connection('stolen')")  # no rotation would open it


def not_for_tenants():
    """Tenants have neither function."""
    with contextlib.closing(connect(user=person_role())) as session:
        same(sqlstate(rows, session, "SELECT tenancy.encrypt_database_password('x')"), "42501", "no encryption")
        same(sqlstate(rows, session, "SELECT tenancy.decrypt_database_password('x')"), "42501", "no decryption")


settings.ENCRYPTION_KEY = load_key()
service = EncryptionService()
run(sql_to_python, python_to_sql, stored_columns, not_for_tenants)
