"""The HTTP/2 server by itself, in a thread of the test, with handlers of the test's own."""

import asyncio
import socket
import threading

from emulator.http2 import Server

METHOD = "/test.Service/Method"


class Serving:
    """`with Serving() as serving:` collects its calls in `calls`, to be answered on its loop."""

    def __init__(self, patience=60.0):
        self.calls, self.faults = [], []
        self._patience = patience
        self._came = threading.Condition()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: self.faults.append(context))
        listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{listening.getsockname()[1]}"
        self.server = Server({METHOD: self._take}, patience=self._patience)
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._run(self.server.start(listening))
        return self

    def __exit__(self, *exc):
        self.stop(0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        assert not self.faults

    def _take(self, call, message):
        with self._came:
            self.calls.append((call, message))
            self._came.notify_all()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def stop(self, grace):
        """Stop the server; it may be said twice."""
        self._run(self.server.stop(grace))

    def await_calls(self, count):
        """Return the first calls, once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.calls) >= count, 10)
            return [call for call, _ in self.calls[:count]]

    def on_loop(self, act):
        """Return what a function brings that is called on the loop."""

        async def acted():
            return act()

        return self._run(acted())
