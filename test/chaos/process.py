"""What the kernel knows of a process, and what can be done to one."""

import contextlib
import ctypes
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


# ptrace(2): a thread is stopped without a signal, and the others do not notice.
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # waitpid() for threads as well


def _ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, tid, None, None) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")


def threads(pid):
    """Name to id of a process's threads."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as file:
            found[file.read().strip()] = int(tid)
    return found


@contextlib.contextmanager
def thread_stopped(pid, name):
    """For a while one thread does not move, wherever it is. To be entered and left by the same thread."""
    tid = threads(pid)[name]
    _ptrace(PTRACE_SEIZE, tid)
    _ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            _ptrace(PTRACE_DETACH, tid)
