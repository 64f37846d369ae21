#!/usr/bin/env python3
"""A proxy in front of an AWS service that does to calls what networks and services do to them.

It listens on loopback ports (doors: one for each "host" or service that is to fail on its own), keeps connections alive, knows
a call by its X-Amz-Target, and passes it on to one upstream. What happens to a call is decided by the first rule that fits it,
or else by chance: `proxy.chance` says how likely each fault is, and the decision about the n-th call of an operation depends
on the seed, the operation and n alone, however the calls of different threads mix.

    with Proxy("http://127.0.0.1:5000", seed=7) as proxy:
        start_orderd(endpoint=proxy.url)
        with proxy.fault("throttled", "UpdateItem"):
            ...
        assert proxy.calls_of("ReceiveMessage", since=began) == []

`proxy.calls` has a line for each call (when, what, which fault, delivered or not); `proxy.counts` counts them. An observer is
told of each exchange with the service, so that a test can hold it against what must be true: see ledger.py.

As a program it stands between anything: `proxy.py UPSTREAM [--seed N] [--chance PERCENT]`.
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import json
import random
import socket
import struct
import threading
import time

HEAD_MAX = 64 * 1024
BATCHES = ("DeleteMessageBatch", "ChangeMessageVisibilityBatch")
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


@dataclasses.dataclass
class Call:
    """One request, and what became of it. Times are time.monotonic()."""

    number: int  # of this operation, from 0
    door: str
    operation: str
    members: dict  # of the request, without bodies
    began: float
    ended: float = None  # None: it goes on
    fault: str = ""
    delivered: bool = False  # it reached the service
    status: int = 0  # of the service's reply; 0: there was none

    @property
    def key(self):
        """The key of an item that the call is about."""
        return self.members.get("Key", {}).get("order_id", {}).get("S", "")

    @property
    def is_failure(self):
        """It records that an order failed."""
        return self.members["Failure"]

    @property
    def is_question(self):
        """The start asks with it whether the right is there, about no message."""
        return self.members["Question"]

    @property
    def is_probe(self):
        return self.operation == "UpdateItem" and self.key == "message#probe"


@dataclasses.dataclass
class Reply:
    status: int
    headers: list  # of (name, value)
    body: bytes

    def bytes(self):
        lines = [f"HTTP/1.1 {self.status} X", *(f"{n}: {v}" for n, v in self.headers), f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body

    def replaced(self, document):
        """The same reply with another body, to which the checksum of the old one does not belong."""
        headers = [(n, v) for n, v in self.headers if n.lower() != "x-amz-crc32"]
        return Reply(self.status, headers, json.dumps(document).encode())


class Closed(Exception):
    """The connection is no more: nothing can be said on it."""


class Exchange:
    """A call in the hands of a fault."""

    def __init__(self, proxy, connection, call, head, body, rng, arguments):
        self.proxy, self.call, self.head, self.body, self.rng, self.arguments = proxy, call, head, body, rng, arguments
        self._connection = connection

    @property
    def is_sqs(self):
        return "AmazonSQS" in self.head.get("x-amz-target", "")

    async def deliver(self, body=None):
        """Passes the call on and returns the service's reply."""
        self.call.delivered = True
        reply = await self.proxy.ask_upstream(self.head, self.body if body is None else body)
        self.call.status = reply.status
        self.proxy.observed(self.call, self.body if body is None else body, reply)
        return reply

    async def send(self, reply):
        await self._connection.send(reply.bytes())

    async def send_part(self, reply, size):
        """Sends so many bytes of the reply and closes."""
        await self._connection.send(reply.bytes()[:size])
        self.close()

    async def send_error(self, status, code, message="injected"):
        """Sends an error as the call's service words it."""
        space = "com.amazonaws.sqs" if self.is_sqs else "com.amazonaws.dynamodb.v20120810"
        headers = [("Content-Type", "application/x-amz-json-1.0")]
        if self.is_sqs:
            headers.append(("x-amzn-query-error", f"{code};{'Receiver' if status >= 500 else 'Sender'}"))
        text = json.dumps({"__type": f"{space}#{code}", "message": message})
        await self.send(Reply(status, headers, text.encode()))

    def close(self):
        """Ends the connection in an orderly way."""
        self._connection.close()
        raise Closed

    def reset(self):
        self._connection.reset()
        raise Closed

    async def until_closed(self):
        await self._connection.until_closed()
        raise Closed


