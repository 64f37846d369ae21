#!/usr/bin/env python3
"""chaos.py ORDERD [--orders N] [--seed S] [--rounds R]: orders on an emulator, while the network, the services and the daemon
itself fail at random.

Orders are fed while they are drained: good ones, copies of them, other orders under their ids, and a few that are no orders.
Between orderd and the emulator stands a proxy that spoils some calls by chance, and now and then a whole service for seconds.
The daemon is killed, stopped, frozen and started again, each time with other settings.

At the end every good order is confirmed, once and for ever; every bad one is in the dead-letter queue, with a FAILED item;
nothing else is there, and nothing is left in the queue. What was done depends on the seed, which is printed first; when
exactly it was done depends on the machine.
"""

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for neighbour in ("", "../e2e", "../setup"):
    sys.path.insert(0, str((HERE / neighbour).resolve()))

import daemon  # noqa: E402
import expect  # noqa: E402
import orders  # noqa: E402
import process  # noqa: E402
from emulator import Emulator  # noqa: E402
from ledger import Ledger  # noqa: E402
from proxy import Proxy, usual_weather  # noqa: E402
from stage import Stage, client  # noqa: E402
from wait import until  # noqa: E402

MAX_RECEIVES = 10
RSS_MAX_KB = 20 * 1024  # with 25 workers; the README promises 16 MB for 10
RSS_GROWTH_KB = 2 * 1024  # of the last daemon, from its first third to its last
STEADY = 0.75  # this share of the orders being confirmed, the daemon is let live
SQS, TABLE = "sqs", "table"
READS = ("ReceiveMessage", "GetQueueAttributes", "GetQueueUrl")
WRITES = ("UpdateItem", "GetItem")

NOT_ORDERS = (
    lambda n: f"CUST-this is no JSON {n}",
    lambda n: orders.make(f"BAD-{n}", amount=0),
    lambda n: orders.make(f"BAD-{n}", items=[]),
)


def mixed(count, plan):
    """`count` bodies in the order in which they are sent, and those that are no orders."""
    twice, conflicting, bad = count // 20, count // 100, max(3, count // 100)
    plain = count - twice - conflicting - bad
    bodies = [orders.make(f"ORD-{n}") for n in range(plain)]
    bodies += [orders.make(f"ORD-{n}") for n in range(twice)]
    bodies += [orders.make(f"ORD-{n}", seed=1, amount=n) for n in range(twice + 1, twice + 1 + conflicting)]
    wrong = [NOT_ORDERS[n % len(NOT_ORDERS)](n) for n in range(bad)]
    bodies += wrong
    plan.shuffle(bodies)
    return bodies, set(wrong)


def hurried(request):
    """A request for a change of visibility, with the pauses of a bad order left out: it has to fail ten times. Leases, which
    are short here, are as they were."""
    for entry in request["Entries"]:
        if entry["VisibilityTimeout"] >= 30:
            entry["VisibilityTimeout"] = 0
    return request


class Weather(threading.Thread):
    """Every few seconds something fails as a whole, for some seconds."""

    def __init__(self, proxy, seed, pid):
        super().__init__(name="weather", daemon=True)
        self.counts = {}
        self._proxy, self._plan, self._pid = proxy, random.Random(f"{seed}/weather"), pid
        self._over = threading.Event()

    def end(self):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(self._plan.uniform(1.5, 7)):
            name, storm = self._plan.choice(self._storms())
            seconds = self._plan.uniform(0.3, 3) if self._plan.random() < 0.9 else self._plan.uniform(6, 11)
            self.counts[name] = self.counts.get(name, 0) + 1
            with storm:
                self._over.wait(seconds)

    def _storms(self):
        fault = self._proxy.fault
        of = self._plan.choice(("DeleteMessageBatch", "ChangeMessageVisibilityBatch", "ReceiveMessage", "UpdateItem"))
        return [
            ("the table resets", fault("reset_before", *WRITES)),
            ("the table throttles writes", fault("throttled", "UpdateItem")),
            ("the table fails", fault("server_error", *WRITES)),
            ("the table's answers are lost", fault("lost_reply", *WRITES)),
            ("the table is silent", fault("black_hole", "UpdateItem")),
            ("the table is not there", self._proxy.door(TABLE).closed()),
            ("SQS fails", fault("server_error", door=SQS)),
            ("SQS throttles", fault("throttled", door=SQS)),
            ("SQS is not there", self._proxy.door(SQS).closed()),
            ("receives are lost", fault("lost_reply", "ReceiveMessage")),
            ("the token has ended", fault("expired")),
            (f"{of} is denied", fault("denied", of)),
            (f"{of} is answered in part", fault("partial_after", of) if "Batch" in of else fault("cut_reply", of)),
            ("the machine sleeps", self._frozen()),
        ]

    @contextlib.contextmanager
    def _frozen(self):
        with contextlib.suppress(ProcessLookupError), process.stopped(self._pid()):
            yield


