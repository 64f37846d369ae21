"""The rights are enough, and none is too many: the calls of real runs are held against the policies that the module makes."""

import re

import pytest

from daemon import CONFIG_ERROR
from rights import allows, grants, needs_of, queue_arn, table_arn, without
from sources import actions
from terraform import ROOT
from wait import until

QUEUE, DLQ = queue_arn("order-processing-queue-dev"), queue_arn("order-processing-dlq-dev")
PLACES = {"the queue": QUEUE, "the dead-letter queue": DLQ, "the table": table_arn("order-processing-status-dev")}


# --- the judge ---------------------------------------------------------------------------------------------------------------


def statement(effect, action, resource, **condition):
    return {"Effect": effect, "Action": action, "Resource": resource} | ({"Condition": condition} if condition else {})


ALLOW = statement("Allow", ["sqs:SendMessage", "sqs:Get*"], ["arn:q", "arn:r/*"])
PLAIN_HTTP = statement("Deny", "sqs:*", "arn:q", Bool={"aws:SecureTransport": "false"})


@pytest.mark.parametrize(
    "statements, action, resource, allowed",
    [
        ([ALLOW], "sqs:SendMessage", "arn:q", True),
        ([ALLOW], "SQS:sendmessage", "arn:q", True),
        ([ALLOW], "sqs:SendMessages", "arn:q", False),
        ([ALLOW], "sqs:GetQueueUrl", "arn:q", True),
        ([ALLOW], "sqs:DeleteMessage", "arn:q", False),
        ([ALLOW], "sqs:SendMessage", "arn:Q", False),
        ([ALLOW], "sqs:SendMessage", "arn:q2", False),
        ([ALLOW], "sqs:SendMessage", "arn:r/a/b", True),
        ([statement("Allow", "s3:*", "arn:?")], "s3:GetObject", "arn:x", True),
        ([statement("Allow", "s3:*", "arn:?")], "s3:GetObject", "arn:xy", False),
        ([statement("Allow", "*", "*")], "sqs:SendMessage", "arn:q", True),
        ([], "sqs:SendMessage", "arn:q", False),
        ([ALLOW, statement("Deny", "sqs:Send*", "*")], "sqs:SendMessage", "arn:q", False),
        ([statement("Deny", "sqs:Send*", "*"), ALLOW], "sqs:SendMessage", "arn:q", False),
        ([ALLOW, statement("Deny", "sqs:Send*", "*")], "sqs:GetQueueUrl", "arn:q", True),
        ([ALLOW, PLAIN_HTTP], "sqs:SendMessage", "arn:q", True),
    ],
)  # fmt: skip
def test_judges_as_iam_does(statements, action, resource, allowed):
    assert allows([{"Statement": statements}], action, resource) is allowed
    assert allows([{"Statement": s} for s in statements], action, resource) is allowed


def test_does_not_judge_what_it_does_not_know():
    with pytest.raises(ValueError, match="StringLike"):
        allows([{"Statement": statement("Allow", "*", "*", StringLike={"aws:username": "a"})}], "sqs:SendMessage", "arn:q")


@pytest.mark.parametrize(
    "target, body, need",
    [
        ("AmazonSQS.DeleteMessage", b'{"QueueUrl": "http://h/1/q"}', ("sqs:DeleteMessage", queue_arn("q"))),
        ("AmazonSQS.DeleteMessageBatch", b'{"QueueUrl": "http://h/1/q"}', ("sqs:DeleteMessage", queue_arn("q"))),
        ("AmazonSQS.GetQueueUrl", b'{"QueueName": "q"}', ("sqs:GetQueueUrl", queue_arn("q"))),
        ("AmazonSQS.CancelMessageMoveTask", b'{"TaskHandle": "arn:a"}', ("sqs:CancelMessageMoveTask", "arn:a")),
        ("DynamoDB_20120810.UpdateItem", b'{"TableName": "t"}', ("dynamodb:UpdateItem", table_arn("t"))),
    ],
)  # fmt: skip
def test_knows_what_a_call_needs(target, body, need):
    assert needs_of({"x-amz-target": target, "authorization": "AWS4-HMAC-SHA256"}, body) == [need]


# --- the policies ------------------------------------------------------------------------------------------------------------


