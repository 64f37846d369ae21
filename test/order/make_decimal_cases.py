#!/usr/bin/env python3
"""make_decimal_cases.py: writes decimal_cases.json, numbers with their canonical form as Python's decimal module sees them.

Run it again after a change: python3 make_decimal_cases.py >decimal_cases.json. Its output is always the same.
"""

import json
import random
from decimal import Decimal

DIGITS, LOW, HIGH = 38, -130, 125  # of DynamoDB's numbers: significant digits, exponents of the first one


def canonical(text):
    """[-]digits[.digits], or the fault."""
    number = Decimal(text)  # exact: the context's precision is for arithmetic only
    sign, digits, exponent = number.as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    if not digits:
        return "0"
    exponent += len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    if len(digits) > DIGITS:
        return "too many digits"
    if not LOW <= exponent + len(digits) - 1 <= HIGH:
        return "out of range"
    minus = "-" if sign else ""
    if exponent >= 0:
        return minus + digits + "0" * exponent
    if -exponent < len(digits):
        return minus + digits[:exponent] + "." + digits[exponent:]
    return minus + "0." + "0" * (-exponent - len(digits)) + digits


def texts(rng):
    nines = "9" * DIGITS
    yield from ("0", "-0", "0.0", "-0.000", "0e0", "0E+5", "-0e-99", "0." + "0" * 200, "0e999999", "0.1", "199.99", "1e2", "1E+2",
                "100", "100.0", "1.50", "12345678901234567890.12", "0.30000000000000004", "1.0000000000000000000000000001")
    yield from ("1e-130", "1e-131", "10e-131", "0.1e-129", "0.01e-129", "1e125", "1e126", "10e124", "10e125", "0.1e126", "1e400")
    yield from ("1" + "0" * 125, "1" + "0" * 126, "0." + "0" * 129 + "1", "0." + "0" * 130 + "1", "9.9e125", "9.99e-130")
    for shift in range(0, DIGITS + 3):  # the point walks through 38 and 39 digits
        for digits in (nines, nines + "9", "1" + "0" * 36 + "1", "1" + "0" * 37 + "1", nines + "000"):
            if shift < len(digits):
                yield digits[: len(digits) - shift] + ("." + digits[len(digits) - shift :] if shift else "")
            else:
                yield "0." + "0" * (shift - len(digits)) + digits
    for exponent in (-132, -131, -130, -129, -93, -92, -38, -1, 0, 1, 37, 38, 87, 88, 89, 124, 125, 126, 127):
        for digits in ("1", "9", "1.5", "0.5", nines[0] + "." + nines[1:], nines, nines + ".0", "-1", "-" + nines):
            yield f"{digits}e{exponent}"
            yield f"{digits}E{exponent:+04d}"
    for _ in range(1500):
        whole = rng.choice(("0", str(rng.randrange(1, 10)), str(rng.randrange(1, 10 ** rng.randrange(1, 42)))))
        part = "".join(rng.choice("0000123456789") for _ in range(rng.choice((0, 0, 1, 2, 5, 20, 40))))
        power = rng.choice(("", "", "", f"e{rng.randrange(-9, 10)}", f"E{rng.randrange(-180, 180):+d}", f"e{rng.randrange(-140, 130):06d}"))
        yield rng.choice(("", "", "-")) + whole + ("." + part if part else "") + power


def main():
    seen = dict.fromkeys(texts(random.Random(20261122)))
    print("[\n" + ",\n".join(json.dumps([text, canonical(text)]) for text in seen) + "\n]")


if __name__ == "__main__":
    main()
