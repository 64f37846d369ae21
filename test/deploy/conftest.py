import contextlib
import shutil
import signal
import subprocess
import sys

import pytest

from terraform import MODULE, OLDEST, ROOT, USUAL, Tofu

sys.path[:0] = [str(ROOT / "test" / folder) for folder in ("setup", "e2e", "chaos")]

from emulator import Emulator  # noqa: E402
from play import Play  # noqa: E402
from rendered import Rendered  # noqa: E402

# What was started in the background of a script ignores SIGINT, and so would all programs here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def setup(script, *arguments):
    done = subprocess.run([ROOT / "test" / "setup" / script, *arguments], text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.strip()


def schema_of(tarball, *modules):
    return subprocess.run([sys.executable, ROOT / "test" / "deploy" / "schema.py", tarball, *modules],
                          text=True, stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture(scope="session")
def make_tofu(tmp_path_factory):
    """Makes a tofu with a version of the provider."""
    directory = ROOT / "build" / "deploy"
    tarballs = dict(line.split() for line in setup("provider.sh", directory).splitlines())
    program = setup("tofu.sh")
    return lambda version: Tofu(tmp_path_factory.mktemp("tofu"), program, directory / "terraform-provider-aws", version,
                                schema_of(tarballs[version], MODULE))


@pytest.fixture(scope="session")
def tofu(make_tofu):
    return make_tofu(USUAL)


@pytest.fixture(scope="session")
def oldest_tofu(make_tofu):
    return make_tofu(OLDEST)


@pytest.fixture(scope="session")
def copy_module(tmp_path_factory):
    """Makes a copy of deploy/ whose module was initialised by a tofu."""
    def copy(tofu):
        deploy = tmp_path_factory.mktemp("copy") / "deploy"
        shutil.copytree(ROOT / "deploy", deploy)
        return tofu.init(deploy / "terraform")

    return copy


@pytest.fixture(scope="session")
def module(copy_module, tofu):
    return copy_module(tofu)


@pytest.fixture(scope="session")
def oldest_module(copy_module, oldest_tofu):
    return copy_module(oldest_tofu)


@pytest.fixture(scope="session")
def rendered(tofu, module):
    """What the module makes of two environments, by their suffixes."""
    return {suffix: Rendered(tofu, module, suffix) for suffix in ("", "dev")}


@pytest.fixture(scope="session")
def plays(rendered, tmp_path_factory):
    """Both environments on one emulator, by their suffixes. In "" are daemons that lack a right each; "dev" had its run."""
    with contextlib.ExitStack() as stack:
        emulator = Emulator()
        stack.callback(emulator.stop)
        made = {}
        for suffix in rendered:
            made[suffix] = Play(emulator, rendered[suffix], tmp_path_factory.mktemp("play"))
            stack.callback(made[suffix].end)
        # these first, as one of them is patient for half a minute
        made[""].lack("dynamodb:UpdateItem", "sqs:ReceiveMessage", "sqs:DeleteMessage")
        made["dev"].work()
        made["dev"].operate()
        yield made
