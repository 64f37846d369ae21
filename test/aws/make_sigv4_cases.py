#!/usr/bin/env python3
"""Makes sigv4_cases.json beside this file: requests as botocore, an independent signer, signs them.

    python make_sigv4_cases.py

The cases are in the order in which test_sigv4.c signs them with one signer, so that its key cache meets every kind of change:
of the day, the region, the service and the key.
"""
import datetime
import json
import pathlib
from unittest import mock

import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

EXAMPLE_KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
OTHER_KEY = ("ASIAOTHEREXAMPLE", "another/secret+of/forty=characters=======", "IQoJb3JpZ2luX2VjEXAMPLE//token+with/=signs==")
LONG_KEY = ("A" * 128, "s" * 100, None)
JSON = ("Content-Type", "application/x-amz-json-1.0")
MORNING = "20150830T123600Z"


def case(name, headers=(), *, method="POST", url="https://example.amazonaws.com/", body="", key=EXAMPLE_KEY, region="us-east-1",
         service="service", stamp=MORNING):
    return {"name": name, "method": method, "url": url, "headers": list(headers), "body": body, "key": key, "region": region,
            "service": service, "stamp": stamp}


def sqs(operation, body, **rest):
    host = rest.pop("url", "https://sqs.eu-west-1.amazonaws.com/")
    return case(f"sqs {operation} {rest.get('stamp', MORNING)}", [JSON, ("X-Amz-Target", f"AmazonSQS.{operation}")], url=host,
                body=json.dumps(body), service="sqs", region="eu-west-1", **rest)


def dynamodb(operation, body, **rest):
    region = rest.pop("region", "us-east-1")
    return case(f"dynamodb {operation} {region}", [JSON, ("X-Amz-Target", f"DynamoDB_20120810.{operation}")],
                url=f"https://dynamodb.{region}.amazonaws.com/", body=json.dumps(body, ensure_ascii=False), service="dynamodb",
                region=region, **rest)


