"""A stop while something fails: it ends within its limit, systemd hears of it meanwhile, and nothing is done twice.

Other stops are in test_stop.py, with the table down in test_reliability_ends.py, paused in test_reliability_signals.py.
"""

import signal
import time

import orders
import pytest
from rig import DELETES, LEASE, SQS, TIMEOUT, WAIT, last
from wait import until

LIMIT = WAIT + TIMEOUT + 25  # seconds, of a drain


def check_notified(notify, since, until_):
    """systemd was told at once that it stops, and then again and again that it goes on."""
    stopping = notify.times("STOPPING", "1")
    assert len(stopping) == 1 and stopping[0] - since < 1
    times = notify.times("EXTEND_TIMEOUT_USEC", since=since)
    gaps = [after - before for before, after in zip([since, *times], [*times, until_], strict=False)]
    assert max(gaps) < 3, f"{max(gaps):.1f} s without a word"
    assert min(int(v) for v in notify.values("EXTEND_TIMEOUT_USEC")) >= 10_000_000


def knows_of_deletes(daemon, count):
    """The queue is empty a moment before: an answer that is lost then would be one more delete to make."""
    daemon.terminate(signal.SIGUSR1)
    return any(line["deleted"] == count for line in daemon.events("status"))


@pytest.mark.takes(45)
def test_stop_while_nothing_can_be_deleted(make_rig, make_notify, orderd):
    """What is done is done: the drain tries up to its limit, and the next start deletes what comes back."""
    denied, closed = make_rig(), make_rig()
    stops = []
    rule = denied.proxy.add("denied", *DELETES)
    for rig in (denied, closed):
        notify = make_notify()
        daemon = rig.start(env=notify.env)
        ids = rig.send(0, 20)
        rig.until_confirmed(ids)
        stops.append((rig, daemon, notify, ids))
    until("the daemon knows that all are deleted", lambda: knows_of_deletes(stops[1][1], 20))
    closed.door(SQS).close()
    closed_at = time.monotonic()
    denied.until_opened(stops[0][1], "queue")
    closed.until_opened(stops[1][1], "queue")
    last(4, closed_at)
    began = time.monotonic()
    for _, daemon, _, _ in stops:
        daemon.terminate()
    # With SQS gone there is nothing in hand: nothing to wait for.
    assert stops[1][1].wait(WAIT + TIMEOUT + 5) == 0
    assert stops[1][1].accounting()["processed"] == 20
    closed.door(SQS).open()
    assert stops[0][1].wait(LIMIT + 10) == 0
    took = time.monotonic() - began
    account = stops[0][1].accounting()
    assert LIMIT - 1 < took < LIMIT + 3, took
    assert (account["processed"], account["deferred"], account["deleted"]) == (20, 0, 0)
    check_notified(stops[0][2], began, began + took)

    denied.proxy.remove(rule)
    second = denied.start()
    # The leases were kept to the end of the drain.
    denied.stage.until_empty(LEASE + 15)
    assert second.stop()["duplicate"] == 20
    denied.check_all_well(stops[0][3], most_receives=2)


@pytest.mark.takes(12)
def test_stop_while_deletes_fail_and_come_back(rig, orderd, notify):
    with rig.outage("server_error", *DELETES) as outage:
        daemon = rig.start(env=notify.env)
        ids = rig.send(0, 20)
        rig.until_confirmed(ids)
        rig.until_called("a delete", *DELETES)
        began = time.monotonic()
        daemon.terminate()
        last(4, outage.began)
    assert daemon.wait(20) == 0
    account = daemon.accounting()
    check_notified(notify, began, time.monotonic())
    assert (account["processed"], account["deleted"]) == (20, 20)
    rig.check_all_well(ids, most_receives=1)


@pytest.mark.takes(6)
def test_stop_while_orders_are_in_work(rig, orderd):
    """They are finished, whatever else waits in the queue is left."""
    daemon = rig.start({"processing.workers": 2, "queue.batch_size": 2}, process_ms=1500)
    rig.send(0, 20)
    until("two are in work", lambda: len(rig.ledger.received) >= 2)
    time.sleep(0.3)
    account = daemon.stop(seconds=LIMIT)
    assert account["processed"] == account["received"] == account["deleted"] == len(rig.ledger.received) < 20
    visible, hidden = rig.stage.waiting()
    assert (visible, hidden) == (20 - account["received"], 0)


@pytest.mark.takes(8)
def test_stop_with_failures_in_hand(rig, orderd):
    """A failed order's change of visibility is sent as well: it does not stay hidden for its lease."""
    daemon = rig.start({"queue.wait_seconds": 3})
    rig.stage.until_polling()
    daemon.terminate()
    rig.stage.send(*[orders.make(f"BAD-{n}", amount=0) for n in range(5)])
    assert daemon.wait(20) == 0
    account = daemon.accounting()
    assert account["failed"] == account["received"] > 0
    assert rig.stage.waiting() == (5, 0)
