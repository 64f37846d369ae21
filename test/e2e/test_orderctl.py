"""The tool: it makes the queue and table, sends orders and shows what became of them."""

import csv
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import uuid

import daemon
import orders
import pytest
from conftest import program_path
from wait import until

GOOD = ("--customer-id", "CUST-tool", "--amount", "12345678901234567890.12", "--item", "sku-a", "--item", "sku-b")


def rows(done):
    """The objects that --json printed, one a line."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def bodies(stage):
    reply = stage.sqs.receive_message(QueueUrl=stage.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=600)
    return sorted(message["Body"] for message in reply.get("Messages", []))


def test_init_makes_what_the_daemon_needs(request, emulator, clients, tmp_path):
    sqs, dynamodb = clients
    suffix = uuid.uuid4().hex[:8]
    tool = daemon.Program(program_path(request.config, "orderctl"), tmp_path)
    env = daemon.environment(tmp_path, emulator.url, ENVIRONMENT_SUFFIX=suffix)
    for _ in range(2):
        done = tool.run("init", env=env)
        assert done.returncode == 0, done.stderr

    def attributes(name):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    queue, dead = attributes(f"order-processing-queue-{suffix}"), attributes(f"order-processing-dlq-{suffix}")
    assert (queue["VisibilityTimeout"], queue["MessageRetentionPeriod"]) == ("60", "345600")
    assert dead["MessageRetentionPeriod"] == "1209600"
    policy = json.loads(queue["RedrivePolicy"])
    assert (policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])) == (dead["QueueArn"], 3)
    table = dynamodb.describe_table(TableName=f"order-processing-status-{suffix}")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "order_id", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"

    # What init made is what orderd takes with the same settings.
    program = daemon.Program(program_path(request.config, "orderd"), tmp_path)
    process = program.start("--config", program.config({"queue.wait_seconds": 1}), env=env)
    assert tool.run("send", "--order-id", "ORD-init", *GOOD, env=env).returncode == 0
    try:
        process.until_outcomes(1, "processed")
        assert process.stop()["processed"] == 1
    finally:
        program.end()


@pytest.mark.parametrize("name", ["orders.fifo", "two words", "ünicode", "x" * 81])
def test_init_asks_for_nothing_under_a_name_that_cannot_be(request, emulator, tmp_path, name):
    tool = daemon.Program(program_path(request.config, "orderctl"), tmp_path)
    env = daemon.environment(tmp_path, emulator.url, ORDERD_QUEUE_NAME=name)
    done = tool.run("init", env=env)
    assert done.returncode == daemon.CONFIG_ERROR, done.stderr
    assert done.stdout == "" and "queue.name" in done.stderr and len(done.stderr.splitlines()) == 1
    for operation in ("GetQueueUrl", "CreateQueue"):
        assert emulator.calls(operation, name)[0] == 0


def test_nothing_to_send_is_one_line(request, stage, tmp_path):
    tool = daemon.Program(program_path(request.config, "orderctl"), tmp_path)
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url)
    done = tool.run("send", "-", env=env, stdin_text="")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr == "orderctl: standard input holds no orders: nothing is sent\n"


def test_send_from_arguments(stage, orderctl):
    done = orderctl("send", "--order-id", "ORD-tool", *GOOD)
    assert done.returncode == 0, done.stderr
    (body,) = bodies(stage)
    assert orders.parse(body) == orders.parse(
        '{"order_id": "ORD-tool", "customer_id": "CUST-tool", "amount": 12345678901234567890.12, "items": ["sku-a", "sku-b"]}'
    )


@pytest.mark.sanitize
@pytest.mark.parametrize("source", ["file", "standard input"])
def test_send_json_lines(request, stage, tmp_path, source):
    given = [orders.make(f"ORD-{n}") for n in range(7)]
    path = tmp_path / "orders.jsonl"
    path.write_text("".join(body + "\n" for body in given))
    tool = daemon.Program(program_path(request.config, "orderctl"), tmp_path)
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url)
    done = tool.run("send", path if source == "file" else "-", env=env, stdin_text=path.read_text())
    assert done.returncode == 0, done.stderr
    assert bodies(stage) == sorted(given)


def test_send_generated_orders_that_are_all_good(stage, orderctl, orderd):
    done = orderctl("send", "--generate", "25")
    assert done.returncode == 0, done.stderr
    assert stage.waiting()[0] == 25
    process = orderd.start_on(stage)
    process.until_outcomes(25)
    assert process.stop()["processed"] == 25


@pytest.fixture
def worked_off(stage, orderd):
    """Five processed orders, two failed ones of which one has no usable id."""
    process = orderd.start_on(stage)
    stage.send(*[orders.make(f"ORD-{n}") for n in range(5)], orders.make("ORD-zero", amount=0), "CUST-no JSON")
    stage.until_dead(2)
    stage.until_empty()
    process.stop()
    return stage


def test_status(worked_off, orderctl):
    found = {row["order_id"]: row for row in rows(orderctl("status", "ORD-1", "ORD-zero", "--json"))}
    items = worked_off.items()
    assert found["ORD-1"]["status"] == "PROCESSED"
    assert found["ORD-1"]["confirmation_number"] == orders.text_of(items["ORD-1"], "confirmation_number")
    assert (found["ORD-zero"]["status"], found["ORD-zero"]["error_code"]) == ("FAILED", "INVALID_ORDER")

    shown = orderctl("status", "ORD-1")
    assert shown.returncode == 0
    for text in ("ORD-1", "PROCESSED", found["ORD-1"]["confirmation_number"]):
        assert text in shown.stdout

    unknown = orderctl("status", "ORD-unknown")
    assert unknown.returncode != 0
    assert "ORD-unknown" in unknown.stdout + unknown.stderr


def test_list(worked_off, orderctl):
    keys = set(worked_off.items())
    assert {row["order_id"] for row in rows(orderctl("list", "--json"))} == keys
    processed = rows(orderctl("list", "--status", "PROCESSED", "--json"))
    assert {row["order_id"] for row in processed} == {f"ORD-{n}" for n in range(5)}
    assert len(rows(orderctl("list", "--limit", "3", "--json"))) == 3
    assert len(rows(orderctl("list", "--status", "FAILED", "--limit", "2", "--json"))) == 2
    shown = orderctl("list").stdout
    assert all(f"ORD-{n}" in shown for n in range(5))


@pytest.mark.sanitize
def test_list_goes_over_all_pages(stage, orderctl):
    """A scan's page ends at 1 MB: thirty items of 100 KB are several pages."""
    for n in range(30):
        item = {"order_id": {"S": f"ORD-{n}"}, "status": {"S": "PROCESSED"}, "note": {"S": "x" * 100_000}}
        stage.dynamodb.put_item(TableName=stage.table, Item=item)
    assert len(rows(orderctl("list", "--limit", "100", "--json"))) == 30
    assert len(rows(orderctl("list", "--limit", "25", "--json"))) == 25


