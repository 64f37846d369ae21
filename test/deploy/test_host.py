"""What a host does at its first start, and how it ends: host.sh is run, with stand-ins for what it calls."""

import os
import re
import subprocess

import pytest

from terraform import MODULE

CONF = 'region = "eu-central-1";\nlog: { file = "/var/log/orderd/orderd.log"; };\n'
SETTINGS = {"region": "eu-central-1", "domain": "amazonaws.com", "architecture": "arm64", "package": "bucket/packages/orderd_0.1.0_arm64.deb",
            "orderd_conf": CONF, "agent_json": '{"logs": {}}', "memory_mb": "512", "stop_seconds": "105"}
AGENT = "/opt/aws/amazon-cloudwatch-agent"

# Each notes how it was called; curl also what it was given by the pipe, and answers as the metadata would: 401 without a token.
NOTES = 'echo "${0##*/} $*" >>"$CALLS"\n'
CURL = NOTES + r"""
case "$*" in
    *--config*) sed 's/^/curl gets /' >>"$CALLS" ;;
    *169.254.169.254/latest/meta-data/*"-H X-aws-ec2-metadata-token: TOKEN"*) ;;
    *"-H X-aws-ec2-metadata-token: TOKEN"*169.254.169.254/latest/meta-data/*) ;;
    *169.254.169.254/latest/meta-data/*) exit 22 ;;
esac
case "$*" in
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
        for name in ("apt-get", "systemctl", "sleep", "poweroff"):
            self.program(f"bin/{name}", NOTES)
        self.program("bin/curl", CURL)
        self.program(f"{AGENT[1:]}/bin/amazon-cloudwatch-agent-ctl", NOTES)

    def program(self, path, text):
        (self.root / path).write_text("#!/bin/bash\n" + text)
        (self.root / path).chmod(0o755)

    def run(self, script, good=True, **variables):
        """Runs a script with this directory in the place of the root of all that it writes; good: it ends well."""
        script = re.sub(r"(?<![\w=])/(etc|usr/local|root|opt)/", rf"{self.root}/\1/", script)
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "CALLS": str(self.calls), **variables}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert (done.returncode == 0) is good, done.stdout
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
    assert calls[-2:] == ["systemctl daemon-reload", "systemctl enable --now orderd orderd-drain"]


def test_tries_again_what_may_pass(host, script):
    calls = host.run(script)
    fetches = [call for call in calls if call.startswith("curl -")]
    assert len(fetches) == 5 and all("--retry 8 --retry-all-errors" in call for call in fetches)
    installs = [call for call in calls if call.startswith("apt-get")]
    assert len(installs) == 4 and all("Acquire::Retries=5 -o DPkg::Lock::Timeout=300" in call for call in installs)


def test_waits_for_the_lists_of_apt(host, script):
    host.program("bin/apt-get", NOTES + '[[ $* != *update || $(grep -c "^sleep 10" "$CALLS") = 2 ]]\n')
    calls = host.run(script)
    assert calls.count("sleep 10") == 2
    assert "poweroff " not in calls


@pytest.mark.parametrize("program, arguments, updates", [
    ("apt-get", "*update", 30), ("apt-get", "*orderd.deb", 1), ("curl", "*ROLE*", 1), ("curl", "*cloudwatch*", 1),
    ("systemctl", "enable*", 1),
])  # fmt: skip
def test_ends_a_host_that_does_not_come_to_run_orderd(host, script, program, arguments, updates):
    usual = CURL if program == "curl" else NOTES
    host.program(f"bin/{program}", f"{usual}[[ $* != {arguments} ]]\n")
    calls = host.run(script, good=False)
    assert calls[-1] == "poweroff "
    assert len([call for call in calls if call.startswith("apt-get") and call.endswith("update")]) == updates


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
