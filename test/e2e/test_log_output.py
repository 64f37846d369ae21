"""Where the log goes: a reader that does not read costs lines and never orders, and the journal hears of levels."""

import fcntl
import json
import os
import re
import signal
import threading
import time

import orders
import pytest
from wait import until

ORDERS = 60
F_SETPIPE_SZ = 1031  # Linux's


class Reader(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, descriptor):
        super().__init__(daemon=True)
        self._descriptor, self.text = descriptor, b""

    def run(self):
        while data := os.read(self._descriptor, 65536):
            self.text += data


@pytest.mark.takes(8)
def test_a_disk_that_takes_nothing(stage, orderd, tmp_path):
    """A pipe is in its place that nobody reads. Orders go on; then every line that is missing is counted."""
    pipe, status_file = tmp_path / "orderd.log", tmp_path / "status.json"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)  # so that opening does not wait, here or there
    fcntl.fcntl(descriptor, F_SETPIPE_SZ, 4096)
    process = orderd.start_on(stage, {"log.file": str(pipe), "status.file": str(status_file)})

    def counted(name):
        return json.loads(status_file.read_text())["since_start"][name]

    until("the first status", status_file.exists)
    stage.send(*[orders.make(f"ORD-{n}") for n in range(ORDERS // 2)])
    stage.until_empty()

    asked = 0
    while counted("log_lines_lost") == 0:
        for _ in range(200):
            process.terminate(signal.SIGUSR1)
            asked += 1
            time.sleep(0.0005)
        assert asked < 40000, "nothing was lost, and nothing written"

    # Both rooms of the writer are full, and stay so.
    stage.send(*[orders.make(f"ORD-{n}") for n in range(ORDERS // 2, ORDERS)])
    until("all are done", lambda: counted("deleted") == ORDERS)
    assert len(stage.items()) == ORDERS

    reader = Reader(os.open(pipe, os.O_RDONLY))
    os.close(descriptor)
    reader.start()
    until("the loss is told", lambda: b"log_lines_lost" in reader.text)
    process.terminate()
    assert process.wait() == 0
    reader.join()

    lines = [json.loads(line) for line in reader.text.decode().splitlines()]  # each is whole
    told = [line for line in lines if line["event"] == "log_lines_lost"]
    lost = sum(line["lines"] for line in told)
    assert lost == counted("log_lines_lost") > 0
    assert {line["level"] for line in told} == {"warning"}
    outcomes = sum(line["event"] == "processed" for line in lines)
    assert ORDERS // 2 <= outcomes <= ORDERS and ORDERS - outcomes <= lost
    assert (lines[-1]["event"], lines[-1]["processed"]) == ("stopped", ORDERS)
    assert sum(line["LogLinesLost"] for line in lines if line["event"] == "metrics") == lost


# As systemd does it: the variable names the stream by its device and inode.
JOURNAL = ("sh", "-c", 'export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"', "sh")
PRIORITIES = {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>"}


def run_one(stage, orderd, settings, **more):
    process = orderd.start_on(stage, settings, **more)
    stage.send(orders.make("ORD-one"), orders.make("ORD-zero", amount=0))
    stage.until_dead(1)
    stage.until_empty()
    process.terminate()
    assert process.wait() == 0
    return process


@pytest.mark.takes(3)
def test_the_journal_is_told_levels(stage, orderd):
    process = run_one(stage, orderd, {"log.level": "debug"}, prefix=JOURNAL)
    seen = set()
    for text in process.log_text().splitlines():
        line = json.loads(text[3:])
        assert text[:3] == PRIORITIES[line["level"]], text
        seen.add(line["level"])
    assert {"info", "warning"} <= seen
    assert '<6>{"ts":' in process.log_text() and '"_aws"' in process.log_text()


@pytest.mark.takes(3)
def test_the_journal_is_told_levels_of_text_for_people(stage, orderd):
    process = run_one(stage, orderd, {"log.format": "text"}, prefix=JOURNAL)
    for text in process.log_text().splitlines():
        level = re.fullmatch(r"(<\d>)\S+Z (\w+) +\w+.*", text)
        assert level and level[1] == PRIORITIES[level[2]], text


def test_a_start_that_fails_is_told_to_the_journal_as_an_error(stage, orderd):
    process = orderd.start_on(stage, {"queue.batch_size": 11}, prefix=JOURNAL)
    assert process.wait() == 78
    assert process.log_text().startswith('<3>{"ts":')


def test_a_file_is_told_no_levels(stage, orderd, tmp_path):
    """Nor is stderr when it leads elsewhere than the variable says."""
    log = tmp_path / "orderd.log"
    process = run_one(stage, orderd, {"log.file": str(log)}, prefix=JOURNAL)
    assert all(text.startswith("{") for text in log.read_text().splitlines())
    process = run_one(stage, orderd, {}, env={"JOURNAL_STREAM": "1:2"})
    assert all(text.startswith("{") for text in process.log_text().splitlines())
