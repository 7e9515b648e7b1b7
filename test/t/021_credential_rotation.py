#!/usr/bin/python3
"""Rotation of keys: all credentials or none, counted, and the old key is not needed afterwards."""

import base64
import contextlib
import os

import psycopg2.extensions

from tenancy import (UNIQUE, Background, User, connect, environment, ok, pid_of, raised, rows, run, same, server_settings, sqlstate, value,
                     wait_until)

COUNT = 40
NEW = "new_" + UNIQUE
PATH = environment("TENANCY_KEY_FILE")

with open(PATH, encoding="ascii") as file:
    ORIGINAL = file.read()
OLD = ORIGINAL.split()[0]
NEW_LINE = NEW + " " + base64.b64encode(os.urandom(32)).decode() + "\n"

user = User("rotation")
admin = connect()


def write_ring(text):
    """In one write to the same file, so that its owner and mode stay."""
    with open(PATH, "r+", encoding="ascii") as ring:
        ring.write(text)
        ring.truncate()


def ciphertexts():
    return dict(rows(admin, "SELECT id, coalesce(password_encrypted, '') || coalesce(connection_string_encrypted, '')"
                     " || coalesce(credential_key_id, '') FROM tenancy.database_connections"))


def sealed_with(key):
    return value(admin, "SELECT count(*) FROM tenancy.database_connections WHERE credential_key_id = %s"
                 " AND (password_encrypted IS NOT NULL OR connection_string_encrypted IS NOT NULL)", key)


def create(name):
    return user.create(name, database_type="postgresql", host="127.0.0.1", port=1, database_name="d", username="u",
                       password="s3cret of " + name)


def all_open():
    """All of the user's credentials open: a rotation has to open them."""
    return raised(rows, admin, "SELECT * FROM tenancy.rotate_encryption_key()") is None


def fills():
    """A new first key seals what is new; what is old stays as it is."""
    for i in range(COUNT):
        create("old %d" % i)
    before = sealed_with(OLD)
    ok(before >= COUNT, "the old key sealed the old connections")
    write_ring(NEW_LINE + ORIGINAL)
    create("new")
    same(sealed_with(NEW), 1, "the new key seals without a restart, in sessions of any age")
    same(sealed_with(OLD), before, "nothing else was touched")
    same(rows(admin, "SELECT * FROM tenancy.key_ring() WHERE key_id IN (%s, %s) ORDER BY active", OLD, NEW),
         [(OLD, False, before), (NEW, True, 1)], "key_ring counts both")


def kept():
    """A password that a new connection string keeps is sealed with the string's key: a row names one key."""
    def string(name):
        return "postgresql://u@127.0.0.1:1/" + name
    with contextlib.closing(user.connect()) as session:
        rows(session, "SELECT tenancy.update_connection('old 0', connection_string => %s)", string("e"))
        same(rows(admin, "SELECT * FROM tenancy.key_ring() WHERE key_id = %s", NEW), [(NEW, True, 2)], "the new key has sealed it")
        write_ring(NEW_LINE)
        same(sqlstate(rows, session, "SELECT tenancy.test_connection('old 0')"), None, "and opens its password without the old one")
        same(sqlstate(rows, session, "SELECT tenancy.update_connection('old 1', connection_string => %s)", string("d")), "28000",
             "what cannot be opened is not kept in silence")
        write_ring(NEW_LINE + ORIGINAL)


