#!/usr/bin/env python3
"""demo.py BUILD: the demonstration behind `make demo`. Orders of every kind go all the way on an emulator, with the orderctl
and orderd of that build directory.

It looks at the outcome with an AWS client of its own and ends with an error when something is not as it should be.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "setup"))

from emulator import Emulator  # noqa: E402

QUEUE, DEAD, TABLE = "order-processing-queue", "order-processing-dlq", "order-processing-status"
SECONDS = 25
ORDERS = [
    ('{"order_id": "ORD-1001", "customer_id": "CUST-7", "amount": 199.99, "items": ["lamp", "bulb", "bulb"]}', "a good order"),
    ('{"order_id": "ORD-1002", "customer_id": "CUST-8", "amount": 0.1, "items": ["pencil"]}', "a good order"),
    ('{"order_id": "ORD-1003", "customer_id": "CUST-9", "amount": 1e2, "items": [{"sku": "DESK-2", "price": 100.00}]}',
     "a good order with an item that is an object"),
    ('{"order_id": "ORD-1004", "customer_id": "CUST-7", "amount": 12345678901234567890.12, "items": ["island"]}',
     "a good order with an amount that no double can hold"),
    ('{"order_id": "ORD-1001", "customer_id": "CUST-7", "amount": 199.99, "items": ["lamp", "bulb", "bulb"]}',
     "the first one once more"),
    ('{"order_id": "ORD-1002", "customer_id": "CUST-8", "amount": 75, "items": ["chair"]}',
     "another order under an id that is taken"),
    ("two lamps please, as always", "not JSON"),
    ('{"order_id": "ORD-1005", "amount": 20, "items": ["mug"]}', "no customer"),
    ('{"order_id": "ORD-1006", "customer_id": "CUST-3", "amount": 0, "items": ["air"]}', "an amount of zero"),
]  # fmt: skip
GOOD = ("ORD-1001", "ORD-1002", "ORD-1003", "ORD-1004")
DEAD_COUNT = 4


def heading(text):
    print(f"\n=== {text}\n", flush=True)


class Demo:
    def __init__(self, build, emulator, directory):
        self.build = build
        self.directory = Path(directory)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": directory, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_ENDPOINT_URL": emulator.url,
        }  # fmt: skip
        keys = {"region_name": "us-east-1", "aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
        self.sqs = boto3.client("sqs", endpoint_url=emulator.url, **keys)
        self.dynamodb = boto3.client("dynamodb", endpoint_url=emulator.url, **keys)
        self.config = self.directory / "orderd.conf"
        self.config.write_text('queue: { wait_seconds = 1; };\nprocessing: { timeout_seconds = 5; };\nlog: { format = "text"; };\n')

    def orderctl(self, *arguments):
        """Runs the tool as a person would and shows what it prints."""
        print("$ orderctl", *arguments, flush=True)
        done = subprocess.run([self.build / "orderctl", *arguments], env=self.env, cwd=self.directory, timeout=SECONDS)
        if done.returncode != 0:
            sys.exit(f"demo: orderctl ended with {done.returncode}")

    def url(self, name):
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def waiting(self, name):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=names)["Attributes"]
        return sum(map(int, attributes.values()))

    def send_all(self):
        for body, what in ORDERS:
            print(f"  {what + ':':53} {body}")
        print()
        (self.directory / "orders.jsonl").write_text("".join(body + "\n" for body, _ in ORDERS))
        self.orderctl("send", "orders.jsonl")

    def run_orderd(self):
        """Runs the daemon until everything is where it belongs, shows its lines, stops it; returns its last line."""
        lines = []
        process = subprocess.Popen(
            [self.build / "orderd", "--config", self.config], env=self.env, cwd=self.directory, stderr=subprocess.PIPE, text=True
        )

        def show():
            for line in process.stderr:
                lines.append(line)
                print("  " + line, end="", flush=True)

        reader = threading.Thread(target=show)
        reader.start()
        try:
            deadline = time.monotonic() + SECONDS
            while self.waiting(QUEUE) or self.waiting(DEAD) < DEAD_COUNT:
                if process.poll() is not None:
                    sys.exit(f"demo: orderd ended by itself with {process.returncode}")
                if time.monotonic() > deadline:
                    sys.exit(f"demo: after {SECONDS} s {self.waiting(QUEUE)} messages wait, {self.waiting(DEAD)} are dead")
                time.sleep(0.1)
            print("\n  (nothing is left to do: SIGTERM)\n", flush=True)
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=SECONDS)
        finally:
            process.kill()
            reader.join()
        if code != 0:
            sys.exit(f"demo: orderd ended with {code}")
        return lines[-1]

    def mistakes(self, last_line):
        """What is not as it should be."""
        items = {item["order_id"]["S"]: item for item in self.dynamodb.scan(TableName=TABLE)["Items"]}
        statuses = {key: item["status"]["S"] for key, item in items.items() if not key.startswith("message#")}
        wanted = dict.fromkeys(GOOD, "PROCESSED") | {"ORD-1005": "FAILED", "ORD-1006": "FAILED"}
        if statuses != wanted:
            yield f"the table has {statuses} and not {wanted}"
            return
        failures = sorted(item["error_code"]["S"] for key, item in items.items() if key.startswith("message#"))
        if failures != ["INVALID_JSON", "INVALID_ORDER", "INVALID_ORDER", "ORDER_CONFLICT"]:
            yield f"the messages that failed have {failures}"
        numbers = {items[key]["confirmation_number"]["S"] for key in GOOD}
        if len(numbers) != len(GOOD) or not all(number.startswith("CNF-") for number in numbers):
            yield f"the confirmation numbers are {sorted(numbers)}"
        amounts = {key: items[key]["amount"]["N"] for key in ("ORD-1001", "ORD-1003", "ORD-1004")}
        if amounts != {"ORD-1001": "199.99", "ORD-1003": "100", "ORD-1004": "12345678901234567890.12"}:
            yield f"the amounts are {amounts}"
        if self.waiting(QUEUE) != 0 or self.waiting(DEAD) != DEAD_COUNT:
            yield f"{self.waiting(QUEUE)} messages are left and {self.waiting(DEAD)} are dead"
        account = {"received": 17, "done": 5, "processed": 4, "duplicate": 1, "failed": 12, "deferred": 0}
        for name, count in account.items():
            if f"{name}={count}" not in last_line.split():
                yield f"the last line does not say {name}={count}: {last_line.strip()}"


def main(build):
    began = time.monotonic()
    emulator = Emulator()
    try:
        with tempfile.TemporaryDirectory(prefix="orderd-demo-") as directory:
            demo = Demo(build, emulator, directory)
            heading("A queue, its dead-letter queue and a table (on an emulator of SQS and DynamoDB)")
            demo.orderctl("init")
            heading("Nine messages")
            demo.send_all()
            heading("orderd at work: a message that fails is received three times, then SQS moves it to the dead-letter queue")
            last_line = demo.run_orderd()
            heading("The table")
            demo.orderctl("list")
            heading("One order in full")
            demo.orderctl("status", "ORD-1004")
            heading("The dead-letter queue")
            demo.orderctl("dlq", "list")
            heading("The accounting: received = done + failed + deferred, done = processed + duplicate")
            print("  " + last_line)
            mistakes = list(demo.mistakes(last_line))
    finally:
        emulator.stop()
    for mistake in mistakes:
        print(f"demo: WRONG: {mistake}", file=sys.stderr)
    if mistakes:
        sys.exit(1)
    print(f"Every order ended where it should, in {time.monotonic() - began:.0f} seconds.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve())