class Watch(threading.Thread):
    """Reads items again and again: a number that was written must be the one that stands. And the daemon's memory."""

    def __init__(self, stage, ledger, seed, pid):
        super().__init__(name="watch", daemon=True)
        self.reads, self.changes, self.peak_kb = 0, [], 0
        self.resident_kb = {}  # pid to samples
        self._stage, self._ledger, self._plan, self._pid = stage, ledger, random.Random(f"{seed}/watch"), pid
        self._over = threading.Event()

    def end(self):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(0.5):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, KeyError):
                pid = self._pid()
                self.peak_kb = max(self.peak_kb, process.status(pid, "VmHWM"))
                self.resident_kb.setdefault(pid, []).append(process.status(pid, "VmRSS"))
            known = self._ledger.confirmed.copy()
            for key in self._plan.sample(sorted(known), min(5, len(known))):
                number = orders.text_of(self._stage.item(key), "confirmation_number")
                self.reads += 1
                if number != known[key]:
                    self.changes.append((key, known[key], number))


    def growth_kb(self, pid):
        samples = self.resident_kb.get(pid, [0])
        third = (len(samples) + 2) // 3
        return max(samples[-third:]) - max(samples[:third])


class Run:
    """One run. `program` starts orderd; `say` is told what happens."""

    def __init__(self, stage, program, seed, count, say=print):
        self.stage, self.program, self.seed, self.count, self.say = stage, program, seed, count, say
        self.plan = random.Random(f"{seed}/plan")
        self.proxy = Proxy(stage.emulator.url, seed, usual_weather(0.03), keep_calls=False)
        self.proxy.rewrite["ChangeMessageVisibilityBatch"] = hurried
        self.ledger = Ledger(self.proxy)
        self.bodies, self.wrong = mixed(count, self.plan)
        self.ids = {orders.parse(body)["order_id"] for body in self.bodies if body not in self.wrong}
        self.daemons, self.ends = [], {"kill -9": 0, "SIGTERM": 0}

    def start(self):
        settings = {
            "queue.wait_seconds": 1, "processing.timeout_seconds": 2,
            "processing.workers": self.plan.choice([2, 10, 10, 25]), "queue.batch_size": self.plan.choice([1, 5, 10, 10]),
            "breaker.hold_seconds": self.plan.choice([0, 4, 900]), "queue.delete_linger_ms": self.plan.choice([0, 50, 500]),
        }  # fmt: skip
        env = {
            "ORDERD_ENDPOINTS_SQS": self.proxy.door(SQS).url, "ORDERD_ENDPOINTS_DYNAMODB": self.proxy.door(TABLE).url,
        }  # fmt: skip
        self.daemons.append(self.program.start_on(self.stage, settings, env=env))
        return self.daemons[-1]

    def pid(self):
        return self.daemons[-1].process.pid

    def drained(self):
        return not self.feeder.is_alive() and self.ids <= self.ledger.confirmed.keys()

    def live(self, one):
        """Lets a daemon live until it, or its predecessors, have done some more; or until it has had time enough for that."""
        if len(self.ledger.confirmed) > STEADY * len(self.ids):
            until("all orders are confirmed", lambda: self.drained() or not one.alive(), 3600)
            assert one.alive(), f"orderd ended by itself with {one.process.returncode}: {one.log_text()[-3000:]}"
            return
        enough = len(self.ledger.confirmed) + self.plan.randrange(min(self.count, 4000) // 6 + 1)
        deadline = time.monotonic() + self.plan.uniform(1, 25)
        while len(self.ledger.confirmed) < enough and time.monotonic() < deadline and not self.drained():
            assert one.alive(), f"orderd ended by itself with {one.process.returncode}: {one.log_text()[-3000:]}"
            time.sleep(0.02)

    def end_one(self, one):
        if self.plan.random() < 0.6:
            one.kill()
            self.ends["kill -9"] += 1
            return
        one.terminate()
        code = one.wait(90)
        self.ends["SIGTERM"] += 1
        if code == -signal.SIGTERM:
            assert one.log_text() == "", "it was there to be asked, and was not"
        else:
            assert code == 0, one.log_text()[-4000:]
            one.accounting()

    def go(self, seconds=120):
        """Everything, and the judgement."""
        self.say(f"chaos: seed {self.seed}, {self.count} orders")
        began = time.monotonic()
        self.feeder = threading.Thread(target=self.stage.feed, args=(self.bodies,), kwargs={"seconds": 600}, daemon=True)
        self.feeder.start()
        one = self.start()
        weather, watch = Weather(self.proxy, self.seed, self.pid), Watch(self.stage, self.ledger, self.seed, self.pid)
        weather.start()
        watch.start()
        try:
            while not self.drained():
                self.live(one)
                if not self.drained():
                    self.end_one(one)
                    one = self.start()
            weather.end()
            self.proxy.chance = None
            # The last receives of a bad order, and what a dead poll took, are still to come back.
            self.stage.until_empty(seconds)
            one.stop(seconds=90)
        finally:
            weather.end()
            watch.end()
        self.say(f"chaos: {time.monotonic() - began:.0f} s, {self.ends}, at most {watch.peak_kb} kB resident")
        self.say(f"chaos: {weather.counts}")
        self.say(self.proxy.summary())
        self.proxy.stop()
        self.judge(watch)

    def judge(self, watch):
        items = self.stage.items()
        self.ledger.check()
        assert watch.changes == [] and watch.reads > 0, watch.changes
        assert watch.peak_kb < RSS_MAX_KB, f"{watch.peak_kb} kB resident"
        grown_kb = watch.growth_kb(self.pid())
        assert grown_kb < RSS_GROWTH_KB, f"the last daemon grew by {grown_kb} kB"

        good = {m: body for m, body in self.stage.sent.items() if body not in self.wrong}
        bad = {m: body for m, body in self.stage.sent.items() if body in self.wrong}
        losers = expect.check_recorded(items, good)
        table = {key: orders.text_of(item, "confirmation_number") for key, item in items.items() if key in self.ids}
        assert table == {key: self.ledger.confirmed[key] for key in self.ids}
        assert len(set(table.values())) == len(table)
        for message_id in [*bad, *losers]:
            item = items[f"message#{message_id}"]
            assert orders.text_of(item, "status") == "FAILED"
            assert (orders.text_of(item, "error_code") == "ORDER_CONFLICT") == (message_id in losers)
        dead = self.stage.dead()
        assert dead == bad | {m: self.stage.sent[m] for m in losers}, sorted(set(dead) ^ set(bad) ^ set(losers))
        assert self.ledger.deleted == set(good) - set(losers)
        most = max(self.ledger.received[message_id] for message_id in self.ledger.deleted)
        expect.check_lines(self.daemons, items)
        self.say(f"chaos: {len(table)} confirmed, {len(dead)} dead, a good message was received {most} times at most, "
                 f"the last daemon grew by {grown_kb} kB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("orderd", type=Path)
    parser.add_argument("--orders", type=int, default=20000)
    parser.add_argument("--seed", type=int, action="append", help="may be given several times")
    parser.add_argument("--rounds", type=int, default=1, help="with seeds drawn at random")
    arguments = parser.parse_args()
    seeds = arguments.seed or [random.SystemRandom().randrange(10**9) for _ in range(arguments.rounds)]
    for seed in seeds:
        emulator = Emulator()
        directory = Path(tempfile.mkdtemp(prefix="orderd-chaos-"))
        program = daemon.Program(arguments.orderd.resolve(), directory)
        try:
            stage = Stage(emulator, client("sqs", emulator.url), client("dynamodb", emulator.url), MAX_RECEIVES)
            Run(stage, program, seed, arguments.orders, lambda text: print(text, flush=True)).go()
        except BaseException:
            print(f"chaos: FAILED with seed {seed}; the logs are in {directory}", file=sys.stderr, flush=True)
            raise
        finally:
            program.end()
            emulator.stop()


if __name__ == "__main__":
    main()
