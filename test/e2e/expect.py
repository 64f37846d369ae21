"""What must be true of a table, a dead-letter queue and a log after a run, whatever the order of things was."""

import datetime
import threading

import orders


def by_order(good):
    """MessageId to body, turned into order_id to {MessageId: body}."""
    grouped = {}
    for message_id, body in good.items():
        grouped.setdefault(orders.parse(body)["order_id"], {})[message_id] = body
    return grouped


def check_recorded(items, good, environment=""):
    """Every order of `good` has one processed item, right in each attribute. Returns the messages that lost their id to
    another order: MessageId to order_id."""
    losers = {}
    for order_id, messages in by_order(good).items():
        item = items[order_id]
        stored = orders.text_of(item, "fingerprint")
        same = {m: body for m, body in messages.items() if orders.fingerprint(body) == stored}
        assert same, f"{order_id}: none of the orders sent under this id is the one stored"
        orders.check_processed(item, next(iter(same.values())), same, environment)
        losers.update((message_id, order_id) for message_id in messages if message_id not in same)
    return losers


def check_conflicts(items, losers):
    """A conflict is recorded under its message's own key, and says whose id it was."""
    for message_id, order_id in losers.items():
        key = f"message#{message_id}"
        present = orders.OF_ORDER | {"fingerprint", "conflicts_with", "expires_at"}
        orders.check_failed(items[key], key, "ORDER_CONFLICT", message_id, present=present)
        assert orders.text_of(items[key], "conflicts_with") == order_id
        check_expiry(items[key])


def check_expiry(item):
    """expires_at is thirty days on, in whole seconds, so that the table's TTL can take the item away."""
    written = datetime.datetime.strptime(orders.text_of(item, "updated_at"), "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    days = (orders.number_of(item, "expires_at") - written) / 86400
    assert abs(days - 30) < 0.01, f"expires_at is {days} days after updated_at"


def check_lines(daemons, items):
    """Each outcome line says what it must, and a processed one bears the number that the table has."""
    for line in (line for daemon in daemons for line in daemon.outcomes()):
        assert {"ts", "level", "event", "message_id", "attempts", "duration_ms"} <= set(line), line
        assert orders.TIMESTAMP.match(line["ts"]), line
        assert isinstance(line["attempts"], int) and line["attempts"] >= 1, line
        assert isinstance(line["duration_ms"], (int, float)) and line["duration_ms"] >= 0, line
        if line["event"] in ("processed", "duplicate"):
            assert line["confirmation_number"] == orders.text_of(items[line["order_id"]], "confirmation_number"), line
        if line["event"] == "failed":
            assert line["error_code"] and line["error"], line


class Sampler:
    """Looks at the table again and again while daemons come and go: a confirmation once seen must never change."""

    def __init__(self, stage, every=0.4):
        self.seen = {}
        self.changes = []
        self.rounds = 0
        self._stage = stage
        self._every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def look(self):
        for key, item in self._stage.items().items():
            if "confirmation_number" in item:
                number = orders.text_of(item, "confirmation_number")
                if self.seen.setdefault(key, number) != number:
                    self.changes.append((key, self.seen[key], number))
            elif key in self.seen:
                self.changes.append((key, self.seen[key], None))
        self.rounds += 1

    def _run(self):
        while not self._done.wait(self._every):
            self.look()

    def check(self, confirmed):
        """Of the `confirmed` orders each had one number from first to last."""
        self.look()
        assert self.rounds > 2
        assert self.changes == []
        assert set(self.seen) == set(confirmed)
        assert len(set(self.seen.values())) == len(confirmed)
