"""What every end-to-end test gets: an emulator for the session, a stage of its own, and orderd to start on it."""

import collections
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "setup"), str(HERE.parent / "chaos")]

from daemon import Program, environment  # noqa: E402
from emulator import Emulator  # noqa: E402
from notify import Notify  # noqa: E402
from rig import Rig  # noqa: E402
from stage import Stage, client  # noqa: E402


# What was started in the background of a script ignores SIGINT, and so would all programs here; with a handler they begin
# with what is usual.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    for program in ("orderd", "orderctl"):
        default = os.environ.get(program.upper(), ROOT / "build" / program)
        parser.addoption(f"--{program}", default=default, help=f"the {program} to test (or the variable {program.upper()})")


def pytest_configure(config):
    for program in ("orderd", "orderctl"):
        if not os.access(config.getoption(f"--{program}"), os.X_OK):
            raise pytest.UsageError(f"there is no program {config.getoption(f'--{program}')}: run make first")


def pytest_collection_modifyitems(items):
    """A file is one process's work; the files that take longest start first, so that the processes end at about the same time."""
    seconds = collections.Counter()
    for item in items:
        seconds[item.path] += max((mark.args[0] for mark in item.iter_markers("takes")), default=0.3)
    items.sort(key=lambda item: -seconds[item.path])


def program_path(config, name):
    return Path(config.getoption(f"--{name}")).resolve()


@pytest.fixture(scope="session")
def emulator():
    emulator = Emulator()
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def clients(emulator):
    return client("sqs", emulator.url), client("dynamodb", emulator.url)


@pytest.fixture(scope="session")
def make_stage(emulator, clients):
    return lambda **more: Stage(emulator, *clients, **more)


@pytest.fixture
def stage(make_stage):
    return make_stage()


@pytest.fixture
def orderd(request, tmp_path):
    program = Program(program_path(request.config, "orderd"), tmp_path)
    yield program
    program.end()


@pytest.fixture
def make_rig(make_stage, orderd, tmp_path):
    """A stage behind a proxy, with daemons on it; gone, and judged, after the test."""
    rigs = []

    def make(stage=None, **more):
        slow = Program(orderd.binary.parent / "test" / "orderd-slow", tmp_path / f"slow-{len(rigs)}")
        slow.directory.mkdir()
        rigs.append(Rig(stage or make_stage(**more), orderd, slow))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.end()


@pytest.fixture
def rig(make_rig):
    return make_rig()


@pytest.fixture
def make_notify():
    """Listeners in the place of systemd; gone after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **more: stack.enter_context(Notify(**more))


@pytest.fixture
def notify(make_notify):
    return make_notify()


@pytest.fixture(scope="module")
def orderd_of_module(request, tmp_path_factory):
    """For one run that many tests look at."""
    program = Program(program_path(request.config, "orderd"), tmp_path_factory.mktemp("orderd"))
    yield program
    program.end()


@pytest.fixture
def orderctl(request, tmp_path, stage):
    """Runs orderctl on the stage and returns the completed process."""
    program = Program(program_path(request.config, "orderctl"), tmp_path)
    env = environment(
        tmp_path, stage.emulator.url, ORDERD_QUEUE_URL=stage.queue_url, ORDERD_TABLE_NAME=stage.table
    )  # fmt: skip
    return lambda *arguments, **more: program.run(*arguments, env=env, **more)
