"""What every receiver of the fault tests stands on: keys, tables, a PostgreSQL to be hurt."""

import shutil
from contextlib import ExitStack

from tests.cluster import Cluster
from tests.faults.counts import ON_POSTGRESQL
from tests.processes import FreshDatabase
from tests.receiver.issuer import Issuer
from tests.stack import WebProcess

CONNECTIONS = 30
FILE = "db.sqlite3"


class Ground:
    """`with Ground(folder) as ground:` has an issuer of tokens and tables without a row.

    On PostgreSQL `.cluster` is a server of its own, which may be crashed, frozen and followed.
    """

    def __init__(self, folder):
        self.folder = folder
        self._parts = ExitStack()
        self._template = "template1"

    def __enter__(self):
        with ExitStack() as parts:
            self.issuer = Issuer()
            parts.callback(self.issuer.stop)
            self.cluster = parts.enter_context(Cluster(CONNECTIONS)) if ON_POSTGRESQL else None
            database = parts.enter_context(self.database())
            tables = WebProcess(self.folder, database=database, CLOUD_TASKS_ENDPOINT="")
            tables.listening.close()
            tables.prepare()
            self._template = database.name
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *exc):
        self._parts.close()

    def database(self):
        """Return a database to be made, on PostgreSQL with the tables in it."""
        server = self.cluster.url("postgres") if self.cluster else ""
        return FreshDatabase("DATABASE_URL", server, self._template)

    def lay(self, folder):
        """Put the tables where SQLite's belong."""
        if not self.cluster:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / FILE, folder / FILE)
