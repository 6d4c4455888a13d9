"""A receiver to be killed, starved and lied to: the project's own gunicorn, callers verified."""

import atexit
import hashlib
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.cluster import children
from tests.receiver.issuer import ACCOUNT
from tests.receiver.server import Server
from tests.stack import GUNICORN

FILE = "db.sqlite3"


class Receiver(Server):
    """`with Receiver(folder, issuer) as receiver:`; `mutant` names a fault that is built in."""

    def __init__(self, folder, issuer, *options, mutant="", **how):
        verified = {
            "RECEIVER_AUTH": "verify",
            "OIDC_ISSUER": issuer.url,
            "OIDC_SERVICE_ACCOUNT": ACCOUNT,
            "CLOUD_TASKS_ENDPOINT": "",  # nothing is sent from here
        }
        # The tables are there before it starts, as with `make run`.
        super().__init__(folder, "--env", "PREPARED=1", *options, **verified | how)
        self.issuer = issuer
        if mutant:
            self.program = [sys.executable, "-m", "tests.faults.faulty", mutant, *GUNICORN[1:]]

    def prepare(self):
        """Make the tables; SQLite's are copied from the first receiver's."""
        if self.database.url:
            return super().prepare()
        made = _tables()
        if not (made / FILE).exists():
            super().prepare()
            shutil.copy(self.folder / FILE, made / FILE)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(made / FILE, self.folder / FILE)

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

    def store_is_sound(self):
        """Say whether SQLite finds its own file in order; PostgreSQL says so by starting."""
        return bool(self.database.url) or self.rows("PRAGMA integrity_check") == [("ok",)]


def digest(body):
    return hashlib.sha256(body).digest()


@cache
def _tables():
    """A folder for the SQLite file with the tables in it, removed at the end of the run."""
    folder = tempfile.TemporaryDirectory(prefix="tables-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