# --- what can happen to a call -------------------------------------------------------------------


async def passed(x):
    """Nothing happens to it."""
    await x.send(await x.deliver())


async def reset_before(x):
    """The connection breaks before the service sees the call."""
    x.reset()


async def reset_after(x):
    """The service acted, then the connection broke."""
    await x.deliver()
    x.reset()


async def lost_reply(x):
    """The service acted, and the connection ended without a word."""
    await x.deliver()
    x.close()


async def cut_reply(x):
    """The service acted, and its reply breaks off."""
    reply = await x.deliver()
    size = len(reply.bytes())
    await x.send_part(reply, max(1, size - len(reply.body) + int(len(reply.body) * x.rng.random())))


async def rubbish(x):
    """The service acted, and something between answers in its place."""
    await x.deliver()
    await x.send(Reply(x.arguments.get("status", 200), [("Content-Type", "text/html")], b"<html><body>Welcome to hotel WLAN"))


async def delayed(x):
    """The call takes `seconds` longer, on its way to the service or back."""
    before = x.rng.random() < 0.5
    seconds = x.arguments.get("seconds") or x.rng.uniform(0.01, x.arguments.get("most", 1.0))
    if before:
        await asyncio.sleep(seconds)
    reply = await x.deliver()
    if not before:
        await asyncio.sleep(seconds)
    await x.send(reply)


async def black_hole(x):
    """The call is taken and never answered; the service does not see it."""
    await x.until_closed()


async def black_hole_after(x):
    """The call is taken, the service acts, and nobody ever answers."""
    await x.deliver()
    await x.until_closed()


async def server_error(x):
    """The service says that it failed, and did nothing."""
    code, status = x.rng.choice([("InternalServerError", 500), ("ServiceUnavailable", 503)])
    await x.send_error(x.arguments.get("status", status), code)


async def server_error_after(x):
    """The service says that it failed, and did it all the same."""
    await x.deliver()
    await x.send_error(500, "InternalFailure" if x.is_sqs else "InternalServerError")


async def throttled(x):
    if x.is_sqs:
        await x.send_error(403 if x.rng.random() < 0.5 else 400, "RequestThrottled")
    else:
        await x.send_error(400, "ProvisionedThroughputExceededException")


async def expired(x):
    """The token has ended."""
    await x.send_error(403 if x.is_sqs else 400, "ExpiredToken" if x.is_sqs else "ExpiredTokenException")


async def denied(x):
    await x.send_error(403 if x.is_sqs else 400, "AccessDenied" if x.is_sqs else "AccessDeniedException", "not authorized")


async def refused(x):
    """The service refuses the request as it is: a code of `code`."""
    await x.send_error(400, x.arguments.get("code", "ValidationException"))


