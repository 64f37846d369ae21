"""Starts into faults: what passes is waited out, what a person has to mend ends the start, with one clear line.

What is missing or wrong for good is in test_refusals.py. Here several daemons start at once, each into a fault of its own.
"""

import time

import daemon as daemons
import orders
import pytest
from rig import SQS, TABLE, last
from wait import until

PATIENCE = 30  # seconds, for rights and credentials

# What the seed's policy allows on the queue and on the table. It says nothing about the dead-letter queue.
SEED = ("ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "GetQueueAttributes", "UpdateItem", "GetItem")


def warnings(daemon):
    return {line["event"] for line in daemon.lines if line["level"] in ("warning", "error")}


@pytest.mark.takes(16)
def test_what_passes_is_waited_out(make_rig, make_notify, orderd):
    """Orders that wait are worked off soon after; systemd hears that the daemon is there, and the log says what it waits for."""
    faults = {
        "server_error": {}, "throttled": {}, "expired": {}, "rubbish": {"status": 502}, "black_hole": {}, "reset_before": {},
    }  # fmt: skip
    started = []
    for service, operations in ((SQS, ("GetQueueAttributes",)), (TABLE, ("UpdateItem",))):
        for fault, more in faults.items():
            rig, notify = make_rig(), make_notify()
            rule = rig.proxy.add(fault, *operations, **more)
            ids = rig.send(0, 3)
            started.append((f"{service}: {fault}", rig, rule, notify, rig.start(env=notify.env), ids))
    began = time.monotonic()
    last(8, began)
    for name, rig, rule, notify, daemon, _ in started:
        assert daemon.alive(), f"{name}: ended with {daemon.process.returncode}: {daemon.log_text()}"
        assert rig.ledger.received.total() == 0, name
        said = [line for line in daemon.lines if line["level"] != "info"]
        # a silent service is given up after some attempts of 5 s each
        assert len(said) == 1 or (len(said) == 0 and "black_hole" in name), f"{name}: {daemon.log_text()}"
        assert all(line["error"] and line["error_code"] for line in said), f"{name}: {daemon.log_text()}"
        assert notify.times("EXTEND_TIMEOUT_USEC") or notify.times("READY"), f"{name}: systemd does not hear of it"
        rig.proxy.remove(rule)
    over = time.monotonic()
    for name, rig, _, notify, daemon, ids in started:
        rig.until_confirmed(ids, seconds=30)
        notify.until_ready()
        rig.stage.until_empty()
        rig.check_all_well(ids, most_receives=1)
        assert daemon.stop()["processed"] == 3, name
    assert time.monotonic() - over < 30


@pytest.mark.takes(4)
def test_ready_while_nothing_can_be_reached(rig, orderd, notify):
    """systemd may go on with the start of the machine: a breaker holds the first receive."""
    with rig.cut_off(SQS, TABLE):
        daemon = rig.start(env=notify.env)
        notify.until_ready(10)
        assert daemon.stop(seconds=10)["received"] == 0


@pytest.mark.takes(36)
def test_rights_and_keys_are_asked_for_again(make_rig, orderd):
    """For half a minute, as they are often made at the same time; then a person has to do something."""
    codes = {"code": "UnrecognizedClientException"}
    cases = {
        "denied queue": (("denied", "GetQueueAttributes"), {}, {}),
        "denied table": (("denied", "UpdateItem"), {}, {}),
        "bad keys": (("refused", "GetQueueAttributes"), {"code": "InvalidClientTokenId"}, {}),
        "bad keys at the table": (("refused", "UpdateItem"), codes, {}),
        "no keys": (("passed",), {}, {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}),
    }
    started = []
    for name, (fault, more, env) in cases.items():
        rig = make_rig()
        rig.proxy.add(*fault, **more)
        started.append((name, rig, rig.start(env=env)))
    granted = make_rig()
    rule = granted.proxy.add("denied", "UpdateItem")
    ids = granted.send(0, 3)
    late = granted.start()

    began = time.monotonic()
    last(10, began)
    granted.proxy.remove(rule)
    granted.until_confirmed(ids, seconds=15)
    assert late.stop()["processed"] == 3
    last(PATIENCE - 4, began)
    for name, _, daemon in started:
        assert daemon.alive(), f"{name}: {daemon.log_text()}"
    for name, rig, daemon in started:
        assert daemon.wait(20) == daemons.CONFIG_ERROR, f"{name}: {daemon.log_text()}"
        assert time.monotonic() - began < PATIENCE + 12, name
        errors = [line for line in daemon.lines if line["level"] == "error"]
        assert [line["event"] for line in errors] == ["cannot_start"], f"{name}: {daemon.log_text()}"
        assert errors[0]["error_code"] and errors[0]["error"], name
        assert len(daemon.lines) <= 5, f"{name}: {daemon.log_text()}"
        assert rig.ledger.received.total() == 0, name


@pytest.mark.takes(3)
@pytest.mark.parametrize("fault", ["black_hole", "denied", "throttled"])
def test_stop_while_starting(rig, orderd, fault):
    with rig.proxy.fault(fault):
        daemon = rig.start()
        rig.until_called("the first call", "GetQueueAttributes")
        began = time.monotonic()
        assert daemon.stop(seconds=10)["received"] == 0
        assert time.monotonic() - began < 2


@pytest.mark.takes(25)
def test_the_rights_of_the_seed(make_rig, orderd):
    """No more than those are needed: good orders are confirmed, bad ones get to the dead-letter queue."""
    rig = make_rig(max_receives=2)
    queue = rig.stage.queue_url

    def beyond(call):
        asked = call.members.get("QueueUrl", queue)
        return call.operation not in SEED or asked.rpartition("/")[2] != queue.rpartition("/")[2]

    with rig.proxy.fault("denied", when=beyond):
        daemon = rig.start()
        ids = rig.send(0, 40)
        (bad,) = rig.stage.send(orders.make("BAD-0", amount=0))
        rig.until_confirmed(ids, seconds=20)
        rig.stage.until_dead(1, seconds=40)
        rig.stage.until_empty()
        account = daemon.stop()
    assert set(rig.stage.dead()) == {bad}
    assert (account["processed"], account["failed"], account["deferred"]) == (40, 2, 0)
    assert {n for m, n in rig.ledger.received.items() if m != bad} == {1}
    assert "dead_letter_queue_unknown" in warnings(daemon)
    assert not [line for line in daemon.lines if line["level"] == "error"]


def few_receives(stage):
    stage.set_max_receives(2)


def short_retention(stage):
    stage.sqs.set_queue_attributes(QueueUrl=stage.dlq_url, Attributes={"MessageRetentionPeriod": "345600"})


def lost_dead_letter_queue(stage):
    stage.sqs.delete_queue(QueueUrl=stage.dlq_url)


def nothing(stage):
    stage.sqs.set_queue_attributes(QueueUrl=stage.dlq_url, Attributes={"MessageRetentionPeriod": "1209600"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (nothing, set()),
        (few_receives, {"few_receives"}),
        (short_retention, {"short_dead_letter_retention"}),
        (lost_dead_letter_queue, {"dead_letter_queue_unknown"}),
    ],
)
def test_warnings(stage, orderd, given, expected):
    """They are said, and keep nobody from working."""
    nothing(stage)
    given(stage)
    daemon = orderd.start_on(stage)
    stage.send(orders.make("ORD-0"))
    daemon.until_outcomes(1, "processed")
    until("the message is gone", lambda: stage.waiting() == (0, 0))
    daemon.stop()
    assert warnings(daemon) == expected, daemon.log_text()
