"""The log's two forms and two places, and the settings through what they do."""

import os

import daemon
import expect
import orders
import pytest

pytestmark = pytest.mark.takes(3)


def run_one(stage, orderd, settings=None, **env):
    """Processes one order and one that is none, stops, and returns the process."""
    process = orderd.start_on(stage, settings, env=env)
    stage.send(orders.make("ORD-one"), orders.make("ORD-zero", amount=0))
    stage.until_dead(1)
    stage.until_empty()
    process.terminate()
    assert process.wait() == 0, process.log_text()
    return process


def test_json_on_stderr(stage, orderd):
    process = run_one(stage, orderd)
    items = stage.items()
    expect.check_lines([process], items)
    assert process.accounting()["processed"] == 1
    for line in process.lines:
        assert orders.TIMESTAMP.match(line["ts"]) and line["level"] in ("debug", "info", "warning", "error"), line
    (line,) = process.outcomes("processed")
    assert (line["order_id"], line["attempts"]) == ("ORD-one", 1)
    assert stage.sent[line["message_id"]] == orders.make("ORD-one")


def test_text_for_people(stage, orderd):
    process = run_one(stage, orderd, {"log.format": "text"})
    lines = process.log_text().splitlines()
    assert not any(line.startswith("{") for line in lines)
    (line,) = [line for line in lines if "processed" in line and "ORD-one" in line]
    assert orders.text_of(stage.item("ORD-one"), "confirmation_number") in line
    failed = [line for line in lines if "failed" in line and "ORD-zero" in line]
    assert len(failed) == 3
    assert all("amount: must be greater than 0" in line for line in failed)
    assert "stopped" in lines[-1]


def test_file(stage, orderd, tmp_path):
    path = tmp_path / "orderd.log"
    path.write_text('{"event": "earlier"}\n')
    process = run_one(stage, orderd, {"log.file": str(path)})
    assert process.log_text() == ""
    process.log_path = path
    assert process.lines[0] == {"event": "earlier"}
    assert process.accounting()["processed"] == 1


def test_file_that_cannot_be_written(stage, orderd, tmp_path):
    process = orderd.start_on(stage, {"log.file": str(tmp_path / "nowhere" / "orderd.log")})
    assert process.wait() == daemon.CONFIG_ERROR
    assert "nowhere/orderd.log" in process.log_text()


def test_fifo_that_nobody_reads(stage, orderd, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    process = orderd.start_on(stage, {"log.file": str(tmp_path / "fifo")})
    assert process.wait(10) == daemon.CONFIG_ERROR
    assert "cannot open the log file" in process.log_text()


def test_no_standard_descriptors(stage, orderd):
    """No socket and no flag of ours gets the number of stderr, which the log is written to."""
    process = orderd.start_on(stage, prefix=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    stage.send(orders.make("ORD-one"))
    stage.until_empty()
    assert [os.readlink(f"/proc/{process.process.pid}/fd/{n}") for n in range(3)] == [os.devnull] * 3
    process.terminate()
    assert process.wait() == 0


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_level(stage, orderd, level):
    """At debug nothing secret is said either: every test's teardown looks for it."""
    process = run_one(stage, orderd, {"log.level": level}, AWS_SESSION_TOKEN="orderd-token-that-no-log-may-show")
    assert "orderd-token" not in process.log_text()
    levels = {line["level"] for line in process.lines if line["event"] != "metrics"}  # which are written whatever the level
    assert ("info" in levels) == (level == "debug")
    assert "warning" in levels


def test_names_of_the_seed(stage, orderd):
    """What configured the Lambda configures the daemon; the SDKs' variable leads it to the emulator."""
    env = daemon.environment(
        orderd.directory, QUEUE_URL=stage.queue_url, DLQ_URL=stage.dlq_url, DYNAMODB_TABLE_NAME=stage.table,
        REGION="us-east-1", AWS_ENDPOINT_URL=stage.emulator.url, ORDERD_QUEUE_WAIT_SECONDS="1",
    )  # fmt: skip
    (message_id,) = stage.send(orders.make("ORD-seed"))
    process = orderd.start("--config", orderd.config(""), env=env)
    process.until_outcomes(1, "processed")
    process.stop()
    orders.check_processed(stage.item("ORD-seed"), stage.sent[message_id], {message_id})


def test_names_with_a_suffix(make_stage, orderd):
    """A queue found by its name; the suffix stands in the item and at the end of the default names alone."""
    stage = make_stage(suffix="-dev")
    settings = {"queue.url": None, "queue.name": stage.queue, "environment_suffix": "dev"}
    process = orderd.start_on(stage, settings)
    (message_id,) = stage.send(orders.make("ORD-dev"))
    process.until_outcomes(1, "processed")
    process.stop()
    orders.check_processed(stage.item("ORD-dev"), stage.sent[message_id], {message_id}, environment="dev")


def test_keys_and_region_of_a_profile(stage, orderd, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = wrong\n[shop]\naws_access_key_id = AKIASHOP\naws_secret_access_key = shop-secret\n"
    )
    (tmp_path / ".aws" / "config").write_text("[profile shop]\nregion = us-east-1\n")
    env = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_PROFILE": "shop"}
    process = run_one(stage, orderd, None, **env)
    assert process.accounting()["processed"] == 1
    assert "shop-secret" not in process.log_text()


def test_endpoint_setting_wins_over_the_host_of_the_queue_url(stage, orderd):
    url = stage.queue_url.replace(stage.emulator.url, "http://127.0.0.1:1")
    process = run_one(stage, orderd, {"queue.url": url})
    assert process.accounting()["processed"] == 1
