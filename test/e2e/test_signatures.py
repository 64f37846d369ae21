"""Signing, held against an emulator that checks every signature and every right."""

import json
import time

import daemon
import orders
import pytest
from emulator import Emulator
from stage import SECRET, Stage, client

ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def environment(key, secret):
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


@pytest.fixture
def guarded():
    """A stage behind the checks, the environment that is let in, and one of a user who has no rights."""
    emulator = Emulator()
    iam = client("iam", emulator.url)
    keys = []
    for user in ("orderd", "nobody"):
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        keys.append((key["AccessKeyId"], key["SecretAccessKey"]))
    iam.put_user_policy(UserName="orderd", PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
    emulator.check_signatures()
    stage = Stage(emulator, client("sqs", emulator.url, *keys[0]), client("dynamodb", emulator.url, *keys[0]))
    yield stage, environment(*keys[0]), environment(*keys[1])
    emulator.stop()


@pytest.mark.sanitize
def test_right_keys(guarded, orderd):
    stage, allowed, _ = guarded
    body = orders.make("ORD-signed", customer_id="CUST-é", items=["sku-\u20ac", {"sku": "sku-ü"}])
    good, bad = stage.send(body, orders.make("ORD-refused", amount=0))
    process = orderd.start_on(stage, env=allowed)
    stage.until_dead(1)
    stage.until_empty()
    account = process.stop()
    assert (account["processed"], account["failed"]) == (1, 3)
    orders.check_processed(stage.item("ORD-signed"), body, {good})
    assert set(stage.dead()) == {bad}
    assert allowed["AWS_SECRET_ACCESS_KEY"] not in process.log_text()


@pytest.mark.sanitize
@pytest.mark.takes(35)
def test_wrong_keys_end_it_after_thirty_seconds(guarded, orderd):
    stage, allowed, powerless = guarded
    stage.send(orders.make("ORD-waiting"))
    began = time.monotonic()
    processes = {
        "unknown key": orderd.start_on(stage, env=environment("AKIANOBODY0000000000", SECRET)),
        "wrong secret": orderd.start_on(stage, env=environment(allowed["AWS_ACCESS_KEY_ID"], SECRET)),
        "no rights": orderd.start_on(stage, env=powerless),
        "no keys": orderd.start_on(stage, env=environment(None, None)),
    }
    for what, process in processes.items():
        assert process.wait(60) == daemon.CONFIG_ERROR, what
        assert 25 < time.monotonic() - began < 50, what
        errors = [line for line in process.lines if line["level"] == "error"]
        assert errors and errors[-1]["error_code"] and errors[-1]["error"], f"{what}: {process.log_text()}"
        assert len(errors) < 5, f"{what}: {process.log_text()}"
    assert stage.waiting() == (1, 0)
    assert stage.items() == {}
