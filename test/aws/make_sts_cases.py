#!/usr/bin/env python3
"""Makes sts_cases.json beside this file: questions to STS as botocore, an independent client, puts and signs them.

    python make_sts_cases.py

The form comes from botocore's client for STS; it is signed once more without the headers in which botocore tells about itself.
"""

import datetime
import json
import pathlib
from unittest import mock

import botocore
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials

LONG_KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
SHORT_KEY = ("ASIAOTHEREXAMPLE", "another/secret+of/forty=characters=======", "IQoJb3JpZ2luX2VjEXAMPLE//token+with/=signs==")
ROLE = "arn:aws:iam::123456789012:role/path/orders+daemon=1,x@y_z"


def case(action, role, *, key=LONG_KEY, region="eu-west-1", stamp="20261122T130509Z"):
    return {"action": action, "region": region, "stamp": stamp, "key": key, "role": role}


CASES = [
    case("AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "orderd-host"}),
    case("AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "a_b+c=d,e.f@g-h", "DurationSeconds": 43200,
                        "ExternalId": "an:external/id=of+2@b,c.d-e_f"}, key=SHORT_KEY, region="cn-north-1", stamp="20270101T000000Z"),
    case("AssumeRoleWithWebIdentity", {"RoleArn": ROLE, "RoleSessionName": "orderd-host", "DurationSeconds": 900,
                                       "WebIdentityToken": "eyJhbGciOi.J9/+=~é€😀\"&?.sig-_"}),
]  # fmt: skip


def form_of(row):
    """What botocore's own client would send: the body and its type."""
    session = botocore.session.Session()
    client = session.create_client("sts", row["region"], aws_access_key_id="x", aws_secret_access_key="x")
    sent = []

    def keep(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send.sts.*", keep)
    try:
        getattr(client, "assume_role" + ("_with_web_identity" if "Web" in row["action"] else ""))(**row["role"])
    except Exception:  # the answer is none; only the request matters
        assert sent
    body, kind = sent[0].body, sent[0].headers["Content-Type"]
    return tuple(text.decode() if isinstance(text, bytes) else text for text in (body, kind))


def authorization(row, body, kind):
    access, secret, token = row["key"]
    dots = "amazonaws.com.cn" if row["region"].startswith("cn-") else "amazonaws.com"
    request = AWSRequest(method="POST", url=f"https://sts.{row['region']}.{dots}/", data=body.encode())
    request.headers["Content-Type"] = kind
    now = datetime.datetime.strptime(row["stamp"], "%Y%m%dT%H%M%SZ")
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        SigV4Auth(Credentials(access, secret, token), "sts", row["region"]).add_auth(request)
    return f"sts.{row['region']}.{dots}", request.headers["Authorization"]


def finished(row):
    body, kind = form_of(row)
    host, line = authorization(row, body, kind)
    time = datetime.datetime.strptime(row["stamp"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    access, secret, token = row["key"]
    key = {"access_key_id": access, "secret_access_key": secret, "session_token": token or ""}
    signed = {} if "Web" in row["action"] else {"authorization": line}
    return {"action": row["action"], "region": row["region"], "host": host, "wall_ms": int(time.timestamp() * 1000),
            "role": row["role"], "body": body, "content_type": kind} | key | signed  # fmt: skip


def main():
    document = {"made_by": f"botocore {botocore.__version__}", "cases": [finished(row) for row in CASES]}
    out = pathlib.Path(__file__).with_name("sts_cases.json")
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


main()
