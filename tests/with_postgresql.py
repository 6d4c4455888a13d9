"""Runs a command on a PostgreSQL of its own: `python -m tests.with_postgresql COMMAND...`.

The cluster lives in a temporary folder, listens on a unix socket there and is gone afterwards.
"""

import getpass
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

DATABASES = {"DATABASE_URL": "tasks", "EMULATOR_DATABASE_URL": "emulator"}


def programs() -> Path | None:
    """Return the folder of the newest installed server, None where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def run(command: list[str]) -> int:
    """Start a cluster, run the command with both database URLs set, stop the cluster."""
    bin_dir = programs()
    if bin_dir is None:
        print("=" * 88)
        print("NOT RUN on PostgreSQL: no initdb here (Debian: apt install postgresql)")
        return 1 if os.environ.get("CI") == "true" else 0
    root = os.geteuid() == 0  # the server refuses to run as root
    user = "postgres" if root else getpass.getuser()
    prefix = ["runuser", "-u", user, "--"] if root else []
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if root:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = folder / "data"
        start = ["-o", f"-k {folder} -c listen_addresses= -c max_connections=200", "-w"]
        control = [*prefix, bin_dir / "pg_ctl", "-D", data, "-l", folder / "log", "-s"]
        quiet: dict = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
        init = [bin_dir / "initdb", "-D", data, "-A", "trust", "-U", user]
        subprocess.run([*prefix, *init], **quiet)
        subprocess.run([*control, *start, "start"], **quiet)
        try:
            url = f"postgresql://{user}@{quote(str(folder), safe='')}"
            for database in DATABASES.values():
                create = ["createdb", "-h", folder, "-U", user, database]
                subprocess.run([bin_dir / create[0], *create[1:]], **quiet)
            urls = {variable: f"{url}/{name}" for variable, name in DATABASES.items()}
            return subprocess.run(command, env=os.environ | urls).returncode
        finally:
            subprocess.run([*control, "-m", "fast", "stop"], **quiet)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
