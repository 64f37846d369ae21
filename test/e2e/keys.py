"""Keys of the emulator's, and who hands them out: the endpoint of a container and the metadata service of an instance."""

import datetime
import http.server
import json
import threading
import uuid

from emulator import Emulator
from stage import Stage, client

ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ALLOW_ASSUME = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
TRUST_ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


class Account:
    """An emulator that checks every signature and every right, with users and roles.

    The role `orders` may do everything, `ladder` and the user `starter` may only take roles: who works with these has taken one.
    """

    def __init__(self):
        self.emulator = Emulator()
        self.iam = client("iam", self.emulator.url)
        admin = self.make_user("admin", ALLOW_ALL)
        self.starter = self.make_user("starter", ALLOW_ASSUME)
        self.role = self.make_role("orders", ALLOW_ALL)
        self.ladder = self.make_role("ladder", ALLOW_ASSUME)
        self.emulator.check_signatures()
        self.iam, self.sts, self.sqs, self.dynamodb = (
            client(service, self.emulator.url, *admin) for service in ("iam", "sts", "sqs", "dynamodb")
        )

    @property
    def url(self):
        return self.emulator.url

    def stage(self):
        return Stage(self.emulator, self.sqs, self.dynamodb)

    def make_user(self, name, policy):
        """A user and his (access key, secret)."""
        self.iam.create_user(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def make_worker(self):
        """A user who may do everything: (his name, access key, secret)."""
        name = f"worker-{uuid.uuid4().hex[:8]}"
        return name, *self.make_user(name, ALLOW_ALL)

    def drop_key(self, name, key_id):
        self.iam.delete_access_key(UserName=name, AccessKeyId=key_id)

    def make_role(self, name, policy):
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_ANYBODY))["Role"]
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return role["Arn"]

    def role_keys(self, role=None):
        """Temporary keys as a container's endpoint and a metadata service hand them out."""
        keys = self.sts.assume_role(RoleArn=role or self.role, RoleSessionName="given")["Credentials"]
        return {
            "Code": "Success", "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
            "Token": keys["SessionToken"], "Expiration": stamp(keys["Expiration"]),
        }  # fmt: skip

    def stop(self):
        self.emulator.stop()


def stamp(time):
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Server:
    """A server on a free loopback port. `handle(method, path, headers)` returns (status, body)."""

    def __init__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                status, body, *lines = outer.handle(self.command, self.path, self.headers)
                self.send_response(status)
                for name, value in lines:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Container(Server):
    """Gives what `make` returns to who shows the right token."""

    TOKEN = "Bearer of-the-container+token"

    def __init__(self, make):
        super().__init__()
        self.make = make
        self.given = 0

    def handle(self, method, path, headers):
        if (method, path, headers.get("Authorization")) != ("GET", "/v1/keys", self.TOKEN):
            return 403, '{"code": "Refused", "message": "not so"}'
        self.given += 1
        return 200, json.dumps(self.make())

    @property
    def environment(self):
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/v1/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.TOKEN,
        }  # fmt: skip


class Instance(Server):
    """The metadata service, version 2 only, of an instance with a role."""

    TOKEN = "session-of-the-instance"
    ROLE = "/latest/meta-data/iam/security-credentials/"

    def __init__(self, make):
        super().__init__()
        self.make = make

    def handle(self, method, path, headers):
        ttl = headers.get("x-aws-ec2-metadata-token-ttl-seconds")
        if (method, path) == ("PUT", "/latest/api/token") and ttl:
            return 200, self.TOKEN, ("x-aws-ec2-metadata-token-ttl-seconds", ttl)
        if headers.get("x-aws-ec2-metadata-token") != self.TOKEN:
            return 401, ""
        if (method, path) == ("GET", self.ROLE):
            return 200, "role-of-the-instance"
        if (method, path) == ("GET", self.ROLE + "role-of-the-instance"):
            return 200, json.dumps(self.make())
        return 404, ""

    @property
    def environment(self):
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url, "AWS_EC2_METADATA_DISABLED": None}


class Rotation:
    """Keys that live `life` seconds: each is a user's own, and the user loses it when its time is over."""

    def __init__(self, account, life):
        self._account = account
        self._life = life
        self._timers = []
        self.secrets = []
        self.dropped = 0

    def make(self):
        name, key_id, secret = self._account.make_worker()
        self.secrets.append(secret)
        # whole seconds, as the services write them: told to end before it does
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self._life)
        timer = threading.Timer(self._life, self._drop, (name, key_id))
        timer.daemon = True
        timer.start()
        self._timers.append(timer)
        return {"AccessKeyId": key_id, "SecretAccessKey": secret, "Expiration": stamp(end)}

    def _drop(self, name, key_id):
        self._account.drop_key(name, key_id)
        self.dropped += 1

    def stop(self):
        for timer in self._timers:
            timer.cancel()
