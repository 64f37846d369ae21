"""Where the keys come from: every source, held against an emulator that checks each signature, and keys that change meanwhile.

ORDERD_E2E_KEY_LIFE and ORDERD_E2E_KEY_RUN (seconds) make the test of keys that change under load a long one.
"""

import json
import os
import time
from pathlib import Path

import daemon
import orders
import pytest
from conftest import ROOT, program_path
from keys import Account, Container, Instance, Rotation
from wait import until

LIFE = int(os.environ.get("ORDERD_E2E_KEY_LIFE", "10"))
RUN = int(os.environ.get("ORDERD_E2E_KEY_RUN", "30"))

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(scope="module")
def account():
    account = Account()
    yield account
    account.stop()


class Place:
    """What a source is set up with: the account, the directory that is the program's home, and servers to be stopped."""

    def __init__(self, account, home):
        self.account = account
        self.home = home
        self.servers = []
        (home / ".aws").mkdir()

    def write(self, name, text):
        """Writes a file of the home as tools do: a new one takes the place of the old one."""
        path = self.home / name
        new = path.with_name(path.name + ".new")
        new.write_text(text)
        new.rename(path)
        return path

    def serve(self, server):
        self.servers.append(server)
        return server.environment

    def sts(self):
        return {"AWS_ENDPOINT_URL_STS": self.account.url}


@pytest.fixture
def place(account, tmp_path):
    place = Place(account, tmp_path)
    yield place
    for server in place.servers:
        server.stop()


def key_lines(key_id, secret):
    return f"aws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"


def worker_lines(account):
    return key_lines(*account.make_worker()[1:])


# Each source sets the place up and returns (the environment it needs, what the log calls it).


def environment(place):
    _, key_id, secret = place.account.make_worker()
    return {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}, "environment"


def temporary_environment(place):
    keys = place.account.role_keys()
    env = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"]}
    return env | {"AWS_SESSION_TOKEN": keys["Token"]}, "environment"


def profile(place):
    place.write(".aws/credentials", f"[default]\n{worker_lines(place.account)}")
    return {}, "profile default"


def role(place):
    place.write(".aws/credentials", f"[start]\n{key_lines(*place.account.starter)}")
    arn = place.account.role
    place.write(".aws/config", f"[profile p]\nrole_arn = {arn}\nsource_profile = start\nexternal_id = a/b+c\n")
    return {"AWS_PROFILE": "p"} | place.sts(), f"profile p (role {arn})"


def chain_of_roles(place):
    account = place.account
    place.write(".aws/credentials", f"[start]\n{key_lines(*account.starter)}")
    place.write(
        ".aws/config",
        f"[profile p]\nrole_arn = {account.role}\nsource_profile = q\nrole_session_name = last@link\n"
        f"[profile q]\nrole_arn = {account.ladder}\nsource_profile = r\nduration_seconds = 900\n"
        f"[profile r]\nrole_arn = {account.ladder}\nsource_profile = start\n",
    )
    return {"AWS_PROFILE": "p"} | place.sts(), f"profile p (role {account.role})"


def role_from_a_container(place):
    env = place.serve(Container(lambda: place.account.role_keys(place.account.ladder)))
    arn = place.account.role
    place.write(".aws/config", f"[profile p]\nrole_arn = {arn}\ncredential_source = EcsContainer\n")
    return env | {"AWS_PROFILE": "p"} | place.sts(), f"profile p (role {arn})"


def web_identity(place):
    token = place.write("token", "eyJhbGciOi.of-the.cluster\n")
    arn = place.account.role
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": arn, "AWS_ROLE_SESSION_NAME": "pod@cluster"}
    return env | place.sts(), f"web identity (role {arn})"


