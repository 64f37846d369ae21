"""The tool: it makes the queue and table, sends orders and shows what became of them."""

import json
import uuid

import daemon
import orders
import pytest
from conftest import program_path

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
