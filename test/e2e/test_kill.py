"""kill -9 at any moment loses nothing and doubles nothing.

The poll that a killed daemon had open goes on at the service and takes messages, so a kill can cost a message two receives:
one that the daemon had in hand, and one that its dead poll took.
"""

import threading

import expect
import orders
import pytest


def check_all_confirmed_once(stage, sampler, daemons, count, most_receives):
    items = stage.items()
    sampler.check([f"ORD-{n}" for n in range(count)])
    assert set(items) == set(sampler.seen)
    expect.check_recorded(items, stage.sent)
    expect.check_lines(daemons, items)
    attempts = [line["attempts"] for daemon in daemons for line in daemon.outcomes()]
    attempts += [orders.number_of(item, "attempts") for item in items.values()]
    assert max(attempts) <= most_receives
    assert stage.dead() == {}


def run_with_kills(stage, orderd, kills, count):
    """Feeds `count` orders while the daemon is killed and started again; the last start is let finish."""
    bodies = [orders.make(f"ORD-{n}") for n in range(count)]
    feeder = threading.Thread(target=stage.feed, args=(bodies,))
    daemons = []
    with expect.Sampler(stage) as sampler:
        feeder.start()
        for kill in range(kills):
            daemons.append(orderd.start_on(stage))
            daemons[-1].until_outcomes(count // (kills + 2))
            daemons[-1].kill()
        daemons.append(orderd.start_on(stage))
        feeder.join()
        stage.until_empty()
        account = daemons[-1].stop()
    assert account["failed"] == account["deferred"] == 0
    return sampler, daemons


@pytest.mark.takes(24)
def test_several_kills(make_stage, orderd):
    stage = make_stage(max_receives=20)
    sampler, daemons = run_with_kills(stage, orderd, kills=4, count=240)
    check_all_confirmed_once(stage, sampler, daemons, 240, most_receives=4 + 2)


@pytest.mark.sanitize
@pytest.mark.takes(14)
def test_one_kill_with_three_receives(stage, orderd):
    sampler, daemons = run_with_kills(stage, orderd, kills=1, count=120)
    check_all_confirmed_once(stage, sampler, daemons, 120, most_receives=3)
