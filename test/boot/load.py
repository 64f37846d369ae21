"""Orders that keep coming while something is done to the daemon, and what must have become of every one of them."""

import threading

import expect
import orders
from wait import until

WAITING = 30  # the most that wait in the queue: the emulator gets slow with many
BATCH = 10


class Load:
    """From `with` to its end orders come; behind it all of them are confirmed, each once, and none is dead."""

    def __init__(self, stage, name, environment=""):
        self._stage, self._name, self._environment = stage, name, environment
        self._over = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._sampler = expect.Sampler(stage)
        self.sent = {}

    def __enter__(self):
        self._sampler.__enter__()
        self._feeder.start()
        self.until_more()
        return self

    def __exit__(self, kind, *_):
        self._over.set()
        self._feeder.join()
        if kind is None:
            self._stage.until_empty(60)
        self._sampler.__exit__()
        if kind is None:
            self._judge()

    def _feed(self):
        while not self._over.wait(0.05):
            if self._stage.waiting()[0] <= WAITING:
                bodies = [orders.make(f"{self._name}-{len(self.sent) + n}") for n in range(BATCH)]
                self.sent.update(zip(self._stage.send(*bodies), bodies, strict=True))

    def until_more(self, count=2 * BATCH, seconds=40):
        """Until so many more are confirmed than are now."""
        enough = len(self._sampler.seen) + count
        until(lambda: f"{enough} confirmed: {len(self._sampler.seen)}", lambda: len(self._sampler.seen) >= enough, seconds)

    def _judge(self):
        self._sampler.look()
        assert self._sampler.changes == []
        assert expect.check_recorded(self._stage.items(), self.sent, self._environment) == {}
        assert not self.sent.keys() & self._stage.dead().keys()
