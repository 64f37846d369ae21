"""What a test plays on: a queue with its dead-letter queue and a table, with names of their own, on the emulator."""

import json
import uuid

import boto3
from botocore.config import Config
from wait import until

REGION = "us-east-1"
KEY_ID = "AKIAORDERDENDTOEND00"
SECRET = "orderd/e2e+secret+that+no+log+may+show00"
TABLE_KEY = "order_id"


def client(service, url, key_id=KEY_ID, secret=SECRET):
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=key_id, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}, max_pool_connections=20),
    )  # fmt: skip


class Stage:
    """The waiting and the dead messages are counted by the emulator; `sent` maps MessageId to body."""

    def __init__(self, emulator, sqs, dynamodb, max_receives=3, name="", suffix=""):
        self.emulator = emulator
        self.sqs = sqs
        self.dynamodb = dynamodb
        name = name or uuid.uuid4().hex[:8]
        self.queue = f"orders-{name}{suffix}"
        self.table = f"status-{name}{suffix}"
        self.dlq_url = self._queue(f"dead-{name}{suffix}")
        self.queue_url = self._queue(self.queue)
        self.set_max_receives(max_receives)
        make_table(dynamodb, self.table)
        self.sent = {}
        self._dead = {}

    def _queue(self, name, **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes={"MaximumMessageSize": "1048576"} | attributes)["QueueUrl"]

    def set_max_receives(self, count):
        """Gives the queue a redrive policy of so many receives; None: none at all."""
        policy = {"deadLetterTargetArn": self._arn(self.dlq_url), "maxReceiveCount": count}
        attributes = {"RedrivePolicy": json.dumps(policy) if count else ""}
        self.sqs.set_queue_attributes(QueueUrl=self.queue_url, Attributes=attributes)

    def _arn(self, url):
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def send(self, *bodies):
        """Sends each body as a message of its own and returns their MessageIds."""
        ids = []
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies[start : start + 10])]
            reply = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            assert not reply.get("Failed"), reply["Failed"]
            for entry, success in zip(entries, sorted(reply["Successful"], key=lambda s: int(s["Id"])), strict=True):
                self.sent[success["MessageId"]] = entry["MessageBody"]
                ids.append(success["MessageId"])
        return ids

    def send_large(self, body):
        """Sends one body of any size up to SQS's limit."""
        message_id = self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)["MessageId"]
        self.sent[message_id] = body
        return message_id

    def feed(self, bodies, waiting=50, stop=None, seconds=120):
        """Sends `bodies` while they are being drained: the emulator gets slow with many waiting. `stop` ends it early."""
        for start in range(0, len(bodies), 10):
            room = lambda: (stop and stop()) or self.waiting()[0] <= waiting  # noqa: E731
            until("room in the queue", room, seconds)
            if stop and stop():
                return
            self.send(*bodies[start : start + 10])

    def _count(self, url):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return tuple(int(attributes[name]) for name in names)

    def waiting(self):
        """(visible, hidden) messages of the queue."""
        return self._count(self.queue_url)

    def dead_count(self):
        return sum(self._count(self.dlq_url)) + len(self._dead)

    def until_empty(self, seconds=60):
        # Asked twice: the emulator counts one kind after the other, and a message may change its kind in between.
        empty = lambda: self.waiting() == (0, 0) and self.waiting() == (0, 0)  # noqa: E731
        until(lambda: f"the queue is empty: {self.waiting()} left", empty, seconds)

    def until_dead(self, count, seconds=60):
        until(lambda: f"{count} dead messages: {self.dead_count()}", lambda: self.dead_count() >= count, seconds)

    def dead(self):
        """MessageId to body of what the dead-letter queue has got so far."""
        while True:
            reply = self.sqs.receive_message(QueueUrl=self.dlq_url, MaxNumberOfMessages=10, VisibilityTimeout=3600)
            messages = reply.get("Messages", [])
            if not messages:
                return self._dead
            self._dead.update((m["MessageId"], m["Body"]) for m in messages)
            entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
            self.sqs.delete_message_batch(QueueUrl=self.dlq_url, Entries=entries)

    def items(self):
        """Every item of the table by its key."""
        found, start = {}, {}
        while True:
            page = self.dynamodb.scan(TableName=self.table, ConsistentRead=True, **start)
            found.update((item[TABLE_KEY]["S"], item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def item(self, key):
        reply = self.dynamodb.get_item(TableName=self.table, Key={TABLE_KEY: {"S": key}}, ConsistentRead=True)
        return reply.get("Item")

    def calls(self, operation):
        """(so far, under way now) of an operation on the queue or the table."""
        resource = self.table if operation.endswith("Item") else self.queue
        return self.emulator.calls(operation, resource)

    def until_polling(self, seconds=30):
        until("a poll is open", lambda: self.calls("ReceiveMessage")[1] > 0, seconds)


def make_table(dynamodb, name, key=TABLE_KEY):
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