def test_list_chooses(worked_off, orderctl):
    """By time, by error code, and by all of it; nothing found is exit status 2."""
    everything = len(worked_off.items())
    assert len(rows(orderctl("list", "--since", "1h", "--json"))) == everything
    refused = rows(orderctl("list", "--error", "INVALID_ORDER", "--json"))
    assert {row["status"] for row in refused} == {"FAILED"} and "ORD-zero" in {row["order_id"] for row in refused}
    newest = max(orders.text_of(item, "updated_at") for item in worked_off.items().values())
    assert len(rows(orderctl("list", "--since", newest, "--json"))) >= 1
    for nothing in (["--since", "0s"], ["--error", "RECORD_REFUSED"], ["--status", "PROCESSED", "--error", "INVALID_ORDER"]):
        done = orderctl("list", *nothing)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
    for nonsense in (["--since", "yesterday"], ["--status", "DONE"], ["--segments", "0"], ["--error", "NO_SUCH_CODE"]):
        assert orderctl("list", *nonsense).returncode == 64
    mistyped = orderctl("list", "--error", "INVALID_ODER")
    assert mistyped.returncode == 64 and "did you mean INVALID_ORDER?" in mistyped.stderr


def test_list_shows_a_failure_once(worked_off, orderctl, orderd):
    """A refused order has an item of its own and one about its message; a conflict only the latter."""
    process = orderd.start_on(worked_off)
    worked_off.send(orders.make("ORD-1", amount=77))
    worked_off.until_dead(3)
    process.stop()
    kept = {key for key, item in worked_off.items().items() if item.get("error_code") != {"S": "INVALID_ORDER"}}
    shown = orderctl("list")
    assert shown.returncode == 0, shown.stderr
    assert {line.split()[0] for line in shown.stdout.splitlines()[1:]} == kept | {"ORD-zero"}
    assert "ORDER_CONFLICT with ORD-1: " in shown.stdout
    assert "1 item about a message (message#...) is left out" in shown.stderr
    assert {row["order_id"] for row in rows(orderctl("list", "--json"))} == set(worked_off.items())


