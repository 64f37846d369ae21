#!/usr/bin/env python3
"""make_fingerprint_cases.py: writes fingerprint_cases.json, orders with their canonical text and fingerprint, computed with
Python's own JSON, decimal and SHA-256.

Run it again after a change: python3 make_fingerprint_cases.py >fingerprint_cases.json. Its output is always the same. The
fingerprint is frozen: cases are added, never changed.
"""

import hashlib
import json
import random
from decimal import Decimal

WRITTEN_OUT = [
    ("the example of the specification",
     '{"customer_id":"C \\u00e9","amount":1e2,"items":["a\\"b\\n",{"sku":"s","n":1.50,"a":[true,null,-0]}]}'),
    ("an order as most are", '{"customer_id": "CUST-789", "amount": 199.99, "items": ["item1", "item2"]}'),
    ("members in another order", '{"items": ["item1", "item2"], "amount": 199.99, "customer_id": "CUST-789"}'),
    ("the same amount written otherwise", '{"customer_id": "CUST-789", "amount": 1.9999E+02, "items": ["item1", "item2"]}'),
    ("another amount", '{"customer_id": "CUST-789", "amount": 199.98999999999999999999999999999999999, "items": ["item1", "item2"]}'),
    ("entries in another order", '{"customer_id": "CUST-789", "amount": 199.99, "items": ["item2", "item1"]}'),
    ("members beside the order", '{"customer_id":"CUST-789","amount":199.99,"items":["item1","item2"],"note":"fragile","z":[1e999]}'),
    ("a number that no double can hold", '{"customer_id": "c", "amount": 12345678901234567890.12, "items": ["island"]}'),
    ("the smallest number", '{"customer_id": "c", "amount": 1E-130, "items": [{"n": -1E-130}]}'),
    ("the largest number", '{"customer_id": "c", "amount": 9.9999999999999999999999999999999999999E125, "items": ["i"]}'),
    ("every control character", '{"customer_id":"c","amount":1,"items":["' + "".join(f"\\u{c:04x}" for c in range(1, 32)) + '\\u007f"]}'),
    ("short escapes", '{"customer_id":"\\\\ \\" \\/","amount":1,"items":["\\b\\f\\n\\r\\t/"]}'),
    ("characters outside of the first plane", '{"customer_id":"\\ud83d\\ude00 \U0001f600","amount":1,"items":[{"\\ud83d\\ude00":1}]}'),
    ("names sorted by their bytes",
     '{"customer_id":"c","amount":1,"items":[{"\\ud800\\udc00":1,"\\uffff":2,"\\u00e9":3,"z":4,"a":5,"B":6,"ab":7,"a\\u0001":8,"_":9}]}'),
    ("empty things inside", '{"customer_id":"c","amount":1,"items":[{"a":[],"b":{},"c":"","d":[[],{},""]}]}'),
    ("texts that look like values", '{"customer_id":"1","amount":1,"items":["1","null","[]","{}"]}'),
    ("values that look like texts", '{"customer_id":"1","amount":1,"items":[{"a":[1,null,[],{}]}]}'),
]  # fmt: skip


def number(value):
    sign, digits, exponent = value.as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    if not digits:
        return "0"
    text = digits + "0" * max(exponent, 0)
    if exponent < 0:
        text = text.rjust(1 - exponent, "0")
        text = (text[:exponent] + "." + text[exponent:]).rstrip("0").rstrip(".")
    return "-" * sign + text


def string(value):
    return '"' + "".join(f"\\u{ord(c):04x}" if c < " " else "\\" + c if c in '"\\' else c for c in value) + '"'


def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode())
        return "{" + ",".join(string(name) + ":" + canonical(inner) for name, inner in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, Decimal):
        return number(value)
    return {None: "null", True: "true", False: "false"}[value]


class Drawer:
    """Draws orders, and writes them as JSON in many ways."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def text(self, least):
        pick = ("a", "b", "A", "0", " ", "/", '"', "\\", "\n", "\x01", "\x1f", "\x7f", "\u00e9", "\u2028", "\uffff", "\U0001f600")
        return "".join(self.rng.choice(pick) for _ in range(self.rng.randrange(least, 6)))

    def spelled_text(self, text):
        out = ""
        for c in text:
            units = c.encode("utf-16-be").hex()
            escaped = "".join("\\u" + units[i : i + 4] for i in range(0, len(units), 4))
            plain = json.dumps(c)[1:-1] if c < " " or c in '"\\' else c
            out += self.rng.choice((plain, plain, escaped, escaped.replace("\\u", "\0").upper().replace("\0", "\\u")))
        return '"' + out + '"'

    def spelled_number(self, positive=False):
        rng = self.rng
        digits = str(rng.randrange(1, 10 ** rng.randrange(1, 39)))
        minus = "" if positive or rng.randrange(4) else "-"
        whole = rng.randrange(1, len(digits) + 1)
        text = minus + digits[:whole] + ("." + digits[whole:] if whole < len(digits) else rng.choice(("", ".0", ".000")))
        if not positive and rng.randrange(10) == 0:
            text = rng.choice(("0", "-0", "0.00", "-0.0e5", "0E-9"))
        return text + ("" if "e" in text.lower() else rng.choice(("", "", f"e{rng.randrange(-90, 80)}", f"E{rng.randrange(-9, 9):+03d}")))

    def spelled(self, levels):
        rng = self.rng
        blank = rng.choice(("", "", " ", "\n\t"))
        kind = rng.randrange(6 if levels else 4)
        if kind == 0:
            return rng.choice(("true", "false", "null"))
        if kind == 1:
            return self.spelled_number()
        if kind < 4:
            return self.spelled_text(self.text(0))
        if kind == 4:
            return "[" + blank + ("," + blank).join(self.spelled(levels - 1) for _ in range(rng.randrange(4))) + "]"
        return self.spelled_map(levels, rng.choice((0, 1, 2, 3, 3, 20)))

    def spelled_map(self, levels, count):
        blank = self.rng.choice(("", "", " ", "\r\n"))
        names = list(dict.fromkeys(self.text(1) for _ in range(count)))
        inner = levels - 1 if count < 20 else 0
        return "{" + ("," + blank).join(self.spelled_text(name) + blank + ":" + self.spelled(inner) for name in names) + blank + "}"

    def order(self):
        rng = self.rng
        customer = "".join(c for c in self.text(1) if c.isprintable() or c == "\u00e9") or "c"
        entry = lambda: rng.choice((self.spelled_text(self.text(1)), self.spelled_map(3, rng.randrange(5))))
        members = [('"customer_id"', self.spelled_text(customer)), ('"amount"', self.spelled_number(positive=True)),
                   ('"items"', "[" + ",".join(entry() for _ in range(rng.randrange(1, 4))) + "]")]  # fmt: skip
        rng.shuffle(members)
        return "{" + ", ".join(name + ":" + value for name, value in members) + "}"


def case(name, body):
    read = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    text = canonical({member: read[member] for member in ("amount", "customer_id", "items")})
    fingerprint = "1:" + hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "order": body, "canonical": text, "fingerprint": fingerprint}


def main():
    drawer = Drawer(20261122)
    cases = [case(*written) for written in WRITTEN_OUT] + [case(f"drawn {i}", drawer.order()) for i in range(300)]
    print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")


if __name__ == "__main__":
    main()
