"""What makes a start pointless ends it with 78 and one clear line, and touches nothing."""

import json

import daemon
import pytest
import stage as stages
from wait import until


def refused(process, *words, seconds=20):
    assert process.wait(seconds) == daemon.CONFIG_ERROR, process.log_text()
    lines = [line for line in process.lines if line["level"] == "error"]
    assert len(lines) == 1, process.log_text()
    for word in words:
        assert word in json.dumps(lines[0]), process.log_text()


@pytest.mark.sanitize
def test_queue_that_does_not_exist(stage, orderd):
    process = orderd.start_on(stage, {"queue.url": stage.queue_url + "-none"})
    refused(process, stage.queue + "-none")


def test_queue_name_that_does_not_exist(stage, orderd):
    process = orderd.start_on(stage, {"queue.url": None, "queue.name": stage.queue + "-none"})
    refused(process, stage.queue + "-none")


def test_table_that_does_not_exist(stage, orderd):
    process = orderd.start_on(stage, {"table.name": stage.table + "-none"})
    refused(process, stage.table + "-none")
    assert stage.calls("ReceiveMessage")[0] == 0


def test_table_with_another_key(stage, orderd):
    table = stage.table + "-other"
    stages.make_table(stage.dynamodb, table, key="id")
    process = orderd.start_on(stage, {"table.name": table})
    refused(process, table)
    assert stage.calls("ReceiveMessage")[0] == 0


def test_fifo_queue(stage, orderd):
    url = stage.sqs.create_queue(QueueName=f"{stage.queue}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    process = orderd.start_on(stage, {"queue.url": url})
    refused(process, "FIFO")
    assert stage.emulator.calls("ReceiveMessage", f"{stage.queue}.fifo")[0] == 0


def test_invalid_settings(stage, orderd):
    process = orderd.start_on(stage, {"queue.batch_size": 11})
    assert process.wait() == daemon.CONFIG_ERROR
    assert "queue.batch_size" in process.log_text()
    assert stage.calls("ReceiveMessage")[0] == 0


def test_no_redrive_policy_is_a_warning(stage, orderd):
    url = stage.sqs.create_queue(QueueName=f"{stage.queue}-plain")["QueueUrl"]
    process = orderd.start_on(stage, {"queue.url": url})
    until("a poll", lambda: stage.emulator.calls("ReceiveMessage", f"{stage.queue}-plain")[1])
    process.stop()
    warnings = [line for line in process.lines if line["level"] == "warning"]
    assert any("redrive" in json.dumps(line) for line in warnings), process.log_text()
