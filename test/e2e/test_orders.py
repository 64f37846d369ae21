"""The tests' own idea of the canonical form, held against the contract's example."""

from decimal import Decimal

import orders

BODY = r'{"customer_id":"C \u00e9","amount":1e2,"items":["a\"b\n",{"sku":"s","n":1.50,"a":[true,null,-0]}]}'


def test_canonical_text_of_the_example():
    text = r'{"amount":100,"customer_id":"C é","items":["a\"b\u000a",{"a":[true,null,0],"n":1.5,"sku":"s"}]}'
    assert orders.canonical(orders.parse(BODY)) == text


def test_fingerprint_of_the_example():
    assert orders.fingerprint(BODY) == "1:d6dc6226dffacd0bfda17404e1edef49ec841401f2b9b5a9447c6feb768c7aea"


def test_numbers_keep_every_digit():
    for given, text in (("0.1", "0.1"), ("1e2", "100"), ("12345678901234567890.12", "12345678901234567890.12"), ("-0.0", "0"),
                        ("1e-3", "0.001"), ("120", "120"), ("0.30", "0.3"), ("9e40", "9" + 40 * "0")):  # fmt: skip
        assert orders.number_text(Decimal(given)) == text
