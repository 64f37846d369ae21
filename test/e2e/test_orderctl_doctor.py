"""What the doctor says about a set-up that init made, about one that is spoilt, and with rights that are missing."""

import json
import os
import pty
import re
import subprocess
import uuid

import daemon
import pytest
from conftest import program_path
from keys import Account

EMPTY_PATH = "/nonexistent"  # no systemctl: the unit of the machine that runs the tests is nobody's business

# What the emulator, a machine without systemd and a log on standard error cannot show.
SKIPPED = {"log.rotation", "log.agent", "unit.loaded", "unit.stop_timeout", "unit.open_files", "unit.watchdog", "unit.memory"}


class Doctor:
    """A set-up of its own on an emulator, and what the doctor says of it."""

    def __init__(self, request, url, directory, **more):
        self.suffix = uuid.uuid4().hex[:8]
        self.tool = daemon.Program(program_path(request.config, "orderctl"), directory)
        own = {"ENVIRONMENT_SUFFIX": self.suffix, "ORDERD_ENDPOINTS_STS": url, "AWS_ENDPOINT_URL_LAMBDA": url}
        self.env = daemon.environment(directory, url, PATH=EMPTY_PATH, AWS_CA_BUNDLE=None, **(own | more))

    def init(self):
        done = self.tool.run("init", env=self.env)
        assert done.returncode == 0, done.stderr

    def name(self, what):
        return f"order-processing-{what}-{self.suffix}"

    def run(self, *arguments, **more):
        return self.tool.run("doctor", *arguments, env=self.env | more)

    def look(self, *arguments, status=0, **more):
        """check -> (result, text, remedy) of its first finding that is worst."""
        done = self.run("--json", *arguments, **more)
        assert (done.returncode, done.stderr) == (status, "")
        found = {}
        for line in done.stdout.splitlines():
            finding = json.loads(line)
            assert set(finding) == {"check", "result", "text", "remedy"}
            order = ("skipped", "ok", "warning", "fault")
            old = found.get(finding["check"])
            if not old or order.index(finding["result"]) > order.index(old[0]):
                found[finding["check"]] = (finding["result"], finding["text"], finding["remedy"])
        return found


@pytest.fixture
def doctor(request, emulator, tmp_path):
    return Doctor(request, emulator.url, tmp_path)


def results(found, result):
    return {check for check, finding in found.items() if finding[0] == result}


def test_what_init_made_is_good(doctor, clients):
    doctor.init()
    found = doctor.look()
    assert results(found, "fault") == results(found, "warning") == set(), found
    assert results(found, "skipped") == SKIPPED
    assert found["credentials.identity"][1].startswith("account 123456789012, arn:")
    assert doctor.name("queue") in found["queue.exists"][1]
    for finding in found.values():
        assert daemon.SECRET not in finding[1]

    done = doctor.run()
    assert done.returncode == 0 and "\033" not in done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"\d+ ok, 0 warnings, 0 faults, 7 skipped", last)

    # it has taken no message, and left no item
    sqs, dynamodb = clients
    assert dynamodb.scan(TableName=doctor.name("status"))["Count"] == 0


