"""The programs of a measurement while they run: watched, pinned to a CPU, ended in any case."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

POLL_SECONDS = 0.01  # between two looks at a running program
STOP_SECONDS = 60    # a program has this long to end after SIGTERM
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


class BenchError(Exception):
    """The measurement could not be made, or what was measured is not what should have run."""


def tail_of(path, lines=5):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Child:
    """A program under watch: its CPU set, its end with what it used, its memory on the way."""

    def __init__(self, argv, cpu, env, output):
        prctl = ctypes.CDLL(None, use_errno=True).prctl

        def prepare():
            os.sched_setaffinity(0, {cpu})
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        self.name = os.path.basename(argv[0])
        self.output = output
        self.usage = None
        self.peak_kb = 0
        with open(output, "wb") as file:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                preexec_fn=prepare)

    def look(self):
        """Notes the peak of memory; returns whether the program still runs.

        What it used is kept when it has ended.
        """
        if self.usage is not None:
            return False
        self.peak_kb = max(self.peak_kb, self.read_kb("status", "VmHWM"))
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return True
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.usage = usage
        return False

    def read_kb(self, file, field):
        """Reads a field of /proc/PID/FILE; 0 when the program is gone."""
        try:
            text = pathlib.Path(f"/proc/{self.process.pid}/{file}").read_text()
        except OSError:
            return 0
        for line in text.splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        return 0

    def resident_kb(self):
        """Counted page by page: on some kernels the figures in status lag behind."""
        return self.read_kb("smaps_rollup", "Rss")

    def stop(self, seconds):
        if self.look():
            self.process.send_signal(signal.SIGTERM)
        self.wait(seconds)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.look():
            if time.monotonic() > end:
                raise BenchError(f"{self.name} did not end within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def kill(self):
        if self.usage is None:
            self.process.kill()
            self.wait(10)

    def tail(self, lines=5):
        return tail_of(self.output, lines)

    def expect_success(self):
        if self.process.returncode != 0:
            status = self.process.returncode
            raise BenchError(f"{self.name} ended with status {status}:\n{self.tail()}")


class Standin:
    """The two services' stand-in, started for one run."""

    def __init__(self, bench, scenario, directory):
        self.orders = scenario.orders
        self.scenario = scenario
        self.port_file = directory / "ports"
        argv = [str(bench.bin / "standin"), "--port-file", str(self.port_file),
                "--orders", str(scenario.orders), "--body-bytes", bench.sizes(scenario),
                "--latency-ms", str(scenario.latency_ms),
                "--max-seconds", str(int(scenario.limit_seconds()) + 2 * STOP_SECONDS)]
        if bench.service_cpu != bench.program_cpu:
            argv.append("--spin")
        if scenario.secure:
            argv += ["--cert", str(bench.certificate), "--key", str(bench.key)]
        self.child = Child(argv, bench.service_cpu, bench.env, directory / "standin.out")

    def url(self):
        """Waits for the ports to be open."""
        end = time.monotonic() + 20
        while not self.port_file.exists():
            if not self.child.look() or time.monotonic() > end:
                raise BenchError(f"the stand-in did not start:\n{self.child.tail()}")
            time.sleep(POLL_SECONDS)
        ports = dict(line.split() for line in self.port_file.read_text().splitlines())
        scheme = "https" if self.scenario.secure else "http"
        return f"{scheme}://127.0.0.1:{ports[scheme]}"

    def deleted(self):
        """Returns how many orders' messages are deleted, to a tenth of them."""
        lines = pathlib.Path(self.child.output).read_text().splitlines()
        told = (int(line.split()[1]) for line in lines if line.startswith("deleted "))
        return max(told, default=0)

    def stats(self):
        self.child.stop(20)
        self.child.expect_success()
        return json.loads(self.child.tail(1))
