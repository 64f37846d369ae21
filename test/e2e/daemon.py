"""orderd as a test sees it: a process, its settings, its log and its end."""

import collections
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import orders
from stage import KEY_ID, SECRET
from wait import until

OUTCOMES = ("processed", "duplicate", "failed", "deferred")
CONFIG_ERROR = 78  # EX_CONFIG: the unit does not restart on it

# Leak, undefined behaviour and race reports end up in the log, where a line that is no JSON fails the test.
SANITIZER_OPTIONS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")

# What no log may show: a piece of a body, the secret key, a signature, the emulator's receipt handles.
FORBIDDEN = re.compile("|".join([*map(re.escape, orders.MARKS), re.escape(SECRET), "Signature=", "[a-z]{150}"]))


def environment(home, endpoint=None, **more):
    """The whole environment of a program: nothing of the machine's own AWS settings gets through."""
    env = {name: os.environ[name] for name in SANITIZER_OPTIONS if name in os.environ}
    env |= {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    env |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    if endpoint:
        env |= {"ORDERD_ENDPOINTS_SQS": endpoint, "ORDERD_ENDPOINTS_DYNAMODB": endpoint}
    return {name: value for name, value in (env | more).items() if value is not None}


def libconfig_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return json.dumps(value)


def config_text(settings):
    """`{"queue.wait_seconds": 1, ...}` as a file, one setting a line."""
    groups = collections.defaultdict(list)
    for name, value in settings.items():
        group, _, member = name.rpartition(".")
        groups[group].append(f"{member} = {libconfig_value(value)};")
    lines = groups.pop("", [])
    for group, members in groups.items():
        lines += [f"{group}: {{", *("    " + member for member in members), "};"]
    return "\n".join(lines) + "\n"


class Daemon:
    """One run of orderd. `lines` are the log's lines so far, each a dict."""

    def __init__(self, command, env, directory, name):
        self.stderr_path = directory / f"{name}.stderr"
        self.stdout_path = directory / f"{name}.stdout"
        self.log_path = self.stderr_path
        self.was_killed = False
        with open(self.stderr_path, "wb") as stderr, open(self.stdout_path, "wb") as stdout:
            self.process = subprocess.Popen(
                command, env=env, cwd=directory, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
            )

    def log_text(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def lines(self):
        complete, _, rest = self.log_text().rpartition("\n")
        assert not rest or self.alive() or self.was_killed, f"the log ends inside a line: {rest!r}"
        return [json.loads(line) for line in complete.splitlines()]

    def events(self, *names):
        return [line for line in self.lines if line.get("event") in names]

    def outcomes(self, *names):
        return self.events(*(names or OUTCOMES))

    def alive(self):
        return self.process.poll() is None

    def until_outcomes(self, count, *names, seconds=60):
        def enough():
            assert self.alive(), f"orderd ended with {self.process.returncode}: {self.log_text()[-2000:]}"
            return len(self.outcomes(*names)) >= count

        until(lambda: f"{count} outcomes {names}: {len(self.outcomes(*names))}", enough, seconds)

    def wait(self, seconds=30):
        """The exit code, once it has ended by itself."""
        return self.process.wait(timeout=seconds)

    def terminate(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)

    def stop(self, signal_number=signal.SIGTERM, seconds=60):
        """Asks it to stop, sees it end well and returns its accounting line, which must agree with its outcome lines."""
        self.terminate(signal_number)
        assert self.wait(seconds) == 0, self.log_text()[-4000:]
        return self.accounting()

    def accounting(self):
        lines = self.lines
        assert lines[-1]["event"] == "stopped", lines[-1]
        account = lines[-1]
        counted = collections.Counter(line.get("event") for line in lines)
        assert {name: account[name] for name in OUTCOMES} == {name: counted[name] for name in OUTCOMES}
        assert account["done"] == account["processed"] + account["duplicate"]
        assert account["received"] == account["done"] + account["failed"] + account["deferred"]
        assert counted["stopped"] == 1
        return account

    def kill(self):
        self.was_killed = True
        self.process.kill()
        self.process.wait()

    def end(self):
        """Teardown: whatever the test did, it is gone afterwards."""
        if self.alive():
            self.kill()

    def check_log(self):
        """Nothing secret in what it said, and nothing said in another way than the log's."""
        texts = {path: path.read_text() for path in {self.stderr_path, self.log_path} if path.exists()}
        for path, text in texts.items():
            found = FORBIDDEN.search(text)
            assert not found, f"{path.name} shows {found[0][:30]!r}: {text[max(0, found.start() - 300) : found.end()]}"
        assert self.stdout_path.read_text() == ""


class Program:
    """How the daemon is started: the binary, and the directory that a test has for its files."""

    def __init__(self, binary, directory):
        self.binary = Path(binary)
        self.directory = directory
        self.started = []

    def config(self, settings, name="orderd.conf"):
        path = self.directory / name
        path.write_text(settings if isinstance(settings, str) else config_text(settings))
        return path

    def run(self, *arguments, env=None, stdin_text="", seconds=60):
        """Runs it to its end, as for --print-config, and returns the completed process with its text."""
        return subprocess.run(
            [self.binary, *map(str, arguments)], env=env or environment(self.directory), cwd=self.directory,
            input=stdin_text, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip

    def start(self, *arguments, env, prefix=()):
        command = [*prefix, self.binary, *map(str, arguments)]
        daemon = Daemon(command, env, self.directory, f"orderd-{len(self.started)}")
        self.started.append(daemon)
        return daemon

    def start_on(self, stage, settings=None, arguments=(), prefix=(), env=None):
        """Starts it on a stage, with short waits and what `settings` has beside or instead of them.

        A lease is then 11 s long. An order has 5 s, which is enough even where the emulator gets little of the processor: an
        order that runs out of time is deferred, and the counts would come out otherwise.
        """
        values = {
            "queue.url": stage.queue_url, "queue.wait_seconds": 1, "queue.batch_size": 10, "table.name": stage.table,
            "processing.timeout_seconds": 5,
        } | (settings or {})  # fmt: skip
        path = self.config({k: v for k, v in values.items() if v is not None}, f"orderd-{len(self.started)}.conf")
        env = environment(self.directory, stage.emulator.url, **(env or {}))
        return self.start("--config", path, *arguments, env=env, prefix=prefix)

    def end(self):
        for daemon in self.started:
            daemon.end()
        for daemon in self.started:
            daemon.check_log()
