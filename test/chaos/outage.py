#!/usr/bin/env python3
"""outage.py ORDERD [--seconds N] [--orders N]: the table takes no writes for a long time, while orders queue up.

Prints what it has cost: processor time, log lines and calls during the outage, how often a message was received at most, and
how long it took until work went on at full speed. Ends with 1 where a promise is broken: see docs/reliability.md.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for neighbour in ("", "../e2e", "../setup"):
    sys.path.insert(0, str((HERE / neighbour).resolve()))

import daemon  # noqa: E402
import orders  # noqa: E402
import process  # noqa: E402
from emulator import Emulator  # noqa: E402
from rig import TABLE, WRITES, Rig, last  # noqa: E402
from stage import Stage, client  # noqa: E402
from wait import until  # noqa: E402

WARM = 200  # orders, before
WORKERS = 10
AT_ONCE = 50  # orders that wait in the queue beforehand: the emulator gets slow with many
SLOWEST = 20  # orders a second: what the emulator gives out while a thousand wait
BACK_SECONDS = 30
CPU_SHARE_MAX = 0.01
RECEIVES_MAX = 2


class Speed:
    """Looks every fifth of a second at how many orders are confirmed."""

    EVERY, WINDOW = 0.2, 5

    def __init__(self, rig):
        self._rig, self._samples = rig, []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(self.EVERY):
            self._samples.append((time.monotonic(), len(self._rig.ledger.confirmed)))

    def end(self):
        self._over.set()
        self._thread.join()

    def _rates(self, since, until_):
        """(at the end of a second, orders a second in it)"""
        inside = [s for s in self._samples if since <= s[0] <= until_]
        return [(b[0], (b[1] - a[1]) / (b[0] - a[0])) for a, b in zip(inside, inside[self.WINDOW :], strict=False)]

    def most(self, since, until_):
        """Orders a second in the best second of a time."""
        return max((rate for _, rate in self._rates(since, until_)), default=0.0)

    def reached(self, wanted, since):
        """When so many orders a second were first made."""
        return next((at for at, rate in self._rates(since, float("inf")) if rate >= wanted), float("inf"))


class Outage:
    """`fault` is what the table does meanwhile: one of proxy.FAULTS, or "closed"."""

    def __init__(self, rig, seconds, count, fault="throttled", say=print):
        self.rig, self.seconds, self.count, self.fault, self.say = rig, seconds, count, fault, say

    def feed(self, first, count, waiting):
        bodies = [orders.make(f"ORD-{n}") for n in range(first, first + count)]
        self.rig.stage.feed(bodies, waiting=waiting)

    def go(self):
        rig = self.rig
        one = rig.start({"processing.workers": WORKERS})
        speed = Speed(rig)
        began = time.monotonic()
        self.feed(0, WARM, AT_ONCE)
        rig.until_confirmed([f"ORD-{n}" for n in range(WARM)])
        usual = speed.most(began, time.monotonic())
        feeder = threading.Thread(target=self.feed, args=(WARM, self.count, self.count), daemon=True)
        context = rig.cut_off(TABLE) if self.fault == "closed" else rig.outage(self.fault, *WRITES)
        with context as outage:
            feeder.start()
            opened = rig.until_opened(one, "table")
            cpu = process.cpu_seconds(one.process.pid)
            resident_kb = process.status(one.process.pid, "VmRSS")
            last(self.seconds, outage.began)
            cpu = process.cpu_seconds(one.process.pid) - cpu
            grown_kb = process.status(one.process.pid, "VmRSS") - resident_kb
        rig.until_confirmed([f"ORD-{n}" for n in range(WARM, WARM + self.count)], seconds=BACK_SECONDS + self.count / 5)
        until("the queue is empty", lambda: rig.stage.waiting() == (0, 0), 60)
        speed.end()
        wanted = min(usual / 2, SLOWEST)
        back = speed.reached(wanted, outage.ended) - outage.ended
        lines = rig.lines_of(one, outage)
        calls = rig.proxy.calls_of(since=opened + 1, until=outage.ended)
        account = one.stop()
        received = max(rig.ledger.received.values())
        open_seconds = outage.ended - opened
        self.say(f"outage: the table ({self.fault}) for {outage.seconds:.0f} s, {self.count} orders queued")
        self.say(f"outage: {cpu:.2f} s of processor time ({cpu / open_seconds:.3%}), {grown_kb} kB more resident")
        self.say(f"outage: {len(lines)} log lines, {len(calls)} calls; received {received} times at most")
        self.say(f"outage: {usual:.0f} orders/s before; {wanted:.0f} again {back:.1f} s after its end")
        self.judge(account, cpu / open_seconds, lines, received, back, outage)

    def judge(self, account, share, lines, received, back, outage):
        rig = self.rig
        rig.check_all_well([f"ORD-{n}" for n in range(WARM + self.count)])
        assert account["processed"] == WARM + self.count and account["failed"] == 0, account
        assert share < CPU_SHARE_MAX, f"{share:.1%} of a processor while there was nothing to do"
        assert len(lines) <= 2 + outage.seconds / 60, [line["event"] for line in lines]
        assert received <= RECEIVES_MAX, received
        assert back < BACK_SECONDS + 5, back


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("orderd", type=Path)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--fault", default="throttled")
    arguments = parser.parse_args()
    emulator = Emulator()
    directory = Path(tempfile.mkdtemp(prefix="orderd-outage-"))
    program = daemon.Program(arguments.orderd.resolve(), directory)
    try:
        stage = Stage(emulator, client("sqs", emulator.url), client("dynamodb", emulator.url))
        rig = Rig(stage, program, daemon.Program(arguments.orderd.resolve(), directory))
        Outage(rig, arguments.seconds, arguments.orders, arguments.fault, lambda text: print(text, flush=True)).go()
        rig.end()
    except BaseException:
        print(f"outage: FAILED; the logs are in {directory}", file=sys.stderr, flush=True)
        raise
    finally:
        program.end()
        emulator.stop()


if __name__ == "__main__":
    main()
