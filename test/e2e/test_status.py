"""The status file: whole at any moment, and true in each state of a life; and what orderctl stats makes of it."""

import contextlib
import datetime
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import daemon
import orders
import pytest
from conftest import program_path
from rig import LEASE, SQS, TABLE, WAIT
from stage import KEY_ID
from wait import until

CLEAR = "\033[H\033[2J"
UMASK_OF_UNIT = ("sh", "-c", 'umask 0027; exec "$@"', "sh")


class Watcher(threading.Thread):
    """Reads a file without a pause. From its first appearance on it must be there, and whole."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.last, self.states, self.reads, self.mistakes = path, None, [], 0, []
        self.texts = set()
        self._done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()
        assert self.mistakes == []

    def run(self):
        while not self._done.is_set() and not self.mistakes:
            self.look()
            time.sleep(0.0002)  # the daemon needs a processor too

    def look(self):
        try:
            text = self.path.read_text()
            status = json.loads(text)
        except FileNotFoundError:
            if self.last is not None:
                self.mistakes.append("the file was gone")
            return
        except ValueError as err:
            self.mistakes.append(f"{err}: {text[:200]!r}")
            return
        self.reads += 1
        self.texts.add(text)
        if not self.states or self.states[-1] != status["state"]:
            self.states.append(status["state"])
        self.last = status

    def until(self, what, condition, seconds=30):
        def met():
            assert self.mistakes == []
            return self.last is not None and condition(self.last)

        until(lambda: f"{what}: {self.last}", met, seconds)
        return self.last

    def until_state(self, state, seconds=30):
        return self.until(state, lambda s: s["state"] == state, seconds)


def wall(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def oldest(status):
    return status["hand"]["oldest_seconds"] or 0


def doing(status, kind):
    return {thread["doing"] for thread in status["threads"] if thread["name"].startswith(kind)}


@pytest.mark.sanitize
@pytest.mark.takes(15)
def test_a_life(rig, tmp_path, notify):
    """Through every state, read all the time, and told to systemd in a sentence."""
    path = tmp_path / "status.json"
    with Watcher(path) as watcher:
        with rig.cut_off(SQS):
            settings = {"status.file": str(path), "metrics.interval_seconds": 1}
            process = rig.start(settings, prefix=UMASK_OF_UNIT, env=notify.env)
            status = watcher.until("an outage at the start", lambda s: s["why"])
            assert status["state"] == "starting" and status["why"].startswith("queue "), status["why"]
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
        status = watcher.until_state("running", 60)
        assert status["why"] is None
        rig.until_confirmed(rig.send(0, 10))

        process.terminate(signal.SIGTSTP)
        assert watcher.until_state("paused", 5)["paused"] is True
        process.terminate(signal.SIGCONT)
        watcher.until_state("running", 5)

        rig.stage.until_polling()
        with rig.cut_off(TABLE) as outage:
            held = rig.send(10, 12)
            began = time.time()
            status = watcher.until("holding", lambda s: s["state"] == "holding" and s["hand"]["oldest_seconds"], 40)
            check_holding(status, began)
            later = watcher.until("a second later", lambda s: oldest(s) > oldest(status) + 1)
            assert later["since"] == status["since"]
            assert later["interval"]["seconds"] < 5
        assert outage.seconds > 1
        rig.until_confirmed(held)
        status = watcher.until_state("running", 40)
        assert status["breakers"]["table"] == {"state": "closed", "since": None, "error_code": None, "error": None}
        rig.stage.until_polling()
        account = process.stop()
        watcher.look()
    assert watcher.states == ["starting", "running", "paused", "running", "holding", "running", "draining", "stopped"]
    assert watcher.reads > 1000
    counted = watcher.last["since_start"]
    assert {name: counted[name] for name in daemon.OUTCOMES} == {name: account[name] for name in daemon.OUTCOMES}
    assert all(watcher.last["hand"][name] == 0 for name in ("asked", "waiting", "in_work", "undeleted"))
    assert watcher.last["hand"]["oldest_seconds"] is None and watcher.last["threads"] == []
    check_sentences(notify)
    assert [p.name for p in tmp_path.glob("status.json*")] == ["status.json"]
    for text in watcher.texts:
        assert not daemon.FORBIDDEN.search(text) and KEY_ID not in text, text


SENTENCES = [
    "Starting",
    "Starting: queue .*",
    r"Running: \d+ of 10 workers busy, [\d,]+ processed, 0 failed in the last \d+ s",
    r"Paus(ed|ing) since \d\d:\d\d:\d\dZ(, \d+ messages? left in hand)?(: an open poll may still bring messages)?",
    r"Holding( \d+ messages?)? since \d\d:\d\d:\d\dZ(, the oldest \d+ s old)?: "
    r"the table (takes no records \(\w+\)|answers again and one order goes first)",
    r"Draining: \d+ of \d+ messages? left, up to \d+ s",
    "Stopped",
]


def check_sentences(notify):
    """Each state was told, in its order, and nothing each second."""
    kinds = []
    for text in notify.values("STATUS"):
        kind = [n for n, form in enumerate(SENTENCES) if re.fullmatch(form, text)]
        assert kind, text
        kinds += kind if kinds[-1:] != kind else []
    assert kinds[kinds.index(1) :] == [1, 2, 3, 2, 4, 2, 5, 6], notify.said
    assert len(notify.values("STATUS")) < 25, notify.said


def check_holding(status, began):
    assert "table" in status["why"]
    assert began - 1 < wall(status["since"]) <= wall(status["written_at"])
    breaker = status["breakers"]["table"]
    assert breaker["state"] == "open" and breaker["error_code"] and breaker["error"]
    assert began - 1 < wall(breaker["since"]) <= wall(status["written_at"])
    assert status["breakers"]["queue"]["state"] == "closed"
    assert 0 < status["hand"]["oldest_seconds"] < time.time() - began + 2
    assert 0 < status["hand"]["lease_left_seconds"] <= LEASE
    assert status["hand"]["in_work"] == status["hand"]["workers"] == 10 and status["hand"]["waiting"] == 2
    assert doing(status, "worker-") <= {"holding", "probing", "recording"}, status["threads"]


@pytest.mark.takes(6)
def test_what_each_thread_does(rig, tmp_path):
    path = tmp_path / "status.json"
    settings = {"status.file": str(path), "processing.workers": 3, "processing.timeout_seconds": 20}
    process = rig.start(settings, process_ms=4000)
    with Watcher(path) as watcher:
        idle = watcher.until(
            "all have begun, and one polls",
            lambda s: "polling" in doing(s, "receiver-") and "starting" not in doing(s, ""),
        )
        names = [thread["name"] for thread in idle["threads"]]
        assert [n for n in names if n.startswith("worker-")] == ["worker-1", "worker-2", "worker-3"]
        assert {"receiver-1", "acknowledger"} <= set(names) and len(set(names)) == len(names)
        assert doing(idle, "worker-") == doing(idle, "acknowledger") == {"waiting"}
        assert idle["hand"]["oldest_seconds"] is None and idle["hand"]["lease_left_seconds"] is None

        ids = rig.send(0, 2)
        busy = watcher.until("two orders in work", lambda s: s["hand"]["in_work"] == 2)
        assert sorted(t["doing"] for t in busy["threads"] if t["name"].startswith("worker-")) == [
            "processing", "processing", "waiting"
        ]  # fmt: skip
        later = watcher.until("a second more", lambda s: oldest(s) > oldest(busy) + 1)
        at = [max(t["seconds"] for t in s["threads"] if t["doing"] == "processing") for s in (busy, later)]
        assert at[0] + 0.5 < at[1] < 4.5
        assert later["hand"]["idle_workers"] == 1 and 15 < later["hand"]["lease_left_seconds"] <= 26
        rig.until_confirmed(ids)
    assert process.stop()["processed"] == 2


@pytest.mark.takes(5)
def test_what_waits(rig, stats, tmp_path):
    """Counted before the first receive, as it is paused by then."""
    path, began = tmp_path / "status.json", time.time()
    sqs, stage = rig.stage.sqs, rig.stage
    rig.send(0, 7)
    sqs.receive_message(QueueUrl=stage.queue_url, MaxNumberOfMessages=1, VisibilityTimeout=600)
    sqs.send_message(QueueUrl=stage.queue_url, MessageBody=orders.make("ORD-late"), DelaySeconds=600)
    for n in range(3):
        sqs.send_message(QueueUrl=stage.dlq_url, MessageBody=orders.make(f"ORD-dead-{n}"))
    sqs.receive_message(QueueUrl=stage.dlq_url, MaxNumberOfMessages=1, VisibilityTimeout=600)
    with Watcher(path) as watcher:
        with rig.cut_off(TABLE):
            process = rig.start({"status.file": str(path)})
            status = watcher.until_state("starting")
            assert set(status["backlog"].values()) == {None}
            process.terminate(signal.SIGTSTP)
            until("paused", lambda: process.events("paused"))
        status = watcher.until("paused", lambda s: s["state"] == "paused" and doing(s, "backlog") == {"waiting"})
        at = {name: status["backlog"].pop(name) for name in ("read_at", "dead_letters_read_at")}
        assert status["backlog"] == {"visible": 6, "hidden": 1, "delayed": 1, "dead_letters": 3}
        assert began - 1 < wall(at["read_at"]) <= wall(at["dead_letters_read_at"]) <= wall(status["written_at"])
        page = stats(path).stdout
    ago = r"\([\d.]+ [mu]?s ago\)"
    assert re.search(f"^backlog     6 visible, 1 hidden, 1 delayed {ago}; 3 dead letters {ago}$", page, re.M), page
    process.terminate(signal.SIGUSR1)
    until("a status", lambda: process.events("status"))
    assert [process.events("status")[0][name] for name in ("queue_visible", "dead_letters")] == [6, 3]
    assert process.stop()["received"] == 0


@pytest.mark.takes(4)
def test_calls(rig, tmp_path):
    path = tmp_path / "status.json"
    process = rig.start({"status.file": str(path)})
    rig.until_confirmed(rig.send(0, 20))
    rig.stage.until_empty()
    process.stop()
    status = json.loads(path.read_text())
    calls = status["since_start"]
    assert calls["sqs_calls"] == len([c for c in rig.proxy.calls if c.door == SQS])  # the start's question too
    assert calls["dynamodb_calls"] == len(rig.proxy.calls_of(door=TABLE))
    assert status["projected_monthly_cost"] is None, "it has not run for a minute"
    assert status["credentials"] == {"source": "environment", "expires_at": None, "failures": 0, "error": None}
    assert wall(status["started_at"]) + calls["seconds"] == pytest.approx(wall(status["written_at"]), abs=0.002)


@pytest.mark.takes(4)
def test_a_directory_that_is_not_there(stage, orderd, tmp_path):
    """One warning, and one more when it has been there meanwhile; orders go on."""
    path = tmp_path / "run" / "status.json"
    process = orderd.start_on(stage, {"status.file": str(path)})
    warnings = lambda: process.events("file_not_replaced")  # noqa: E731
    stage.send(*[orders.make(f"ORD-{n}") for n in range(5)])
    process.until_outcomes(5, "processed")
    began = time.monotonic()
    until("some more ticks", lambda: time.monotonic() > began + 2.5)
    assert [(w["level"], w["error_code"]) for w in warnings()] == [("warning", "NoDirectory")]
    assert str(path) in warnings()[0]["error"]
    path.parent.mkdir()
    until("the file", path.exists)
    shutil.rmtree(path.parent)
    until("said again", lambda: len(warnings()) == 2)
    assert process.stop()["processed"] == 5


@pytest.mark.takes(8)
def test_a_disk_that_stalls(rig, make_notify, tmp_path):
    """What orderd writes beside the file is a FIFO that nobody reads: it costs the file, and an end 2 s."""
    notify = make_notify(watchdog_seconds=2)
    path = tmp_path / "status.json"
    os.mkfifo(f"{path}.new")
    process = rig.start({"status.file": str(path)}, env=notify.env)
    notify.until_ready()
    began = time.monotonic()
    rig.until_confirmed(rig.send(0, 10))
    process.terminate(signal.SIGUSR1)
    until("an answer", lambda: process.events("status"))
    until("some more ticks", lambda: time.monotonic() > began + 3)
    fed = [at for at in notify.times("WATCHDOG", "1") if at > began]
    assert max(b - a for a, b in zip([began, *fed], [*fed, time.monotonic()], strict=True)) < 2, notify.said
    rig.stage.until_polling()
    stopped = time.monotonic()
    assert process.stop()["processed"] == 10
    assert time.monotonic() - stopped < WAIT + 4
    assert not path.exists()


@pytest.mark.takes(4)
def test_two_daemons_with_one_file(stage, orderd, tmp_path):
    """Both say so, of each file; a restart has nobody to complain of."""
    files = {"status.file": str(tmp_path / "status.json"), "metrics.prometheus_file": str(tmp_path / "orderd.prom")}
    settings = files | {"metrics.interval_seconds": 1}
    first = orderd.start_on(stage, settings)
    until("it runs", lambda: first.events("started"))
    second = orderd.start_on(stage, settings)
    for process in (first, second):
        until("said", lambda: len(process.events("file_shared")) == 2)
        assert {line["setting"]: line["path"] for line in process.events("file_shared")} == files
        assert {line["level"] for line in process.events("file_shared")} == {"warning"}
    assert second.events("started")[0]["pid"] == second.process.pid
    first.stop()
    second.stop()
    assert second.events("stopped")[0]["pid"] == second.process.pid
    third = orderd.start_on(stage, settings)
    until("some pages", lambda: len(third.events("metrics")) > 1)
    third.stop()
    assert third.events("file_shared") == []


@pytest.mark.skipif(Path("/run/orderd").exists(), reason="orderd is installed here: the default would be written")
def test_the_default_directory_is_missed_in_silence(stage, orderd):
    """Who runs it by hand has no /run/orderd."""
    process = orderd.start_on(stage)
    stage.until_polling()
    process.stop()
    assert process.events("file_not_replaced") == []


@pytest.mark.takes(4)
def test_reload(stage, orderd, tmp_path):
    """Another path, then none; what cannot be written anew is a fault of the new one."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    process = orderd.start_on(stage, {"status.file": str(first)})
    config = orderd.directory / "orderd-0.conf"
    text = config.read_text()
    until("the first", first.exists)
    until("running", lambda: process.events("started"))

    config.write_text(text.replace(str(first), str(second)))
    process.terminate(signal.SIGHUP)
    until("the second", second.exists)
    left = first.read_bytes()
    assert [line.get("changed") for line in process.events("reloaded")] == ["status.file"]

    config.write_text(text.replace(str(first), str(tmp_path / "nowhere" / "status.json")))
    process.terminate(signal.SIGHUP)
    until("a warning", lambda: len(process.events("file_not_replaced")) == 1)

    config.write_text(text.replace(str(first), ""))
    process.terminate(signal.SIGHUP)
    until("three reloads", lambda: len(process.events("reloaded")) == 3)
    gone = second.read_bytes()
    process.stop()
    assert (first.read_bytes(), second.read_bytes()) == (left, gone)