def web_identity_of_a_profile(place):
    token = place.write("token", "eyJhbGciOi.of-the.cluster")
    arn = place.account.role
    place.write(".aws/config", f"[profile p]\nrole_arn = {arn}\nweb_identity_token_file = {token}\n")
    return {"AWS_PROFILE": "p"} | place.sts(), f"profile p (role {arn})"


def process(place):
    keys = place.account.role_keys()
    keys = {"Version": 1, "SessionToken": keys.pop("Token")} | keys
    document = place.write("the keys.json", json.dumps(keys))
    place.write(".aws/config", f'[default]\ncredential_process = /bin/cat "{document}"\n')
    return {}, "profile default (credential_process)"


HELPER = """#!/bin/sh -e
# stands for aws_signing_helper: looks at what it is called with
test "$1 $#" = "credential-process 11"
shift
while test $# -gt 0; do
    case $1=$2 in
    --certificate=* | --private-key=*) test -r "$2" ;;
    --trust-anchor-arn=arn:aws:rolesanywhere:* | --profile-arn=arn:aws:rolesanywhere:* | --role-arn=arn:aws:iam:*) ;;
    *) exit 64 ;;
    esac
    shift 2
done
cat keys.json
"""


def sample(place, name):
    """A sample of deploy/on-prem, with the test's directory in the place of /etc/orderd."""
    return (ROOT / "deploy/on-prem" / name).read_text().replace("/etc/orderd", str(place.home))


def roles_anywhere(place):
    """The samples for a host outside AWS."""
    keys = place.account.role_keys()
    place.write("keys.json", json.dumps({"Version": 1, "SessionToken": keys.pop("Token")} | keys))
    helper = place.write("aws_signing_helper", HELPER)
    helper.chmod(0o755)
    for name in ("host.pem", "host.key"):
        place.write(name, "")
    place.write("aws-config", sample(place, "aws-config").replace("/usr/local/bin/aws_signing_helper", str(helper)))
    lines = [line for line in sample(place, "environment").splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines), "profile default (credential_process)"


def static_keys(place):
    """The drop-in for static keys; the test does what systemd does for LoadCredential=."""
    place.write("aws-credentials", f"[default]\n{worker_lines(place.account)}")
    lines = dict(line.split("=", 1) for line in sample(place, "static-keys.conf").splitlines() if "=" in line and line[0] != "#")
    name, source = lines["LoadCredential"].split(":")
    handed = place.write(f"handed-{name}", Path(source).read_text())
    variable, path = lines["Environment"].split("=")
    return {variable: path.replace(f"%d/{name}", str(handed))}, "profile default"


def container(place):
    return place.serve(Container(place.account.role_keys)), "container"


def instance(place):
    return place.serve(Instance(place.account.role_keys)), "instance metadata"


SOURCES = [
    environment, temporary_environment, profile, role, chain_of_roles, role_from_a_container, web_identity,
    web_identity_of_a_profile, process, roles_anywhere, static_keys, container, instance,
]  # fmt: skip


@pytest.mark.takes(5)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_source(request, place, orderd, source):
    env, name = source(place)
    env = NO_KEYS | env
    stage = place.account.stage()
    process = orderd.start_on(stage, env=env)
    body = orders.make("ORD-signed")
    (message,) = stage.send(body)
    process.until_outcomes(1, "processed")
    stage.until_empty()
    assert process.stop()["processed"] == 1
    orders.check_processed(stage.item("ORD-signed"), body, {message})
    (came,) = process.events("credentials_refreshed")
    assert came["source"] == name

    orderctl = daemon.Program(program_path(request.config, "orderctl"), place.home)
    more = {"ORDERD_QUEUE_URL": stage.queue_url, "ORDERD_TABLE_NAME": stage.table}
    done = orderctl.run("status", "ORD-signed", env=daemon.environment(place.home, stage.emulator.url, **env, **more))
    assert done.returncode == 0, done.stderr
    assert "PROCESSED" in done.stdout


# What is set up, but wrong, is said by name; the next source is not asked for.


