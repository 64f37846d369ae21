#!/usr/bin/env python3
"""moto's server on a free loopback port, made fit to stand in for SQS and DynamoDB.

As a program it prints its URL on one line and serves until its standard input ends (so it never outlives whoever started it)
or a SIGTERM comes. As a module it offers `Emulator`, which runs that program.

Four things are put right and one is added:

- AWS's operations are atomic. moto runs requests in threads without any lock: two conditional updates of one item can both
  succeed, and a message sent while another is deleted can vanish. So one request runs at a time; a long poll lets the others
  in while it waits.
- moto loads a service when it is first asked for, which takes seconds; here all are loaded before the URL is printed.
- AssumeRoleWithWebIdentity is asked without a signature, by somebody who has no keys yet; moto, once it checks signatures, misses
  one there.
- Who is not let in is told so in the protocol that he asked in; moto's refusals are XML for everybody.
- `GET /-/calls` tells how many calls of each operation came for each queue and table, and how many are under way now:
  `{"ReceiveMessage orders": {"calls": 12, "open": 1}}`. That is how a test waits for a poll to be open.
"""

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import urllib.request

SERVICES = ("sqs", "dynamodb", "iam", "sts")


class Emulator:
    """Runs this file as a program; `url` is where it listens."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the emulator did not start")

    def calls(self, operation, resource):
        """How often `operation` was asked for `resource` (a queue's or table's name): (so far, under way now)."""
        with urllib.request.urlopen(self.url + "/-/calls", timeout=30) as reply:
            row = json.load(reply).get(f"{operation} {resource}", {"calls": 0, "open": 0})
        return row["calls"], row["open"]

    def check_signatures(self):
        """From now on every request must be signed with a key that IAM made, and be allowed to its owner."""
        request = urllib.request.Request(
            self.url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()

    def stop(self):
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Calls:
    """Counts the requests of each operation and resource."""

    def __init__(self):
        self._rows = {}
        self._lock = threading.Lock()

    def begin(self, name):
        with self._lock:
            row = self._rows.setdefault(name, {"calls": 0, "open": 0})
            row["calls"] += 1
            row["open"] += 1

    def end(self, name):
        with self._lock:
            self._rows[name]["open"] -= 1

    def text(self):
        with self._lock:
            return json.dumps(self._rows)


def call_name(target, body):
    """'ReceiveMessage orders' from the target header and the body of a request; '' when it is not such a call."""
    try:
        members = json.loads(body)
        resource = members.get("QueueUrl") or members.get("QueueName") or members.get("TableName") or ""
        return f"{target.rpartition('.')[2]} {resource.rpartition('/')[2]}"
    except (ValueError, AttributeError):
        return ""


class RefusalsInJson:
    """The WSGI application around moto's: turns an error that is XML, of a call that was JSON, into what AWS sends."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        started = []
        body = b"".join(self._application(environ, lambda *arguments: started.append(arguments)))
        status, headers = started[-1][:2]
        if "HTTP_X_AMZ_TARGET" in environ and not status.startswith("2") and b"<Code>" in body:
            code, message = (re.search(f"<{name}>(.*?)</{name}>", body.decode(), re.DOTALL) for name in ("Code", "Message"))
            error = {"__type": f"com.amazon.coral.service#{code[1]}", "message": message[1].strip() if message else ""}
            body = json.dumps(error).encode()
            spoiled = ("content-type", "content-length", "x-amz-crc32")
            kept = [(name, value) for name, value in headers if name.lower() not in spoiled]
            headers = [*kept, ("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]


class OneAtATime:
    """The WSGI application around moto's: reads the request, then lets it in alone."""

    def __init__(self, application, lock, calls):
        self._application = application
        self._lock = lock
        self._calls = calls

    def __call__(self, environ, start_response):
        if environ.get("PATH_INFO") == "/-/calls":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [self._calls.text().encode()]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        name = call_name(environ.get("HTTP_X_AMZ_TARGET", ""), body)
        self._calls.begin(name)
        try:
            with self._lock:
                return [b"".join(self._application(environ, start_response))]
        finally:
            self._calls.end(name)


def let_others_in_while_waiting(lock):
    """A long poll waits inside moto's wait_for_messages: the lock is handed out for that time."""
    from moto.sqs.models import Queue

    wait = Queue.wait_for_messages

    def wait_for_messages(self, timeout):
        lock.release()
        try:
            wait(self, timeout)
        finally:
            lock.acquire()

    Queue.wait_for_messages = wait_for_messages


def let_in_who_has_a_token():
    """What is unsigned by its nature is not checked, as some operations of moto's own list are not."""
    from moto.core.authorization import ActionAuthenticatorMixin

    check = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def check_but_for_tokens(self, *arguments, **more):
        if self._get_action() != "AssumeRoleWithWebIdentity":
            check(self, *arguments, **more)

    ActionAuthenticatorMixin._authenticate_and_authorize_action = check_but_for_tokens


def serve():
    from moto.backends import get_backend
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    lock = threading.Lock()
    let_others_in_while_waiting(lock)
    let_in_who_has_a_token()
    dispatcher = DomainDispatcherApplication(create_backend_app)
    for service in SERVICES:
        get_backend(service)
        dispatcher.app_instances[service] = create_backend_app(service)
    application = OneAtATime(RefusalsInJson(dispatcher), lock, Calls())
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    # Not a return: a long poll's thread may still wait, and nothing here needs an orderly end.
    os._exit(0)


if __name__ == "__main__":
    serve()
