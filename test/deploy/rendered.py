"""What Terraform makes of the module, with ARNs as the emulator's: the values that a real apply would send to AWS."""

import base64
import json
import re

from rights import queue_arn, table_arn

RUN = "rendered.tftest.hcl"
TEST = """
mock_provider "aws" {{}}

variables {{
  environment_suffix = "{suffix}"
  hosts              = 1
  subnet_ids         = ["subnet-1"]
  package_s3_uri     = "s3://bucket/orderd_0.1.0_arm64.deb"
}}

override_resource {{
  target = aws_sqs_queue.order_queue
  values = {{ arn = "{queue}" }}
}}

override_resource {{
  target = aws_sqs_queue.dlq
  values = {{ arn = "{dlq}" }}
}}

override_resource {{
  target = aws_dynamodb_table.order_status
  values = {{ arn = "{table}" }}
}}

run "rendered" {{}}
"""


class Rendered:
    """The resources of one environment, by address. Blocks are lists, as in the state."""

    def __init__(self, tofu, module, suffix):
        self.suffix = suffix
        arns = {what: queue_arn(self.name(what)) for what in ("queue", "dlq")}
        (module / RUN).write_text(TEST.format(suffix=suffix, table=table_arn(self.name("status")), **arns))
        done = tofu.run(module, "test", "-json", "-verbose", f"-filter={RUN}")
        (module / RUN).unlink()
        states = [json.loads(line)["test_state"] for line in done.stdout.splitlines() if '"type":"test_state"' in line]
        assert len(states) == 1, done.stdout
        resources = states[0]["values"]["root_module"]["resources"]
        self._values = {r["address"]: r["values"] for r in resources}
        # made before it, and destroyed after it
        self.before = {r["address"]: set(r.get("depends_on", ())) for r in resources}
        self.outputs = {name: output["value"] for name, output in states[0]["values"]["outputs"].items()}

    def name(self, what):
        """The name of the queue, dlq or status (table): design and documents promise them, and the module has to agree."""
        return f"order-processing-{what}{self.suffix and '-'}{self.suffix}"

    def __getitem__(self, address):
        return self._values[address]

    def of_type(self, kind):
        """The values of every resource of a type."""
        return [values for address, values in self._values.items() if address.startswith(f"{kind}.")]

    def policy(self, name):
        return json.loads(self[f"aws_iam_policy.{name}"]["policy"])

    @property
    def queue_policies(self):
        return [json.loads(values["policy"]) for values in self.of_type("aws_sqs_queue_policy")]

    @property
    def agent(self):
        """The settings of the CloudWatch agent, in the hosts' user data, about the one file that it ships."""
        user_data = base64.b64decode(self["aws_launch_template.host[0]"]["user_data"]).decode()
        settings = json.loads(re.search(r"agent_json='(.*)'", user_data)[1])
        (entry,) = settings["logs"]["logs_collected"]["files"]["collect_list"]
        return entry
