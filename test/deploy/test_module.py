"""The modules themselves: their form, their arguments, and what their own tests assert of them."""

import json
import re

import pytest

from terraform import MODULE, OLDEST

FOLDERS = sorted({path.parent.relative_to(MODULE) for path in MODULE.rglob("*.tf")})


def test_has_the_usual_form(tofu):
    done = tofu.run(MODULE, "fmt", "-check", "-recursive", "-diff", "-no-color", check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_is_valid(tofu, module, folder):
    assert tofu.validate(tofu.init(module / folder)) == ""


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_is_valid_for_the_oldest_provider(oldest_tofu, oldest_module, folder):
    assert oldest_tofu.validate(oldest_tofu.init(oldest_module / folder)) == ""


def test_allows_no_older_provider():
    for folder in FOLDERS:
        found = re.findall(r'version = ">= ([\d.]+), ', "".join(path.read_text() for path in (MODULE / folder).glob("*.tf")))
        assert [f"{version}.0" for version in found] == [OLDEST]


def test_can_be_planned_with_the_oldest_provider(oldest_tofu, oldest_module):
    production = MODULE / "examples" / "production" / "production.tfvars"
    oldest_tofu.run(oldest_module, "test", "-filter=tests/plan.tftest.hcl", f"-var-file={production}")


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_does_what_its_tests_say(tofu, module, folder):
    done = tofu.run(tofu.init(module / folder), "test", "-json", check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    failed = [f'{e["@message"]}\n{e.get("diagnostic", {}).get("detail", "")}' for e in events
              if e.get("type") == "diagnostic" or e.get("test_run", {}).get("status") in ("fail", "error")]
    summary = [e["test_summary"] for e in events if e.get("type") == "test_summary"]
    assert done.returncode == 0 and not failed, "\n".join(failed) or done.stdout
    assert summary[0]["passed"] >= len(list((MODULE / folder / "tests").glob("*.tftest.hcl")))
    assert summary[0]["skipped"] == 0


def test_only_another_hold_makes_another_group(tofu, module):
    """The provider changes no hook of a group that is there; everything else replaces the hosts half by half."""
    done = tofu.run(module, "test", "-json", "-verbose", "-filter=tests/hosts.tftest.hcl")
    plans = {e["@testrun"]: e["test_plan"]["resource_changes"] for e in map(json.loads, done.stdout.splitlines())
             if e["type"] == "test_plan"}
    group, policy = "aws_autoscaling_group.host[0]", "aws_autoscaling_policy.backlog[0]"

    def actions(run):
        return {c["address"]: c["change"]["actions"] for c in plans[run] if c["address"] in (group, policy)}

    assert [made for made in actions("another_size").values() if "delete" in made] == []
    assert actions("another_timeout") == {group: ["delete", "create"], policy: ["delete", "create"]}


def test_every_folder_of_tests_is_run():
    assert {p.parent for p in MODULE.rglob("*.tftest.hcl")} == {MODULE / folder / "tests" for folder in FOLDERS}
