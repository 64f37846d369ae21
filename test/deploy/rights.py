"""Who may do what: IAM's rules as far as the module's policies use them, and a judge of calls through a proxy."""

import copy
import dataclasses
import json
import re

from proxy import Reply

REGION, ACCOUNT = "us-east-1", "123456789012"  # the emulator's
TLS = {"aws:SecureTransport": "true"}


def listed(value):
    return value if isinstance(value, list) else [value]


def fits(pattern, text):
    """Whether a pattern with the wildcards * and ? is one of that text."""
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(c) or re.escape(c) for c in pattern), text, re.S) is not None


def holds(condition, context):
    for operator, wanted in condition.items():
        if operator != "Bool":
            raise ValueError(f"nobody judges conditions with {operator} here")
        if any(context.get(key) not in listed(values) for key, values in wanted.items()):
            return False
    return True


def allows(policies, action, resource, context=TLS):
    """Whether a statement allows it and none denies it."""
    effects = {
        statement["Effect"]
        for policy in policies for statement in listed(policy["Statement"])
        if any(fits(pattern.lower(), action.lower()) for pattern in listed(statement["Action"]))
        and any(fits(pattern, resource) for pattern in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    }  # fmt: skip
    return effects == {"Allow"}


def grants(policy):
    """(action, resource) of all that a policy of the module's own form gives."""
    return {(action, statement["Resource"]) for statement in policy["Statement"] for action in statement["Action"]}


def without(policy, action, resource=None):
    """The policy with an action taken out, on that resource or on all."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        if action in statement["Action"] and resource in (None, statement["Resource"]):
            statement["Action"].remove(action)
    return less


# --- calls -----------------------------------------------------------------------------------------------------------------


def queue_arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def table_arn(name):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def needs_of(head, body):
    """The (action, resource) pairs that a request has to be allowed."""
    if "authorization" not in head:
        return []  # the doctor asks whether there is any answer
    service, _, operation = head.get("x-amz-target", "").rpartition(".")
    if service == "AmazonSQS":
        return needs_of_sqs(operation, json.loads(body))
    if service.startswith("DynamoDB"):
        return [(f"dynamodb:{operation}", table_arn(json.loads(body)["TableName"]))]
    if b"Action=GetCallerIdentity" in body:
        return []  # whoever has keys may ask whose they are
    if head[""].startswith("GET /2015-03-31/event-source-mappings"):
        return [("lambda:ListEventSourceMappings", "*")]
    raise ValueError(f"nobody judges {head['']} here")


def needs_of_sqs(operation, members):
    # a batch has no right of its own
    action = f"sqs:{operation.removesuffix('Batch')}"
    source = members.get("SourceArn") or members.get("TaskHandle")
    if operation == "StartMessageMoveTask":
        # SQS moves the messages with the rights of who asks for it
        takes = [(f"sqs:{name}", source) for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")]
        return [(action, source), *takes, ("sqs:SendMessage", source.replace("-dlq", "-queue"))]
    if source:
        return [(action, source)]
    return [(action, queue_arn(members.get("QueueName") or members["QueueUrl"].rpartition("/")[2]))]


class MoveTasks:
    """SQS's move tasks, which the emulator does not have: a task goes on until it is cancelled, and its handle is the queue."""

    def __init__(self):
        self._running = []

    def answer(self, operation, members):
        if operation == "ListMessageMoveTasks":
            return {"Results": self._running}
        if operation == "StartMessageMoveTask":
            self._running = [{"TaskHandle": members["SourceArn"], "Status": "RUNNING", "StartedTimestamp": 1}]
            return {"TaskHandle": members["SourceArn"]}
        self._running = []
        return {"ApproximateNumberOfMessagesMoved": 0}


@dataclasses.dataclass
class Judged:
    """A call that came through a door of that name."""

    door: str
    operation: str
    needs: list

    def lacks(self, policies):
        """What it needs and the policies do not give."""
        return [need for need in self.needs if not allows(policies, *need)]


class Judge:
    """Lets through each door of a proxy what the policies of that door allow, and refuses the rest as the service does."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.policies = {}  # of each door
        self.calls = []  # all that came, in order
        self._moves = MoveTasks()
        proxy.add(self._judge)

    def door(self, name, *policies):
        """The URL of a door whose callers have those policies."""
        self.policies[name] = policies
        return self.proxy.door(name).url

    def calls_of(self, *doors):
        return [call for call in list(self.calls) if call.door in doors]

    def refused(self, *doors):
        return [call for call in self.calls_of(*doors) if call.lacks(self.policies[call.door])]

    async def _judge(self, x):
        call = Judged(x.call.door, x.call.operation, needs_of(x.head, x.body))
        self.calls.append(call)
        lacks = call.lacks(self.policies[call.door])
        if lacks:
            code, status = ("AccessDenied", 403) if x.is_sqs else ("AccessDeniedException", 400)
            await x.send_error(status, code, "User is not authorized to perform: {} on resource: {}".format(*lacks[0]))
        elif "MessageMoveTask" in call.operation:
            answer = self._moves.answer(call.operation, json.loads(x.body))
            await x.send(Reply(200, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(answer).encode()))
        else:
            await x.send(await x.deliver())
