"""Checkov finds nothing that is not named, with its reason, where it is excepted."""

import json
import re
import subprocess

from terraform import MODULE, ROOT

EXCEPTION = re.compile(r"checkov:skip=(\w+)(:?)(.*)")


def test_finds_nothing():
    done = subprocess.run([ROOT / "build" / "venv-checkov" / "bin" / "checkov", "--directory", MODULE,
                           "--framework", "terraform", "--skip-download", "--quiet", "--output", "json"],
                          text=True, stdout=subprocess.PIPE, check=False, timeout=240)
    report = json.loads(done.stdout)
    failed = [f'{c["check_id"]} {c["check_name"]}: {c["resource"]} ({c["file_path"]})'
              for c in report["results"]["failed_checks"]]
    assert not failed, "\n".join(failed)
    assert report["summary"]["passed"] > 50 and report["summary"]["parsing_errors"] == 0


def test_each_exception_has_a_reason():
    for path in MODULE.rglob("*.tf"):
        for check, _, reason in EXCEPTION.findall(path.read_text()):
            assert len(reason.split()) >= 3, f"{path.name}: {check} has no reason"
