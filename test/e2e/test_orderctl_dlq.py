"""The tool and the dead-letter queue: shown, moved back, deleted."""

import json
import os
import pty
import select
import subprocess
import time

import daemon
import orders
import pytest
from conftest import program_path
from wait import until

ATTRIBUTES = {
    "origin": {"DataType": "String", "StringValue": "shop \"1\""},
    "weight": {"DataType": "Number", "StringValue": "1.50"},
    "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


def rows(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def count(stage, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(attributes[name]) for name in names)


def put_dead(stage, *bodies, **more):
    """Messages in the dead-letter queue as they are; their MessageIds."""
    return [stage.sqs.send_message(QueueUrl=stage.dlq_url, MessageBody=body, **more)["MessageId"] for body in bodies]


def put_failed(stage, order_id, code, message_id):
    item = {"order_id": order_id, "status": "FAILED", "error_code": code, "error_message": f"because of {code}", "message_id": message_id}
    stage.dynamodb.put_item(TableName=stage.table, Item={name: {"S": text} for name, text in item.items()})


def received(stage):
    """What waits in the queue, taken: body -> message."""
    found = {}
    while True:
        reply = stage.sqs.receive_message(
            QueueUrl=stage.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=600, MessageAttributeNames=["All"]
        )
        if not reply.get("Messages"):
            return found
        found.update((message["Body"], message) for message in reply["Messages"])


@pytest.fixture
def failures(stage):
    """Three dead messages: one that was refused, one whose processing failed, one that is nowhere recorded."""
    bodies = orders.make("ORD-bad"), orders.make("ORD-late"), orders.make("ORD-lost")
    ids = put_dead(stage, *bodies)
    put_failed(stage, "ORD-bad", "RECORD_REFUSED", ids[0])
    put_failed(stage, "ORD-late", "PROCESSING_FAILED", ids[1])
    return dict(zip(("bad", "late", "lost"), zip(ids, bodies, strict=True), strict=True))


@pytest.mark.sanitize
def test_show_tells_everything_and_takes_nothing_away(stage, orderctl):
    body = orders.make("ORD-shown")
    (message_id,) = put_dead(stage, body, MessageAttributes=ATTRIBUTES)
    put_dead(stage, "other")
    put_failed(stage, f"message#{message_id}", "INVALID_ORDER", message_id)
    for key in (message_id, "ORD-shown", f"message#{message_id}"):
        (row,) = rows(orderctl("dlq", "show", key, "--json"))
        assert (row["message_id"], row["order_id"], row["error_code"]) == (message_id, "ORD-shown", "INVALID_ORDER")
        assert (row["body"], row["harmless"]) == (body, False)
        assert row["order_item"] is None and row["message_item"]["error_message"] == "because of INVALID_ORDER"
        assert row["message_attributes"]["weight"]["StringValue"] == "1.50"
        assert message_id in row["next"]
    shown = orderctl("dlq", "show", message_id)
    assert shown.returncode == 0, shown.stderr
    assert body in shown.stdout and "because of INVALID_ORDER" in shown.stdout
    assert count(stage, stage.dlq_url) == (2, 0)
    missing = orderctl("dlq", "show", "ORD-none")
    assert missing.returncode == 2 and "ORD-none" in missing.stderr
    assert count(stage, stage.dlq_url) == (2, 0)


@pytest.mark.sanitize
def test_one_is_moved_with_all_that_it_bears(stage, orderctl):
    body = orders.make("ORD-moved")
    (message_id,) = put_dead(stage, body, MessageAttributes=ATTRIBUTES)
    put_dead(stage, "other")
    done = orderctl("dlq", "redrive", "--id", message_id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 moved")
    (message,) = received(stage).values()
    assert message["Body"] == body
    for name, attribute in ATTRIBUTES.items():
        assert {k: v for k, v in message["MessageAttributes"][name].items() if v} == attribute
    assert count(stage, stage.dlq_url) == (1, 0)


def test_those_of_an_error_are_moved(stage, orderctl, failures):
    done = orderctl("dlq", "redrive", "--error", "PROCESSING_FAILED", "--json")
    moved, summary = rows(done)
    assert (moved["message_id"], moved["result"]) == (failures["late"][0], "moved")
    assert summary == {"moved": 1, "skipped": 2, "harmless": 0, "failed": 0}
    assert list(received(stage)) == [failures["late"][1]]
    assert count(stage, stage.dlq_url) == (2, 0)
    none = orderctl("dlq", "redrive", "--error", "INVALID_JSON")
    assert none.returncode == 2, none.stderr
    lost = orderctl("dlq", "redrive", "--error", "none")
    assert lost.returncode == 0, lost.stderr
    assert list(received(stage)) == [failures["lost"][1]]


def test_a_dry_run_moves_nothing(stage, orderctl, failures):
    done = orderctl("dlq", "redrive", "--all", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "3 would be moved" in done.stdout and "because of RECORD_REFUSED" in done.stdout
    names = [url.rsplit("/", 1)[1] for url in (stage.dlq_url, stage.queue_url)]
    assert f"all of the about 3 messages in {names[0]} back to the queues that they came from: {names[1]}\n" in done.stderr
    assert "of those" not in done.stderr
    assert stage.waiting() == (0, 0) and count(stage, stage.dlq_url) == (3, 0)


def test_what_may_pass_is_moved_and_the_rest_is_counted(stage, orderctl, failures):
    put_dead(stage, "no JSON", orders.make("ORD-zero", amount=0))
    hopeless = "will fail again and come back, as only their senders can mend them: 1 INVALID_JSON, 1 INVALID_ORDER\n"
    before = orderctl("dlq", "redrive", "--all", "--dry-run")
    assert before.returncode == 0 and f"2 of those to be moved {hopeless}" in before.stderr, before.stderr
    codes = "--error PROCESSING_FAILED --error RECORD_REFUSED --error none"
    assert f'"orderctl dlq redrive {codes}" leaves such messages out\n' in before.stderr
    some = orderctl("dlq", "redrive", *codes.split())
    assert (some.returncode, some.stdout) == (0, "3 moved, 2 left where they are\n"), some.stderr
    assert set(received(stage)) == {body for _, body in failures.values()}
    rest = orderctl("dlq", "redrive", "--all")
    assert rest.returncode == 0 and f"2 of those moved {hopeless}" in rest.stderr, rest.stderr
    mistyped = orderctl("dlq", "redrive", "--error", "processing_failed")
    assert mistyped.returncode == 64 and "did you mean PROCESSING_FAILED?" in mistyped.stderr


def test_all_are_moved_at_a_rate(stage, orderctl, failures):
    """The emulator has no move tasks, so they are sent and deleted."""
    began = time.monotonic()
    done = orderctl("dlq", "redrive", "--all", "--rate", "2")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began > 0.9
    assert "3 moved" in done.stdout and "move task cannot be used" in done.stderr
    assert set(received(stage)) == {body for _, body in failures.values()}
    assert count(stage, stage.dlq_url) == (0, 0)
    again = orderctl("dlq", "redrive", "--all")
    assert again.returncode == 2 and "is empty" in again.stderr


def test_the_whole_way_back(stage, orderctl, orderd):
    """An outcome of none, redriven, is processed; once more in the dead-letter queue it is harmless, and purged as such."""
    body = orders.make("ORD-round")
    put_dead(stage, body, body)
    assert orderctl("dlq", "redrive", "--id", "ORD-round").returncode == 0
    process = orderd.start_on(stage)
    process.until_outcomes(2)
    account = process.stop()
    assert (account["processed"], account["duplicate"]) == (1, 1)  # as after a crash between send and delete

    put_dead(stage, body, orders.make("ORD-round", amount=77))
    listed = rows(orderctl("dlq", "list", "--json"))
    assert sorted((row["harmless"], row["error_code"]) for row in listed) == [(False, "ORDER_CONFLICT"), (True, None)]
    skipped = orderctl("dlq", "redrive", "--error", "PROCESSING_FAILED")
    assert skipped.returncode == 2 and "harmless" in skipped.stderr
    done = orderctl("dlq", "purge", "--harmless", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 deleted, 1 left where they are\n"
    assert [row["harmless"] for row in rows(orderctl("dlq", "list", "--json"))] == [False]


def test_a_stop_hands_the_rest_back(request, stage, tmp_path):
    put_dead(stage, *[orders.make(f"ORD-{n}") for n in range(15)])
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url, ORDERD_TABLE_NAME=stage.table)
    command = [program_path(request.config, "orderctl"), "dlq", "redrive", "--all", "--rate", "2"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until("two are moved", lambda: stage.waiting()[0] >= 2, 30)
        process.send_signal(2)
        out, messages = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1 and "stopped by a signal" in messages, messages
    moved = int(out.split()[0])
    assert 2 <= moved < 15
    assert stage.waiting()[0] == moved and count(stage, stage.dlq_url) == (15 - moved, 0)


class Terminal:
    """The tool on a pseudo-terminal: what it shows, and what a person types."""

    def __init__(self, command, env, columns=100):
        self.master, slave = pty.openpty()
        os.system(f"stty cols {columns} rows 30 -echo < {os.ttyname(slave)}")
        self.process = subprocess.Popen(command, env=env, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = ""

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += data.decode()
        return bool(data)

    def until(self, text, seconds=30):
        ends = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < ends and self.read(0.2), f"no {text!r} in {self.text!r}"

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, seconds=30):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self.read(0.2):
            pass
        os.close(self.master)
        return self.process.wait(timeout=5)


@pytest.fixture
def terminal(request, stage, tmp_path):
    env = daemon.environment(
        tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url, ORDERD_TABLE_NAME=stage.table, TERM="xterm"
    )
    started = []

    def start(*arguments):
        started.append(Terminal([program_path(request.config, "orderctl"), *arguments], env))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.mark.parametrize("answer, left", [("no", 2), ("", 2), ("yes", 0), (None, 0)])
def test_purge_asks_on_a_terminal(stage, terminal, answer, left):
    put_dead(stage, "a", "b")
    name = stage.dlq_url.rsplit("/", 1)[1]
    shown = terminal("dlq", "purge")
    shown.until("to go on:")
    assert name in shown.text and "about 2" in shown.text
    shown.type((name if answer is None else answer) + "\r")
    status = shown.end()
    assert status == (1 if left else 0), shown.text
    assert ("nothing is deleted" in shown.text) == bool(left)
    assert count(stage, stage.dlq_url)[0] == left


def test_purge_needs_a_word_where_nobody_can_be_asked(stage, orderctl):
    put_dead(stage, "a")
    refused = orderctl("dlq", "purge")
    assert refused.returncode == 64 and "--yes" in refused.stderr
    assert count(stage, stage.dlq_url) == (1, 0)
    assert orderctl("dlq", "purge", "--yes").returncode == 0
    assert count(stage, stage.dlq_url) == (0, 0)


def test_purge_is_done_where_nothing_is_counted(stage, orderctl):
    """The number is approximate."""
    empty = orderctl("dlq", "purge", "--yes")
    assert (empty.returncode, empty.stdout) == (0, f"purged {stage.dlq_url.rsplit('/', 1)[1]}, about 0 messages\n"), empty.stderr


def test_a_body_is_laid_out_on_a_terminal(stage, terminal):
    put_dead(stage, '{"order_id":"ORD-tty","amount":12345678901234567890.10,"items":["\\u001b[2J","\u202e"]}')
    shown = terminal("dlq", "show", "ORD-tty")
    assert shown.end() == 0, shown.text
    for line in ('  "order_id": "ORD-tty",', '  "amount": 12345678901234567890.10,', '    "\\u001b[2J",', '    "\\u202e"', "  ]"):
        assert line + "\r\n" in shown.text, shown.text
