"""tofu, and a provider that knows what the real one takes: how the modules are judged without AWS."""

import json
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE = ROOT / "deploy" / "terraform"
# Of the provider, each with its schema: the oldest that the modules allow, and the one that most is tested with.
OLDEST, USUAL = "5.31.0", "6.25.0"
REQUIREMENT = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'


class Tofu:
    """tofu with the stand-in for the provider, set up in a directory of its own."""

    def __init__(self, directory, program, provider, version, schema):
        self.program = program
        self.settings = directory / "tofu.rc"
        self.settings.write_text("")
        mirror = directory / "mirror" / self.address(directory) / version / self.platform()
        mirror.mkdir(parents=True)
        shutil.copy(provider, mirror / f"terraform-provider-aws_v{version}")
        (mirror / "schema.json").write_text(schema)
        self.settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{directory / "mirror"}"\n  }}\n}}\n')

    def run(self, folder, *arguments, check=True):
        env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        env.update(TF_CLI_CONFIG_FILE=str(self.settings), TF_IN_AUTOMATION="1", CHECKPOINT_DISABLE="1")
        done = subprocess.run([self.program, *arguments], cwd=folder, env=env, text=True, timeout=240,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check:
            assert done.returncode == 0, f"tofu {' '.join(arguments)}:\n{done.stdout}"
        return done

    def address(self, directory):
        """The provider's whole address, registry and all, as tofu itself makes it of the short one."""
        probe = directory / "probe"
        probe.mkdir()
        (probe / "main.tf").write_text(REQUIREMENT)
        return re.search(r"provider\[(\S+)\]", self.run(probe, "providers", "-no-color").stdout)[1]

    def platform(self):
        version = self.run(self.settings.parent, "version", "-json").stdout
        return json.loads(version)["platform"]

    def init(self, folder):
        self.run(folder, "init", "-backend=false", "-no-color", "-input=false")
        return folder

    def validate(self, folder):
        """What validate finds: "" or its diagnostics as text."""
        found = json.loads(self.run(folder, "validate", "-json", check=False).stdout)
        return "\n".join(f'{d["summary"]}: {d.get("detail", "")}' for d in found["diagnostics"])
