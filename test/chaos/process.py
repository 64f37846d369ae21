"""What the kernel knows of a process, and what can be done to one."""

import contextlib
import os
import resource
import signal
import time


def status(pid, name):
    """A number of /proc/PID/status, in kB where it is memory."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise KeyError(name)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Cpu:
    """The share of one processor that a process used since this was made."""

    def __init__(self, pid):
        self._pid, self._began, self._cpu = pid, time.monotonic(), cpu_seconds(pid)

    def share(self):
        return (cpu_seconds(self._pid) - self._cpu) / (time.monotonic() - self._began)


@contextlib.contextmanager
def limited(pid, kind, soft):
    """For a while the process has no more than SOFT of a resource."""
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (soft, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, kind, before)


@contextlib.contextmanager
def stopped(pid):
    """For a while the process does not run at all, as on a machine that sleeps."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
