"""In the place of systemd: a socket to which the daemon says how it is, by sd_notify(3)."""

import socket
import threading
import time
import uuid

from wait import until


class Notify:
    """`said` has a pair for each datagram: when (time.monotonic()) and its assignments, a dict."""

    def __init__(self, watchdog_seconds=None):
        self.said = []
        name = f"orderd-test-{uuid.uuid4().hex}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name)
        self.env = {"NOTIFY_SOCKET": "@" + name}
        if watchdog_seconds is not None:
            self.env["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.sendto(b"", "\0" + self.env["NOTIFY_SOCKET"][1:])
        end.close()
        self._thread.join()
        self._socket.close()

    def _run(self):
        while data := self._socket.recv(4096):
            pairs = (line.split("=", 1) for line in data.decode().splitlines())
            self.said.append((time.monotonic(), dict(pairs)))

    def times(self, name, value=None, since=0.0):
        """When a variable was set, to a value if one is given."""
        return [at for at, said in list(self.said) if at >= since and name in said and value in (None, said[name])]

    def values(self, name):
        return [said[name] for _, said in list(self.said) if name in said]

    def until_ready(self, seconds=30):
        until(lambda: f"READY=1: {self.said}", lambda: self.times("READY", "1"), seconds)