@pytest.mark.parametrize("segments", ["1", "3", "8"])
def test_segments_read_every_item_once(stage, orderctl, segments):
    for start in range(0, 600, 25):
        items = [{"order_id": {"S": f"ORD-{start + n}"}, "status": {"S": "PROCESSED"}} for n in range(25)]
        stage.dynamodb.batch_write_item(RequestItems={stage.table: [{"PutRequest": {"Item": item}} for item in items]})
    found = [row["order_id"] for row in rows(orderctl("list", "--json", "--segments", segments))]
    assert sorted(found) == sorted(f"ORD-{n}" for n in range(600))


def test_a_reader_that_has_enough_ends_it(request, stage, tmp_path):
    """As in "orderctl list | head -1": no error, and no more of the table is read."""
    for n in range(30):
        item = {"order_id": {"S": f"ORD-{n}"}, "status": {"S": "PROCESSED"}, "note": {"S": "x" * 100_000}}
        stage.dynamodb.put_item(TableName=stage.table, Item=item)
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_TABLE_NAME=stage.table)
    command = f"{program_path(request.config, 'orderctl')} list --json | head -c 100; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith('{"order_id":"ORD-') and done.stderr == ""
    assert int(done.stdout[100:]) == 128 + signal.SIGPIPE


def test_export(worked_off, orderctl, tmp_path):
    items = worked_off.items()
    exported = {row["order_id"]: row for row in rows(orderctl("export"))}
    assert exported.keys() == items.keys()
    done = orderctl("export", "--format", "csv", "--output", "out.csv")
    assert done.returncode == 0 and done.stdout == "", done.stderr
    with open(tmp_path / "out.csv", newline="") as file:
        table = {row["order_id"]: row for row in csv.DictReader(file)}
    assert table.keys() == items.keys()
    for key, row in table.items():
        assert row["amount"] == items[key].get("amount", {"N": ""})["N"]
        assert row["status"] == items[key]["status"]["S"]
        assert json.loads(row["items"] or "null") == exported[key].get("items")
    assert orderctl("export", "--output", "out.csv").returncode == 1
    assert orderctl("export", "--output", "out.csv", "--force", "--status", "FAILED").returncode == 0
    assert {json.loads(line)["status"] for line in (tmp_path / "out.csv").read_text().splitlines()} == {"FAILED"}
    assert [path.name for path in tmp_path.glob("out*")] == ["out.csv"]


@pytest.mark.sanitize
def test_replay_sends_what_failed(stage, orderctl, orderd, tmp_path):
    """Orders that failed for a reason that has gone are in the table, go to the queue again, and are processed."""
    given = {f"ORD-{n}": orders.parse(orders.make(f"ORD-{n}", amount=f"{n}.10")) for n in range(1, 4)}
    for order_id, order in given.items():
        item = {"order_id": {"S": order_id}, "status": {"S": "FAILED"}, "error_code": {"S": "RECORD_REFUSED"},
                "customer_id": {"S": order["customer_id"]}, "amount": {"N": f"{order_id[4:]}.10"},
                "items": {"L": [{"S": "lamp"}, {"M": {"n": {"N": "12345678901234567890.5"}}}]}}  # fmt: skip
        stage.dynamodb.put_item(TableName=stage.table, Item=item)
    stage.dynamodb.put_item(TableName=stage.table, Item={"order_id": {"S": "ORD-done"}, "status": {"S": "PROCESSED"}})
    stage.dynamodb.put_item(TableName=stage.table, Item={"order_id": {"S": "message#1"}, "status": {"S": "FAILED"}})
    assert orderctl("export", "--output", "all.jsonl").returncode == 0
    done = orderctl("replay", "all.jsonl", "--dry-run")
    assert done.returncode == 0, done.stderr
    said, reasons = done.stdout.split(" skipped: ")
    assert said == "3 would be sent, 2"
    assert set(reasons.strip().split("; ")) == {"1 PROCESSED already", "1 about a message, without its order"}
    assert stage.waiting() == (0, 0)
    done = orderctl("replay", "all.jsonl", "--json", "--rate", "100")
    assert rows(done) == [{"sent": 3, "not_sent": 0, "skipped": 2}]
    process = orderd.start_on(stage)
    process.until_outcomes(3, "processed")
    assert process.stop()["processed"] == 3
    for order_id in given:
        item = stage.item(order_id)
        assert item["amount"]["N"] == f"{order_id[4:]}.1" and item["items"]["L"][1]["M"]["n"]["N"] == "12345678901234567890.5"
    assert orderctl("replay", "all.jsonl").returncode == 0  # they end as duplicates