QUEUE = {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/order-processing-queue"}
RECEIVE = QUEUE | {"MaxNumberOfMessages": 5, "WaitTimeSeconds": 20, "VisibilityTimeout": 80}
DELETE = QUEUE | {"Entries": [{"Id": "0", "ReceiptHandle": "AQEB+/=="}]}
UPDATE = {"TableName": "order-processing-status", "Key": {"order_id": {"S": "ORD-1"}}, "UpdateExpression": "SET #s = :s",
          "ExpressionAttributeNames": {"#s": "status"}, "ExpressionAttributeValues": {":s": {"S": "PROCESSED"}, ":c": {"S": "Café €😀"}}}

CASES = [
    case("empty body"),
    case("the same again"),
    case("header names in mixed case", [("My-HEADER1", "Value1"), ("CONTENT-type", "Text/Plain")], body="x"),
    case("header names to be sorted", [("Zoo", "3"), ("zoo-b", "2"), ("Beta", "2"), ("alpha", "1"), ("x-a-b", "2"), ("x-a", "1")]),
    case("names that begin alike", [("my-header10", "c"), ("my-header1", "b"), ("my-header", "a"), ("my-header-1", "d")]),
    case("header values in mixed case", [("My-Header1", "VALUE one")]),
    case("header values to be trimmed", [("A", "  x   y\t z  "), ("B", "\t"), ("C", ""), ("D", '"a   b"')]),
    case("repeated headers", [("My-Header1", "value4"), ("my-header2", "b"), ("MY-HEADER1", "value1"), ("my-header1", " value3 ")]),
    case("get", method="GET"),
    case("query", method="GET", url="https://example.amazonaws.com/?Param1=value1&Param2=value2"),
    case("query to be sorted", method="GET", url="https://example.amazonaws.com/?b=2&a=3&A=1&a=1&a-b=4&aa=5&a=10"),
    case("query without values", url="https://example.amazonaws.com/?b&a=&c=1&a=2"),
    case("query percent-encoded", url="https://example.amazonaws.com/?k%20y=v%2Fw&%E1%88%B4=bar&-_.~=-_.~"),
    case("query that is one name", url="https://example.amazonaws.com/?acl"),
    case("path", url="https://sqs.us-east-1.amazonaws.com/123456789012/a-b_c.~x", service="sqs"),
    case("form", [("Content-Type", "application/x-www-form-urlencoded")], body="Param1=value1"),
    case("UTF-8 body", [JSON], body='{"text":"Grüße, €5 😀\\u0000\\n"}'),
    case("body of several hash blocks", [JSON], body="0123456789" * 30),
    case("non-default port", url="http://127.0.0.1:4566/"),
    case("default port", url="https://example.amazonaws.com:443/"),
    case("host in capitals", url="https://EXAMPLE.AmazonAWS.com/"),
    case("IPv6 host", url="http://[::1]:8000/"),
    case("session token", key=OTHER_KEY),
    case("back to the first key"),
    case("another region", region="ap-southeast-2"),
    case("another service", region="ap-southeast-2", service="sts"),
    case("last second of a day", stamp="20261231T235959Z"),
    case("first second of the next", stamp="20270101T000000Z"),
    case("leap day", stamp="20280229T120000Z"),
    case("back to the first day"),
    case("key and id that are too long to be cached", key=LONG_KEY, region="r" * 63, service="s" * 60),
    case("the same, another day", key=LONG_KEY, region="r" * 63, service="s" * 60, stamp="20150831T123600Z"),
    sqs("ReceiveMessage", RECEIVE, stamp="20261122T130509Z"),
    sqs("ReceiveMessage", RECEIVE, stamp="20261122T130529Z"),
    sqs("ReceiveMessage", RECEIVE, stamp="20261123T000001Z"),
    sqs("DeleteMessageBatch", DELETE, stamp="20261123T000002Z", key=OTHER_KEY),
    sqs("GetQueueUrl", {"QueueName": "order-processing-queue"}, url="http://localhost:9324/"),
    dynamodb("UpdateItem", UPDATE),
    dynamodb("UpdateItem", UPDATE, key=OTHER_KEY, region="cn-north-1"),
    dynamodb("GetItem", {"TableName": "t", "Key": {"order_id": {"S": "ORD-1"}}, "ConsistentRead": True}, region="eu-central-1"),
]


class Recorder(SigV4Auth):
    """Signs as its parent does, and keeps what it computes on the way."""

    def canonical_request(self, request):
        self.steps = {"canonical": super().canonical_request(request)}
        headers = self.headers_to_sign(request)
        self.host = headers["host"]
        self.steps["signed_names"] = self.signed_headers(headers)
        return self.steps["canonical"]

    def string_to_sign(self, request, canonical_request):
        self.steps["string_to_sign"] = super().string_to_sign(request, canonical_request)
        return self.steps["string_to_sign"]


def sign(row):
    access, secret, token = row["key"]
    request = AWSRequest(method=row["method"], url=row["url"], data=row["body"].encode())
    request.headers = HTTPHeaders()
    for name, value in row["headers"]:
        request.headers[name] = value  # adds a line, as in an e-mail message
    signer = Recorder(Credentials(access, secret, token), row["service"], row["region"])
    now = datetime.datetime.strptime(row["stamp"], "%Y%m%dT%H%M%SZ")
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signer.add_auth(request)
    return signer.host, signer.steps | {"authorization": request.headers["Authorization"]}


def finished(row):
    host, steps = sign(row)
    path, _, query = row["url"].partition("://")[2].partition("/")[2].partition("?")
    access, secret, token = row["key"]
    headers = [list(pair) for pair in row["headers"]]
    headers += [["Host", host], ["X-Amz-Date", row["stamp"]]]
    if token:
        headers.append(["X-Amz-Security-Token", token])
    return {"name": row["name"], "method": row["method"], "path": "/" + path, "query": query, "headers": headers,
            "body": row["body"], "stamp": row["stamp"], "region": row["region"], "service": row["service"], "access_key_id": access,
            "secret_access_key": secret} | steps


def main():
    document = {"made_by": f"botocore {botocore.__version__}", "cases": [finished(row) for row in CASES]}
    out = pathlib.Path(__file__).with_name("sigv4_cases.json")
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


main()
