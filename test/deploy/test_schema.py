"""The stand-in for the provider refuses what the real one would: else a valid module would mean nothing."""

import pytest

from terraform import REQUIREMENT

QUEUE = 'resource "aws_sqs_queue" "q" {{\n  name = "q"\n  {}\n}}\n'
TABLE = '''resource "aws_dynamodb_table" "t" {{
  {}
  hash_key = "order_id"
  attribute {{
    name = "order_id"
    type = "S"
  }}
  {}
}}
'''
GOOD = {
    "queue": QUEUE.format("visibility_timeout_seconds = 60"),
    "number as text": QUEUE.format('visibility_timeout_seconds = "60"'),
    "table": TABLE.format('name = "t"', "point_in_time_recovery {\n    enabled = true\n  }"),
    "computed": QUEUE.format("") + 'output "arn" {\n  value = aws_sqs_queue.q.arn\n}\n',
    "provider": 'provider "aws" {\n  region = "eu-west-1"\n  default_tags {\n    tags = { A = "b" }\n  }\n}\n',
}
BAD = {
    "unknown argument": (QUEUE.format("visibility_timeout = 60"), "visibility_timeout"),
    "text for a number": (QUEUE.format('visibility_timeout_seconds = "a minute"'), "a number is required"),
    "list for text": (QUEUE.format('redrive_policy = ["a"]'), "string required"),
    "block for an argument": (QUEUE.format("tags {\n    A = 1\n  }"), "tags"),
    "computed is set": (QUEUE.format('arn = "a"'), "arn"),
    "missing argument": (TABLE.format("", ""), '"name" is required'),
    "argument for a block": (TABLE.format('name = "t"', "ttl = true"), "ttl"),
    "missing in a block": (TABLE.format('name = "t"', "point_in_time_recovery {}"), '"enabled" is required'),
    "two of a single block": (TABLE.format('name = "t"', "ttl {}\n  ttl {}"), "ttl"),
    "unknown attribute": (QUEUE.format("") + 'output "a" {\n  value = aws_sqs_queue.q.href\n}\n', "href"),
    "unknown resource": ('resource "aws_sqs_line" "l" {\n}\n', "aws_sqs_line"),
    "unknown setting": ('provider "aws" {\n  area = "eu"\n}\n' + QUEUE.format(""), "area"),
}


def folder_of(directory, text):
    (directory / "main.tf").write_text(REQUIREMENT + text)
    return directory


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_takes(tofu, tmp_path, text):
    assert tofu.validate(tofu.init(folder_of(tmp_path, text))) == ""


@pytest.mark.parametrize("text, word", BAD.values(), ids=BAD.keys())
def test_refuses(tofu, tmp_path, text, word):
    found = tofu.validate(tofu.init(folder_of(tmp_path, text)))
    assert word in found, found or "nothing was refused"


def test_each_version_has_its_own_schema(tofu, oldest_tofu, tmp_path):
    """A resource has a region of its own from 6.0 on."""
    text = QUEUE.format('region = "eu-west-1"')
    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    assert tofu.validate(tofu.init(folder_of(new, text))) == ""
    assert "region" in oldest_tofu.validate(oldest_tofu.init(folder_of(old, text)))
