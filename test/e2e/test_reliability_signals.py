"""Reload, pause and resume, over and over while orders flow: not one of them is lost, and nothing grows."""

import os
import random
import signal
import threading
import time

import orders
import process
import pytest
from rig import last
from wait import until

SIGNALS = 1000
ORDERS = 300
PLAN = (signal.SIGHUP, signal.SIGHUP, signal.SIGUSR1, signal.SIGTSTP, signal.SIGCONT)


class Settings:
    """The daemon's file, which changes while it runs; each time as a whole."""

    def __init__(self, path, chance):
        self._path, self._chance = path, chance
        self._good = path.read_text()

    def change(self):
        linger_ms, hold_s = self._chance.choice([0, 50, 500]), self._chance.choice([60, 900])
        text = self._good.replace("queue: {", f"queue: {{ delete_linger_ms = {linger_ms};")
        text += f"breaker: {{ hold_seconds = {hold_s}; }};\n"
        if self._chance.random() < 0.2:
            text = self._chance.choice(["this is no setting\n", 'workers = "many";\n']) + text
        self.put(text)

    def restore(self):
        self.put(self._good)

    def put(self, text):
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, self._path)


def storm(daemon, log, settings, chance):
    """A thousand signals. Now and then the log is rotated or the settings change before one. Returns the old logs."""
    rotated = []
    for n in range(SIGNALS):
        if n % 25 == 0:
            rotated.append(log.with_suffix(f".{n}"))
            os.replace(log, rotated[-1])
            daemon.terminate(signal.SIGHUP)
            until("the log is reopened", log.exists, 10)
        if n % 10 == 0:
            settings.change()
        daemon.terminate(chance.choice(PLAN))
        time.sleep(chance.uniform(0, 0.008))
    return rotated


@pytest.mark.sanitize
@pytest.mark.takes(15)
def test_a_thousand_signals(rig, orderd):
    log = orderd.directory / "orderd.log"
    daemon = rig.start({"log.file": str(log)})
    daemon.log_path = log
    rig.until_confirmed(rig.send(0, 20))
    pid = daemon.process.pid
    descriptors, resident_kb = process.descriptors(pid), process.status(pid, "VmRSS")

    chance = random.Random(10)
    settings = Settings(orderd.directory / "orderd-0.conf", chance)
    ids = [f"ORD-{n}" for n in range(20, 20 + ORDERS)]
    feeder = threading.Thread(target=rig.stage.feed, args=([orders.make(i) for i in ids],))
    feeder.start()
    rotated = storm(daemon, log, settings, chance)
    settings.restore()
    daemon.terminate(signal.SIGHUP)
    daemon.terminate(signal.SIGCONT)
    feeder.join()
    rig.until_confirmed(ids)
    rig.stage.until_empty()

    # The table's and SQS's connections come and go by themselves.
    assert process.descriptors(pid) <= descriptors + 12
    if not any(name in orderd.binary.read_bytes() for name in (b"__asan_init", b"__tsan_init")):  # they keep more than is used
        assert process.status(pid, "VmRSS") - resident_kb < 2048
    daemon.terminate()
    assert daemon.wait() == 0
    rig.check_all_well(ids, most_receives=1)
    text = "".join(path.read_text() for path in [*rotated, log])
    assert text.count('"event":"processed"') == ORDERS + 20, "a rotation lost a line"
    assert text.count('"event":"reloaded"') > 30
    assert text.count('"event":"reload_refused"') > 3
    assert text.count('"event":"paused"') > 30
    assert text.count('"event":"status"') > 30
    account = daemon.lines[-1]
    assert (account["event"], account["processed"], account["received"]) == ("stopped", ORDERS + 20, ORDERS + 20)


@pytest.mark.takes(6)
def test_paused(rig, orderd, notify):
    """It polls no more, says so, and goes on as if nothing had been."""
    daemon = rig.start(env=notify.env)
    rig.until_confirmed(rig.send(0, 10))
    daemon.terminate(signal.SIGTSTP)
    until("paused", lambda: daemon.events("paused"))
    until("its polls have ended", lambda: not rig.proxy.open_calls("ReceiveMessage"))
    paused = time.monotonic()
    ids = rig.send(10, 30)
    last(3, paused)
    assert rig.proxy.calls_of("ReceiveMessage", since=paused) == []
    daemon.terminate(signal.SIGHUP)
    daemon.terminate(signal.SIGUSR1)
    until("status", lambda: daemon.events("status"))
    assert daemon.events("status")[-1]["state"] == "paused"
    until("ready again", lambda: len(notify.times("READY", "1")) == 2)
    assert notify.values("STATUS")[-1].startswith("Paused")
    assert rig.proxy.calls_of("ReceiveMessage", since=paused) == [], "a reload ended the pause"

    daemon.terminate(signal.SIGCONT)
    rig.until_confirmed(ids, seconds=10)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=1)
    assert daemon.stop()["processed"] == 40


def test_stop_while_paused(rig, orderd):
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 10))
    daemon.terminate(signal.SIGTSTP)
    until("paused", lambda: daemon.events("paused"))
    until("its polls have ended", lambda: not rig.proxy.open_calls("ReceiveMessage"))
    rig.send(10, 10)
    began = time.monotonic()
    account = daemon.stop()
    assert time.monotonic() - began < 3
    assert account["processed"] == account["received"] == 10
    assert rig.stage.waiting() == (10, 0), "something that was received is hidden"
