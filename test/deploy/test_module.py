"""The modules themselves: their form, their arguments, and what their own tests assert of them."""

import json
import pathlib

import pytest

from terraform import MODULE

FOLDERS = sorted({path.parent.relative_to(MODULE) for path in MODULE.rglob("*.tf")})


def test_has_the_usual_form(tofu):
    done = tofu.run(MODULE, "fmt", "-check", "-recursive", "-diff", "-no-color", check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_is_valid(tofu, module, folder):
    assert tofu.validate(tofu.init(module / folder)) == ""


def test_does_what_its_tests_say(tofu, module):
    done = tofu.run(module, "test", "-json", check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    failed = [f'{e["@message"]}\n{e.get("diagnostic", {}).get("detail", "")}' for e in events
              if e.get("type") == "diagnostic" or e.get("test_run", {}).get("status") in ("fail", "error")]
    summary = [e["test_summary"] for e in events if e.get("type") == "test_summary"]
    assert done.returncode == 0 and not failed, "\n".join(failed) or done.stdout
    assert summary[0]["passed"] >= len(list((MODULE / "tests").glob("*.tftest.hcl")))
    assert summary[0]["skipped"] == 0


def test_every_folder_of_tests_is_run():
    assert {p.parent for p in MODULE.rglob("*.tftest.hcl")} == {pathlib.Path(MODULE / "tests")}
