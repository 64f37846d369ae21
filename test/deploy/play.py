"""One environment of the module in use, on the emulator: daemons and operators, each at a door where calls are judged."""

import json
import os
import signal
import subprocess

from daemon import Program, environment
from proxy import Proxy
from rights import Judge, without
from stage import client
from terraform import ROOT
from wait import until

# The first of them is processed. The others are different orders under the same id, conflicts, and become dead letters.
ORDERS = [{"order_id": "ORD-1", "customer_id": "CUST-1", "amount": amount, "items": ["sku-1"]} for amount in (1, 2, 3, 4)]


def program(name, directory):
    return Program(os.environ.get(name.upper(), ROOT / "build" / name), directory)


class Play:
    """What `orderctl init` made under the names that it has of the suffix alone, with the policies of the module."""

    def __init__(self, emulator, rendered, directory):
        self.rendered, self.directory = rendered, directory
        self.proxy = Proxy(emulator.url)
        self.judge = Judge(self.proxy)
        self.sqs, self.dynamodb = client("sqs", emulator.url), client("dynamodb", emulator.url)
        self.orderd, self.orderctl = program("orderd", directory), program("orderctl", directory)
        self.lacking = {}
        self.run(emulator.url, "init")

    def end(self):
        self.orderd.end()
        self.proxy.stop()

    def environment(self, url):
        more = {"ENVIRONMENT_SUFFIX": self.rendered.suffix, "ORDERD_ENDPOINTS_STS": url, "AWS_ENDPOINT_URL_LAMBDA": url}
        # without a PATH the doctor does not find the unit of this machine
        return environment(self.directory, url, PATH="/nonexistent", **more)

    def door(self, name, *policies):
        return self.judge.door(name, *policies, *self.rendered.queue_policies)

    # the daemon

    def start(self, url):
        settings = {
            "queue.wait_seconds": 1, "processing.timeout_seconds": 5, "metrics.interval_seconds": 1,
            "status.file": str(self.directory / "status.json"),
        }  # fmt: skip
        return self.orderd.start("--config", self.orderd.config(settings), env=self.environment(url))

    @property
    def lines(self):
        """The log of every daemon so far."""
        return [line for daemon in self.orderd.started for line in daemon.lines]

    def lack(self, *actions):
        """Starts a daemon for each action, without the right to it; `lacking` has them by it. There is an order for them."""
        for action in actions:
            self.lacking[action] = self.start(self.door(action, without(self.rendered.policy("daemon"), action)))
        self.send(ORDERS[0])

    def send(self, *orders):
        for order in orders:
            self.sqs.send_message(QueueUrl=self.queue_url("queue"), MessageBody=json.dumps(order))

    def queue_url(self, what):
        return self.sqs.get_queue_url(QueueName=self.rendered.name(what))["QueueUrl"]

    def count_dead(self):
        name = "ApproximateNumberOfMessages"
        return int(self.sqs.get_queue_attributes(QueueUrl=self.queue_url("dlq"), AttributeNames=[name])["Attributes"][name])

    def work(self):
        """A daemon meets all that it has calls for."""
        # AWS sends the old item with a write that it refuses; a server that does not makes the daemon read the item
        self.proxy.rewrite["UpdateItem"] = lambda members: members | {"ReturnValuesOnConditionCheckFailure": "NONE"}
        daemon = self.start(self.door("daemon", self.rendered.policy("daemon")))
        self.send(ORDERS[0])
        daemon.until_outcomes(1, "processed")
        self.send(*ORDERS[1:])
        until(lambda: f"dead letters; refused: {self.judge.refused('daemon')}", lambda: self.count_dead() == len(ORDERS) - 1)
        daemon.stop()

    # the operator

    def operate(self):
        """Every command of orderctl that calls AWS is used; for the doctor the operator has the daemon's policy as well."""
        url, export = self.door("operator", self.rendered.policy("operator")), self.directory / "export.jsonl"
        self.run(url, "init")
        self.run(url, "send", "--order-id", "ORD-2", "--customer-id", "CUST-2", "--amount", "1", "--item", "sku-2")
        self.run(url, "status", "ORD-1")
        self.run(url, "list")
        self.run(url, "export", "--output", export)
        self.run(url, "replay", export, "--all")
        moved, deleted, _ = [json.loads(line)["message_id"] for line in self.run(url, "dlq", "list", "--json").splitlines()]
        self.run(url, "dlq", "show", moved)
        self.run(url, "dlq", "redrive", "--id", moved)
        self.run(url, "dlq", "purge", "--id", deleted, "--yes")
        self.interrupt(url, "dlq", "redrive", "--all")
        self.run(url, "dlq", "purge", "--yes")
        self.run(self.door("doctor", self.rendered.policy("operator"), self.rendered.policy("daemon")), "doctor")

    def run(self, url, *arguments):
        done = self.orderctl.run(*arguments, env=self.environment(url))
        assert done.returncode == 0, f"orderctl {arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def interrupt(self, url, *arguments):
        """Ends a redrive by Ctrl-C once SQS moves the messages."""
        command = [self.orderctl.binary, *arguments]
        with subprocess.Popen(command, env=self.environment(url), stderr=subprocess.PIPE, text=True) as process:
            try:
                until("the move task runs", lambda: [c for c in self.judge.calls if c.operation == "StartMessageMoveTask"])
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=30)
            finally:
                process.kill()
        assert "cancelled" in said, said
