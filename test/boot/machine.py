"""A machine that systemd-nspawn boots from a Debian tree, which it does not change: what it writes goes to memory.

It shares the network of whoever boots it, so what listens on loopback here is there as well. Commands are run in it by entering
its namespaces: no login, no agent, and systemctl behaves as for root at a console.
"""

import contextlib
import json
import os
import subprocess
from pathlib import Path

from notify import Notify
from wait import until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_SECONDS, OFF_SECONDS = 60, 30


class Machine:
    """Made in a mount namespace that ends with the test (boot.sh), so nothing is unmounted."""

    def __init__(self, tree, directory):
        self.root = directory / "root"
        self.console = directory / "console"
        self.written = set()
        mount("-t", "tmpfs", "tmpfs", directory)
        # nspawn keeps things of the machine's there, under its name
        mount("-t", "tmpfs", "tmpfs", "/run")
        for name in ("upper", "work", "root"):
            (directory / name).mkdir()
        layers = f"lowerdir={tree},upperdir={directory}/upper,workdir={directory}/work"
        mount("-t", "overlay", "overlay", "-o", layers, self.root)

    def __enter__(self):
        self.boot()
        return self

    def __exit__(self, *_):
        self.power_off()

    def boot(self):
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--notify-ready=yes"]
        command += ["--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off"]
        command += ["--machine=orderd-boot", f"--directory={self.root}"]
        with Notify() as notify, open(self.console, "wb") as console:
            env = {"PATH": os.environ["PATH"]} | notify.env
            self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
            over = lambda: notify.times("READY", "1") or self._process.poll() is not None  # noqa: E731
            until("it has booted", over, BOOT_SECONDS)
            assert self._process.poll() is None, f"nspawn: {self.console.read_text()[-3000:]}"
            self._leader = notify.values("X_NSPAWN_LEADER_PID")[-1]

    def power_off(self):
        self.run("systemctl poweroff", check=False)
        try:
            self._process.wait(OFF_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def run(self, line, check=True, seconds=60, user="root"):
        """Runs a line of shell and returns the completed process with its text, standard error included."""
        command = ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--"]
        command += ["sh", "-c", line] if user == "root" else ["runuser", "-u", user, "--", "sh", "-c", line]
        done = subprocess.run(
            command, env={"PATH": PATH, "LANG": "C.UTF-8"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}"
        return done

    def says(self, line, **more):
        return self.run(line, **more).stdout.strip()

    def path(self, name):
        """A file of the machine's, for the programs here. Not for what is on a file system of its own there (/run, /tmp)."""
        return self.root / name.lstrip("/")

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        self.written.add(name)

    def install(self, package):
        """As apt would in the end, where nobody is asked about files that were changed: what dpkg proposes is done."""
        (self.root / "root" / package.name).write_bytes(package.read_bytes())
        self.run(f"DEBIAN_FRONTEND=noninteractive dpkg --force-confdef -i /root/{package.name}")
        (self.root / "root" / package.name).unlink()

    def files(self):
        """Every path that outlasts a boot, but for what `write` made and what the system keeps for itself."""
        own = ("/var/log/journal", "/var/lib/logrotate", "/var/cache", "/etc/ssl/certs")
        left_out = " -o ".join(f"-path {path}" for path in own)
        return set(self.says(f"find / -xdev \\( {left_out} \\) -prune -o -print").splitlines()) - self.written


class Unit:
    """A unit of the machine's: its properties, and what the journal has of it."""

    def __init__(self, machine, name="orderd"):
        self.machine, self.name = machine, name

    def systemctl(self, verb, **more):
        return self.machine.run(f"systemctl {verb} {self.name}", **more)

    def show(self, name):
        return self.machine.says(f"systemctl show --value -p {name} {self.name}")

    @property
    def pid(self):
        return int(self.show("MainPID"))

    @property
    def restarts(self):
        return int(self.show("NRestarts"))

    def journal(self):
        """The entries of the unit, systemd's about it included, oldest first."""
        return [json.loads(line) for line in self.machine.says(f"journalctl -u {self.name} -o json").splitlines()]

    def lines(self):
        """The log's lines of every run so far, each with `priority`, the journal's."""
        said = [entry for entry in self.journal() if entry["SYSLOG_IDENTIFIER"] == "orderd"]
        return [json.loads(entry["MESSAGE"]) | {"priority": int(entry["PRIORITY"])} for entry in said]

    @contextlib.contextmanager
    def drop_in(self, text):
        """For a while the unit has more, or other, settings."""
        directory = f"/etc/systemd/system/{self.name}.service.d"
        self.machine.write(f"{directory}/test.conf", text)
        self.machine.run(f"systemctl daemon-reload && systemctl restart {self.name}")
        yield
        self.machine.run(f"rm -r {directory} && systemctl daemon-reload && systemctl restart {self.name}")


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True, timeout=30)
