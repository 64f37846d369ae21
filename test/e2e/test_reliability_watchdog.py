"""What takes a minute to see: systemd is fed while every thread moves, and an idle daemon asks SQS for next to nothing.

All of it is watched in the same minute, each daemon on a stage of its own.
"""

import contextlib
import time

import process
import pytest
from rig import CHANGES, DELETES, SQS, TABLE, last
from wait import until

FEED = 2.0  # WATCHDOG_USEC, in seconds: fed every second
TICK = 1.5  # between two looks of the main thread, and some
POLL_BOUND, WORK_BOUND, DELETE_BOUND = 60, 60, 60  # seconds, at most, beyond what a thread is busy with
MOST = 75


class Watched:
    """A daemon with somebody who listens to its signs of life."""

    def __init__(self, name, rig, notify, settings=None, **more):
        self.name, self.rig, self.notify = name, rig, notify
        env = notify.env | more.pop("env", {})
        self.daemon = rig.start(settings, env=env, **more)
        notify.until_ready()
        self.began = time.monotonic()

    @property
    def pid(self):
        return self.daemon.process.pid

    def gaps(self):
        times = [self.began, *self.notify.times("WATCHDOG", "1", since=self.began), time.monotonic()]
        return [after - before for before, after in zip(times, times[1:], strict=False)]

    def check_fed(self):
        assert self.daemon.alive(), self.name
        assert max(self.gaps()) < FEED, f"{self.name}: {max(self.gaps()):.1f} s without a sign of life"
        assert self.daemon.events("thread_hangs") == [], self.name

    def hangs(self):
        return [line["thread"] for line in self.daemon.events("thread_hangs")]

    def check_starved(self, *threads):
        """One of them hangs, and systemd is not fed any more."""
        assert len(self.hangs()) == 1, f"{self.name}: {self.hangs()}"
        (thread,) = self.hangs()
        assert thread in threads, f"{self.name}: {thread}"
        quiet = time.monotonic() - self.notify.times("WATCHDOG", "1")[-1]
        assert quiet > FEED, f"{self.name}: fed {quiet:.1f} s ago although {thread} hangs"
        fed = self.notify.times("WATCHDOG", "1")
        assert fed[-1] - self.began > 10, f"{self.name}: not fed while nothing was wrong"


@pytest.fixture
def watched(make_rig, make_notify):
    return lambda name, *more, **settings: Watched(name, make_rig(), make_notify(watchdog_seconds=FEED), *more, **settings)


def idle(watched):
    return watched("idle", {"queue.wait_seconds": 20, "processing.timeout_seconds": 55})


def cut_off(watched, stack):
    one = watched("cut off")
    one.rig.until_confirmed(one.rig.send(0, 10))
    one.rig.send(10, 10)
    stack.enter_context(one.rig.cut_off(SQS, TABLE))
    return one


def table_down(watched, stack):
    one = watched("table down")
    one.rig.until_confirmed(one.rig.send(0, 10))
    stack.enter_context(one.rig.outage("throttled", "UpdateItem"))
    one.rig.send(10, 10)
    return one


def stuck_worker(watched):
    one = watched("worker", {"processing.workers": 1}, process_ms=10, env={"ORDERD_TEST_HANG": "ORD-0"})
    one.rig.send(0, 1)
    until("it is in work", lambda: one.rig.ledger.received.total() == 1)
    return one


def receivers(one):
    return [name for name in process.threads(one.pid) if name.startswith("receiver")]


def stuck_receiver(watched, stack):
    """It stops in the middle of its poll, whichever has it; the others may wait for one as long as they like."""
    one = watched("receiver")
    one.rig.until_called("a poll", "ReceiveMessage")
    for name in receivers(one):
        stack.enter_context(process.thread_stopped(one.pid, name))
    return one


def stuck_acknowledger(watched, stack):
    """It stops in the middle of a call."""
    one = watched("acknowledger")
    stack.enter_context(one.rig.outage("black_hole", *DELETES, *CHANGES))
    one.rig.send(0, 5)
    one.rig.until_called("a delete", *DELETES)
    stack.enter_context(process.thread_stopped(one.pid, "acknowledger"))
    return one


@pytest.mark.takes(80)
def test_a_minute(watched, orderd):
    with contextlib.ExitStack() as stack:
        resting = idle(watched)
        well = [resting, cut_off(watched, stack), table_down(watched, stack)]
        worker = stuck_worker(watched)
        receiver = stuck_receiver(watched, stack)
        acknowledger = stuck_acknowledger(watched, stack)
        began = time.monotonic()
        cpu = {one.name: process.Cpu(one.pid) for one in well}
        stuck = (worker, receiver, acknowledger)
        until(
            lambda: f"each is seen: {[(one.name, one.hangs()) for one in stuck]}",
            lambda: all(one.hangs() for one in stuck), MOST,
        )  # fmt: skip
        last(62, began)
        last(2 * FEED, time.monotonic())
        worker.check_starved("worker-1")
        receiver.check_starved(*receivers(receiver))
        acknowledger.check_starved("acknowledger")
        for one in well:
            one.check_fed()
            assert cpu[one.name].share() < 0.02, f"{one.name}: {cpu[one.name].share():.1%} of a processor"
        calls = [c for c in resting.rig.proxy.calls_of(since=began) if c.began < began + 60]
        assert len(calls) <= 4, f"{len(calls)} calls in a minute of rest: {calls}"
    # They move again: systemd is fed again, if it has not restarted them.
    moved = time.monotonic()
    until("the receiver lives", lambda: receiver.notify.times("WATCHDOG", "1", since=moved))
    until("the log says so", lambda: receiver.daemon.events("thread_moves_again"))
    assert [line["thread"] for line in receiver.daemon.events("thread_moves_again")] == receiver.hangs()
    receiver.daemon.stop()
