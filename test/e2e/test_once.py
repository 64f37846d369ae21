"""An order is confirmed once: copies of it, other orders under its id, and several daemons at the same time."""

import expect
import orders
import pytest

pytestmark = pytest.mark.takes(3)


def test_same_order_twice(stage, orderd):
    body = orders.make("ORD-twice")
    rearranged = orders.body_of(dict(reversed(list({
        "order_id": "ORD-form", "customer_id": "CUST-é", "amount": orders.Raw("1e2"), "items": ["sku-1", {"n": orders.Raw("1.50"), "a": 1}],
    }.items()))))  # fmt: skip
    plain = r'{"order_id":"ORD-form","customer_id":"CUST-\u00e9","amount":100.0,"items":["sku-1",{"a":1,"n":1.5}],"note":"sku-x"}'
    daemon = orderd.start_on(stage)
    stage.send(body, plain)
    daemon.until_outcomes(2, "processed")
    before = stage.items()
    stage.send(body, rearranged)
    daemon.until_outcomes(2, "duplicate")
    stage.until_empty()

    account = daemon.stop()
    assert (account["processed"], account["duplicate"], account["failed"]) == (2, 2, 0)
    assert stage.items() == before
    assert stage.dead() == {}
    expect.check_recorded(before, stage.sent)
    expect.check_lines([daemon], before)


def test_other_order_under_a_used_id(stage, orderd):
    daemon = orderd.start_on(stage)
    stage.send(orders.make("ORD-used", amount=10))
    daemon.until_outcomes(1, "processed")
    before = stage.item("ORD-used")
    (message_id,) = stage.send(orders.make("ORD-used", amount=11))
    stage.until_dead(1)

    account = daemon.stop()
    assert (account["processed"], account["failed"]) == (1, 3)
    assert stage.item("ORD-used") == before
    assert stage.dead() == {message_id: stage.sent[message_id]}
    items = stage.items()
    assert set(items) == {"ORD-used", f"message#{message_id}"}
    expect.check_conflicts(items, {message_id: "ORD-used"})
    for line in daemon.outcomes("failed"):
        assert (line["error_code"], line["order_id"], line["message_id"]) == ("ORDER_CONFLICT", "ORD-used", message_id)
    assert [line["attempts"] for line in daemon.outcomes("failed")] == [1, 2, 3]


def test_bad_order_under_a_used_id_leaves_the_stored_one_alone(stage, orderd):
    daemon = orderd.start_on(stage)
    stage.send(orders.make("ORD-safe"))
    daemon.until_outcomes(1, "processed")
    before = stage.item("ORD-safe")
    (message_id,) = stage.send(orders.make("ORD-safe", amount=0))
    stage.until_dead(1)

    daemon.stop()
    assert stage.item("ORD-safe") == before
    key = f"message#{message_id}"
    present = (orders.OF_ORDER - {"amount"}) | {"conflicts_with", "expires_at"}
    orders.check_failed(stage.item(key), key, "INVALID_ORDER", message_id, present=present)


def test_good_order_takes_the_place_of_a_failed_one(stage, orderd):
    daemon = orderd.start_on(stage)
    (bad,) = stage.send(orders.make("ORD-mended", items=[]))
    stage.until_dead(1)
    failed = stage.item("ORD-mended")
    present = orders.OF_ORDER - {"items", "item_count"}
    orders.check_failed(failed, "ORD-mended", "INVALID_ORDER", bad, present=present)

    body = orders.make("ORD-mended")
    (good,) = stage.send(body)
    daemon.until_outcomes(1, "processed")
    daemon.stop()
    items = stage.items()
    orders.check_processed(items["ORD-mended"], body, {good})
    assert items["ORD-mended"]["created_at"] == failed["created_at"]
    assert orders.text_of(items[f"message#{bad}"], "status") == "FAILED"


def test_item_of_another_writer_is_compared_by_its_attributes(stage, orderd):
    """An item without a fingerprint, as the Lambda before orderd wrote it: the same order, another one, nothing to compare."""
    written = {"status": {"S": "PROCESSED"}, "customer_id": {"S": "CUST-old"}, "amount": {"N": "5"}}
    written["items"] = {"L": [{"S": "sku-1"}]}
    for order_id, item in (("ORD-same", written), ("ORD-other", written), ("ORD-bare", {"status": {"S": "PROCESSED"}})):
        stage.dynamodb.put_item(TableName=stage.table, Item={"order_id": {"S": order_id}} | item)
    before = {key: stage.item(key) for key in ("ORD-same", "ORD-other", "ORD-bare")}
    members = {"customer_id": "CUST-old", "amount": orders.Raw("5.0"), "items": ["sku-1"]}
    daemon = orderd.start_on(stage)
    same, other, bare = stage.send(
        orders.body_of({"order_id": "ORD-same"} | members),
        orders.body_of({"order_id": "ORD-other"} | members | {"amount": 6}),
        orders.body_of({"order_id": "ORD-bare"} | members),
    )
    stage.until_dead(2)
    stage.until_empty()

    daemon.stop()
    assert {key: stage.item(key) for key in before} == before
    assert set(stage.dead()) == {other, bare}
    assert [line["message_id"] for line in daemon.outcomes("duplicate")] == [same]
    expect.check_conflicts(stage.items(), {other: "ORD-other", bare: "ORD-bare"})


@pytest.mark.takes(10)
def test_two_daemons_share_a_queue(stage, orderd):
    daemons = [orderd.start_on(stage), orderd.start_on(stage)]
    bodies = [orders.make(f"ORD-{n}") for n in range(180)]
    bodies += bodies[::6]
    bodies += [orders.make(f"ORD-{n}", seed=1, amount=1 + n) for n in range(1, 180, 18)]
    with expect.Sampler(stage) as sampler:
        stage.feed(bodies)
        stage.until_empty()
        accounts = [daemon.stop() for daemon in daemons]

    items = stage.items()
    losers = expect.check_recorded(items, stage.sent)
    expect.check_conflicts(items, losers)
    expect.check_lines(daemons, items)
    sampler.check([f"ORD-{n}" for n in range(180)])
    assert all(account["processed"] > 10 for account in accounts), accounts
    assert sum(account["processed"] for account in accounts) == 180
    assert sum(account["duplicate"] for account in accounts) == 30
    assert sum(account["failed"] for account in accounts) == 3 * len(losers)
    assert set(stage.dead()) == set(losers)