# --- orderctl stats --------------------------------------------------------------------------------------------------------


@pytest.fixture
def stats(request, tmp_path):
    """Runs orderctl stats about a status file; `stats.command` is how."""
    binary = program_path(request.config, "orderctl")
    env = daemon.environment(tmp_path)

    def run(path, *arguments):
        command = [binary, "stats", "--set", f"status.file={path}", *arguments]
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    run.binary, run.env = binary, env
    return run


@pytest.fixture
def running(stage, orderd, tmp_path):
    """A daemon that has done 7 orders and goes on."""
    path = tmp_path / "status.json"
    process = orderd.start_on(stage, {"status.file": str(path), "metrics.interval_seconds": 1})
    stage.send(*[orders.make(f"ORD-{n}") for n in range(7)])
    process.until_outcomes(7, "processed")
    stage.until_empty()
    until("counted", lambda: json.loads(path.read_text())["since_start"]["deleted"] == 7)
    process.path = path
    return process


@pytest.mark.takes(3)
def test_stats_page(running, stats, stage):
    done = stats(running.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\033" not in done.stdout
    rows = {line[:12].strip(): line[12:] for line in done.stdout.splitlines()}
    assert rows["orderd"].startswith("running since ")
    assert rows["queue"] == stage.queue_url
    assert rows["table"] == f"{stage.table} in us-east-1"
    assert rows["since start"].startswith("received 7, processed 7, duplicate 0, failed 0, deferred 0; ")
    assert rows["workers"].startswith("10 waiting (longest ")
    assert "polling" in rows["receivers"]
    assert rows["credentials"] == "environment"
    assert rows["cost"] == "-"
    assert {"age", "wait", "processing", "record", "delete", "total", "in hand", "breaker", "cost"} <= set(rows)
    assert "troubles" not in rows


def test_stats_fits_a_terminal(running, stats):
    """Whatever there is to say, the first line is still seen above a message and the cursor."""
    status = json.loads(running.path.read_text())
    status["interval"] |= {"throttles": 3, "leases_lost": 2, "log_lines_lost": 1}
    open_breaker = {"state": "open", "since": status["since"], "error_code": "Timeout", "error": "no answer " * 20}
    status["breakers"] = {"table": open_breaker, "queue": open_breaker}
    running.kill()
    running.path.write_text(json.dumps(status))
    done = stats(running.path)
    assert "troubles    2 lost leases, 3 throttled calls, 1 lost log lines" in done.stdout
    assert done.stdout.count("\n") <= 23, done.stdout


@pytest.mark.takes(3)
def test_stats_json(running, stats):
    done = stats(running.path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    status = json.loads(done.stdout)
    assert (status["pid"], status["state"]) == (running.process.pid, "running")
    assert done.stdout.count("\n") == 1


@pytest.mark.takes(3)
def test_stats_of_a_daemon_that_is_gone(running, stats):
    running.kill()
    status = json.loads(running.path.read_text())
    status["written_at"] = "2026-01-02T03:04:05.678Z"
    running.path.write_text(json.dumps(status))
    said = f"orderd has ended without a word (pid {running.process.pid} is gone)\n"
    done = stats(running.path)
    assert (done.returncode, done.stderr) == (1, "") and done.stdout.startswith(said)
    assert "\nit said     running since" in done.stdout
    done = stats(running.path, "--json")
    assert (done.returncode, done.stderr) == (1, f"orderctl: {said}")
    assert json.loads(done.stdout) == status
    running.path.unlink()
    done = stats(running.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no status file {running.path} (status.file: command line): orderd does not run here" in done.stderr


def test_stats_of_a_daemon_that_has_stopped(running, stats):
    """No alarm: it is said when it stopped, and that is how it ended."""
    running.stop()
    since = json.loads(running.path.read_text())["since"]
    done = stats(running.path)
    assert (done.returncode, done.stderr) == (1, f"orderctl: orderd stopped at {since}: this is how it ended\n")
    assert done.stdout.startswith(f"orderd      stopped since {since}\n")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"version":"0.1.0"}' * 2])
def test_stats_of_what_is_no_status(stats, tmp_path, text):
    path = tmp_path / "status.json"
    path.write_text(text)
    done = stats(path)
    assert done.returncode == 78 and done.stdout == ""
    assert f"{path} is no status of orderd" in done.stderr


def test_stats_without_a_file(stats, tmp_path):
    done = stats("")
    assert (done.returncode, done.stdout) == (78, "")
    assert "status.file is empty" in done.stderr
    done = stats(tmp_path)  # a directory
    assert done.returncode == 78 and "cannot read the status file" in done.stderr


class Terminal:
    """A program in a terminal of its own, as wide as is said."""

    def __init__(self, command, env, rows, columns):
        self.shown = ""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command, env=env | {"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self._descriptor = ours

    def read(self):
        with contextlib.suppress(OSError):  # EIO: the program has ended
            while select.select([self._descriptor], [], [], 0)[0]:
                self.shown += os.read(self._descriptor, 65536).decode()
        return self.shown

    def resize(self, rows, columns):
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self._descriptor, keys)

    def wait(self, seconds=10):
        status = self.process.wait(seconds)
        self.read()
        os.close(self._descriptor)
        return status


@pytest.fixture
def terminal(stats):
    started = []

    def start(*command, rows=40, columns=70):
        started.append(Terminal([stats.binary, *command], stats.env, rows, columns))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.mark.takes(5)
@pytest.mark.parametrize("columns", [70, 200])
def test_watch_in_a_terminal(running, terminal, stage, columns):
    """A page a second in the place of the one before, within the width, until Ctrl-C."""
    shown = terminal("stats", "--watch", "--set", f"status.file={running.path}", columns=columns)
    until("two pages", lambda: shown.read().count(CLEAR) >= 2 and shown.shown.endswith("\n"))
    stage.send(orders.make("ORD-more"))
    until("the new order", lambda: "received 8, processed 8" in shown.read())
    began = time.monotonic()
    shown.press(b"\x03")
    assert shown.wait() == 0
    assert time.monotonic() - began < 0.9, "it waited for its next page"
    pages = shown.shown.removesuffix("^C").split(CLEAR)
    assert pages[0] == "" and len(pages) >= 3
    for page in pages[1:]:
        lines = page.replace("^C", "").split("\r\n")
        assert max(map(len, lines)) <= columns, max(lines, key=len)
        assert lines[0].startswith("orderd ") and any(line.startswith("cost ") for line in lines)
        assert "\033" not in page
    assert (max(len(line) for line in pages[1].split("\r\n")) > 70) == (columns == 200)


@pytest.mark.takes(4)
def test_watch_outlives_the_daemon(running, terminal):
    """While the daemon restarts there is nothing to read for a moment: the page says so and comes back."""
    shown = terminal("stats", "--watch", "--set", f"status.file={running.path}")
    until("a page", lambda: CLEAR in shown.read())
    running.stop()
    until("the end", lambda: "orderd      stopped since" in shown.read())
    status = running.path.read_text()
    running.path.unlink()  # as systemd does
    until("said", lambda: "orderd does not run here" in shown.read())
    pages = shown.shown.count(CLEAR)
    running.path.write_text(status)
    until("a page again", lambda: shown.read().count(CLEAR) >= pages + 2)
    shown.press(b"\x03")
    assert shown.wait() == 1, "it has stopped"


def last_page(shown):
    """The lines of the last page that is there as a whole."""
    return shown.read().split(CLEAR)[-2].split("\r\n")


@pytest.mark.takes(5)
def test_watch_never_scrolls(running, terminal):
    """A page ends above the cursor's line, and says how much it leaves out; a terminal that is drawn larger has all of it."""
    shown = terminal("stats", "--watch", "--set", f"status.file={running.path}", rows=12)
    until("two pages", lambda: shown.read().count(CLEAR) >= 2)
    lines = last_page(shown)
    assert len(lines) == 12 and lines[0].startswith("orderd ") and lines[-1] == ""
    left_out = int(re.fullmatch(r"\+(\d+) more lines", lines[-2])[1])
    shown.resize(rows=40, columns=100)
    until("a whole page", lambda: any(line.startswith("cost ") for line in last_page(shown)))
    assert len(last_page(shown)) == 12 - 1 + left_out
    running.kill()
    status = json.loads(running.path.read_text()) | {"written_at": "2026-01-02T03:04:05.678Z"}
    running.path.write_text(json.dumps(status))
    shown.resize(rows=12, columns=50)
    until("a page with a warning", lambda: "orderd has ended without a word" in last_page(shown)[0])
    assert len(last_page(shown)) == 12
    shown.press(b"\x03")
    assert shown.wait() == 1


def test_watch_ends_as_its_last_page(stats, terminal, tmp_path):
    """Without a page there is nothing to watch; a file that has grown old by the end is a fault."""
    path = tmp_path / "status.json"
    assert terminal("stats", "--watch", "--set", f"status.file={path}").wait() == 1
    path.write_text(json.dumps({"state": "running", "written_at": "2026-01-02T03:04:05.678Z"}))
    shown = terminal("stats", "-w", "--set", f"status.file={path}")
    until("a warning", lambda: "orderd hangs, or its file cannot be written: last written" in shown.read())
    shown.press(b"\x03")
    assert shown.wait() == 1


def test_watch_in_a_pipe(running, stats):
    """No terminal: pages follow each other, and nothing moves a cursor."""
    command = [stats.binary, "stats", "--watch", "--set", f"status.file={running.path}"]
    process = subprocess.Popen(command, env=stats.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    text = ""
    while len(re.findall(r"^orderd +running", text, re.M)) < 2:
        line = process.stdout.readline()
        assert line, text
        text += line
    process.terminate()
    assert process.wait(10) == 0
    assert "\033" not in text + process.stdout.read()
    process.stdout.close()