def _failed_entry(entry):
    return {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": "injected"}


def _chosen(x, entries):
    """Some of the entries: each by the chance `share`; without that about half of them, and at least one."""
    share = x.arguments.get("share")
    chosen = [e for e in entries if x.rng.random() < (share or 0.5)]
    return chosen or ([] if share else [x.rng.choice(entries)])


async def partial_before(x):
    """Some entries of a batch fail, and nothing happened to them."""
    request = json.loads(x.body)
    fail = _chosen(x, request["Entries"])
    rest = [e for e in request["Entries"] if e not in fail]
    if rest:
        reply = await x.deliver(json.dumps(request | {"Entries": rest}).encode())
        if reply.status != 200:
            await x.send(reply)
            return
        document = json.loads(reply.body)
    else:
        reply, document = Reply(200, [("Content-Type", "application/x-amz-json-1.0")], b""), {}
    document["Failed"] = document.get("Failed", []) + [_failed_entry(e) for e in fail]
    document.setdefault("Successful", [])
    await x.send(reply.replaced(document))


async def partial_after(x):
    """The reply to a batch says of some entries that they failed; they did not."""
    reply = await x.deliver()
    document = json.loads(reply.body) if reply.status == 200 else {}
    if document.get("Successful"):
        fail = _chosen(x, document["Successful"])
        document["Successful"] = [e for e in document["Successful"] if e not in fail]
        document["Failed"] = document.get("Failed", []) + [_failed_entry(e) for e in fail]
        reply = reply.replaced(document)
    await x.send(reply)


FAULTS = {
    f.__name__: f
    for f in (
        passed, reset_before, reset_after, lost_reply, cut_reply, rubbish, delayed, black_hole, black_hole_after, server_error,
        server_error_after, throttled, expired, denied, refused, partial_before, partial_after,
    )
}  # fmt: skip
BATCH_FAULTS = ("partial_before", "partial_after")


# --- rules and chance ----------------------------------------------------------------------------


class Rule:
    """What happens to some calls.

    `fault` is the name of one of FAULTS, or an async function of an Exchange. It fits calls of the `operations` (any, when
    there are none) that come through `door` (any: None) and of which `when`, a function of the Call, is true; and of those
    the first `times`.
    """

    def __init__(self, fault, *operations, door=None, when=None, times=None, **arguments):
        self.action = FAULTS[fault] if isinstance(fault, str) else fault
        self.name = self.action.__name__
        self.operations, self.door, self.when, self.times, self.arguments = operations, door, when, times, arguments
        self.used = 0

    def fits(self, call):
        return (
            (self.times is None or self.used < self.times)
            and (not self.operations or call.operation in self.operations)
            and (self.door is None or self.door == call.door)
            and (self.when is None or self.when(call))
        )


class Chance:
    """The usual weather: which fault a call meets by chance, if any.

    `of` gives to an operation, or to "*" for all others, the likelihood of faults by name.
    """

    def __init__(self, of, arguments=None):
        self.of = of
        self.arguments = arguments or {}

    def draw(self, call, rng):
        number = rng.random()
        for name, likelihood in self.of.get(call.operation, self.of.get("*", {})).items():
            number -= likelihood
            if number < 0:
                return FAULTS[name] if name not in BATCH_FAULTS or call.operation in BATCHES else passed
        return passed


# --- the network ---------------------------------------------------------------------------------


class Connection:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def read_request(self):
        """(head, body) of the next request; the head is a dict by lower-case names, with "" for the first line."""
        try:
            text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = text.rstrip("\r\n").split("\r\n")
            head = {"": first} | {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
            body = await self._reader.readexactly(int(head.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError) as err:
            raise Closed from err
        return head, body

    async def send(self, data):
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as err:
            raise Closed from err

    async def until_closed(self):
        with contextlib.suppress(ConnectionError):
            await self._reader.read()

    def close(self):
        self._writer.close()

    def reset(self):
        """Ends it so that the other side sees a reset, and loses what it had not read yet."""
        sock = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Door:
    """A port of the proxy. Closed, it refuses connections, and those that there were are reset."""

    def __init__(self, proxy, name):
        self.name = name
        self._proxy = proxy
        self._server = None
        self._connections = {}  # Connection to its task
        # Bound and never listening: the port stays ours while the door is closed.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._holder.bind(("127.0.0.1", 0))
        self._port = self._holder.getsockname()[1]
        self._proxy.run(self._listen())

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def close(self):
        self._proxy.run(self._close())

    def open(self):
        self._proxy.run(self._listen())

    @contextlib.contextmanager
    def closed(self):
        self.close()
        try:
            yield
        finally:
            self.open()

    async def _listen(self):
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self._port, limit=HEAD_MAX, backlog=256, reuse_port=True
            )

    async def _close(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection, task in list(self._connections.items()):
            connection.reset()
            # a call that was delivered goes on at the service, as it does when a client dies
            if not self._proxy.is_delivering(task):
                task.cancel()

    async def _serve(self, reader, writer):
        connection = Connection(reader, writer)
        self._connections[connection] = asyncio.current_task()
        try:
            while True:
                head, body = await connection.read_request()
                await self._proxy.handle(self, connection, head, body)
        except (Closed, asyncio.CancelledError):
            pass
        finally:
            del self._connections[connection]
            writer.close()


class Proxy:
    """Runs in a thread of its own. Rules may be added and taken away at any time, by any thread."""

    def __init__(self, upstream, seed=0, chance=None, keep_calls=True):
        host, _, port = upstream.removeprefix("http://").rstrip("/").partition(":")
        self.upstream, self.seed, self.chance, self.keep_calls = (host, int(port)), seed, chance, keep_calls
        self.calls = []
        self.counts = collections.Counter()  # of (operation, fault)
        self.rewrite = {}  # operation to a function that changes its request, a dict, before anything else happens
        self.observers = []  # each is called with (Call, request body, Reply) in the proxy's thread
        self.mistakes = []  # of the proxy itself or of an observer: a test fails on them
        self._rules = ()
        self._numbers = collections.Counter()
        self._delivering = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._doors = {"": Door(self, "")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._thread.is_alive():
            self.run(self._cancel_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        assert self.mistakes == []

    async def _cancel_all(self):
        for door in self._doors.values():
            await door._close()
            door._holder.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    def run(self, coroutine):
        """Runs it in the proxy's thread and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    @property
    def url(self):
        return self._doors[""].url

    def door(self, name=""):
        """The door of that name; it is made when it is first asked for."""
        if name not in self._doors:
            self._doors[name] = Door(self, name)
        return self._doors[name]

    # rules

    def add(self, fault, *operations, **more):
        rule = Rule(fault, *operations, **more)
        self._rules = (rule, *self._rules)
        return rule

    def remove(self, rule):
        self._rules = tuple(r for r in self._rules if r is not rule)

    @contextlib.contextmanager
    def fault(self, fault, *operations, **more):
        rule = self.add(fault, *operations, **more)
        try:
            yield rule
        finally:
            self.remove(rule)

    # what happened

    def calls_of(self, *operations, since=0.0, until=float("inf"), door=None):
        """The calls of some operations that began between two moments, but for the start's questions."""
        return [
            c for c in list(self.calls)
            if (not operations or c.operation in operations) and not c.is_question and since <= c.began <= until and door in (None, c.door)
        ]  # fmt: skip

    def open_calls(self, *operations, door=None):
        """Those to which the client still waits for an answer."""
        return [c for c in self.calls_of(*operations, door=door) if c.ended is None]

    def summary(self):
        """What was done, as text: one line an operation."""
        rows = collections.defaultdict(list)
        for (operation, fault), count in sorted(self.counts.items()):
            rows[operation].append(f"{fault} {count}")
        return "\n".join(f"{operation}: {', '.join(parts)}" for operation, parts in rows.items())

    # in the proxy's thread

    def is_delivering(self, task):
        return task in self._delivering

    def observed(self, call, body, reply):
        for observer in self.observers:
            try:
                observer(call, body, reply)
            except Exception as err:  # noqa: BLE001  the test is told, the daemon is not
                self.mistakes.append(f"{call.operation}: {err!r}")

    async def ask_upstream(self, head, body):
        task = asyncio.current_task()
        self._delivering.add(task)
        try:
            return await self._ask_upstream(head, body)
        finally:
            self._delivering.discard(task)

    async def _ask_upstream(self, head, body):
        reader, writer = await asyncio.open_connection(*self.upstream, limit=HEAD_MAX)
        lines = [head[""], *(f"{n}: {v}" for n, v in head.items() if n and n not in HOP_BY_HOP)]
        lines += ["connection: close", f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        try:
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
            content = await reader.read()
        finally:
            writer.close()
        headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in rest) if n.lower() not in HOP_BY_HOP]
        return Reply(int(first.split()[1]), headers, content)

    def _new_call(self, door, head, body):
        operation = head.get("x-amz-target", "").rpartition(".")[2]
        try:
            members = {n: v for n, v in json.loads(body).items() if n != "Entries"}
            entries = json.loads(body).get("Entries", ())
            members["Entries"] = len(entries)
            members["Question"] = [e.get("ReceiptHandle") for e in entries] == ["none"]
        except (ValueError, AttributeError):
            members = {"Question": False}
        members["Failure"] = {"S": "FAILED"} in members.get("ExpressionAttributeValues", {}).values()
        for bulky in ("ExpressionAttributeValues", "ExpressionAttributeNames", "UpdateExpression"):
            members.pop(bulky, None)
        call = Call(self._numbers[operation], door.name, operation, members, time.monotonic())
        self._numbers[operation] += 1
        if self.keep_calls:
            self.calls.append(call)
        return call

    def _decide(self, call, rng):
        """(action, its name, its arguments)"""
        for rule in self._rules:
            if rule.fits(call):
                rule.used += 1
                return rule.action, rule.name, rule.arguments
        chance = self.chance
        action = chance.draw(call, rng) if chance else passed
        return action, action.__name__, chance.arguments.get(action.__name__, {}) if chance else {}

    async def handle(self, door, connection, head, body):
        call = self._new_call(door, head, body)
        if call.operation in self.rewrite:
            body = json.dumps(self.rewrite[call.operation](json.loads(body))).encode()
        rng = random.Random(f"{self.seed}/{call.operation}/{call.number}")
        action, name, arguments = self._decide(call, rng)
        call.fault = "" if action is passed else name
        self.counts[call.operation, name] += 1
        try:
            await action(Exchange(self, connection, call, head, body, rng, arguments))
        except (ConnectionError, asyncio.IncompleteReadError) as err:
            # the upstream is gone: so is the call
            self.counts[call.operation, f"upstream: {type(err).__name__}"] += 1
            connection.reset()
            raise Closed from err
        except (Closed, asyncio.CancelledError):
            raise
        except Exception as err:
            self.mistakes.append(f"{name} on {call.operation}: {err!r}")
            connection.reset()
            raise Closed from err
        finally:
            call.ended = time.monotonic()


def usual_weather(share=0.01, **arguments):
    """Chances of everything that passes by itself; `share` of the calls, or of receives a half of it, meet something."""
    common = {
        "reset_before": 0.18, "reset_after": 0.1, "lost_reply": 0.12, "cut_reply": 0.1, "rubbish": 0.08, "delayed": 0.2,
        "server_error": 0.12, "server_error_after": 0.05, "throttled": 0.05,
    }  # fmt: skip
    batch = common | {"partial_before": 0.3, "partial_after": 0.2}

    def scaled(table, by):
        return {name: likelihood * by for name, likelihood in table.items()}

    of = {"*": scaled(common, share), "ReceiveMessage": scaled(common, share / 2)}
    of |= {operation: scaled(batch, share) for operation in BATCHES}
    return Chance(of, {"delayed": {"most": 0.5}} | arguments)


def main():
    parser = argparse.ArgumentParser(description="A proxy that does to calls what networks do.")
    parser.add_argument("upstream", help="http://host:port")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--chance", type=float, default=2, help="percent of the calls that meet something")
    arguments = parser.parse_args()
    proxy = Proxy(arguments.upstream, arguments.seed, usual_weather(arguments.chance / 100), keep_calls=False)
    print(f"{proxy.url} seed {arguments.seed}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    print(proxy.summary())


if __name__ == "__main__":
    main()
