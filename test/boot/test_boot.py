"""The life of an installed orderd under systemd, from its installation to its purge, and once more through an upgrade. Each test
goes on where the last one ended."""

import itertools
import json
import re
import time

import expect
import orders
import pytest
from daemon import CONFIG_ERROR, config_text
from keys import Instance
from load import Load
from machine import Unit
from services import Resolver, TlsFront, make_certificate
from wait import until

CONFIG, ENVIRONMENT, LOG, STATUS = (
    "/etc/orderd/orderd.conf", "/etc/orderd/environment", "/var/log/orderd/orderd.log", "/run/orderd/status.json",
)  # fmt: skip
EXAMPLES = "/usr/share/doc/orderd/examples"
WAIT, TIMEOUT = 1, 5  # seconds
DRAIN = WAIT + TIMEOUT + 25
INFO, WARNING = 6, 4  # syslog(3)
# What takes hours, an outage or another host to be seen at work; of the last two the machine has no controllers.
UNIT = {
    "KillMode": "mixed", "TimeoutStartUSec": "infinity", "RestartUSec": "5s", "MemoryMax": str(512 * 1024 * 1024),
    "TasksMax": "512",
}  # fmt: skip
WATCHDOG_SECONDS = 2
NO_ORDER = "CUST- this is no order"

numbers = itertools.count()


def settings(stage, **more):
    """Short waits, so that a test is; a setting a.b is given as a__b."""
    url = stage.emulator.url
    return {
        "queue.url": stage.queue_url, "queue.wait_seconds": WAIT, "queue.batch_size": 10, "table.name": stage.table,
        "processing.timeout_seconds": TIMEOUT, "endpoints.sqs": url, "endpoints.dynamodb": url, "endpoints.sts": url,
        "log.file": LOG,
    } | {name.replace("__", "."): value for name, value in more.items()}  # fmt: skip


def environment_text(variables):
    return "".join(f"{name}={value}\n" for name, value in variables.items())


@pytest.fixture(scope="session")
def keys(account):
    """The variables of a host with static keys."""
    _, key, secret = account.make_worker()
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="session")
def configure(machine, stage, keys):
    """Writes the configuration, with what is given beside or instead of the usual."""

    def write(variables=keys, **more):
        machine.write(CONFIG, config_text(settings(stage, **more)))
        machine.write(ENVIRONMENT, environment_text(variables), 0o600)

    return write


def make_environment(machine, account, keys, name):
    """The files of an environment of its own, and its stage."""
    stage = account.stage()
    machine.write(f"/etc/orderd/{name}.conf", config_text(settings(stage, log__file=log_of(name))))
    machine.write(f"/etc/orderd/{name}.environment", environment_text(keys), 0o600)
    return stage


def log_of(environment):
    return f"/var/log/orderd/{environment}/orderd.log"


@pytest.fixture(scope="session")
def files_before(machine):
    return machine.files()


def confirm(stage, environment=""):
    """Sends an order, waits for its confirmation and returns its id."""
    key = f"ORD-{next(numbers)}"
    body = orders.make(key)
    (message,) = stage.send(body)
    until(f"{key} is confirmed", lambda: stage.item(key))
    stage.until_empty()
    orders.check_processed(stage.item(key), body, {message}, environment)
    return key


def told(lines, event, **members):
    return [line for line in lines if line["event"] == event and members.items() <= line.items()]


def log_lines(machine, log=LOG):
    return [json.loads(line) for line in machine.path(log).read_text().splitlines()]


def logged(machine, event, log=LOG, **members):
    """Waits for a line in the log file and returns the last one."""
    found = lambda: machine.path(log).exists() and told(log_lines(machine, log), event, **members)  # noqa: E731
    return until(f"{event} {members} in the log", found)[-1]


def check_rotation(machine, stage, log=LOG, environment=""):
    before = confirm(stage, environment)
    logged(machine, "processed", log, order_id=before)
    machine.run("logrotate -f /etc/logrotate.d/orderd")
    logged(machine, "reloaded", log)
    after = confirm(stage, environment)
    logged(machine, "processed", log, order_id=after)
    old = machine.path(f"{log}.1").read_text()
    assert before in old and after not in old
    assert modes(machine, log) == "orderd:orderd 640"


def modes(machine, path):
    return machine.says(f"stat -c '%U:%G %a' {path}")