def stopped():
    """A rotation that is ended half-way has changed nothing."""
    before = ciphertexts()
    middle = sorted(before)[len(before) // 2]
    with contextlib.closing(connect()) as blocker, contextlib.closing(connect()) as session:
        rows(blocker, "BEGIN")
        rows(blocker, "SELECT FROM tenancy.database_connections WHERE id = %s FOR UPDATE", middle)
        job = Background(rows, session, "SELECT * FROM tenancy.rotate_encryption_key()")
        pid = pid_of(session)
        wait_until(lambda: value(admin, "SELECT %s = ANY (SELECT pid FROM pg_locks WHERE NOT granted)", pid), 20, "the wait")
        value(admin, "SELECT pg_terminate_backend(%s)", pid)
        job.wait()
        ok(job.error is not None, "the rotation was ended")
        rows(blocker, "ROLLBACK")
    same(ciphertexts(), before, "no ciphertext changed")


def damaged():
    """One ciphertext that does not open ends the rotation, named, and nothing changes."""
    victim = rows(admin, "SELECT id, password_encrypted FROM tenancy.database_connections WHERE name = 'old 7'"
                  " AND user_id = %s", user.id)[0]
    rows(admin, "UPDATE tenancy.database_connections SET password_encrypted = %s WHERE id = %s",
         value(admin, "SELECT tenancy.encrypt_database_password('elsewhere')"), victim[0])
    before = ciphertexts()
    error = raised(rows, admin, "SELECT * FROM tenancy.rotate_encryption_key()")
    same(error and error.pgcode, "28000", "it fails")
    ok(str(victim[0]) in str(error) and "password_encrypted" in str(error), "it says which one", str(error))
    same(ciphertexts(), before, "no ciphertext changed")
    rows(admin, "UPDATE tenancy.database_connections SET password_encrypted = %s WHERE id = %s", victim[1], victim[0])


def missing():
    """Without the old key it fails as cleanly."""
    before = ciphertexts()
    write_ring(NEW_LINE)
    same(sqlstate(rows, admin, "SELECT * FROM tenancy.rotate_encryption_key()"), "28000", "it fails")
    same(ciphertexts(), before, "no ciphertext changed")
    same(rows(admin, "SELECT active FROM tenancy.key_ring() WHERE key_id = %s", OLD), [(None,)],
         "key_ring shows a key that is used but missing")
    write_ring(NEW_LINE + ORIGINAL)


def snapshot():
    """An old snapshot would miss connections."""
    with contextlib.closing(connect()) as session:
        session.set_session(isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ, autocommit=True)
        same(sqlstate(rows, session, "SELECT * FROM tenancy.rotate_encryption_key()"), "25001", "repeatable read is refused")


def rotates():
    """A whole rotation: counted, everything opens, and the old key can go."""
    old, total = sealed_with(OLD), value(admin, "SELECT count(*) FROM tenancy.database_connections"
                                         " WHERE password_encrypted IS NOT NULL OR connection_string_encrypted IS NOT NULL")
    before = ciphertexts()
    counts = {row[0]: row[1:] for row in rows(admin, "SELECT * FROM tenancy.rotate_encryption_key()")}
    same(counts[OLD], (old, 0), "before and after of the old key")
    same(counts[NEW][1], total, "after of the new key is everything")
    same(sealed_with(OLD), 0, "no row names the old key")
    changed = ciphertexts()
    ok(all(changed[i] != before[i] for i in before if before[i]), "every ciphertext is fresh, also of the same key")
    write_ring(NEW_LINE)
    ok(all_open(), "everything opens without the old key")


def loose():
    """A ring that others may read is not used, in running sessions neither."""
    mode = os.stat(PATH).st_mode & 0o777
    os.chmod(PATH, 0o640)
    error = raised(rows, admin, "SELECT tenancy.encrypt_database_password('x')")
    same(error and error.pgcode, "42501", "refused")
    os.chmod(PATH, mode)
    write_ring("short AAAA\n")
    error = raised(rows, admin, "SELECT tenancy.encrypt_database_password('x')")
    same(error and error.pgcode, "22023", "a short key is refused")
    ok("AAAA" not in str(error), "and not shown", str(error))
    write_ring(NEW_LINE)


def back():
    """Back to the first key, for whatever runs next."""
    write_ring(ORIGINAL + NEW_LINE)
    ok(all_open(), "rotated back")
    same(sealed_with(NEW), 0, "the new key is not used any more")


def command():
    """What a command prints is a ring like that of a file."""
    before = value(admin, "SELECT tenancy.encrypt_database_password('of the file')")
    with server_settings(key_file="", key_command='cat "%s"' % PATH) as session:
        same(value(session, "SELECT tenancy.decrypt_database_password(%s)", before), "of the file", "opens what is sealed")
        sealed = value(session, "SELECT tenancy.encrypt_database_password('of the command')")
        create("by command")
        same(rows(session, "SELECT credential_key_id FROM tenancy.database_connections WHERE name = 'by command'"), [(OLD,)], "seals")
        os.rename(PATH, PATH + ".away")
        try:
            same(value(session, "SELECT tenancy.decrypt_database_password(%s)", sealed), "of the command", "is not asked for at each use")
            with contextlib.closing(connect()) as fresh:
                same(sqlstate(rows, fresh, "SELECT tenancy.encrypt_database_password('x')"), "58000", "a command that fails gives no keys")
        finally:
            os.rename(PATH + ".away", PATH)
    same(value(admin, "SELECT tenancy.decrypt_database_password(%s)", sealed), "of the command", "the file opens what was sealed meanwhile")


try:
    run(fills, kept, stopped, damaged, missing, snapshot, rotates, loose, back, command)
finally:
    write_ring(ORIGINAL)
