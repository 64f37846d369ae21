"""Work that takes long, work that never ends, and machines that sleep: who has the lease may write."""

import os
import signal
import time

import expect
import orders
import process
import pytest
from rig import DELETES, LEASE, TABLE, WRITES
from wait import until

SLOW_MS = 2500


@pytest.mark.sanitize
@pytest.mark.takes(18)
def test_what_waits_is_kept(rig, orderd):
    """With one worker and five at a time the last ones wait for longer than a lease, and nobody else gets them."""
    settings = {"processing.workers": 1, "queue.batch_size": 5}
    daemons = [rig.start(settings, process_ms=SLOW_MS), rig.start(settings, host="other", process_ms=SLOW_MS)]
    began = time.monotonic()
    ids = rig.send(0, 10)
    rig.until_confirmed(ids, seconds=60)
    assert time.monotonic() - began > LEASE, "nothing waited for longer than a lease"
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=1)
    accounts = [daemon.stop() for daemon in daemons]
    assert sum(a["processed"] for a in accounts) == 10
    assert sum(a["duplicate"] + a["failed"] + a["deferred"] for a in accounts) == 0
    assert rig.proxy.calls_of("ChangeMessageVisibilityBatch")


@pytest.mark.takes(4)
def test_an_order_that_takes_too_long(rig, orderd):
    """The work ends with its time, and fails as its own fault."""
    daemon = rig.start(process_ms=(LEASE + 60) * 1000)
    began = time.monotonic()
    (message_id,) = rig.stage.send(orders.make("ORD-0"))
    daemon.until_outcomes(1, "failed")
    assert time.monotonic() - began < LEASE
    daemon.kill()
    assert daemon.outcomes("failed")[0]["error_code"] == "PROCESSING_FAILED"
    item = rig.stage.item("ORD-0") or rig.stage.item(f"message#{message_id}")
    assert orders.text_of(item, "error_code") == "PROCESSING_FAILED"


@pytest.mark.sanitize
@pytest.mark.takes(14)
def test_a_sleep_longer_than_the_lease(rig, orderd):
    """The machine sleeps while an order is in work; another daemon gets it. The first one writes and deletes nothing of it."""
    sleeper = rig.start({"processing.workers": 1, "queue.batch_size": 1}, host="old", process_ms=SLOW_MS)
    (message_id,) = rig.stage.send(orders.make("ORD-0"))
    until("it is in work", lambda: rig.ledger.received[message_id] == 1)
    time.sleep(0.5)
    with process.stopped(sleeper.process.pid):
        asleep = time.monotonic()
        # A poll of the sleeper's may be open: what it takes comes back later.
        other = rig.start(host="new")
        rig.until_confirmed(["ORD-0"], seconds=40)
        rig.stage.until_empty()
        assert time.monotonic() - asleep > LEASE - SLOW_MS / 1000 - 1
    awake = time.monotonic()
    sleeper.until_outcomes(1, seconds=20)
    (line,) = sleeper.outcomes()
    assert line["event"] == "deferred", line
    time.sleep(1)
    assert [c for c in rig.proxy.calls_of(*WRITES, since=awake, door=f"old{TABLE}") if c.key == "ORD-0"] == []
    assert rig.proxy.calls_of(*DELETES, since=awake, door="oldsqs") == []
    account = sleeper.stop()
    assert (account["deferred"], account["done"]) == (1, 0)
    assert other.stop()["processed"] == 1
    rig.check_all_well(["ORD-0"])


@pytest.mark.takes(12)
def test_a_sleep_between_record_and_delete(rig, orderd):
    """Deleting what is recorded is right at any time; so is finding that somebody else did."""
    with rig.outage("denied", *DELETES, door="oldsqs"):
        sleeper = rig.start(host="old")
        ids = rig.send(0, 5)
        rig.until_confirmed(ids)
        rig.until_called("a delete", *DELETES)
        with process.stopped(sleeper.process.pid):
            other = rig.start(host="new")
            rig.stage.until_empty(40)
            assert other.stop()["duplicate"] == 5
    account = sleeper.stop()
    assert (account["received"], account["processed"], account["failed"]) == (5, 5, 0)
    rig.check_all_well(ids, most_receives=2)


@pytest.mark.takes(2)
def test_an_order_that_hangs(rig, orderd):
    """A processing step that never ends costs one worker; the others go on."""
    daemon = rig.start({"processing.workers": 2}, process_ms=10, env={"ORDERD_TEST_HANG": "ORD-0"})
    ids = rig.send(0, 20)
    rig.until_confirmed(ids[1:], seconds=20)
    assert "ORD-0" not in rig.ledger.confirmed
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.was_killed = True
    daemon.wait()
    expect.check_lines([daemon], rig.stage.items())