def may_read(machine, user, path):
    return machine.run(f"cat {path}", user=user, check=False).returncode == 0


# installed and started


def test_installation(request, machine, unit, files_before):
    machine.install(request.config.getoption("newer"))
    assert (unit.show("UnitFileState"), unit.show("ActiveState")) == ("disabled", "inactive")
    assert machine.says("getent passwd orderd").endswith("/nologin")
    machine.run("useradd --system --no-create-home --groups orderd agent")


@pytest.mark.parametrize("name", ["orderd", "orderd@dev"])
def test_start_without_variables(machine, name):
    """They have no file yet, and need none: systemd runs orderd, which looks for settings and keys elsewhere, too."""
    unit = Unit(machine, name)
    unit.systemctl("start --no-block")
    until("it has been run", lambda: unit.show("ExecMainPID") != "0")
    unit.systemctl("stop")


@pytest.mark.parametrize("name", ["orderd", "orderd@dev"])
def test_settings_of_the_unit(machine, name):
    unit = Unit(machine, name)
    assert {key: unit.show(key) for key in UNIT} == UNIT
    for relation in ("After", "Wants"):
        assert "network-online.target" in unit.show(relation).split()


def test_enable_now(machine, unit, configure, stage):
    configure(log__file="")
    machine.run("systemctl enable --now orderd")
    assert (unit.show("UnitFileState"), unit.show("ActiveState")) == ("enabled", "active")
    confirm(stage)


def test_status_line(machine, unit, stage):
    assert unit.show("StatusText").startswith("Running: ")
    assert 'Status: "Running: ' in machine.says("systemctl status orderd")


def test_journal(machine, unit, stage):
    (message,) = stage.send(NO_ORDER)
    stage.until_dead(1)
    lines = unit.lines()
    assert {line["priority"] for line in told(lines, "processed")} == {INFO}
    assert [line["priority"] for line in told(lines, "failed", message_id=message)] == [WARNING] * 3
    shown = machine.says("journalctl -u orderd -p warning -o cat")
    assert message in shown and '"processed"' not in shown
    assert "CUST-" not in machine.says("journalctl -u orderd -o cat")


def test_status_file(machine):
    assert modes(machine, STATUS) == "orderd:orderd 640"
    assert "running" in machine.says("orderctl stats", user="agent")
    assert not may_read(machine, "nobody", STATUS)


def test_log_file(machine, unit, configure, stage):
    """A reload is enough for it, and does not end the daemon."""
    pid = unit.pid
    configure(queue__batch_size=5)
    unit.systemctl("reload")
    line = logged(machine, "reloaded")
    assert "log.file" in line["changed"] and "queue.batch_size" in line["need_restart"]
    logged(machine, "processed", order_id=confirm(stage))
    assert (unit.pid, unit.show("ActiveState")) == (pid, "active")
    assert modes(machine, LOG) == "orderd:orderd 640"
    assert modes(machine, "/var/log/orderd") == "orderd:orderd 750"
    assert may_read(machine, "agent", LOG) and not may_read(machine, "nobody", LOG)
    assert not may_read(machine, "agent", ENVIRONMENT)


def test_reload_of_what_is_wrong(machine, unit, configure, stage):
    configure(log__level="loud")
    unit.systemctl("reload")
    assert "log.level" in logged(machine, "reload_refused")["error"]
    logged(machine, "processed", order_id=confirm(stage))
    assert unit.show("ActiveState") == "active"
    configure()


def test_rotation(machine, stage):
    check_rotation(machine, stage)


@pytest.mark.parametrize("user", ["root", "agent"])
def test_doctor(machine, keys, user):
    """Root has the daemon's variables, as the documentation says; an operator has keys, and is in its group."""
    own = " ".join(f"{name}={value}" for name, value in keys.items())
    with_variables = {"root": f"set -a; . {ENVIRONMENT}; set +a;", "agent": f"env {own}"}[user]
    done = machine.run(f"{with_variables} orderctl doctor --json", user=user, check=False)
    assert done.returncode == 0, done.stdout
    found = [json.loads(line) for line in done.stdout.splitlines()]
    here = ("unit.", "status.", "log.file", "log.rotation", "credentials.", "rights.", "settings.values")
    about = [line for line in found if line["check"].startswith(here)]
    assert {line["result"] for line in about} == {"ok"}, about
    units = {"unit.loaded", "unit.stop_timeout", "unit.open_files", "unit.watchdog", "unit.memory"}
    assert units <= {line["check"] for line in about}


