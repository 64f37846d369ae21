import pathlib
import shutil
import subprocess
import sys

import pytest

from terraform import MODULE, ROOT, Tofu


def setup(script, *arguments):
    done = subprocess.run([ROOT / "test" / "setup" / script, *arguments], text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.strip()


def schema_of(tarball, *modules):
    return subprocess.run([sys.executable, ROOT / "test" / "deploy" / "schema.py", tarball, *modules],
                          text=True, stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture(scope="session")
def provider():
    """The directory of the stand-in, and the package that its schema is read from."""
    directory = ROOT / "build" / "deploy"
    return directory, pathlib.Path(setup("provider.sh", directory))


@pytest.fixture(scope="session")
def tofu(tmp_path_factory, provider):
    directory, tarball = provider
    return Tofu(tmp_path_factory.mktemp("tofu"), setup("tofu.sh"), directory / "terraform-provider-aws",
                schema_of(tarball, MODULE))


@pytest.fixture(scope="session")
def module(tmp_path_factory, tofu):
    """A copy of deploy/ whose module was initialised."""
    deploy = tmp_path_factory.mktemp("copy") / "deploy"
    shutil.copytree(ROOT / "deploy", deploy)
    return tofu.init(deploy / "terraform")
