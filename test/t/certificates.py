"""Certificates of a test's own, made with openssl."""

import atexit
import os
import shutil
import ssl
import subprocess
import tempfile

from tenancy import is_root


class Certificates:
    """A CA, a CA that has nothing to do with it, and what they signed; in a directory of the test's own."""

    def __init__(self):
        self._directory = tempfile.mkdtemp(prefix="tncy", dir="/tmp")
        atexit.register(shutil.rmtree, self._directory, ignore_errors=True)
        here = "DNS:localhost,IP:127.0.0.1"
        for name in ("ca", "other-ca"):
            self._openssl("req", "-x509", *self._new_key(name), "-days", "30", "-subj", "/CN=Test " + name, "-out", self._path(name, "crt"))
        self._sign("server", here)
        self._sign("wrong-name", "DNS:db.tenant.invalid,IP:192.0.2.1")
        self._sign("expired", here, expired=True)
        self.ca, self.other_ca, self.server = (self.text(name) for name in ("ca", "other-ca", "server"))

    def _path(self, name, kind):
        return os.path.join(self._directory, "%s.%s" % (name, kind))

    def text(self, name, kind="crt"):
        with open(self._path(name, kind), encoding="utf-8") as file:
            return file.read()

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self._path(name, "key")]

    def _write(self, name, kind, text=""):
        with open(self._path(name, kind), "w", encoding="utf-8") as file:
            file.write(text)
        return self._path(name, kind)

    def _sign(self, name, names, expired=False):
        """By the CA. Of the commands that sign, only "ca" dates a certificate back, in every version of openssl."""
        extensions = self._write(name, "ext", "subjectAltName=%s\n" % names)
        common = names.split(",", 1)[0].partition(":")[2]
        config = self._write(name, "cnf", "[ca]\ndefault_ca = own\n[own]\ndatabase = %s\nnew_certs_dir = %s\ndefault_md = sha256\nserial = %s\n"
                             "policy = any\n[any]\ncommonName = supplied\n"
                             % (self._write(name, "index"), self._directory, self._path(name, "serial")))
        dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"] if expired else ["-days", "30"]
        self._openssl("req", "-new", *self._new_key(name), "-subj", "/CN=" + common, "-out", self._path(name, "csr"))
        self._openssl("ca", "-batch", "-notext", "-rand_serial", "-config", config, "-cert", self._path("ca", "crt"), "-keyfile",
                      self._path("ca", "key"), *dates, "-extfile", extensions, "-in", self._path(name, "csr"), "-out", self._path(name, "crt"))

    def server_context(self, name="server"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path(name, "crt"), self._path(name, "key"))
        return context

    def curious_context(self):
        """Of a server that takes a client's certificate of this CA, and can do without."""
        context = self.server_context()
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(self._path("ca", "crt"))
        return context

    def install(self, name, directory, owner):
        """Put one where a server reads it, as tls.crt and tls.key of the server's user."""
        for kind in ("crt", "key"):
            path = os.path.join(directory, "tls." + kind)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(self.text(name, kind))
            if is_root():
                shutil.chown(path, owner, owner)
