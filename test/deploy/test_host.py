"""What a host does at its first start, and how it ends: host.sh is run, with stand-ins for what it calls."""

import os
import re
import subprocess

import pytest

from terraform import MODULE

CONF = 'region = "eu-central-1";\nlog: { file = "/var/log/orderd/orderd.log"; };\n'
SETTINGS = {"region": "eu-central-1", "architecture": "arm64", "package": "bucket/packages/orderd_0.1.0_arm64.deb",
            "orderd_conf": CONF, "agent_json": '{"logs": {}}', "memory_mb": "512", "stop_seconds": "105"}
AGENT = "/opt/aws/amazon-cloudwatch-agent"

# Each notes how it was called; curl also what it was given by the pipe, and answers as the metadata would.
NOTES = 'echo "${0##*/} $*" >>"$CALLS"\n'
CURL = NOTES + r"""
case "$*" in
    *--config*) sed 's/^/curl gets /' >>"$CALLS" ;;
    *spot/instance-action*) exit "${NO_SPOT:-22}" ;;
    *target-lifecycle-state*) echo "${STATE:-InService}" ;;
    *api/token*) echo TOKEN ;;
    *security-credentials/ROLE*) printf '{\n  "AccessKeyId" : "AKID",\n  "SecretAccessKey" : "se/cr+et",\n  "Token" : "to/ken=="\n}\n' ;;
    *security-credentials/*) echo ROLE ;;
esac
"""


class Host:
    """A directory that host.sh takes for the file system, and the calls that were made."""

    def __init__(self, root):
        self.root, self.calls = root, root / "calls"
        for folder in ("bin", "etc/apt/sources.list.d", "usr/local/sbin", "root", f"{AGENT[1:]}/etc", f"{AGENT[1:]}/bin"):
            (root / folder).mkdir(parents=True)
        (root / "etc/apt/sources.list.d/debian.sources").write_text("URIs: http://deb.debian.org/debian\n")
        for name in ("apt-get", "systemctl", "sleep"):
            self.program(f"bin/{name}", NOTES)
        self.program("bin/curl", CURL)
        self.program(f"{AGENT[1:]}/bin/amazon-cloudwatch-agent-ctl", NOTES)

    def program(self, path, text):
        (self.root / path).write_text("#!/bin/bash\n" + text)
        (self.root / path).chmod(0o755)

    def run(self, script, **variables):
        """Runs a script with this directory in the place of the root of all that it writes."""
        script = re.sub(r"(?<![\w=])/(etc|usr/local|root|opt)/", rf"{self.root}/\1/", script)
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "CALLS": str(self.calls), **variables}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout
        return self.calls.read_text().splitlines()

    def read(self, path):
        return (self.root / path).read_text()


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.fixture
def script():
    return "".join(f"{name}='{value}'\n" for name, value in SETTINGS.items()) + (MODULE / "host.sh").read_text()


def test_is_a_clean_script(tmp_path, script):
    path = tmp_path / "user-data.sh"
    path.write_text("#!/bin/bash\nset -euo pipefail\n" + script)
    subprocess.run(["shellcheck", path], check=True)


def test_is_given_every_variable_that_it_uses(script):
    given = re.findall(r"^    (\w+)='?\$\{", (MODULE / "hosts.tf").read_text(), re.M)
    assert sorted(given) == sorted(SETTINGS)
    assert all(re.search(rf"\$\{{?{name}\b", script) for name in SETTINGS)


def test_installs_and_starts(host, script):
    calls = host.run(script)
    assert host.read("etc/orderd/orderd.conf") == CONF
    assert host.read("etc/systemd/system/orderd.service.d/host.conf") == "[Service]\nMemoryMax=512M\nTimeoutStopSec=105\n"
    assert host.read(f"{AGENT[1:]}/etc/orderd.json") == SETTINGS["agent_json"]
    assert host.read("etc/apt/sources.list.d/debian.sources") == "URIs: https://deb.debian.org/debian\n"
    assert any(re.match(r"apt-get .*--force-confold install .*/root/orderd\.deb$", call) for call in calls)
    assert any("-a fetch-config -m ec2 -s -c file:" in call for call in calls)
    assert any("https://amazoncloudwatch-agent-eu-central-1.s3.eu-central-1.amazonaws.com/debian/arm64/latest/"
               "amazon-cloudwatch-agent.deb" in call for call in calls)
    assert calls[-1] == "systemctl enable --now orderd orderd-drain"


def test_signs_the_request_for_the_package(host, script):
    calls = host.run(script)
    fetch = next(call for call in calls if "orderd_0.1.0_arm64.deb" in call)
    assert "https://s3.eu-central-1.amazonaws.com/bucket/packages/orderd_0.1.0_arm64.deb" in fetch
    assert "--aws-sigv4 aws:amz:eu-central-1:s3" in fetch
    assert 'curl gets user = "AKID:se/cr+et"' in calls
    assert 'curl gets header = "x-amz-security-token: to/ken=="' in calls
    assert not [call for call in calls if not call.startswith("curl gets") and ("se/cr+et" in call or "to/ken" in call)]


@pytest.mark.parametrize("variables", [{"STATE": "Terminated"}, {"NO_SPOT": "0"}], ids=["scale-in", "spot"])
def test_stops_orderd_before_its_end(host, script, variables):
    host.run(script)
    calls = host.run(host.read("usr/local/sbin/orderd-drain"), **variables)
    assert calls[-1] == "systemctl stop orderd"


def test_lets_orderd_run_while_it_is_in_service(host, script):
    host.run(script)
    host.program("bin/sleep", NOTES + '[ "$(grep -c "^sleep" "$CALLS")" -lt 4 ]\n')
    drain = host.read("usr/local/sbin/orderd-drain")
    calls = host.run(drain)
    assert len([call for call in calls if call.startswith("sleep")]) == 4
    assert "systemctl stop orderd" not in calls
