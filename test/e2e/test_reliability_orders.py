"""Orders that the table never takes, be it one or be it all of them."""

import time

import pytest
from rig import last
from wait import until


def refuse_one(rig, order_id):
    """The table fails whenever it is asked for this order, or for the failure of its message."""
    (message_id,) = [m for m, body in rig.stage.sent.items() if order_id in body]
    keys = (order_id, f"message#{message_id}")
    return message_id, rig.proxy.add("server_error", "UpdateItem", status=500, when=lambda c: c.key in keys)


def until_held_alone(daemon, count=1, seconds=40):
    until("it is held alone", lambda: len(daemon.events("held_alone")) >= count, seconds)
    return daemon.events("held_alone")


def without_long_pauses(request):
    """A failed order comes back after 5 s, 30 s, 2 min: the test has no time for that."""
    for entry in request["Entries"]:
        if entry["VisibilityTimeout"] >= 30:
            entry["VisibilityTimeout"] = 1
    return request


@pytest.mark.takes(16)
@pytest.mark.parametrize("heals", [False, True])
def test_one_order_that_the_table_never_takes(rig, orderd, heals):
    """It stops nobody else. On its last receive it is held alone, and its record repeated: it may heal."""
    rig.proxy.rewrite["ChangeMessageVisibilityBatch"] = without_long_pauses
    daemon = rig.start({"breaker.hold_seconds": 60 if heals else 4})
    ids = rig.send(0, 30)
    rig.send(0, 1, "POISON")
    message_id, rule = refuse_one(rig, "POISON-0")
    rig.until_confirmed(ids, seconds=15)
    # Again and again new orders pass while it fails.
    until("its third receive", lambda: rig.ledger.received[message_id] == 3, seconds=30)
    began = time.monotonic()
    more = rig.send(30, 30)
    rig.until_confirmed(more, seconds=10)
    assert time.monotonic() - began < 10
    if heals:
        rig.until_called("its record", "UpdateItem", since=began, when=lambda c: c.key == "POISON-0", count=2)
        rig.proxy.remove(rule)
        rig.until_confirmed(["POISON-0"], seconds=35)
        rig.stage.until_empty()
        rig.check_all_well([*ids, *more, "POISON-0"])
    else:
        rig.stage.until_dead(1, seconds=40)
        assert set(rig.stage.dead()) == {message_id}
        rig.stage.until_empty()

    account = daemon.stop()
    failed = daemon.outcomes("failed")
    assert {line["message_id"] for line in failed} == {message_id}
    assert {line["error_code"] for line in failed} == {"RECORD_REFUSED"}
    assert account["failed"] == (2 if heals else 3)
    assert account["processed"] == (61 if heals else 60)
    assert account["deferred"] == 0
    assert {n for m, n in rig.ledger.received.items() if m != message_id} == {1}


@pytest.mark.takes(12)
def test_an_outage_while_an_order_is_held_alone(rig, orderd):
    """The outage ends, the order is refused as before: the others do not wait for it."""
    rig.proxy.rewrite["ChangeMessageVisibilityBatch"] = without_long_pauses
    daemon = rig.start({"breaker.hold_seconds": 300})
    rig.send(0, 1, "POISON")
    message_id, _ = refuse_one(rig, "POISON-0")
    (line,) = until_held_alone(daemon)
    assert line["message_id"] == message_id and line["order_id"] == "POISON-0" and line["attempts"] == 3
    assert 295 <= line["hold_seconds"] <= 300
    with rig.outage("denied", "UpdateItem", when=lambda c: c.is_probe):
        rig.until_opened(daemon, "table")
    until("it is over", lambda: daemon.events("breaker_closed"), seconds=20)
    rig.until_confirmed(rig.send(0, 30), seconds=10)
    assert len(daemon.outcomes("failed")) == 2  # it is held still
    daemon.stop()


@pytest.mark.takes(10)
def test_stop_while_an_order_is_held_alone(rig, orderd):
    """Nothing is gained by waiting on: its failure is recorded, and the daemon ends at once."""
    rig.proxy.rewrite["ChangeMessageVisibilityBatch"] = without_long_pauses
    daemon = rig.start({"breaker.hold_seconds": 300})
    rig.proxy.add("server_error", "UpdateItem", status=500, when=lambda c: c.key == "POISON-0" and not c.is_failure)
    rig.send(0, 1, "POISON")
    until_held_alone(daemon)
    began = time.monotonic()
    account = daemon.stop()
    assert time.monotonic() - began < 10
    assert (account["failed"], account["deferred"]) == (3, 0)
    assert daemon.outcomes("failed")[-1]["final_attempt"] is True
    assert rig.stage.item("POISON-0")["final_attempt"] == {"BOOL": True}
    assert daemon.events("aborting") == []


@pytest.mark.takes(20)
def test_more_orders_that_the_table_never_takes(rig, orderd):
    """Few are held alone, so that there is room for others: one of four workers does that."""
    rig.proxy.rewrite["ChangeMessageVisibilityBatch"] = without_long_pauses
    daemon = rig.start({"breaker.hold_seconds": 300, "processing.workers": 4})
    rig.proxy.add("server_error", "UpdateItem", status=500, when=lambda c: c.key.startswith("POISON") and not c.is_failure)
    rig.send(0, 1, "POISON")
    until_held_alone(daemon)
    rig.send(1, 1, "POISON")
    rig.stage.until_dead(1, seconds=40)
    assert len(daemon.events("held_alone")) == 1
    rig.until_confirmed(rig.send(0, 30), seconds=10)
    daemon.stop()


@pytest.mark.takes(20)
def test_a_table_that_refuses_every_order(rig, orderd):
    """Its probe is healthy, and yet no order passes: after three of them nothing more is received."""
    daemon = rig.start({"processing.workers": 3, "queue.batch_size": 5})
    rig.until_confirmed(rig.send(0, 5))
    with rig.outage("denied", "UpdateItem", when=lambda c: not c.is_probe) as outage:
        ids = rig.send(5, 40)
        rig.until_called(
            "three refused", "UpdateItem", since=outage.began, count=3, when=lambda c: c.is_probe and c.ended is not None,
        )  # fmt: skip
        time.sleep(2)
        settled = time.monotonic()
        last(8, outage.began)
    received = sum(rig.ledger.received.values()) - 5
    rig.until_confirmed(ids, seconds=40)
    rig.stage.until_empty()
    assert received <= 3 + 5 + 3, f"{received} orders were received while the table took none"
    assert rig.proxy.calls_of("ReceiveMessage", since=settled, until=outage.ended) == []
    rig.check_all_well(ids)
    daemon.stop()