def on_terminal(doctor, **more):
    """What it prints on a terminal."""
    ours, its = pty.openpty()
    env = doctor.env | {"TERM": "xterm"} | more
    with subprocess.Popen([doctor.tool.binary, "doctor"], env=env, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            text += piece
    os.close(ours)
    assert process.returncode == 1
    return text.decode()


def test_colours_are_for_terminals(doctor):
    coloured = on_terminal(doctor)
    assert re.search(r"\033\[[\d;]+mfault\033\[0?m +queue\.exists", coloured), coloured
    plain = re.sub(r"\r\033\[K|[^\n]*\r\033\[K", "", on_terminal(doctor, NO_COLOR="1"))
    assert "\033" not in plain and re.search(r"^fault +queue\.exists", plain, re.M), plain


def test_nothing_is_taken_from_the_queue(doctor, clients):
    sqs, _ = clients
    doctor.init()
    url = sqs.get_queue_url(QueueName=doctor.name("queue"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    doctor.look()
    names = {"AttributeNames": ["ApproximateReceiveCount"]}
    (message,) = sqs.receive_message(QueueUrl=url, **names)["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_nothing_is_there(doctor):
    found = doctor.look(status=1)
    assert results(found, "fault") == {"queue.exists", "table.exists"}
    assert "orderctl init" in found["queue.exists"][2] and "orderctl init" in found["table.exists"][2]


def test_a_set_up_that_is_spoilt(doctor, clients):
    sqs, dynamodb = clients
    doctor.init()
    queue = sqs.get_queue_url(QueueName=doctor.name("queue"))["QueueUrl"]
    dead = sqs.get_queue_url(QueueName=doctor.name("dlq"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    spoilt = {"RedrivePolicy": policy, "SqsManagedSseEnabled": "false", "MessageRetentionPeriod": "7200"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=spoilt)
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"MessageRetentionPeriod": "3600"})
    sqs.send_message(QueueUrl=dead, MessageBody="{}")
    dynamodb.update_continuous_backups(
        TableName=doctor.name("status"), PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    ttl = {"Enabled": False, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName=doctor.name("status"), TimeToLiveSpecification=ttl)
    found = doctor.look()
    assert results(found, "warning") == {
        "queue.redrive", "queue.retention", "queue.encryption", "dead_letters.retention", "dead_letters.messages",
        "table.recovery", "table.expiry",
    }  # fmt: skip
    assert all(finding[2] for finding in found.values() if finding[0] == "warning")


def test_a_queue_without_redrive_policy_and_a_wrong_key(doctor, clients):
    sqs, dynamodb = clients
    sqs.create_queue(QueueName=doctor.name("queue"))
    dynamodb.create_table(
        TableName=doctor.name("status"), BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    found = doctor.look(status=1)
    assert results(found, "fault") == {"table.key", "rights.update", "rights.get"}
    assert {"queue.redrive", "table.billing"} <= results(found, "warning")


def test_settings_that_are_wrong(doctor, tmp_path):
    path = tmp_path / "orderd.conf"
    path.write_text('log: { level = "loud"; };\nquue: { };\n')
    found = doctor.look("--config", path, status=1, ORDERD_QUEUE_NMAE="x")
    assert results(found, "fault") == {"settings.values"}
    assert "ORDERD_QUEUE_NAME" in found["settings.variables"][2]
    assert doctor.look("--config", tmp_path / "none.conf", status=1)["settings.file"][0] == "fault"


def test_a_service_that_is_not_there(doctor):
    found = doctor.look(status=1, ORDERD_ENDPOINTS_DYNAMODB="http://127.0.0.1:9")
    assert results(found, "fault") == {"reach.dynamodb", "queue.exists"}
    assert found["table.exists"] == ("skipped", "dynamodb does not answer", None)


@pytest.mark.takes(5)
def test_rights_that_are_missing(request, tmp_path):
    account = Account()
    try:
        may = {"Effect": "Allow", "Resource": "*", "Action": ["sqs:Get*", "sqs:ReceiveMessage", "dynamodb:GetItem"]}
        name, key, secret = account.make_worker()
        keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        doctor = Doctor(request, account.url, tmp_path, **keys)
        doctor.init()
        found = doctor.look()
        assert results(found, "fault") == results(found, "warning") == set(), found

        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        account.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        found = doctor.look(status=1)
        assert results(found, "fault") == {"rights.delete", "rights.update"}, found
        assert results(found, "warning") == {"rights.visibility"}
        assert {"table.exists", "table.key", "lambda.mappings"} <= results(found, "skipped")

        # refused keys are one fault, and no right is said to be missing
        for wrong in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "AKIANOSUCHKEY0000000"}):
            found = doctor.look(status=1, **wrong)
            assert results(found, "fault") == {"credentials.identity"}, found
            assert "the keys are refused" in found["credentials.identity"][1]
            assert found["queue.exists"][:2] == found["rights.update"][:2] == ("skipped", "the keys are refused")
    finally:
        account.stop()