def broken_role(place):
    place.write(".aws/config", "[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nrole_arn = s\nsource_profile = p\n")
    return {"AWS_PROFILE": "p"}, "profile p: source_profile leads round in a circle: p -> q -> p"


def refused_role(place):
    place.write(".aws/credentials", f"[p]\nrole_arn = {place.account.role}\nsource_profile = p\n{key_lines('AKIANOBODY', 'none')}")
    return {"AWS_PROFILE": "p"} | place.sts(), f"profile p: STS AssumeRole of {place.account.role}: "


def missing_token(place):
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token", "AWS_ROLE_ARN": place.account.role}
    return env, "web identity: web identity token file /nonexistent/token: No such file or directory"


def single_sign_on(place):
    place.write(".aws/config", "[profile p]\nsso_session = s\n[sso-session s]\nsso_region = r\n")
    return {"AWS_PROFILE": "p"}, "aws configure export-credentials --profile p --format process"


@pytest.mark.parametrize("source", [broken_role, refused_role, missing_token, single_sign_on], ids=lambda source: source.__name__)
def test_broken_source(request, place, source):
    env, problem = source(place)
    env = NO_KEYS | place.serve(Container(place.account.role_keys)) | env
    orderctl = daemon.Program(program_path(request.config, "orderctl"), place.home)
    env = daemon.environment(place.home, place.account.url, **env, ORDERD_TABLE_NAME="table", ORDERD_QUEUE_NAME="q")
    done = orderctl.run("status", "ORD-1", env=env)
    assert done.returncode != 0
    assert problem in done.stderr
    assert place.servers[0].given == 0


@pytest.mark.takes(10)
def test_keys_of_a_file_that_is_written_anew(place, orderd):
    """The usual rotation of keys without an end: new ones are written, and the old ones deleted."""
    account = place.account
    stage = account.stage()
    name, *keys = account.make_worker()
    place.write(".aws/credentials", f"[default]\n{key_lines(*keys)}")
    process = orderd.start_on(stage, env=NO_KEYS)
    stage.send(orders.make("ORD-before"))
    process.until_outcomes(1, "processed")
    place.write(".aws/credentials", f"[default]\n{worker_lines(account)}")
    account.drop_key(name, keys[0])
    stage.feed([orders.make(f"ORD-{n}") for n in range(50)])
    stage.until_empty()
    account_line = process.stop()
    assert (account_line["processed"], account_line["received"]) == (51, 51)
    assert len(process.events("credentials_refreshed")) == 2
    assert keys[1] not in process.log_text()


def feed_for(stage, process, seconds):
    """Sends orders that many seconds long; returns how many."""
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        until("room in the queue", lambda: stage.waiting()[0] <= 20, 60)
        stage.send(*(orders.make(f"ORD-{n}") for n in range(count, count + 10)))
        count += 10
        assert process.alive(), process.log_text()[-4000:]
    return count


@pytest.mark.takes(RUN + 10)
@pytest.mark.timeout(RUN * 2 + 120)
def test_short_lived_keys_under_load(place, orderd):
    """Keys that end again and again while orders come: no order notices."""
    rotation = Rotation(place.account, LIFE)
    env = NO_KEYS | place.serve(Container(rotation.make))
    stage = place.account.stage()
    process = orderd.start_on(stage, env=env)
    try:
        count = feed_for(stage, process, RUN)
        stage.until_empty()
        account = process.stop()
    finally:
        rotation.stop()
    assert account["processed"] == account["received"] == count
    assert len(stage.items()) == count
    assert rotation.dropped >= RUN // LIFE - 1
    assert len(process.events("credentials_refreshed")) >= RUN // LIFE
    troubles = {line["event"] for line in process.lines if line["level"] in ("warning", "error")}
    assert troubles <= {"short_dead_letter_retention"}
    text = process.log_text()
    assert not any(secret in text for secret in rotation.secrets)
