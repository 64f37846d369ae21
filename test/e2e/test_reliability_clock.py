"""Wall clocks that are wrong and that jump: requests are signed with the service's time, and leases are counted by another clock.

The proxy is a service whose clock goes away from this host's, which is the same to the daemon as its own clock going wrong.
"""

import datetime
import email.utils
import json
import threading
import time

import orders
import pytest
from proxy import Reply
from rig import last

GOOD_FOR = 300  # seconds, a signature

HOUR = 3600


class Clock:
    """What the services think that the time is."""

    ahead = 0.0

    def now(self):
        return time.time() + self.ahead


async def asks_the_time(x):
    """Refuses what was signed too long ago, or in the future; each answer says the time."""
    clock = x.arguments["clock"]
    signed = datetime.datetime.strptime(x.head["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    date = ("Date", email.utils.formatdate(clock.now(), usegmt=True))
    if abs(clock.now() - signed) <= GOOD_FOR:
        reply = await x.deliver()
        headers = [(n, v) for n, v in reply.headers if n.lower() != "date"]
        await x.send(Reply(reply.status, [*headers, date], reply.body))
        return
    x.arguments["refused"].append(x.call)
    error = {"__type": f"com.amazon.coral.service#{x.arguments['code']}", "message": "Signature expired"}
    headers = [("Content-Type", "application/x-amz-json-1.0"), date]
    await x.send(Reply(400, headers, json.dumps(error).encode()))


@pytest.mark.sanitize
@pytest.mark.takes(6)
@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed"])
def test_a_clock_that_jumps(rig, orderd, code):
    """Every jump costs the calls that were about to be made; no order fails, none is received twice, no breaker opens."""
    clock, refused = Clock(), []
    rig.proxy.add(asks_the_time, clock=clock, refused=refused, code=code)
    clock.ahead = 2 * HOUR  # wrong from the start
    daemon = rig.start()
    ids = [f"ORD-{n}" for n in range(150)]
    feeder = threading.Thread(target=rig.stage.feed, args=([orders.make(i) for i in ids],))
    feeder.start()
    began = time.monotonic()
    for n, ahead in enumerate((-HOUR, 0, 24 * HOUR, 0)):
        last(n + 1, began)
        clock.ahead = ahead
    last(5, began)
    feeder.join()
    rig.until_confirmed(ids)
    rig.stage.until_empty()
    account = daemon.stop()
    assert (account["processed"], account["received"]) == (150, 150)
    assert 4 <= len(refused) <= 5 * 25, len(refused)
    assert 5 <= len(daemon.events("clock_corrected")) <= 10, "once for each of five jumps and two services, at most"
    # A batch of deletes is one attempt, and the next has the right time.
    assert daemon.events("breaker_opened", "receive_failed") == []
    assert len(daemon.events("deletes_failed")) <= 4 * 4, "as many batches as can be under way, at each jump"
    rig.check_all_well(ids, most_receives=1)
