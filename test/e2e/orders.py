"""Orders, and what the table must say about them, worked out in Python apart from the daemon.

Every customer and item that is made here bears one of MARKS, so that a test can see at once when a piece of a body has found
its way into a log.
"""

import hashlib
import json
import random
import re
from decimal import Decimal

MARKS = ("CUST-", "sku-")
CONFIRMATION = re.compile(r"CNF-[0-9A-HJKMNP-TV-Z]{12}\Z")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


class Raw(str):
    """JSON text that goes into a body as it is: numbers that Python would write in another way."""


def body_of(members):
    """The JSON text of an order whose values may be Raw."""
    if isinstance(members, Raw):
        return str(members)
    if isinstance(members, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {body_of(v)}" for k, v in members.items()) + "}"
    if isinstance(members, list):
        return "[" + ", ".join(body_of(v) for v in members) + "]"
    return json.dumps(members)


AMOUNTS = (
    "0.1", "199.99", "1e2", "12345678901234567890.12", "100", "100.00", "5.10", "1", "1E+3", "2.5e-3", "0.000000001",
    "99999999999999999999999999999999999999", "0.30000000000000000001", "1234.5600e1",
)  # fmt: skip

ITEMS = (
    ["sku-a", "sku-b", "sku-c"],
    ["sku-é \u20ac \U0001f4e6"],
    [{"sku": "sku-1", "quantity": 2, "price": Raw("19.90")}, "sku-2"],
    [{"sku": "sku-q\"uo\\te\n\u0001", "tags": ["x", "", None, True, False, []], "sizes": {"w": Raw("1e1"), "h": Raw("-0")}}],
    [{"z": 1, "a": Raw("0.10"), "é": Raw("-2.50E-2"), "B": {"b": {}, "a": [Raw("1E5"), [Raw("7.0")]]}, "sku": "sku-3"}],
    ["sku-%d" % i for i in range(40)],
)


def make(order_id, seed=0, **members):
    """A good order as JSON text. The same arguments give the same text."""
    chance = random.Random(f"{order_id}/{seed}")
    order = {
        "order_id": order_id,
        "customer_id": f"CUST-{chance.randrange(10**6)}",
        "amount": Raw(chance.choice(AMOUNTS)),
        "items": chance.choice(ITEMS),
    }
    if chance.random() < 0.2:
        order["note"] = "CUST-note: a member that nobody asked for"
    order.update(members)
    return body_of(order)


def parse(body):
    """A body with its numbers exact."""
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


def number_text(number):
    """The canonical text of a number: digits, a point where needed, no exponent, no zeros that say nothing."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def string_text(text):
    return '"' + "".join(
        "\\" + c if c in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 0x20 else c for c in text
    ) + '"'  # fmt: skip


def canonical(value):
    """The canonical text of a parsed JSON value, the one that fingerprints are made of."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = sorted(value.items(), key=lambda member: member[0].encode())
    return "{" + ",".join(f"{string_text(k)}:{canonical(v)}" for k, v in members) + "}"


def fingerprint(body):
    order = parse(body)
    text = canonical({name: order[name] for name in ("amount", "customer_id", "items")})
    return "1:" + hashlib.sha256(text.encode()).hexdigest()


def from_dynamodb(value):
    """A typed value of an item as `parse` would give it."""
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    if kind == "L":
        return [from_dynamodb(v) for v in content]
    if kind == "M":
        return {k: from_dynamodb(v) for k, v in content.items()}
    if kind == "NULL":
        return None
    assert kind in ("S", "BOOL"), kind
    return content


TYPES = {
    "order_id": "S", "status": "S", "customer_id": "S", "amount": "N", "items": "L", "item_count": "N", "details": "M",
    "confirmation_number": "S", "error_code": "S", "error_message": "S", "attempts": "N", "final_attempt": "BOOL",
    "message_id": "S", "fingerprint": "S", "created_at": "S", "processed_at": "S", "failed_at": "S", "updated_at": "S",
    "environment": "S", "conflicts_with": "S", "expires_at": "N",
}  # fmt: skip

ALWAYS = {"order_id", "status", "attempts", "message_id", "created_at", "updated_at"}
OF_ORDER = {"customer_id", "amount", "items", "item_count"}
PROCESSED = ALWAYS | OF_ORDER | {"details", "confirmation_number", "fingerprint", "processed_at"}
FAILED = ALWAYS | {"error_code", "error_message", "final_attempt", "failed_at"}


def text_of(item, name):
    return item[name]["S"]


def number_of(item, name):
    return int(item[name]["N"])


def check_types(item):
    """Every attribute is a known one, of its own type, and the times are times."""
    for name, value in item.items():
        assert name in TYPES, f"unknown attribute {name}"
        assert list(value) == [TYPES[name]], f"{name}: {value}"
    for name in ("created_at", "processed_at", "failed_at", "updated_at"):
        assert name not in item or TIMESTAMP.match(text_of(item, name)), item[name]
    assert text_of(item, "created_at") <= text_of(item, "updated_at")


def check_order_attributes(item, order):
    assert text_of(item, "customer_id") == order["customer_id"]
    assert item["amount"]["N"] == number_text(order["amount"])
    assert canonical(from_dynamodb(item["items"])) == canonical(order["items"])
    assert number_of(item, "item_count") == len(order["items"])


def check_processed(item, body, message_ids, environment=""):
    """`item` is what the contract says of the processed order `body`, which came in one of `message_ids`."""
    order = parse(body)
    check_types(item)
    assert set(item) == PROCESSED | ({"environment"} if environment else set())
    assert text_of(item, "order_id") == order["order_id"]
    assert text_of(item, "status") == "PROCESSED"
    check_order_attributes(item, order)
    assert set(item["details"]["M"]) == {"item_count", "processor"}
    assert item["details"]["M"]["item_count"] == {"N": str(len(order["items"]))}
    assert list(item["details"]["M"]["processor"]) == ["S"]
    assert CONFIRMATION.match(text_of(item, "confirmation_number")), item["confirmation_number"]
    assert number_of(item, "attempts") >= 1
    assert text_of(item, "message_id") in message_ids
    assert text_of(item, "fingerprint") == fingerprint(body)
    assert text_of(item, "processed_at") == text_of(item, "updated_at")
    assert not environment or text_of(item, "environment") == environment


def check_failed(item, key, code, message_id, attempts=3, final=True, present=()):
    """`item` is a failure of the last attempt under `key`, with the attributes `present` beside those that each has."""
    check_types(item)
    assert set(item) == FAILED | set(present)
    assert text_of(item, "order_id") == key
    assert text_of(item, "status") == "FAILED"
    assert text_of(item, "error_code") == code
    assert 0 < len(text_of(item, "error_message").encode()) <= 1024
    assert number_of(item, "attempts") == attempts
    assert item["final_attempt"]["BOOL"] is final
    assert text_of(item, "message_id") == message_id
    assert text_of(item, "failed_at") == text_of(item, "updated_at")
