"""Receives, batches and changes of visibility that fail on their own: no receive is wasted, no message is lost."""

import time

import orders
import pytest
from rig import CHANGES, DELETES, last
from wait import until


@pytest.mark.takes(11)
@pytest.mark.parametrize("fault", ["lost_reply", "reset_after", "rubbish"])
def test_receives_whose_replies_are_lost(make_rig, orderd, fault):
    """Each of them has cost its messages a receive: the next one waits, and asks for one message."""
    rig = make_rig(max_receives=6)
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage(fault, "ReceiveMessage") as outage:
        ids = rig.send(10, 30)
        last(7, outage.began)
    rig.until_confirmed(ids, seconds=45)
    rig.stage.until_empty()

    lost = [c for c in rig.proxy.calls_of("ReceiveMessage", since=outage.began - 5) if c.fault == fault]
    assert len(lost) >= 2
    first = min(lost, key=lambda c: c.ended)
    # Another one may have been on its way when the first was lost.
    later = [c for c in rig.proxy.calls_of("ReceiveMessage", since=first.ended + 0.2) if c.began <= lost[-1].began]
    for before, call in zip([first, *later], later, strict=False):
        gap = f"{call.began - before.ended:.3f} s after a lost one"
        assert call.members["MaxNumberOfMessages"] == 1, gap
        assert call.began - before.ended >= 0.95, gap
    assert len(later) <= 5
    rig.check_all_well(ids, most_receives=4)
    daemon.stop()


@pytest.mark.takes(15)
def test_a_receive_that_is_never_answered(make_rig, orderd):
    """The poll is given up after its time; SQS gave its messages out all the same."""
    rig = make_rig(max_receives=6)
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 5))
    with rig.outage("black_hole_after", "ReceiveMessage", times=1):
        ids = rig.send(5, 10)
        rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=2)
    daemon.stop()


@pytest.mark.takes(22)
def test_no_right_to_change_visibility(make_rig, orderd):
    """No extension, so nothing waits for a worker; no release, so a bad order comes back when its lease ends. Nothing is lost."""
    rig = make_rig(max_receives=2)
    with rig.outage("denied", *CHANGES) as outage:
        daemon = rig.start({"processing.workers": 2, "queue.batch_size": 5}, process_ms=1500)
        ids = rig.send(0, 16)
        (bad,) = rig.stage.send(orders.make("BAD-0", amount=0))
        rig.until_called("an extension that is denied", *CHANGES)
        denied = time.monotonic()
        rig.until_confirmed(ids, seconds=50)
        until("the bad order came back", lambda: rig.ledger.received[bad] >= 2, seconds=30)
    # One more could be under way when the first was denied.
    asked = [c.members["MaxNumberOfMessages"] for c in rig.proxy.calls_of("ReceiveMessage", since=denied + 1, until=outage.ended)]
    assert asked and max(asked) <= 2, asked
    until("it is dead", lambda: rig.stage.dead_count() == 1, seconds=30)
    rig.stage.until_empty()
    assert set(rig.stage.dead()) == {bad}
    account = daemon.stop()
    assert (account["processed"], account["duplicate"]) == (16, 0)


@pytest.mark.takes(15)
def test_batches_that_are_answered_in_part(make_rig, orderd):
    """Some entries of every batch fail, truly or only in the answer: each message is deleted in the end, and none twice."""
    rig = make_rig(max_receives=2)
    with rig.outage("partial_before", *DELETES[:1], *CHANGES[:1], share=0.3), rig.outage("partial_after", *DELETES[:1], times=8):
        daemon = rig.start()
        ids = rig.send(0, 40)
        (bad,) = rig.stage.send(orders.make("BAD-0", amount=0))
        rig.until_confirmed(ids)
        rig.stage.until_dead(1, seconds=60)
        rig.stage.until_empty()
    assert set(rig.stage.dead()) == {bad}
    assert daemon.stop()["processed"] == 40
