"""Receivers with one fault each: `python -m tests.faults.faulty FAULT [gunicorn's arguments]`.

A test of durability or of the border that does not notice these would notice nothing.
"""

import sys
import threading
import time


def answer_first():
    """200 is answered before the commit."""
    from receiver import recorder, views

    def record(environ, body, caller, received_at):
        event = recorder.build(environ, body, caller, received_at)

        def later():
            time.sleep(0.03)  # a disk's time for a commit
            event.save(force_insert=True)

        threading.Thread(target=later).start()
        return event

    views.record = record


def no_sync():
    """A commit is not on the disk when it returns."""
    _options(
        {"synchronous=FULL": "synchronous=OFF", "synchronous_commit=on": "synchronous_commit=off"}
    )


def sync_at_checkpoints():
    """SQLite's usual setting with a write-ahead log: safe for the file, not for its end."""
    _options({"synchronous=FULL": "synchronous=NORMAL"})


def _options(changes):
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    for name, value in options.items():
        for before, after in changes.items():
            if before in str(value):
                options[name] = value.replace(before, after)


def swallow():
    """A database that fails is answered 200, so that Cloud Tasks does not try again."""
    from receiver import recorder, views

    real = views.record

    def record(environ, body, caller, received_at):
        try:
            return real(environ, body, caller, received_at)
        except recorder.StoreAway:
            return recorder.build(environ, body, caller, received_at)

    views.record = record


def no_health_checks():
    """No loss, but more failures: a kept connection is not looked at before it is used."""
    from django.conf import settings

    settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] = False


def no_length_check():
    """A body that ends early is taken for whole."""
    from receiver import body

    def read(stream, length, deadline):
        return bytes(stream.read(length))

    body._read_length = read


def chunks_lost():
    """A chunked body is taken for none, as `request.body` of Django does."""
    from receiver import body, views

    def read(environ, cap):
        return b"" if environ.get("HTTP_TRANSFER_ENCODING") else body.read_body(environ, cap)

    views.read_body = read


def believe_anyone():
    """A token's signature is not looked at."""
    from receiver import caller

    caller._check_signature = lambda *args: None


def fetch_every_time():
    """Each request makes one to the issuer: strangers decide how many."""
    from receiver import caller, certificates

    caller.certificates.get = lambda url, kid: certificates.fetch(url)[0].get(kid)


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
