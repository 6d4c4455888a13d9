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


FAULTS = {fault.__name__: fault for fault in (answer_first,)}


if __name__ == "__main__":
    import django
    from gunicorn.app.wsgiapp import run

    django.setup()
    FAULTS[sys.argv.pop(1)]()
    run()
