"""SQS fails, or both services do: what was recorded is deleted in the end, and what was received is not lost."""

import time

import process
import pytest
from rig import DELETES, LEASE, SQS, TABLE, last
from wait import until

SHORT = 10


@pytest.mark.takes(20)
def test_sqs_fails(rig, orderd):
    """Records go on, receives are probed, and each probe asks for one message."""
    daemon = rig.start(process_ms=700)
    rig.until_confirmed(rig.send(0, 10))
    ids = rig.send(10, 40)
    rig.until_called("a poll for them", "ReceiveMessage", when=lambda c: rig.ledger.received.total() > 20)
    with rig.outage("server_error", door=SQS) as outage:
        last(3, outage.began)
        in_hand = len(rig.ledger.received)
        until("what is in hand is recorded", lambda: len(rig.ledger.confirmed) >= in_hand, seconds=15)
        probing = outage.began + 4
        last(SHORT, outage.began)
    rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    probes = rig.proxy.calls_of("ReceiveMessage", since=probing, until=outage.ended)
    assert all(c.members["MaxNumberOfMessages"] == 1 for c in probes), probes
    assert len(probes) <= 12, "3 attempts each at 1 s, 2 s, 4 s ..."
    said = rig.lines_of(daemon, outage, after=4)
    assert len(said) <= 2, said
    rig.check_all_well(ids, most_receives=2)
    assert daemon.stop()["failed"] == 0


@pytest.mark.sanitize
@pytest.mark.takes(20)
def test_nothing_can_be_reached(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    ids = rig.send(10, 60)
    rig.until_confirmed(ids[:5])
    with rig.cut_off(SQS, TABLE) as outage:
        last(4, outage.began)
        cpu = process.Cpu(daemon.process.pid)
        last(SHORT, outage.began)
        used = cpu.share()
    rig.until_confirmed(ids, seconds=45)
    rig.stage.until_empty()
    assert used < 0.03, f"{used:.1%} of a processor while there was nothing to do"
    said = rig.lines_of(daemon, outage, after=4)
    assert len(said) <= 3, said
    rig.check_all_well(ids, most_receives=2)
    assert daemon.stop()["failed"] == 0


@pytest.mark.takes(35)
def test_deletes_are_denied(rig, orderd):
    """What is done is kept from others by its lease until its delete succeeds; and no more is received than can be kept."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 20))
    pid = daemon.process.pid
    with rig.outage("denied", *DELETES) as outage:
        before_kb = process.status(pid, "VmRSS")
        ids = rig.send(20, 30)
        rig.until_opened(daemon, "queue")
        last(6, outage.began)
        settled = time.monotonic()
        confirmed = len(rig.ledger.confirmed)
        ids += rig.send(50, 30)
        last(6 + LEASE + 1, outage.began)
        grown_kb = process.status(pid, "VmRSS") - before_kb
        assert len(rig.ledger.confirmed) == confirmed, "more was received although nothing can be deleted"
        said = rig.lines_of(daemon, outage, after=6)
    rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    assert rig.proxy.calls_of("ReceiveMessage", since=settled, until=outage.ended) == []
    assert grown_kb < 2048
    assert len(said) <= 2, said
    rig.check_all_well(ids)
    account = daemon.stop()
    # Nothing came back: the leases were kept all the time.
    assert (account["processed"], account["duplicate"], account["deferred"]) == (80, 0, 0)
    assert account["deleted"] == account["done"]
