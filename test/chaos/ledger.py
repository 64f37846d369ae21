"""What must be true of every call that reached the services, looked at while it happens.

An observer of a Proxy. It knows which message each receipt handle stands for, as it has seen the replies to the receives, and
which orders the table has confirmed. So it sees at once

- an order that is confirmed a second time, or whose confirmation changes;
- a message that is deleted before its order is in the table (a bad order, or a conflict, is never deleted at all);
- a receive that asks for another visibility than the others.

It needs no lock: the proxy calls it in one thread, and everybody else only reads.
"""

import collections
import json

import orders

DELETES = ("DeleteMessage", "DeleteMessageBatch")


class Ledger:
    def __init__(self, proxy):
        self.confirmed = {}  # order_id to the confirmation number that was written
        self.failed = {}  # key to error_code
        self.received = collections.Counter()  # MessageId to how often the service gave it out
        self.deleted = set()  # MessageIds
        self.wrong = []  # what must not have happened, as text
        self._handles = {}  # receipt handle to MessageId
        self._orders = {}  # MessageId to order_id, "" where the body has none
        proxy.observers.append(self.observe)

    def observe(self, call, body, reply):
        if reply.status != 200:
            return
        if call.operation == "ReceiveMessage":
            self._received(json.loads(reply.body))
        elif call.operation == "UpdateItem":
            self._updated(json.loads(body))
        elif call.operation in DELETES:
            self._deleted(json.loads(body), json.loads(reply.body or b"{}"))

    def _received(self, reply):
        for message in reply.get("Messages", ()):
            message_id = message["MessageId"]
            self.received[message_id] += 1
            self._handles[message["ReceiptHandle"]] = message_id
            if message_id not in self._orders:
                try:
                    self._orders[message_id] = orders.parse(message["Body"])["order_id"]
                except (ValueError, KeyError, TypeError):
                    self._orders[message_id] = ""

    def _updated(self, request):
        key = request["Key"]["order_id"]["S"]
        texts = [v["S"] for v in request.get("ExpressionAttributeValues", {}).values() if "S" in v]
        numbers = [text for text in texts if orders.CONFIRMATION.match(text)]
        if len(numbers) > 1:
            self.wrong.append(f"{key}: a record with {len(numbers)} confirmation numbers")
        elif numbers and key in self.confirmed:
            self.wrong.append(f"{key}: confirmed as {self.confirmed[key]}, then as {numbers[0]}")
        elif numbers:
            self.confirmed[key] = numbers[0]
        elif "FAILED" in texts:
            self.failed[key] = next((t for t in texts if t.isupper() and "_" in t), "?")
            if key in self.confirmed:
                self.wrong.append(f"{key}: confirmed, then failed")

    def _deleted(self, request, reply):
        entries = request.get("Entries") or [request]
        failed = {entry["Id"] for entry in reply.get("Failed", ())}
        for entry in entries:
            message_id = self._handles.get(entry["ReceiptHandle"])
            if entry.get("Id") in failed:
                continue
            if message_id is None:
                self.wrong.append("a delete with a receipt handle that no receive gave out")
            elif self._orders[message_id] not in self.confirmed:
                self.wrong.append(f"{message_id} ({self._orders[message_id]}) is deleted before its order is confirmed")
            else:
                self.deleted.add(message_id)

    def check(self):
        assert self.wrong == [], self.wrong[:10]
