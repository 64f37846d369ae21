"""Bodies that are no good order: each is refused with its reason, recorded, and dead-lettered untouched, and none of them
disturbs the orders beside it. One daemon gets them all; the tests look at what became of each."""

import expect
import orders
import pytest
from orders import OF_ORDER, Raw

pytestmark = pytest.mark.sanitize

JSON, ORDER, LARGE = "INVALID_JSON", "INVALID_ORDER", "ORDER_TOO_LARGE"


class Case:
    """A bad body: the code and words it is refused with, and which attributes its order must have for all that.

    `order_id` is the usable id, if it has one: the failure then stands under it as well.
    """

    def __init__(self, name, body, code, *words, order_id=None, present=()):
        self.name, self.body, self.code, self.words = name, body, code, words
        self.order_id, self.present = order_id, set(present)


def without(member):
    """The order's attributes when `member` is no good."""
    return OF_ORDER - ({"items", "item_count"} if member == "items" else {member})


def wrong_member(name, member, value, *words):
    """A case of an order that is good but for one member; None leaves the member out."""
    order_id = f"BAD-{name}"
    members = {"order_id": order_id, "customer_id": "CUST-bad", "amount": 5, "items": ["sku-1"], member: value}
    if value is None:
        del members[member]
    usable = None if member == "order_id" else order_id
    return Case(name, orders.body_of(members), ORDER, *(words or (member,)), order_id=usable, present=without(member))


def in_json(name, text, *words):
    """A case of a body that cannot be read as an object, so that nothing in it counts. `%` stands for an order's members."""
    members = f'"order_id": "BAD-{name}", "customer_id": "CUST-bad", "amount": 5, "items": ["sku-1"]'
    return Case(name, text.replace("%", members), JSON, *words)


def in_text(name, member, *words, lost=None, twice=False):
    """A case of a body with a member that JSON or Unicode forbids, which can be read to its end all the same: a further one,
    one in the place of the member `lost`, or `twice` that member."""
    members = {"order_id": f"BAD-{name}", "customer_id": "CUST-bad", "amount": 5, "items": ["sku-1"]}
    if lost and not twice:
        del members[lost]
    body = orders.body_of(members).removesuffix("}") + ", " + member + "}"
    usable = None if lost == "order_id" else f"BAD-{name}"
    return Case(name, body, JSON, *words, order_id=usable, present=without(lost))


def nested(depth):
    return Raw("[" * depth + "1" + "]" * depth)


