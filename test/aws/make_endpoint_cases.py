#!/usr/bin/env python3
"""Makes endpoint_cases.json beside this file: where botocore's rules say that each service is.

    python make_endpoint_cases.py

Every region of every partition and some that nobody knows yet, with and without FIPS and dual stack. Left out are the names that
stand for no region ("aws-global"), which orderd refuses. STS is asked for its regional endpoint and DynamoDB without an account.
"""

import itertools
import json
import pathlib

import botocore.loaders
from botocore.endpoint_provider import EndpointProvider

SERVICES = ("sqs", "dynamodb", "sts")
UNKNOWN = ("us-east-99", "xx-nowhere-1", "cn-south-7", "us-gov-north-3", "eusc-de-west-2", "us-iso-north-9", "us-isob-north-9",
           "us-isof-north-9", "eu-isoe-north-9")  # fmt: skip


def cases():
    loader = botocore.loaders.create_loader()
    partitions = loader.load_data("partitions")
    regions = [name for part in partitions["partitions"] for name in part["regions"] if not name.endswith("-global")]
    for service in SERVICES:
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        more = UNKNOWN + (("local",) if service == "dynamodb" else ())
        for region, fips, dual_stack in itertools.product(regions + list(more), (False, True), (False, True)):
            if region == "local" and (fips or dual_stack):
                continue  # the rules make up a host that does not exist
            asked = {"Region": region, "UseFIPS": fips, "UseDualStack": dual_stack}
            yield [service, region, fips, dual_stack, provider.resolve_endpoint(**asked).url + "/"]


if __name__ == "__main__":
    text = "[\n" + ",\n".join(json.dumps(case) for case in cases()) + "\n]\n"
    pathlib.Path(__file__).with_name("endpoint_cases.json").write_text(text)
