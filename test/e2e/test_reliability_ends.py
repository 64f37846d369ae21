"""Ends at the worst moment, and the receives that are left to a message."""

import signal
import time

import orders
import pytest
from rig import DELETES, WRITES, last
from wait import until


def recorded_and_not_deleted(rig):
    """A daemon that has recorded its order and dies before the delete."""
    with rig.proxy.fault("black_hole", *DELETES):
        daemon = rig.start()
        rig.until_called("the delete", *DELETES)
        daemon.kill()
    return rig.ledger.confirmed["ORD-0"]


@pytest.mark.takes(11)
def test_killed_between_record_and_delete(rig, orderd):
    rig.send(0, 1)
    number = recorded_and_not_deleted(rig)
    daemon = rig.start()
    daemon.until_outcomes(1, "duplicate", seconds=40)
    rig.stage.until_empty()
    assert daemon.outcomes("duplicate")[0]["confirmation_number"] == number
    assert daemon.stop()["processed"] == 0
    rig.check_all_well(["ORD-0"])


@pytest.mark.takes(11)
def test_killed_between_record_and_delete_on_the_last_receive(rig, orderd):
    """The message is dead-lettered although its order is confirmed; sent back, it ends as a duplicate."""
    rig.send(0, 1)
    for _ in range(2):
        reply = rig.stage.sqs.receive_message(QueueUrl=rig.stage.queue_url, VisibilityTimeout=0, WaitTimeSeconds=1)
        assert reply["Messages"]
    number = recorded_and_not_deleted(rig)
    daemon = rig.start()
    rig.stage.until_dead(1, seconds=40)
    (body,) = rig.stage.dead().values()
    assert daemon.outcomes() == []
    item = rig.stage.item("ORD-0")
    assert (orders.text_of(item, "status"), orders.text_of(item, "confirmation_number")) == ("PROCESSED", number)
    assert orders.number_of(item, "attempts") == 3

    rig.stage.send(body)
    daemon.until_outcomes(1, "duplicate")
    assert daemon.outcomes("duplicate")[0]["confirmation_number"] == number
    rig.stage.until_empty()
    daemon.stop()


@pytest.mark.takes(12)
@pytest.mark.parametrize(("most", "receives"), [(1, 1), (3, 2), (None, 1)])
def test_a_hold_that_is_over(rig, orderd, most, receives):
    """A message is let go to other hosts while at least two receives are left to it; otherwise it is held to the end."""
    rig.stage.set_max_receives(most)
    daemon = rig.start({"breaker.hold_seconds": 2})
    rig.until_confirmed(rig.send(0, 5))
    with rig.outage("reset_before", *WRITES) as outage:
        ids = rig.send(5, 10)
        rig.until_opened(daemon, "table")
        last(5, outage.began)
    rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=receives)
    account = daemon.stop()
    assert (account["processed"], account["failed"]) == (15, 0)
    assert (account["deferred"] > 0) == (receives > 1)


@pytest.mark.takes(7)
def test_no_redrive_policy(rig, orderd):
    """A bad order comes back after pauses, and disturbs nobody."""
    rig.stage.set_max_receives(None)
    daemon = rig.start()
    (bad,) = rig.stage.send(orders.make("BAD-0", amount=0))
    ids = rig.send(0, 30)
    rig.until_confirmed(ids, seconds=10)
    until("it came back", lambda: rig.ledger.received[bad] == 2, seconds=20)
    daemon.until_outcomes(2, "failed")
    first, second = (c.began for c in rig.proxy.calls_of("ChangeMessageVisibilityBatch"))
    assert second - first > 4
    daemon.stop()


@pytest.mark.takes(31)
def test_stop_while_the_table_is_down(rig, orderd):
    """What is in hand is held to the drain limit, then let go; the account adds up."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage("reset_before", *WRITES) as outage:
        rig.send(10, 30)
        rig.until_opened(daemon, "table")
        began = time.monotonic()
        account = daemon.stop(seconds=45)
        took = time.monotonic() - began
    assert took < 1 + 3 + 25 + 5, took
    assert account["processed"] == 10
    assert account["deferred"] == account["received"] - 10 > 0
    assert account["failed"] == 0


@pytest.mark.sanitize
@pytest.mark.takes(8)
def test_stop_while_the_table_is_down_and_comes_back(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage("reset_before", *WRITES) as outage:
        rig.send(10, 30)
        rig.until_opened(daemon, "table")
        daemon.terminate()
        last(4, outage.began)
    assert daemon.wait(40) == 0
    account = daemon.accounting()
    assert account["processed"] == account["received"] > 10
    assert rig.stage.waiting()[1] == 0


@pytest.mark.sanitize
@pytest.mark.takes(2)
def test_two_signals_while_the_table_is_down(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    with rig.outage("black_hole", *WRITES) as outage:
        rig.send(10, 30)
        rig.until_called("a record", "UpdateItem", since=outage.began)
        daemon.terminate()
        time.sleep(0.2)
        began = time.monotonic()
        account = daemon.stop(signal.SIGINT, seconds=10)
        assert time.monotonic() - began < 3
    assert account["deferred"] == account["received"] - 10 > 0
