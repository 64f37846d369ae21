"""The table fails for a while: nothing is lost, nothing is spent, and nothing is hammered."""

import time

import expect
import process
import pytest
from rig import LEASE, PROBE_ATTEMPTS, TABLE, WRITES, last, probes_within

OUTAGE = 30  # seconds: three leases and more
SHORT = 8


def check_quiet(rig, daemon, outage, opened, settles=1.0):
    """During an outage the table sees probes only, ever more seldom, and SQS no receive at all.

    It settles when the calls have ended that were under way when the breaker opened.
    """
    settled = opened + settles
    writes = rig.proxy.calls_of(*WRITES, since=settled, until=outage.ended)
    assert all(c.is_probe for c in writes), [c for c in writes if not c.is_probe]
    assert len(writes) <= PROBE_ATTEMPTS * probes_within(outage.ended - settled)
    # The receiver may have been told that it may poll just before it was told that it may not.
    assert rig.proxy.calls_of("ReceiveMessage", since=settled, until=outage.ended) == []
    said = rig.lines_of(daemon, outage)
    assert 1 <= len(said) <= 1 + 1 + outage.seconds // 60, said


@pytest.mark.takes(40)
def test_outage_longer_than_a_lease(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 20))
    with rig.outage("reset_before", *WRITES) as outage:
        ids = rig.send(20, 5)
        opened = rig.until_opened(daemon, "table")
        # Half of the workers are free, and yet nothing is asked for.
        last(3, opened)
        ids += rig.send(25, 55)
        cpu = process.Cpu(daemon.process.pid)
        last(OUTAGE, outage.began)
        used = cpu.share()
    rig.until_confirmed(ids, seconds=35)
    back = time.monotonic()
    rig.until_confirmed(rig.send(80, 100), seconds=20)
    rig.stage.until_empty()

    check_quiet(rig, daemon, outage, opened)
    assert used < 0.03, f"{used:.1%} of a processor while there was nothing to do"
    assert back - outage.ended < 32
    rig.check_all_well(ids, most_receives=2)
    account = daemon.stop()
    assert (account["processed"], account["failed"]) == (180, 0)
    expect.check_lines([daemon], rig.stage.items())
    # What was in hand was held: it did not come back.
    assert account["deferred"] == 0
    extended = rig.proxy.calls_of("ChangeMessageVisibilityBatch", since=opened, until=outage.ended)
    assert len(extended) >= OUTAGE // LEASE


@pytest.mark.sanitize
@pytest.mark.takes(20)
def test_writes_are_throttled_while_reads_work(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage("throttled", "UpdateItem") as outage:
        ids = rig.send(10, 40)
        opened = rig.until_opened(daemon, "table")
        last(SHORT, opened)
    rig.until_confirmed(ids, seconds=35)
    rig.stage.until_empty()
    check_quiet(rig, daemon, outage, opened)
    rig.check_all_well(ids, most_receives=2)
    account = daemon.stop()
    assert (account["processed"], account["failed"]) == (50, 0)


@pytest.mark.takes(18)
def test_the_table_cannot_be_reached(rig, orderd):
    """The port is closed: not a single call gets through, and the processor has nothing to do."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.cut_off(TABLE) as outage:
        ids = rig.send(10, 40)
        opened = rig.until_opened(daemon, "table")
        cpu = process.Cpu(daemon.process.pid)
        last(SHORT, outage.began)
        used = cpu.share()
    rig.until_confirmed(ids, seconds=35)
    rig.stage.until_empty()
    check_quiet(rig, daemon, outage, opened)
    assert used < 0.03, f"{used:.1%} of a processor while there was nothing to do"
    rig.check_all_well(ids, most_receives=2)
    daemon.stop()


@pytest.mark.takes(17)
@pytest.mark.parametrize("fault", ["expired", "black_hole", "delayed"])
def test_other_ways_to_fail(rig, orderd, fault):
    """A table that is too slow counts as down, and what it wrote all the same is found."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    more = {"seconds": 7} if fault == "delayed" else {}
    with rig.outage(fault, *WRITES, **more) as outage:
        ids = rig.send(10, 30)
        rig.until_opened(daemon, "table")
        last(8, outage.began)
    rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=2)
    account = daemon.stop()
    assert (account["processed"], account["failed"]) == (40, 0)


@pytest.mark.takes(4)
@pytest.mark.parametrize("fault", ["throttled", "server_error", "reset_before", "lost_reply"])
def test_a_single_failure(rig, orderd, fault):
    """It is tried again, and nobody notices."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage(fault, "UpdateItem", times=1):
        ids = rig.send(10, 20)
        rig.until_confirmed(ids, seconds=10)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=1)
    assert daemon.stop()["processed"] == 30
    told = [line["event"] for line in daemon.lines if line["level"] != "info"]
    assert told == ["short_dead_letter_retention"], "that is said of every queue that the emulator makes"