CASES = [
    in_json("empty", ""),
    in_json("blank", " \t\r\n"),
    in_json("no JSON", "CUST-bad wrote: please send me two of sku-1"),
    in_json("cut", '{%, "note": "CUST-'),
    in_json("trailing bytes", "{%} x"),
    in_json("two values", "{%}{%}"),
    in_json("BOM", "\ufeff{%}"),
    in_text("lone surrogate", '"note": "\\ud800"', "note"),
    in_text("lone surrogate in a name", '"\\udc00": 1', "name"),
    in_text("half a pair in the order", '"items": ["\\udc00"]', "items[0]", lost="items"),
    in_text("escaped zero", '"note": "CUST-\\u0000"', "note: contains U+0000"),
    in_text("zero in the id", '"order_id": "BAD\\u0000"', "order_id", lost="order_id"),
    in_json("raw zero", '{%, "note": "CUST-\x00"}'),
    in_json("control character", '{%, "note": "CUST-\x01"}'),
    in_json("bad escape", '{%, "note": "\\x41"}'),
    in_text("NaN", '"note": NaN', "note", "NaN"),
    in_text("Infinity", '"note": [{"deep": -Infinity}]', "note[0].deep", "-Infinity"),
    in_text("NaN as amount", '"amount": NaN', "amount", lost="amount"),
    in_json("leading zero", '{%, "note": 01}'),
    in_json("bare point", '{%, "note": .5}'),
    in_json("single quotes", "{'order_id': 'BAD-quotes'}"),
    in_json("trailing comma", "{%,}"),
    in_json("comment", "{%} // CUST-bad"),
    in_json("10,000 levels", "[" * 10000),
    in_json("10,000 objects", '{"a":' * 10000),
    in_json("33 levels", '{%, "note": ' + nested(32) + "}"),
    in_text("duplicate member", '"amount": 6', "amount: duplicate", lost="amount", twice=True),
    in_text("duplicate id", '"order_id": "BAD-other"', "order_id: duplicate", lost="order_id", twice=True),
    in_text("duplicate member written otherwise", '"\\u0061mount": 5', "amount: duplicate", lost="amount", twice=True),
    in_text("duplicate member inside", '"note": {"n": 1, "n": 2}', "note.n: duplicate"),
    in_json("1 MiB of no JSON", "x" * 1048576),
    in_json("1 MiB of brackets", "[" * 1048576),
    in_json("over 1 MiB", '{%, "note": "' + "\u20ac" * 500000 + '"}'),
    in_json("array", '["sku-1"]', "object"),
    in_json("string", '"CUST-bad"', "object"),
    in_json("number", "42", "object"),
    in_json("null", "null", "object"),
    Case("no members", "{}", ORDER, *(f"missing field: {m}" for m in ("order_id", "customer_id", "amount", "items"))),
    wrong_member("order_id missing", "order_id", None, "missing field: order_id"),
    wrong_member("order_id null", "order_id", Raw("null")),
    wrong_member("order_id number", "order_id", 7),
    wrong_member("order_id object", "order_id", {"id": "x"}),
    wrong_member("order_id empty", "order_id", ""),
    wrong_member("order_id of 256 bytes", "order_id", "o" * 256),
    wrong_member("order_id of 256 bytes in 128 characters", "order_id", "é" * 128),
    wrong_member("order_id with a control character", "order_id", "ORD-\u0007"),
    wrong_member("order_id of a message", "order_id", "message#1"),
    wrong_member("customer_id missing", "customer_id", None, "missing field: customer_id"),
    wrong_member("customer_id array", "customer_id", ["CUST-bad"]),
    wrong_member("customer_id empty", "customer_id", ""),
    wrong_member("customer_id of 256 bytes", "customer_id", "CUST-" + "c" * 251),
    wrong_member("customer_id with a control character", "customer_id", "CUST-\n"),
    wrong_member("amount missing", "amount", None, "missing field: amount"),
    wrong_member("amount string", "amount", "5"),
    wrong_member("amount true", "amount", True),
    wrong_member("amount null", "amount", Raw("null")),
    wrong_member("amount zero", "amount", 0, "amount: must be greater than 0"),
    wrong_member("amount zero with a point", "amount", Raw("0.00e5"), "amount: must be greater than 0"),
    wrong_member("amount zero with a huge exponent", "amount", Raw("0e99999999999999999999"), "amount: must be greater than 0"),
    wrong_member("amount minus zero", "amount", Raw("-0"), "amount: must be greater than 0"),
    wrong_member("amount negative", "amount", Raw("-0.01"), "amount: must be greater than 0"),
    wrong_member("amount 1e400", "amount", Raw("1e400")),
    wrong_member("amount 1e99999999999999999999", "amount", Raw("1e99999999999999999999")),
    wrong_member("amount 1e-400", "amount", Raw("1e-400")),
    wrong_member("amount of 39 digits", "amount", Raw("1" * 39)),
    wrong_member("amount of 39 digits with a point", "amount", Raw("1." + "2" * 38)),
    wrong_member("amount of 100,000 digits", "amount", Raw("9" * 100000)),
    wrong_member("items missing", "items", None, "missing field: items"),
    wrong_member("items null", "items", Raw("null")),
    wrong_member("items string", "items", "sku-1"),
    wrong_member("items object", "items", {"sku": "sku-1"}),
    wrong_member("items empty", "items", []),
    wrong_member("items of 1,001 entries", "items", ["sku-1"] * 1001),
    wrong_member("items with an empty string", "items", ["sku-1", ""]),
    wrong_member("items with a number", "items", [5]),
    wrong_member("items with null", "items", ["sku-1", Raw("null")]),
    wrong_member("items with an array", "items", [["sku-1"]]),
    wrong_member("items with an empty member name", "items", [{"": 1}]),
    wrong_member("items with a long member name", "items", [{"n" * 65536: 1}]),
    wrong_member("items with 1e400", "items", [{"sku": "sku-1", "n": Raw("1e400")}]),
    wrong_member("items with 39 digits", "items", [{"sku": "sku-1", "n": [Raw("0." + "3" * 39)]}]),
    Case(
        "every member wrong", '{"order_id": "", "customer_id": 5, "amount": "5", "items": {}}', ORDER,
        "order_id", "customer_id", "amount", "items",
    ),
    Case(
        "two members wrong", '{"order_id": "BAD-two", "amount": 0, "items": ["sku-1"]}', ORDER,
        "missing field: customer_id", "amount: must be greater than 0", order_id="BAD-two", present=("items", "item_count"),
    ),
    Case(
        "a thousand reasons", orders.make("BAD-thousand", customer_id="CUST-bad", amount=5, items=[""] * 1000), ORDER,
        "items", " more)", order_id="BAD-thousand", present=without("items"),
    ),
    Case(
        "over 400 KB", orders.make("BAD-large", customer_id="CUST-bad", amount=5, items=["sku-" + "x" * 446] * 1000), LARGE,
        order_id="BAD-large", present=OF_ORDER - {"items"} | {"fingerprint"},
    ),
]  # fmt: skip

