"""Receivers with one fault each: `python -m tests.faults.faulty FAULT [gunicorn's arguments]`.

A test of durability or of the border that does not notice these would notice nothing.
"""

import sys
import time


def answer_first():
    """200 is answered before the commit."""
    from receiver.committer import Committer, store

    def write(self, batch):
        self._loop.call_soon_threadsafe(self._settle, batch)
        time.sleep(0.03)  # a disk's time for a commit
        store([job.delivery for job in batch])

    Committer._write = write


def no_sync():
    """A commit is not on the disk when it returns."""
    _on_each_connection("PRAGMA synchronous=OFF", "SET synchronous_commit=off")


def sync_at_checkpoints():
    """SQLite's usual setting with a write-ahead log: safe for the file, not for its end."""
    _on_each_connection("PRAGMA synchronous=NORMAL", "SELECT 1")


def _on_each_connection(sqlite, postgresql):
    # Not in the settings: the check of the set-up would not let that start.
    from django.db.backends.signals import connection_created

    def change(connection, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute(sqlite if connection.vendor == "sqlite" else postgresql)

    connection_created.connect(change, weak=False)


def swallow():
    """A database that fails is answered 200, so that Cloud Tasks does not try again."""
    from receiver import answers
    from receiver.delivery import Delivery

    Delivery.reply = lambda delivery: answers.stored(delivery.event.pk or 0)


def no_length_check():
    """A body that ends early is taken for whole."""
    from receiver import direct, front

    async def receive_body(receive, length, cap):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body

    front.receive_body = receive_body
    front.is_cut_off = lambda scope: False
    direct.Taken.broken = direct.Taken.whole


def chunks_lost():
    """A chunked body is taken for none, as `request.body` of Django does."""
    from receiver import front

    real = front.receive_body

    async def receive_body(receive, length, cap):
        body = await real(receive, length, cap)
        return body if length else b""

    front.receive_body = receive_body


def believe_anyone():
    """A token's signature is not looked at."""
    from receiver import caller

    caller._signed = lambda text, token, at_once: token.pem


def fetch_every_time():
    """Each request makes one to the issuer: strangers decide how many."""
    from receiver import caller, certificates

    caller.certificates.get = lambda url, kid: certificates.fetch(url)[0].get(kid)


def one_at_a_time():
    """Who sends slowly holds up everybody else."""
    from asyncio import Lock

    from receiver.direct import Direct
    from receiver.front import Front

    Direct.__call__ = lambda self, scope: None
    real, turn = Front._take, Lock()

    async def take(*args):
        async with turn:
            return await real(*args)

    Front._take = take


def unescaped():
    """Templates take what was received for their own markup."""
    from django.template.loaders.filesystem import Loader

    real = Loader.get_contents
    Loader.get_contents = lambda self, origin: real(self, origin).replace(
        "|visible }}", "|visible|safe }}"
    )


def broken_pages():
    """The events' page ends in a fault of ours, the tasks' finds no database."""
    from django.db.utils import OperationalError

    from dashboard import urls

    def fail(error):
        def view(request):
            raise error

        return view

    errors = {"events": RuntimeError("broken"), "tasks": OperationalError("away")}
    for pattern in urls.urlpatterns:
        if pattern.name in errors:
            pattern.callback = fail(errors[pattern.name])


FAULTS = {
    name: fault
    for name, fault in dict(globals()).items()
    if callable(fault) and not name.startswith("_")
}


if __name__ == "__main__":
    import django
    from gunicorn.app.wsgiapp import run

    django.setup()
    FAULTS[sys.argv.pop(1)]()
    run()
