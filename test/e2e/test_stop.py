"""An orderly stop: what was received is worked off and accounted for, and the rest is left as it was."""

import signal
import threading
import time

import expect
import orders
import pytest
from wait import until


@pytest.mark.sanitize
@pytest.mark.takes(6)
def test_stop_under_load_and_a_second_start(stage, orderd):
    bodies = [orders.make(f"ORD-{n}") for n in range(200)]
    first = orderd.start_on(stage)
    feeder = threading.Thread(target=stage.feed, args=(bodies,))
    feeder.start()
    first.until_outcomes(60)
    account = first.stop()
    recorded = stage.items()
    # Received is recorded and deleted: neither an order nor a receive was lost with the stop.
    assert account["received"] == account["processed"] == len(recorded) < len(bodies)
    assert stage.waiting()[1] == 0

    second = orderd.start_on(stage)
    feeder.join()
    stage.until_empty()
    assert second.stop()["processed"] == len(bodies) - len(recorded)
    items = stage.items()
    expect.check_recorded(items, stage.sent)
    expect.check_lines([first, second], items)
    assert {key: items[key] for key in recorded} == recorded
    assert {orders.number_of(item, "attempts") for item in items.values()} == {1}
    assert stage.dead() == {}


@pytest.mark.sanitize
def test_what_the_open_poll_brings_is_worked_off(stage, orderd):
    daemon = orderd.start_on(stage, {"queue.wait_seconds": 8})
    stage.until_polling()
    daemon.terminate()
    (message_id,) = stage.send(orders.make("ORD-late"))
    assert daemon.wait() == 0
    assert daemon.accounting()["processed"] == 1
    orders.check_processed(stage.item("ORD-late"), stage.sent[message_id], {message_id})
    assert stage.waiting() == (0, 0)
    assert stage.calls("ReceiveMessage")[0] == 1, "a poll was opened after the signal"


def test_interrupt_stops_as_well(stage, orderd):
    daemon = orderd.start_on(stage)
    stage.until_polling()
    assert daemon.stop(signal.SIGINT)["received"] == 0


def test_second_signal_ends_at_once(stage, orderd):
    daemon = orderd.start_on(stage, {"queue.wait_seconds": 20})
    stage.until_polling()
    began = time.monotonic()
    daemon.terminate(signal.SIGTERM)
    daemon.terminate(signal.SIGINT)
    assert daemon.wait() == 0
    assert time.monotonic() - began < 5
    assert daemon.accounting()["received"] == 0


def test_stop_while_the_service_cannot_be_reached(stage, orderd):
    nowhere = "http://127.0.0.1:1"
    daemon = orderd.start_on(stage, env={"ORDERD_ENDPOINTS_SQS": nowhere, "ORDERD_ENDPOINTS_DYNAMODB": nowhere})
    until("a word about it", lambda: any(line["level"] == "warning" for line in daemon.lines))
    assert daemon.stop(seconds=10)["received"] == 0


@pytest.mark.takes(7)
def test_idle_daemon_has_one_poll_open(stage, orderd):
    daemon = orderd.start_on(stage, {"queue.wait_seconds": 2})
    stage.until_polling()
    began = time.monotonic()
    open_polls = set()

    def three_polls():
        polls, under_way = stage.calls("ReceiveMessage")
        open_polls.add(under_way)
        return polls >= 3

    until("three polls", three_polls)
    assert time.monotonic() - began > 2 * 2 - 0.5
    assert max(open_polls) == 1
    assert daemon.stop()["received"] == 0
