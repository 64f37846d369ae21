"""A load of mixed orders, and the table, the dead-letter queue and the log that it leaves."""

import random

import expect
import orders
import pytest

NOT_ORDERS = (
    lambda n: "CUST-this is no JSON " + str(n),
    lambda n: orders.make(f"BAD-{n}", amount=0),
    lambda n: orders.make(f"BAD-{n}", items=[]),
    lambda n: orders.body_of({"order_id": f"BAD-{n}", "amount": 3, "items": ["sku-1"]}),
)


def mixed(count):
    """`count` bodies: mostly good orders, some sent twice, some under a used id with another content, some no orders."""
    twice, conflicting, bad = count // 25, count // 50, count // 25
    plain = count - twice - conflicting - bad
    good = [orders.make(f"ORD-{n}") for n in range(plain)]
    good += [orders.make(f"ORD-{n}") for n in range(twice)]
    good += [orders.make(f"ORD-{n}", seed=1, amount=n) for n in range(twice + 1, twice + 1 + conflicting)]
    wrong = [NOT_ORDERS[n % len(NOT_ORDERS)](n) for n in range(bad)]
    every = good + wrong
    random.Random(count).shuffle(every)
    return every, set(wrong), {"orders": plain, "duplicate": twice, "conflicting": conflicting, "bad": bad}


@pytest.mark.takes(10)
@pytest.mark.parametrize("count", [500, pytest.param(200, marks=pytest.mark.sanitize)])
def test_mixed_orders(stage, orderd, count):
    bodies, wrong, expected = mixed(count)
    daemon = orderd.start_on(stage)
    stage.feed(bodies)
    stage.until_empty()
    account = daemon.stop()

    failing = expected["conflicting"] + expected["bad"]
    assert account["processed"] == expected["orders"]
    assert account["duplicate"] == expected["duplicate"]
    assert account["failed"] == 3 * failing
    assert account["deferred"] == 0

    items = stage.items()
    good = {message_id: body for message_id, body in stage.sent.items() if body not in wrong}
    losers = expect.check_recorded(items, good)
    assert len(losers) == expected["conflicting"]
    expect.check_conflicts(items, losers)
    expect.check_lines([daemon], items)

    bad = {message_id: body for message_id, body in stage.sent.items() if body in wrong}
    assert stage.dead() == bad | {message_id: stage.sent[message_id] for message_id in losers}
    assert {f"message#{m}" for m in [*bad, *losers]} == {key for key in items if key.startswith("message#")}
