"""The machine of all tests, the account that it works with, and what to show when a test fails."""

import signal
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("setup", "e2e")]

from keys import Account  # noqa: E402
from machine import Machine, Unit  # noqa: E402

# What was started in the background of a script ignores SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--tree", type=Path, required=True, help="a Debian, which is only read")
    parser.addoption("--directory", type=Path, required=True, help="where the machine is put together, in memory")
    parser.addoption("--newer", type=Path, required=True, help="the package to test")
    parser.addoption("--older", type=Path, required=True, help="one of a lower version")


def pytest_report_teststatus(report, config):
    """Each step with its seconds."""
    if report.when == "call" and report.passed:
        return "passed", ".", f"ok {report.duration:5.1f} s"
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.failed and machine:
        for line in ("journalctl -n 60 -o short-precise", "tail -n 30 /var/log/orderd/orderd.log"):
            report.sections.append((line, machine.says(line, check=False)))


@pytest.fixture(scope="session")
def machine(request):
    option = request.config.getoption
    with Machine(option("tree"), option("directory")) as machine:
        yield machine


@pytest.fixture(scope="session")
def account():
    account = Account()
    yield account
    account.stop()


@pytest.fixture(scope="session")
def stage(account):
    return account.stage()


@pytest.fixture(scope="session")
def unit(machine):
    return Unit(machine)
