"""Disks that fill up under a server: a small file system of their own, and a limit on the size of the server's files.

A file system can be mounted by root, or with sudo; the limit can be set wherever a server runs.
"""

import atexit
import os
import subprocess

from tenancy import is_root, note, private_directory, unprivileged

MEGABYTE = 1 << 20


def _as_root(*command):
    return subprocess.run([*([] if is_root() else ["sudo", "-n"]), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class SmallFileSystem:
    """A tmpfs. It is full when a file of the test's takes the rest of it."""

    full = "No space left on device"

    def __init__(self, megabytes):
        self.directory = private_directory()
        done = _as_root("mount", "-t", "tmpfs", "-o", "size=%dm,mode=0700,uid=%d,gid=%d" % (
            megabytes, os.stat(self.directory).st_uid, os.stat(self.directory).st_gid), "tmpfs", self.directory)
        if done.returncode != 0:
            raise OSError(done.stdout.strip())
        atexit.register(self.close)

    def place(self, name):
        """A directory of the server's in it"""
        path = os.path.join(self.directory, name)
        subprocess.run(unprivileged("mkdir", "--mode=0700", path), check=True)
        return path

    def hold_wal(self, server):
        """Move the WAL of a stopped server to it"""
        wal = os.path.join(server.data, "pg_wal")
        for command in (("cp", "-a", wal, os.path.join(self.directory, "wal")), ("rm", "-r", wal), ("ln", "-s", os.path.join(self.directory, "wal"), wal)):
            subprocess.run(unprivileged(*command), check=True)

    def fill(self, server):  # pylint: disable=unused-argument
        subprocess.run(unprivileged("dd", "if=/dev/zero", "of=" + os.path.join(self.directory, "ballast"), "bs=4k"),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def empty(self, server):  # pylint: disable=unused-argument
        subprocess.run(unprivileged("rm", os.path.join(self.directory, "ballast")), check=True)

    def close(self):
        """After the server that used it has stopped"""
        _as_root("umount", "--lazy", self.directory)


class LimitedFiles:
    """No file of the server's grows beyond the limit. Segments of the WAL have 16 MB from the start."""

    full = "File too large"

    def __init__(self, megabytes):
        self._limit = megabytes * MEGABYTE

    def place(self, name):  # pylint: disable=unused-argument
        return None

    def hold_wal(self, server):
        pass

    def fill(self, server):
        self._set(server, str(self._limit))

    def empty(self, server):
        if server.postmaster() is not None:
            self._set(server, "unlimited")

    def close(self):
        pass

    @staticmethod
    def _set(server, limit):
        """The processes that there are; the postmaster's children to come inherit it."""
        for pid in server.processes():
            subprocess.run(unprivileged("prlimit", "--pid=%d" % pid, "--fsize=%s:unlimited" % limit), stderr=subprocess.DEVNULL, check=False)


def disks(megabytes, limit):
    """Each kind of disk that this machine can have; one of them at least."""
    found = [LimitedFiles(limit)]
    try:
        found.append(SmallFileSystem(megabytes))
    except OSError as error:
        note("no small file system can be mounted here, so files are limited only: %s" % error)
    return found
