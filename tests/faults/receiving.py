"""A receiver to be killed, starved and lied to: the project's own gunicorn, callers verified."""

import hashlib
import sys

from tests.cluster import children
from tests.receiver.issuer import ACCOUNT
from tests.receiver.server import Server
from tests.stack import GUNICORN


class Receiver(Server):
    """`with Receiver(folder, ground) as receiver:`; `mutant` names a fault that is built in."""

    def __init__(self, folder, ground, *options, mutant="", issuer=None, **environment):
        self.ground = ground
        self.issuer = issuer or ground.issuer
        verified = {
            "RECEIVER_AUTH": "verify",
            "OIDC_ISSUER": self.issuer.url,
            "OIDC_SERVICE_ACCOUNT": ACCOUNT,
            "CLOUD_TASKS_ENDPOINT": "",  # nothing is sent from here
        }
        # The tables are there before it starts, as with `make run`.
        options = ["--env", "PREPARED=1", *options]
        super().__init__(folder, *options, database=ground.database(), **verified | environment)
        if mutant:
            self.program = [sys.executable, "-m", "tests.faults.faulty", mutant, *GUNICORN[1:]]

    def prepare(self):
        self.ground.lay(self.folder)

    @property
    def worker(self):
        """The process id of gunicorn's one worker."""
        (pid,) = children(self.process.pid)
        return pid

    def token(self, **claims):
        return self.issuer.token(**{"aud": self.url} | claims)

    def digests(self, after=0):
        """The digest of each body stored after an id, in no promised order."""
        sql = "SELECT body FROM receiver_event WHERE id > ?"
        return [digest(body) for (body,) in self.rows(sql, [after])]

    def bare(self, after):
        """Count what was stored after an id as a body alone, though no content was at fault."""
        sql = "SELECT headers FROM receiver_event WHERE id > ?"
        return sum(headers in ("[]", []) for (headers,) in self.rows(sql, [after]))

    def store_is_sound(self):
        """Say whether SQLite finds its own file in order; PostgreSQL says so by starting."""
        return bool(self.database.url) or self.rows("PRAGMA integrity_check") == [("ok",)]


def digest(body):
    return hashlib.sha256(body).digest()
