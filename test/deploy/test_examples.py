"""The examples can be planned as they stand, and what mocks do not show: default tags, and the READMEs' tables."""

import json
import re
import subprocess

import pytest

from terraform import MODULE, ROOT

EXAMPLES = sorted(MODULE.glob("examples/*/*.tfvars"))


@pytest.mark.parametrize("variables", EXAMPLES, ids=lambda path: path.stem)
def test_can_be_planned(tofu, module, variables):
    done = tofu.run(module, "test", "-json", "-filter=tests/plan.tftest.hcl", f"-var-file={variables}", check=False)
    assert done.returncode == 0, done.stdout


def test_names_its_own_state():
    keys = [line for path in EXAMPLES for line in (path.parent / "backend.hcl").read_text().splitlines()
            if line.startswith("key ")]
    assert [json.loads(key.split("=")[1]) for key in keys] == [f"order-processing/{path.stem}.tfstate" for path in EXAMPLES]


def test_states_are_encrypted_and_locked():
    backend = re.search(r'^  backend "s3" \{\n(.*?)^  \}', (MODULE / "versions.tf").read_text(), re.M | re.S)[1]
    assert backend.split() == "encrypt = true use_lockfile = true".split()


def test_everything_has_the_tags():
    for path, tags in (("versions.tf", r"local\.tags"), ("bootstrap/main.tf", r"\{\s+Environment = .*\s+Service +=")):
        provider = re.search(r'^provider "aws" \{(.*?)^\}', (MODULE / path).read_text(), re.M | re.S)[1]
        assert re.search(r"default_tags \{\s+tags = " + tags, provider), path


def test_readmes_say_what_the_module_takes():
    done = subprocess.run([ROOT / "test/deploy/module-docs", "--check", MODULE, MODULE / "bootstrap"], text=True,
                          stdout=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stdout