def test_send_goes_on_after_ctrl_c(request, stage, tmp_path):
    """What was sent and where to go on add up, whenever the signal came."""
    given = [orders.make(f"ORD-{n}") for n in range(40)]
    (tmp_path / "orders.jsonl").write_text("".join(body + "\n" for body in given))
    command = [program_path(request.config, "orderctl"), "send", "orders.jsonl", "--rate", "20"]
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url)
    process = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until("something is sent", lambda: stage.waiting()[0] >= 5)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=10)
    assert process.returncode == 1, error
    sent = int(re.fullmatch(r"(\d+) sent\n", out)[1])
    line = int(re.search(r"stopped by a signal; --from-line (\d+) goes on", error)[1])
    assert 5 <= sent < 40 and line == sent + 1 and stage.waiting()[0] == sent
    done = subprocess.run([*command[:3], "--from-line", str(line)], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == f"{40 - sent} sent\n", done.stderr
    assert stage.waiting()[0] == 40


def test_ctrl_c_while_nobody_answers(request, tmp_path):
    """Whoever pressed Ctrl-C hears what it waits for, and a second one ends it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [program_path(request.config, "orderctl"), "send", "--generate", "1"]
        env = daemon.environment(tmp_path, url, ORDERD_QUEUE_URL=f"{url}/1/orders")
        process = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline() == "\n"
            assert process.stderr.readline() == "orderctl: ending after the call under way; Ctrl-C again ends at once\n"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=10)[1] == "" and process.returncode == -signal.SIGINT


def in_terminal(command, env, cwd, columns=80):
    """Runs a command in a terminal of its own; returns its exit status and all that came to the screen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return process.wait(timeout=10), shown.decode()


def test_a_terminal_gets_a_bar_colours_and_its_width(request, worked_off, tmp_path):
    orderctl = program_path(request.config, "orderctl")
    env = daemon.environment(
        tmp_path, worked_off.emulator.url, ORDERD_QUEUE_URL=worked_off.queue_url, ORDERD_TABLE_NAME=worked_off.table
    )
    status, shown = in_terminal([orderctl, "list"], env, tmp_path, columns=100)
    assert status == 0 and "\x1b[32mPROCESSED\x1b[0m" in shown and "\x1b[1;31mFAILED" in shown
    plain = re.sub(r"\r|\x1b\[[0-9;]*[mK]", "", shown)
    assert max(len(line) for line in plain.splitlines() if "orderctl: " not in line) <= 100 and "…" in plain
    status, shown = in_terminal([orderctl, "list"], env | {"NO_COLOR": "1"}, tmp_path)
    assert status == 0 and "\x1b[3" not in shown and "\x1b[1" not in shown
    status, shown = in_terminal([orderctl, "list", "--json"], env, tmp_path)
    assert "\x1b[3" not in shown and "\x1b[1" not in shown
    status, shown = in_terminal([orderctl, "send", "--generate", "30", "--rate", "20"], env, tmp_path, columns=60)
    bars = re.findall(r"\r\x1b\[K(\[[=> ]+\] +\d+%  \d+ sent[^\r\n]*)", shown)
    assert status == 0 and len(bars) >= 2 and all(len(bar) < 60 for bar in bars), shown
    assert shown.endswith("30 sent\r\n")


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_ids_are_whole_on_any_terminal(request, stage, tmp_path, columns):
    """They are there to be pasted; what stands behind a long one goes on below, and other texts are cut."""
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url, ORDERD_TABLE_NAME=stage.table)
    keys = ["ORD-1", f"ORD-{uuid.uuid4()}", f"message#{uuid.uuid4()}"]
    for key in keys:
        item = {"order_id": key, "status": "FAILED", "error_code": "RECORD_REFUSED", "error_message": "why " * 30}
        stage.dynamodb.put_item(TableName=stage.table, Item={name: {"S": text} for name, text in item.items()})
    number = "CNF-0123456789AB"
    stage.dynamodb.put_item(TableName=stage.table, Item={
        "order_id": {"S": "ORD-2"}, "status": {"S": "PROCESSED"}, "confirmation_number": {"S": number},
        "customer_id": {"S": "CUST-" + "x" * 40}, "updated_at": {"S": "2026-11-22T13:05:09.123Z"}})  # fmt: skip
    body = orders.make(keys[1])
    dead = stage.sqs.send_message(QueueUrl=stage.dlq_url, MessageBody=body)["MessageId"]
    orderctl = program_path(request.config, "orderctl")
    for command, ids in ((["list"], [*keys, "ORD-2", number]), (["dlq", "list"], [dead, keys[1]])):
        status, shown = in_terminal([orderctl, *command], env | {"NO_COLOR": "1"}, tmp_path, columns)
        lines = re.sub(r"\r|\x1b\[K", "", shown).splitlines()
        assert status == 0 and set(ids) <= {word for line in lines for word in line.split()}, shown
        assert "…" in shown
        if columns >= 80:
            assert max(len(line) for line in lines) <= columns, shown