# ends, and new beginnings


def test_restart_under_load(unit, stage):
    with Load(stage, "RESTART") as load:
        unit.systemctl("restart")
        load.until_more()
    assert (unit.show("Result"), unit.restarts) == ("success", 0)


def test_kill(machine, unit, stage):
    with Load(stage, "KILL") as load:
        machine.run(f"kill -KILL {unit.pid}")
        until("it is started again", lambda: unit.restarts == 1 and unit.show("ActiveState") == "active")
        load.until_more()


def test_hang(machine, unit, stage):
    """The whole process stands still, so that systemd gets no sign of life."""
    with unit.drop_in(f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n"), Load(stage, "HANG") as load:
        pid = unit.pid
        machine.run(f"kill -STOP {pid}")
        until("it is started again", lambda: unit.pid not in (0, pid) and unit.show("ActiveState") == "active")
        load.until_more()
    assert any("Failed with result 'watchdog'" in entry["MESSAGE"] for entry in unit.journal())


def test_bad_configuration(machine, unit, configure, stage):
    restarts = unit.restarts
    configure(queue__wait_seconds=21)
    assert unit.systemctl("restart", check=False).returncode != 0
    shown = machine.run("systemctl status --full orderd", check=False).stdout
    assert f"status={CONFIG_ERROR}/CONFIG" in shown, shown
    assert f"{CONFIG}:3: queue.wait_seconds = 21: must be a whole number from 0 to 20" in shown, shown
    # Only time can show that nothing happens: more than the pause before a new start.
    pause = re.fullmatch(r"(\d+)s", unit.show("RestartUSec"))
    time.sleep(int(pause[1]) + 1)
    assert (unit.show("ActiveState"), unit.show("ExecMainStatus")) == ("failed", str(CONFIG_ERROR))
    assert unit.restarts == restarts
    configure()
    unit.systemctl("start")
    confirm(stage)


def test_stop_under_load(machine, unit, stage):
    with Load(stage, "STOP"):
        began = time.monotonic()
        unit.systemctl("stop")
        assert time.monotonic() - began < DRAIN
        assert (unit.show("ActiveState"), unit.show("Result")) == ("inactive", "success")
        assert log_lines(machine)[-1]["event"] == "stopped"
        machine.run("test ! -e /run/orderd")
        unit.systemctl("start")


# what the sandbox lets through


def test_keys_of_a_signing_helper(machine, unit, account, configure, stage, tmp_path):
    """The samples for Roles Anywhere. The helper signs with the certificate's key, by another program, before it gives keys."""
    _, key, secret = account.make_worker()
    given = json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret})
    signed = "openssl dgst -sha256 -sign /etc/orderd/host.key -out /dev/null /etc/orderd/host.pem"
    machine.write("/usr/local/bin/aws_signing_helper", f"#!/bin/sh\n{signed} && echo '{given}'\n", 0o755)
    for name, file in zip(("key", "pem"), make_certificate(tmp_path, "host"), strict=True):
        machine.write(f"/etc/orderd/host.{name}", file.read_text())
    machine.run(f"cp {EXAMPLES}/aws-config /etc/orderd")
    machine.run("cd /etc/orderd; chmod 640 host.* aws-config; chown root:orderd host.* aws-config")
    configure()
    machine.run(f"install -m 600 {EXAMPLES}/environment {ENVIRONMENT}")
    unit.systemctl("restart")
    confirm(stage)
    assert logged(machine, "credentials_refreshed")["source"] == "profile default (credential_process)"


def test_keys_handed_in_by_systemd(machine, unit, account, configure, stage):
    """The sample for static keys."""
    _, key, secret = account.make_worker()
    text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    machine.write("/etc/orderd/aws-credentials", text, 0o600)
    configure({"AWS_EC2_METADATA_DISABLED": "true"})
    with unit.drop_in(machine.path(f"{EXAMPLES}/static-keys.conf").read_text()):
        confirm(stage)
        assert logged(machine, "credentials_refreshed")["source"] == "profile default"
        configure()


