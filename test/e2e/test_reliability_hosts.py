"""Several daemons, and hosts that lack something: the network, room on the disk, descriptors."""

import json
import resource
import time

import expect
import process
import pytest
from proxy import usual_weather
from rig import LEASE, SQS, TABLE, last
from wait import until


@pytest.mark.takes(22)
def test_one_of_two_hosts_is_cut_off(rig, orderd):
    """What it has in hand comes to the other one, and what is new too; when it is back it works on."""
    settings = {"breaker.hold_seconds": 2}
    lonely, healthy = rig.start(settings, host="a"), rig.start(settings, host="b")
    rig.until_confirmed(rig.send(0, 20))
    with rig.cut_off(SQS, TABLE, host="a") as outage:
        ids = rig.send(20, 80)
        # A poll of the lonely one's may have taken some with it: they come back with their visibility.
        rig.until_confirmed(ids, seconds=2 * LEASE + 10)
        last(8, outage.began)
    rig.until_called("the lonely one polls again", "ReceiveMessage", since=outage.ended, door=f"a{SQS}", seconds=35)
    healthy.stop()
    more = rig.send(100, 30)
    rig.until_confirmed(more, seconds=35)
    rig.stage.until_empty()
    rig.check_all_well([*ids, *more], most_receives=2)
    assert lonely.stop()["failed"] == 0


@pytest.mark.takes(12)
def test_the_table_is_down_for_one_of_two_hosts(rig, orderd):
    """It lets go what it holds, as the other one may be healthy; that costs a receive and nothing else."""
    settings = {"breaker.hold_seconds": 2}
    lonely, healthy = rig.start(settings, host="a"), rig.start(settings, host="b")
    rig.until_confirmed(rig.send(0, 20))
    with rig.cut_off(TABLE, host="a"):
        ids = rig.send(20, 80)
        rig.until_confirmed(ids, seconds=2 * LEASE + 10)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=2)
    accounts = [lonely.stop(), healthy.stop()]
    assert sum(a["processed"] for a in accounts) == 100
    assert sum(a["failed"] for a in accounts) == 0


@pytest.mark.sanitize
@pytest.mark.takes(9)
def test_three_daemons_in_bad_weather(make_rig, orderd):
    rig = make_rig(max_receives=10)
    rig.proxy.seed, rig.proxy.chance = 5, usual_weather(0.05)
    daemons = [rig.start(host=name) for name in "abc"]
    ids = []
    for first in range(0, 240, 40):
        ids += rig.send(first, 40)
        rig.until_confirmed(ids[:-20], seconds=40)
    rig.until_confirmed(ids, seconds=40)
    rig.proxy.chance = None
    rig.stage.until_empty()
    rig.check_all_well(ids)
    accounts = [daemon.stop() for daemon in daemons]
    assert sum(a["received"] for a in accounts) >= 240
    # A record whose reply was lost, and whose message another one got, is found as a duplicate.
    assert sum(a["processed"] for a in accounts) <= 240 <= sum(a["done"] for a in accounts)
    expect.check_lines(daemons, rig.stage.items())


def test_a_log_on_a_full_disk(rig, orderd):
    """Orders go on without it."""
    daemon = rig.start({"log.file": "/dev/full"})
    ids = rig.send(0, 30)
    rig.until_confirmed(ids)
    rig.stage.until_empty()
    daemon.terminate()
    assert daemon.wait() == 0
    rig.check_all_well(ids, most_receives=1)


def test_a_log_that_may_not_grow(rig, orderd):
    """A limit on the size of files is met in the middle of a line: that one is torn, and what is lost is counted.

    Which lines are lost depends on when they are written, but none of them is both there and lost, or neither.
    """
    log = orderd.directory / "orderd.log"
    daemon = rig.start({"log.file": str(log)})
    rig.until_confirmed(rig.send(0, 10))
    until("ten lines", lambda: log.read_text().count('"processed"') == 10)
    full = log.stat().st_size + 50
    with process.limited(daemon.process.pid, resource.RLIMIT_FSIZE, full):
        ids = rig.send(10, 20)
        rig.until_confirmed(ids)
        until("the limit is met", lambda: log.stat().st_size == full)
        assert daemon.alive()
    rig.until_confirmed(rig.send(30, 10))
    rig.stage.until_empty()
    daemon.terminate()
    assert daemon.wait() == 0
    written = log.read_bytes()
    assert written[full : full + 1] == b"\n"
    whole = written[:full].rpartition(b"\n")[0].splitlines() + written[full + 1 :].splitlines()
    lines = [json.loads(line) for line in whole]
    told = [line["lines"] for line in lines if line["event"] == "log_lines_lost"]
    assert sum(told) > 0
    assert sum(line["event"] == "processed" for line in lines) + sum(told) == 40
    assert (lines[-1]["event"], lines[-1]["processed"]) == ("stopped", 40)


@pytest.mark.takes(12)
def test_no_descriptor_is_left(rig, orderd):
    """No connection can be made: that is a fault like any other of the network, and passes."""
    daemon = rig.start()
    rig.until_confirmed(rig.send(0, 20))
    pid = daemon.process.pid
    with process.limited(pid, resource.RLIMIT_NOFILE, 3):
        for service in (SQS, TABLE):  # what there is breaks
            rig.door(service).close()
            rig.door(service).open()
        ids = rig.send(20, 30)
        began = time.monotonic()
        cpu = process.Cpu(pid)
        last(6, began)
        assert daemon.alive()
        assert cpu.share() < 0.1
    rig.until_confirmed(ids, seconds=35)
    rig.stage.until_empty()
    rig.check_all_well(ids, most_receives=2)
    daemon.stop()
