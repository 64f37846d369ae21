"""A stage, a proxy before it, and daemons behind that: what every test of reliability plays with.

Every host has two doors of the proxy, one for SQS and one for the table, so that each can be shut on its own. The ledger
watches all the time; `end` fails the test on anything that must never happen.
"""

import contextlib
import datetime
import math
import time

import orders
from daemon import OUTCOMES
from ledger import Ledger
from proxy import Proxy
from wait import until

SQS, TABLE = "sqs", "table"
WRITES = ("UpdateItem", "GetItem")
DELETES = ("DeleteMessageBatch", "DeleteMessage")
CHANGES = ("ChangeMessageVisibilityBatch", "ChangeMessageVisibility")

WAIT, TIMEOUT = 1, 3
LEASE = WAIT + TIMEOUT + 5  # seconds

# Pauses of a breaker are 1 s doubling to 30 s, each shortened by up to its half: after this many seconds of an outage at most
# so many probes were made. The first is made at once, before it opens.
PROBE_ATTEMPTS = 4  # calls of one probe, by the SDKs' rules


def probes_within(seconds):
    count, at, pause = 1, 0.0, 1.0
    while at <= seconds:
        at += pause / 2
        pause = min(2 * pause, 30)
        count += 1
    return count


def wall(line):
    """A line's time as time.time() has it."""
    return datetime.datetime.strptime(line["ts"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


class Outage:
    """A time in which something fails. Times are time.monotonic(), `wall_` those of the log."""

    def __init__(self):
        self.began, self.wall_began = time.monotonic(), time.time()
        self.ended = self.wall_ended = math.inf

    def end(self):
        self.ended, self.wall_ended = time.monotonic(), time.time()

    @property
    def seconds(self):
        return min(self.ended, time.monotonic()) - self.began


class Rig:
    def __init__(self, stage, program, slow_program, seed=0):
        self.stage, self._program, self._slow = stage, program, slow_program
        self.proxy = Proxy(stage.emulator.url, seed)
        self.ledger = Ledger(self.proxy)

    def end(self):
        self._program.end()
        self._slow.end()
        self.proxy.stop()
        self.ledger.check()

    def door(self, service, host=""):
        return self.proxy.door(f"{host}{service}")

    def start(self, settings=None, host="", process_ms=None, **more):
        """Starts a daemon on a host; one that takes `process_ms` for an order, if that is given."""
        program = self._program if process_ms is None else self._slow
        env = {
            "ORDERD_ENDPOINTS_SQS": self.door(SQS, host).url, "ORDERD_ENDPOINTS_DYNAMODB": self.door(TABLE, host).url,
            "ORDERD_TEST_PROCESS_MS": None if process_ms is None else str(process_ms),
        } | more.pop("env", {})  # fmt: skip
        values = {"queue.wait_seconds": WAIT, "processing.timeout_seconds": TIMEOUT} | (settings or {})
        return program.start_on(self.stage, values, env=env, **more)

    def send(self, first, count, name="ORD"):
        """Sends good orders; returns their ids."""
        ids = [f"{name}-{n}" for n in range(first, first + count)]
        self.stage.send(*[orders.make(order_id) for order_id in ids])
        return ids

    def until_confirmed(self, ids, seconds=40):
        def missing():
            ends = [d.process.returncode for p in (self._program, self._slow) for d in p.started if not d.alive()]
            assert not any(ends), f"orderd ended by itself: {ends}"
            return [i for i in ids if i not in self.ledger.confirmed]

        until(lambda: f"all confirmed: {len(missing())} of {len(ids)} missing, {missing()[:5]}", lambda: not missing(), seconds)

    def until_called(self, what, *operations, since=0.0, when=None, count=1, seconds=30, door=None):
        def calls():
            return [c for c in self.proxy.calls_of(*operations, since=since, door=door) if when is None or when(c)]

        until(lambda: f"{what}: {len(calls())} of {count}", lambda: len(calls()) >= count, seconds)
        return calls()

    def until_opened(self, daemon, breaker, seconds=40):
        """Until the daemon says that a breaker is open; returns when."""

        def opened():
            return [line for line in daemon.events("breaker_opened") if line["breaker"] == breaker]

        until(lambda: f"the {breaker}'s breaker is open: {daemon.log_text()[-1000:]}", opened, seconds)
        return time.monotonic()

    @contextlib.contextmanager
    def outage(self, fault, *operations, **more):
        with self.proxy.fault(fault, *operations, **more):
            outage = Outage()
            yield outage
        outage.end()

    @contextlib.contextmanager
    def cut_off(self, *services, host=""):
        """For a while a host cannot connect to some services."""
        with contextlib.ExitStack() as stack:
            for service in services:
                stack.enter_context(self.door(service, host).closed())
            outage = Outage()
            yield outage
        outage.end()

    # judgement

    def confirmations(self):
        return {k: orders.text_of(i, "confirmation_number") for k, i in self.stage.items().items() if "confirmation_number" in i}

    def check_all_well(self, ids, most_receives=None):
        """Each of the orders is confirmed as it was at first, none is dead, nothing is left."""
        assert self.confirmations() == {i: self.ledger.confirmed[i] for i in self.ledger.confirmed}
        assert set(ids) <= self.ledger.confirmed.keys()
        assert self.stage.dead() == {}
        assert self.stage.waiting() == (0, 0)
        if most_receives is not None:
            assert max(self.ledger.received.values()) <= most_receives, self.ledger.received.most_common(5)

    def lines_of(self, daemon, outage, after=0.0):
        """What a daemon said during an outage beside the outcomes of orders and its metrics."""
        return [
            line for line in daemon.lines
            if line["event"] not in (*OUTCOMES, "metrics") and outage.wall_began + after <= wall(line) <= outage.wall_ended
        ]  # fmt: skip


def last(seconds, since):
    """Sleeps until `seconds` have gone since a moment: an outage has to last."""
    time.sleep(max(0.0, since + seconds - time.monotonic()))