# Good orders at the limits of the rules, between the bad ones.
GOOD = {
    "order_id of 255 bytes": orders.make("G" * 255),
    "order_id of any characters": orders.make("ORD \u20ac \U0001f4e6 \"'\\/"),
    "customer_id of 255 bytes": orders.make("ORD-customer", customer_id="CUST-" + "é" * 125),
    "smallest amount": orders.make("ORD-small", amount=Raw("1e-130")),
    "largest amount": orders.make("ORD-big", amount=Raw("9." + "9" * 37 + "E+125")),
    "38 digits": orders.make("ORD-38", amount=Raw("1234567890123456789.0123456789012345678")),
    "many zeros": orders.make("ORD-zeros", amount=Raw("1" + "0" * 100 + "." + "0" * 100)),
    "one item": orders.make("ORD-one", items=["s"]),
    "1,000 items": orders.make("ORD-thousand", items=["sku-%d" % n for n in range(1000)]),
    "an empty object": orders.make("ORD-object", items=[{}]),
    "32 levels": orders.make("ORD-deep", items=[{"sku": nested(29)}]),
    "1 MiB": orders.make("ORD-mib", customer_id="CUST-mib", amount=1, items=["sku-1"], note=""),
    "white space": " \n\t" + orders.make("ORD-space").replace(", ", " ,\r\n\t"),
    "surrogate pair": orders.make("ORD-pair", items=["sku-\U0001f4e6"]),
    "names of members escaped": orders.make("ORD-escaped").replace('"amount"', '"\\u0061mount"'),
}
GOOD["1 MiB"] = GOOD["1 MiB"].replace('"note": ""', '"note": "' + "n" * (1048576 - len(GOOD["1 MiB"])) + '"')


@pytest.fixture(scope="module")
def run(make_stage, orderd_of_module):
    """The stage and the daemon after all of them have gone through."""
    stage = make_stage()
    stage.ids = {}
    daemon = orderd_of_module.start_on(stage)
    good = list(GOOD.items())
    for n, case in enumerate(CASES):
        stage.ids[case.name] = stage.send_large(case.body)
        if n % 4 == 0 and good:
            name, body = good.pop()
            stage.ids[name] = stage.send_large(body)
    for name, body in good:
        stage.ids[name] = stage.send_large(body)
    stage.until_dead(len(CASES), seconds=100)
    stage.until_empty()
    stage.account = daemon.stop()
    stage.table_items = stage.items()
    return stage, daemon


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(run, case):
    stage, daemon = run
    message_id = stage.ids[case.name]
    assert stage.dead()[message_id] == case.body

    lines = [line for line in daemon.outcomes() if line["message_id"] == message_id]
    assert [(line["event"], line["attempts"]) for line in lines] == [("failed", n) for n in (1, 2, 3)]
    for line in lines:
        assert line["error_code"] == case.code
        for word in case.words:
            assert word in line["error"]
        assert line.get("order_id") == case.order_id

    key = f"message#{message_id}"
    item = stage.table_items[key]
    orders.check_failed(item, key, case.code, message_id, present=case.present | {"expires_at"})
    expect.check_expiry(item)
    for word in case.words:
        assert word in orders.text_of(item, "error_message")
    if case.order_id:
        own_item = stage.table_items[case.order_id]
        orders.check_failed(own_item, case.order_id, case.code, message_id, present=case.present)


@pytest.mark.parametrize("name", GOOD)
def test_good_order_beside_them(run, name):
    stage, _ = run
    order_id = orders.parse(GOOD[name])["order_id"]
    orders.check_processed(stage.table_items[order_id], GOOD[name], {stage.ids[name]})
    assert orders.number_of(stage.table_items[order_id], "attempts") == 1


def test_nothing_else_happened(run):
    stage, daemon = run
    assert set(stage.dead()) == {stage.ids[case.name] for case in CASES}
    keys = {f"message#{stage.ids[case.name]}" for case in CASES} | {case.order_id for case in CASES if case.order_id}
    assert set(stage.table_items) == keys | {orders.parse(body)["order_id"] for body in GOOD.values()}
    account = stage.account
    assert (account["processed"], account["failed"]) == (len(GOOD), 3 * len(CASES))
    assert account["duplicate"] == account["deferred"] == 0
    expect.check_lines([daemon], stage.table_items)