def test_keys_of_the_instance(machine, unit, account, configure, stage):
    instance = Instance(account.role_keys)
    try:
        configure({"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.url})
        unit.systemctl("restart")
        confirm(stage)
        assert logged(machine, "credentials_refreshed")["source"] == "instance metadata"
    finally:
        instance.stop()


def trust_of_the_system(machine, certificate):
    machine.write("/usr/local/share/ca-certificates/test.crt", certificate)
    machine.run("update-ca-certificates")
    return {}


def trust_of_a_file(machine, certificate):
    machine.write("/etc/orderd/ca.pem", certificate)
    return {"tls__ca_file": "/etc/orderd/ca.pem"}


@pytest.mark.parametrize("trust", [trust_of_the_system, trust_of_a_file], ids=lambda trust: trust.__name__)
def test_name_and_certificate_of_a_service(machine, unit, configure, stage, tmp_path, trust):
    name = f"{trust.__name__.replace('_', '-')}.test"
    key, certificate = make_certificate(tmp_path, name)
    more = trust(machine, certificate.read_text())
    with Resolver() as resolver, TlsFront(stage.emulator.url, key, certificate) as front:
        machine.write("/etc/resolv.conf", f"nameserver {resolver.address}\n")
        url = f"https://{name}:{front.port}"
        configure(endpoints__sqs=url, endpoints__dynamodb=url, **more)
        unit.systemctl("restart")
        confirm(stage)
        assert name in resolver.asked and front.connections > 0
        configure()
        unit.systemctl("restart")


# several environments, removal, purge


def test_two_environments(machine, account, keys):
    stages = {name: make_environment(machine, account, keys, name) for name in ("dev", "test")}
    machine.run("systemctl enable --now orderd@dev orderd@test")
    for name, stage in stages.items():
        confirm(stage, name)
        status = json.loads(machine.says(f"cat /run/orderd-{name}/status.json", user="agent"))
        assert (status["state"], status["environment"]) == ("running", name)
    assert machine.says("systemctl is-active orderd orderd@dev orderd@test").split() == ["active"] * 3
    check_rotation(machine, stages["dev"], log_of("dev"), "dev")


def test_removal(machine, unit):
    machine.run("dpkg --remove orderd")
    assert machine.run("pgrep -u orderd", check=False).stdout == ""
    assert unit.show("LoadState") == "not-found"
    assert machine.says("find /etc/systemd -name '*orderd*'") == ""
    assert machine.path(CONFIG).exists() and machine.path(LOG).exists()


def test_purge(machine, files_before):
    machine.run("dpkg --purge orderd")
    of_the_user = {f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")} | {"/etc/.pwd.lock"}
    assert machine.files() - files_before - of_the_user == set()
    machine.run("getent passwd orderd")


# an upgrade


def test_upgrade_under_load(request, machine, unit, account, configure, keys, stage):
    """The load is the instance's: test_restart_under_load has the same for the other one."""
    machine.install(request.config.getoption("older"))
    configure(log__file="")
    written = machine.path(CONFIG).read_text()
    stage_of_dev, dev = make_environment(machine, account, keys, "dev"), Unit(machine, "orderd@dev")
    machine.run("systemctl enable --now orderd orderd@dev")
    pids, version = (unit.pid, dev.pid), machine.says("orderd --version")
    with Load(stage_of_dev, "UPGRADE", "dev") as load:
        machine.install(request.config.getoption("newer"))
        load.until_more()
    # dpkg's part: what was changed stays, with the new one beside it, and what was not is replaced.
    assert machine.path(CONFIG).read_text() == written
    for path in (f"{CONFIG}.dpkg-dist", "/etc/logrotate.d/orderd"):
        assert "# older" not in machine.path(path).read_text()
    newer = machine.says("orderd --version")
    assert newer != version
    started = (unit.lines(), log_lines(machine, log_of("dev")))
    assert [f"orderd {told(lines, 'started')[-1]['version']}" for lines in started] == [newer] * 2
    for one, pid in zip((unit, dev), pids, strict=True):
        assert one.pid not in (0, pid)
        assert (one.show("UnitFileState"), one.show("NeedDaemonReload")) == ("enabled", "no")
    confirm(stage)


def test_next_boot(machine, unit, stage):
    machine.power_off()
    machine.boot()
    until("it has started with the machine", lambda: unit.show("ActiveState") == "active")
    confirm(stage)


def test_account(stage):
    """All that was sent is confirmed or dead, whatever has happened in between."""
    dead = stage.dead()
    assert list(dead.values()) == [NO_ORDER]
    good = {message: body for message, body in stage.sent.items() if message not in dead}
    assert expect.check_recorded(stage.items(), good) == {}
