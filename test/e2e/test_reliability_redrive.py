"""Receives are what a message lives on: whatever the queue allows, none is wasted and nothing spins."""

import json
import time

import orders
import pytest
from rig import CHANGES, DELETES, WRITES, last
from wait import until


@pytest.mark.takes(18)
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_so_many_receives(make_rig, orderd, most):
    """An outage of the table dead-letters nothing, and bad messages come back ever more slowly."""
    rig = make_rig(max_receives=most)
    daemon = rig.start({"breaker.hold_seconds": 2})
    bad = rig.stage.send(orders.make("BAD-0", amount=0), "CUST-no JSON")
    ids = rig.send(0, 20)
    rig.until_confirmed(ids)
    # Three receives at once; the fourth moves it, or is the last for some minutes.
    until("the bad ones have come back", lambda: all(rig.ledger.received[m] == min(most, 4) for m in bad), 20)
    if most < 10:
        rig.stage.until_dead(2, seconds=20)
    else:
        daemon.until_outcomes(8, "failed")
    began = time.monotonic()
    with rig.outage("reset_before", *WRITES) as outage:
        more = rig.send(20, 10)
        rig.until_opened(daemon, "table")
        last(4, outage.began)
    rig.until_confirmed(more, seconds=40)
    last(8, began)
    daemon.stop()
    assert set(rig.stage.dead()) == (set(bad) if most < 10 else set())
    for message_id in bad:
        assert rig.ledger.received[message_id] == min(most, 4), rig.ledger.received[message_id]
    # What was let go for other hosts had two receives left.
    good = [n for m, n in rig.ledger.received.items() if m not in bad]
    assert max(good) <= (1 if most == 1 else 2)
    finals = {line["final_attempt"] for line in daemon.outcomes("failed") if line["attempts"] == most}
    assert finals == ({True} if most < 10 else set())
    if most < 10:
        for message_id in bad:
            item = rig.stage.item(f"message#{message_id}")
            assert item["final_attempt"]["BOOL"] is True and orders.number_of(item, "attempts") == most


async def one_unreadable(x):
    """The third message of a reply has lost its receipt handle, and the fourth its body does not have its sum."""
    reply = await x.deliver()
    document = json.loads(reply.body)
    messages = document.get("Messages", [])
    if len(messages) == 10:
        del messages[2]["ReceiptHandle"]
        messages[3]["MD5OfBody"] = "0" * 32
        x.arguments["spoiled"].extend(messages[n]["MessageId"] for n in (2, 3))
    await x.send(reply.replaced(document))


@pytest.mark.takes(12)
def test_unreadable_ones_among_ten(rig, orderd):
    """The other eight are worked on at once; these two come back when their visibility ends, and nothing is lost."""
    spoiled = []
    ids = rig.send(0, 10)
    rule = rig.proxy.add(one_unreadable, "ReceiveMessage", when=lambda c: c.members["MaxNumberOfMessages"] == 10, spoiled=spoiled)
    daemon = rig.start()
    began = time.monotonic()
    until("eight are confirmed", lambda: len(rig.ledger.confirmed) == 8, 5)
    assert time.monotonic() - began < 5
    assert len(spoiled) == 2
    rig.proxy.remove(rule)
    rig.until_confirmed(ids, seconds=20)
    rig.stage.until_empty()
    (line,) = daemon.events("receive_spoiled")
    assert (line["read"], line["unreadable"]) == (8, 2)
    account = daemon.stop()
    assert (account["processed"], account["received"], account["unreadable"]) == (10, 10, 2)
    assert {m for m, n in rig.ledger.received.items() if n == 2} == set(spoiled)
    rig.check_all_well(ids, most_receives=2)


@pytest.mark.takes(12)
def test_receives_that_are_cut(make_rig, orderd):
    """What came whole is worked on; what was cut off comes back."""
    rig = make_rig(max_receives=6)
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 5))
    ids = [f"ORD-{n}" for n in range(5, 35)]
    with rig.outage("cut_reply", "ReceiveMessage") as outage:
        rig.stage.send(*[orders.make(i) for i in ids])
        last(5, outage.began)
    rig.until_confirmed(ids, seconds=45)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=4)
    account = daemon.stop()
    assert (account["failed"], account["deferred"]) == (0, 0)


@pytest.mark.takes(5)
@pytest.mark.parametrize("fault", ["lost_reply", "server_error_after", "partial_after", "delayed"])
def test_deletes_whose_answers_are_lost(rig, orderd, fault):
    """They took place: asked again, SQS says so or that the handle is of no use, and either is the end of it."""
    with rig.outage(fault, *DELETES, times=12, **({"seconds": 6} if fault == "delayed" else {})):
        daemon = rig.start()
        ids = rig.send(0, 30)
        rig.until_confirmed(ids)
        rig.stage.until_empty()
    account = daemon.stop()
    assert (account["processed"], account["received"], account["duplicate"]) == (30, 30, 0)
    rig.check_all_well(ids, most_receives=1)


@pytest.mark.takes(8)
def test_releases_that_fail(rig, orderd):
    """A change of visibility is sent once: a bad order whose release fails comes back when its lease ends, and is dead after three."""
    with rig.outage("server_error", *CHANGES) as outage:
        daemon = rig.start()
        (bad,) = rig.stage.send(orders.make("BAD-0", amount=0))
        daemon.until_outcomes(1, "failed")
        last(3, outage.began)
        assert rig.ledger.received[bad] == 1, "it came back before its lease was over"
    rig.stage.until_dead(1, seconds=40)
    assert rig.ledger.received[bad] == 3
    daemon.stop()