def test_control_characters_do_not_reach_a_terminal(request, stage, tmp_path):
    """Neither from JSON nor from CSV; a file and a pipe get CSV as it is, and JSON means the same."""
    name = "\x1b[2J\x07\x7f\x9b1m\u202e"
    item = {"order_id": {"S": "ORD-1"}, "status": {"S": "FAILED"}, "customer_id": {"S": name}, "items": {"L": [{"S": name}]}}
    stage.dynamodb.put_item(TableName=stage.table, Item=item)
    env = daemon.environment(tmp_path, stage.emulator.url, ORDERD_TABLE_NAME=stage.table)
    orderctl = program_path(request.config, "orderctl")
    for command in (["list", "--json"], ["status", "ORD-1", "--json"], ["export"], ["export", "--format", "csv"]):
        status, shown = in_terminal([orderctl, *command], env, tmp_path)
        assert status == 0 and not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", shown.replace("\x1b[K", "")), repr(shown)
        assert "\\u001b[2J" in shown and "\\u009b1m" in shown
    piped = [subprocess.run([orderctl, *command], env=env, capture_output=True, text=True).stdout for command in (["export"], ["export", "--format", "csv"])]
    assert json.loads(piped[0])["customer_id"] == name and json.loads(piped[0])["items"] == [name]
    assert next(csv.DictReader(piped[1].splitlines()))["customer_id"] == name


def test_completion_needs_no_settings(request, tmp_path):
    for shell in ("bash", "zsh"):
        command = [program_path(request.config, "orderctl"), "completion", shell]
        done = subprocess.run(command, env={"ORDERD_CONFIG": "/nonexistent"}, capture_output=True, text=True)
        assert done.returncode == 0 and "_orderctl" in done.stdout and done.stderr == ""
        if shutil.which(shell):
            assert subprocess.run([shell, "-n"], input=done.stdout, text=True, capture_output=True).returncode == 0


def test_completion_knows_what_orderd_takes(request, tmp_path):
    """Its options are in its --help; what is offered is that, and settings behind --set."""
    orderd, orderctl = (program_path(request.config, name) for name in ("orderd", "orderctl"))

    def offered(*words):
        line = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}"
        script = f'source <("{orderctl}" completion bash); {line}; _orderd; echo "${{COMPREPLY[*]}}"'
        done = subprocess.run(["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return set(done.stdout.split())

    usage = subprocess.run([orderd, "--help"], capture_output=True, text=True).stdout
    assert offered("orderd", "''") == set(re.findall(r"(?<=[ \[])-[a-z]\b|--[a-z-]+", usage))
    settings = subprocess.run([orderd, "--print-config"], env=daemon.environment(tmp_path), capture_output=True, text=True).stdout
    assert offered("orderd", "-s", "''") == {f"{name}=" for name in re.findall(r"^(\S+) = ", settings, re.M)}


@pytest.mark.sanitize
def test_dead_letters_are_shown_and_stay(worked_off, orderctl):
    found = rows(orderctl("dlq", "list", "--json"))
    assert {row["message_id"] for row in found} == set(worked_off.sent) - {
        orders.text_of(item, "message_id") for item in worked_off.items().values() if item["status"]["S"] == "PROCESSED"
    }
    assert orderctl("dlq", "list").returncode == 0
    assert worked_off.dead_count() == 2


def test_mistakes_are_named(orderctl):
    for arguments, word in ((["nothing"], "nothing"), (["send", "--order-id", "ORD-1"], "customer"),
                            (["list", "--limit", "many"], "many"), (["status"], "order")):  # fmt: skip
        done = orderctl(*arguments)
        assert done.returncode != 0, arguments
        assert word in done.stderr, arguments
