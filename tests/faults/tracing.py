"""strace on running processes: what they sync, and failures of calls as the kernel gives them."""

import os
import re
import shutil
import subprocess
import threading

import pytest

BEGUN = re.compile(r"(\d+) +([\d.]+) f\w*sync\(\d+<([^>]*)>")
ENDED = re.compile(r"(\d+) +([\d.]+) .*= 0 <([\d.]+)>$")


def not_run(reason):
    """Skip with a loud reason; fail where nothing may be missing."""
    reason = f"NOT RUN under strace: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Strace:
    """`with Strace(pids, file, *options):` follows the processes, their threads and children."""

    def __init__(self, pids, file, *options):
        self.file = file
        program = shutil.which("strace") or not_run("it is not here (Debian: apt install strace)")
        attach = [part for pid in pids for part in ("-p", str(pid))]
        self.command = [program, "-f", "-ttt", "-T", "-y", "-o", file, *options, *attach]
        self.pids = pids

    def __enter__(self):
        self.popen = subprocess.Popen(
            self.command, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        said, waiting = "", set(self.pids)
        while waiting:
            line = self.popen.stderr.readline()
            if not line:
                self.popen.stderr.close()
                self.popen.wait()
                not_run(f"it cannot attach here: {said}")
            said += line
            waiting -= {int(pid) for pid in re.findall(r"Process (\d+) attached", line)}
        self.reader = threading.Thread(target=self.popen.stderr.read)  # it may say more
        self.reader.start()
        return self

    def __exit__(self, *exc):
        self.popen.terminate()  # it lets go of what it follows
        self.popen.wait(20)
        self.reader.join()
        self.popen.stderr.close()

    def syncs(self, place):
        """Return when each successful sync of a file with `place` in its path was complete."""
        paths, found = {}, []
        for line in self.file.read_text().splitlines():
            if begun := BEGUN.match(line):
                paths[begun[1]] = begun[3]
            # A call that others interrupt has a second line, which begins when it ended.
            if (ended := ENDED.match(line)) and place in paths.pop(ended[1], ""):
                found.append(float(ended[2]) + (float(ended[3]) if begun else 0))
        return found