def test_every_call_of_the_run_is_allowed(plays):
    judge = plays["dev"].judge
    assert [f"{c.door}: {c.needs}" for c in judge.refused("daemon", "operator", "doctor")] == []
    assert all(judge.calls_of(door) for door in ("daemon", "operator", "doctor"))


@pytest.mark.parametrize("name, doors", [("daemon", ["daemon"]), ("operator", ["operator", "doctor"])])
def test_the_run_needs_every_right(plays, rendered, name, doors):
    """Each action of each statement, taken out, refuses a call; and it is on what the calls are about, not on more."""
    policy, judge = rendered["dev"].policy(name), plays["dev"].judge
    calls = judge.calls_of(*doors)
    assert grants(policy) <= {need for call in calls for need in call.needs}
    others = {door: [p for p in judge.policies[door] if p != policy] for door in doors}
    for action, resource in grants(policy):
        less = without(policy, action, resource)
        assert any(call.lacks([less, *others[call.door]]) for call in calls), f"nothing needs {action} on {resource}"


def given(rendered, name):
    """The actions of a policy, wherever they are allowed."""
    return {action for action, _ in grants(rendered["dev"].policy(name))}


def test_the_code_calls_what_the_policies_allow(rendered):
    daemon, tool = (set((ROOT / "src" / part).glob("*.c")) for part in ("orderd", "orderctl"))
    assert actions(daemon) == given(rendered, "daemon")
    # init makes what the module has made already, and the doctor tries the daemon's rights with the daemon's policy
    tool = {path for path in tool if path.name not in ("init.c", "init_table.c", "doctor_rights.c")}
    assert actions(tool) | {"lambda:ListEventSourceMappings"} == given(rendered, "operator")


def test_the_readme_has_the_daemons_rights(rendered):
    rights = re.search(r"^### Rights\n(.*?)^`orderctl`", (ROOT / "README.md").read_text(), re.M | re.S)[1]
    rows = re.findall(r"^\| (`.*`) \| (\w.*?) \|", rights, re.M)
    told = {(action, PLACES[place]) for cell, place in rows for action in re.findall(r"`(\w+:\w+)`", cell)}
    assert told == grants(rendered["dev"].policy("daemon"))


def test_the_readme_has_the_operators_rights(rendered):
    """What orderctl needs beside the daemon's rights; init is for those who do not have the module."""
    rights = re.search(r"^`orderctl` needs more.*?(^\| .*?)^\| `init`", (ROOT / "README.md").read_text(), re.M | re.S)[1]
    told = set(re.findall(r"`(\w+:\w+)`", rights))
    assert told | given(rendered, "daemon") == given(rendered, "operator") | given(rendered, "daemon")


def test_without_tls_nothing_is_allowed(rendered):
    policies = [rendered["dev"].policy("daemon"), rendered["dev"].policy("operator"), *rendered["dev"].queue_policies]
    for arn in (QUEUE, DLQ):
        assert allows(policies, "sqs:GetQueueAttributes", arn)
        assert not allows(policies, "sqs:GetQueueAttributes", arn, {"aws:SecureTransport": "false"})


# --- a right that is missing, for real ----------------------------------------------------------------------------------------


def refusal(line, action):
    return line["error_code"].startswith("AccessDenied") and action in line["error"]


@pytest.mark.parametrize("action", ["sqs:ReceiveMessage", "sqs:DeleteMessage"])
def test_a_missing_right_opens_the_breaker(plays, action):
    daemon = plays[""].lacking[action]
    until(lambda: f"a breaker is open: {daemon.log_text()}", lambda: daemon.events("breaker_opened"))
    (opened,) = daemon.events("breaker_opened")
    assert refusal(opened, action) and "missing right" in opened["remedy"]
    assert daemon.alive()


def test_a_missing_right_ends_the_start(plays):
    action = "dynamodb:UpdateItem"
    daemon = plays[""].lacking[action]
    assert daemon.wait(60) == CONFIG_ERROR, daemon.log_text()
    (said,) = [line for line in daemon.lines if line["level"] == "error"]
    assert said["event"] == "cannot_start" and refusal(said, action)


def test_nothing_else_was_refused(plays):
    judge, lacking = plays[""].judge, plays[""].lacking
    assert {(call.door, action) for call in judge.refused(*lacking) for action, _ in call.needs} == {(a, a) for a in lacking}
