"""Metrics as CloudWatch and Prometheus would take them: held against the rules of the formats, and against the accounting."""

import collections
import json
import math
import re
import shutil
import subprocess
import time

import orders
import pytest
from conftest import HERE, ROOT
from wait import until

UNITS = set(
    "Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits "
    "Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second "
    "Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None".split()
)
EMF_LINE_MAX = 1024 * 1024
GOOD, BAD, TWICE = 40, 2, 3
RECEIVES_OF_BAD = 3

# What the last line accounts for, by the name of its metric.
ACCOUNTED = {
    "Received": "received", "Processed": "processed", "Duplicates": "duplicate", "Failed": "failed", "Deferred": "deferred",
    "Deleted": "deleted", "LeasesLost": "leases_lost", "Unreadable": "unreadable",
}  # fmt: skip
TIMES = ("MessageAge", "QueueWait", "ProcessingTime", "RecordTime", "DeleteTime", "TotalTime")
GAUGES = ("BreakerOpen", "WorkersBusy", "InHand", "Waiting", "Undeleted")


# --- the embedded metric format --------------------------------------------------------------------------------------------


class Breach(Exception):
    """A rule of the embedded metric format is not kept: CloudWatch would store the line and make no metric of it."""


def demand(ok, what):
    if not ok:
        raise Breach(what)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_text(value, longest):
    return isinstance(value, str) and 1 <= len(value) <= longest


def no_duplicates(pairs):
    demand(len({name for name, _ in pairs}) == len(pairs), f"a member twice: {[name for name, _ in pairs]}")
    return dict(pairs)


def check_dimensions(sets, root):
    demand(isinstance(sets, list) and len(sets) >= 1, "no set of dimensions")
    for names in sets:
        demand(isinstance(names, list) and len(names) <= 30, f"a set of dimensions: {names}")
        for name in names:
            demand(is_text(name, 250), f"a dimension's name: {name}")
            demand(is_text(root.get(name), 1024), f"the dimension {name} is {root.get(name)!r}")
            demand(root[name].isascii() and root[name].strip(), f"the dimension {name} is {root[name]!r}")


def check_metric(metric, root):
    demand(isinstance(metric, dict) and set(metric) <= {"Name", "Unit", "StorageResolution"}, f"a metric: {metric}")
    demand(is_text(metric.get("Name"), 1024), f"a metric's name: {metric}")
    demand(metric.get("Unit", "None") in UNITS, f"a metric's unit: {metric}")
    demand(metric.get("StorageResolution", 60) in (1, 60), f"a metric's resolution: {metric}")
    value = root.get(metric["Name"])
    if isinstance(value, list):
        demand(1 <= len(value) <= 100 and all(map(is_number, value)), f"{metric['Name']}: {len(value)} values, {value[:3]}")
    else:
        demand(is_number(value), f"{metric['Name']} is {value!r}")


def check_directive(directive, root):
    demand(set(directive) == {"Namespace", "Dimensions", "Metrics"}, f"a directive: {set(directive)}")
    demand(is_text(directive["Namespace"], 1024) and re.fullmatch(r"[\w./#:-]+", directive["Namespace"], re.A), "Namespace")
    check_dimensions(directive["Dimensions"], root)
    metrics = directive["Metrics"]
    demand(isinstance(metrics, list) and 1 <= len(metrics) <= 100, "Metrics")
    for metric in metrics:
        check_metric(metric, root)
    demand(len({m["Name"] for m in metrics}) == len(metrics), "a metric twice")


def emf(line):
    """The document of a log line, which keeps every rule of the format."""
    demand(len(line.encode()) <= EMF_LINE_MAX, "a line of more than 1 MB")
    demand(line.startswith("{") and line.endswith("}"), "something before or after the object")
    try:
        root = json.loads(line, object_pairs_hook=no_duplicates, parse_constant=lambda name: demand(False, name))
    except ValueError as err:
        raise Breach(str(err)) from err
    about = root.get("_aws")
    demand(isinstance(about, dict), "no _aws at the root")
    timestamp = about.get("Timestamp")
    demand(isinstance(timestamp, int) and not isinstance(timestamp, bool), f"Timestamp {timestamp!r}")
    age = time.time() * 1000 - timestamp
    demand(-2 * 3600 * 1000 < age < 14 * 86400 * 1000, f"Timestamp {timestamp} is {age} ms old")
    directives = about.get("CloudWatchMetrics")
    demand(isinstance(directives, list) and directives, "no CloudWatchMetrics")
    for directive in directives:
        check_directive(directive, root)
    return root


def sound():
    metrics = [{"Name": "Received", "Unit": "Count"}, {"Name": "QueueWait", "Unit": "Milliseconds"}]
    directive = {"Namespace": "N", "Dimensions": [["Service"], []], "Metrics": metrics}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "Service": "orderd", "Received": 1, "QueueWait": [1, 2.5]}


def directive_of(root):
    return root["_aws"]["CloudWatchMetrics"][0]


BREACHES = {
    "seconds": lambda r: r["_aws"].update(Timestamp=int(time.time())),
    "a fraction": lambda r: r["_aws"].update(Timestamp=time.time() * 1000),
    "no directive": lambda r: r["_aws"].update(CloudWatchMetrics=[]),
    "no namespace": lambda r: directive_of(r).update(Namespace=""),
    "no dimensions": lambda r: directive_of(r).update(Dimensions=[]),
    "31 dimensions": lambda r: directive_of(r).update(Dimensions=[["Service"] * 31]),
    "a dimension without a value": lambda r: r.pop("Service"),
    "an empty dimension": lambda r: r.update(Service=""),
    "a number as a dimension": lambda r: r.update(Service=5),
    "101 metrics": lambda r: directive_of(r).update(Metrics=[{"Name": "Received"}] * 101),
    "a unit in lower case": lambda r: directive_of(r)["Metrics"][0].update(Unit="count"),
    "a resolution of 5 s": lambda r: directive_of(r)["Metrics"][0].update(StorageResolution=5),
    "a metric without a value": lambda r: r.pop("Received"),
    "a metric that is text": lambda r: r.update(Received="1"),
    "no values": lambda r: r.update(QueueWait=[]),
    "101 values": lambda r: r.update(QueueWait=[1] * 101),
    "a value that is none": lambda r: r.update(QueueWait=[None]),
    "a value that is no number": lambda r: r.update(QueueWait=[math.nan]),
    "more than 1 MB": lambda r: r.update(more="x" * EMF_LINE_MAX),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_the_judge_knows_the_rules(breach):
    root = sound()
    emf(json.dumps(root))
    BREACHES[breach](root)
    with pytest.raises(Breach):
        emf(json.dumps(root))


@pytest.mark.parametrize("line", ['2026-11-22 {"_aws": {}}', "<6>{}", '{"_aws": {}, "_aws": {}}', '{"_aws": {}} '])
def test_the_judge_takes_nothing_but_one_object(line):
    with pytest.raises(Breach):
        emf(line)


# --- Prometheus ------------------------------------------------------------------------------------------------------------

SAMPLE = re.compile(r"(?P<name>[a-z_]+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")


def read_samples(text):
    """(name, labels without the environment) to value."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            labels = dict(re.findall(r'([a-z]+)="([^"]*)"', match["labels"]))
            labels.pop("environment")
            key = (match["name"], *labels.values())
            assert key not in found, line
            found[key] = float(match["value"])
    return found


@pytest.fixture(scope="session")
def promtool():
    subprocess.run([HERE.parent / "setup" / "promtool.sh"], check=True)
    ours = ROOT / "build" / "tools" / "promtool"
    return ours if ours.exists() else shutil.which("promtool")


# --- one run, looked at from all sides -------------------------------------------------------------------------------------

Run = collections.namedtuple("Run", "process account lines began ended page status")


def metric_lines(process):
    """The documents of the lines with metrics, each of which keeps the rules."""
    return [emf(line) for line in process.log_text().splitlines() if '"_aws"' in line]


@pytest.fixture(scope="module")
def run(make_stage, orderd_of_module):
    """Orders of every kind over several intervals of a second, in a log file; then the end."""
    stage, directory = make_stage(), orderd_of_module.directory
    page, status, log = directory / "orderd.prom", directory / "status.json", directory / "orderd.log"
    settings = {
        "log.file": str(log), "metrics.interval_seconds": 1, "metrics.prometheus_file": str(page), "status.file": str(status),
        "metrics.namespace": "Shop/Orders", "environment_suffix": "dev",
    }  # fmt: skip
    began = time.time()
    process = orderd_of_module.start_on(stage, settings)
    process.log_path = log
    ids = [f"ORD-{n}" for n in range(GOOD)]
    stage.send(*[orders.make(i) for i in ids[: GOOD // 2]])
    process.until_outcomes(GOOD // 2, "processed")
    bad = [orders.make(f"BAD-{n}", amount=0) for n in range(BAD)]
    stage.send(*[orders.make(i) for i in ids[GOOD // 2 :] + ids[:TWICE]], *bad)
    process.until_outcomes(GOOD + TWICE, "processed", "duplicate")
    stage.until_dead(BAD)
    stage.until_empty()
    until("several intervals", lambda: len(process.events("metrics")) >= 4)
    account = process.stop()
    return Run(process, account, metric_lines(process), began, time.time(), page.read_text(), json.loads(status.read_text()))


@pytest.mark.takes(8)
def test_the_run_was_what_it_should_be(run):
    expected = {"processed": GOOD, "duplicate": TWICE, "failed": BAD * RECEIVES_OF_BAD, "deleted": GOOD + TWICE}
    assert {name: run.account[name] for name in expected} == expected


def test_a_line_each_interval_and_at_the_end(run):
    times = [line["_aws"]["Timestamp"] / 1000 for line in run.lines]
    assert all(0.9 < later - earlier < 3 for earlier, later in zip(times[:-2], times[1:-1], strict=True)), times
    assert run.began <= times[0] and times[-1] <= run.ended
    assert [line["event"] for line in run.process.lines[-2:]] == ["metrics", "stopped"]


def test_every_line_says_whose_it_is(run):
    for line in run.lines:
        assert (line["level"], line["event"], line["Environment"], line["Service"]) == ("info", "metrics", "dev", "orderd")
        assert orders.TIMESTAMP.match(line["ts"])
        assert directive_of(line)["Namespace"] == "Shop/Orders"
        assert directive_of(line)["Dimensions"] == [["Environment", "Service"], []]


def test_sums_of_the_lines_are_the_accounting(run):
    sums = {metric: sum(line[metric] for line in run.lines) for metric in ACCOUNTED}
    assert sums == {metric: run.account[name] for metric, name in ACCOUNTED.items()}
    assert sum(line["ApiCalls"] for line in run.lines) > GOOD
    assert sum(line["Throttles"] for line in run.lines) == sum(line["LogLinesLost"] for line in run.lines) == 0


def test_gauges_are_nothing_at_the_end(run):
    assert {name: run.lines[-1][name] for name in GAUGES} == dict.fromkeys(GAUGES, 0)
    assert all(isinstance(line[name], int) for line in run.lines for name in GAUGES)


def test_durations_are_those_of_the_orders(run):
    """Fewer than 100 an interval: every one of them is there."""
    values = {name: [v for line in run.lines for v in line.get(name, [])] for name in TIMES}
    assert len(values["MessageAge"]) == run.account["received"]
    assert len(values["DeleteTime"]) == len(values["TotalTime"]) == run.account["deleted"]
    assert len(values["RecordTime"]) >= run.account["processed"]
    longest = (run.ended - run.began) * 1000 * 5 / 3  # a value is the middle of its bucket
    assert all(0 <= v < longest for found in values.values() for v in found), values


def test_prometheus_takes_the_page(run, promtool):
    done = subprocess.run([promtool, "check", "metrics"], input=run.page, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_prometheus_counts_what_the_accounting_does(run):
    samples, account = read_samples(run.page), run.account
    assert samples[("orderd_messages_received_total",)] == account["received"]
    assert {e: samples[("orderd_orders_total", e)] for e in ("processed", "duplicate", "failed", "deferred")} == {
        e: account[e] for e in ("processed", "duplicate", "failed", "deferred")
    }
    assert samples[("orderd_messages_deleted_total",)] == account["deleted"]
    assert samples[("orderd_leases_lost_total",)] == account["leases_lost"]
    calls = sum(samples[("orderd_api_calls_total", service)] for service in ("sqs", "dynamodb"))
    assert calls == sum(line["ApiCalls"] for line in run.lines)
    assert samples[("orderd_breaker_open", "table")] == samples[("orderd_breaker_open", "queue")] == 0


def test_prometheus_has_whole_histograms(run):
    samples, account = read_samples(run.page), run.account
    counts = {
        "orderd_message_age_seconds": account["received"], "orderd_queue_wait_seconds": account["received"],
        "orderd_delete_seconds": account["deleted"], "orderd_total_seconds": account["deleted"],
    }  # fmt: skip
    for name, count in counts.items():
        assert samples[(f"{name}_count",)] == samples[(f"{name}_bucket", "+Inf")] == count
        buckets = [value for key, value in samples.items() if key[0] == f"{name}_bucket"]
        assert buckets == sorted(buckets) and len(buckets) > 10
        assert (samples[(f"{name}_sum",)] > 0) == (count > 0)


def test_prometheus_has_names_as_they_should_be(run):
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", run.page, re.M))
    assert set(types) == set(re.findall(r"^# HELP (\S+) \S.*\.$", run.page, re.M))
    for name, kind in types.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert name.endswith("_seconds") == (kind == "histogram"), name
        assert name.startswith("orderd_"), name


def test_the_status_says_the_same(run):
    counted = run.status["since_start"]
    assert run.status["state"] == "stopped"
    assert {n: counted[n] for n in ACCOUNTED.values()} == {n: run.account[n] for n in ACCOUNTED.values()}
    assert counted["sqs_calls"] + counted["dynamodb_calls"] == sum(line["ApiCalls"] for line in run.lines)


# --- other settings --------------------------------------------------------------------------------------------------------


def process_some(stage, process, count):
    """So many orders are done with, and the daemon has ended well."""
    stage.feed([orders.make(f"ORD-{n}") for n in range(count)])
    stage.until_empty()
    until("all deleted", lambda: not process.alive() or stage.waiting() == (0, 0))
    process.terminate()
    assert process.wait() == 0, process.log_text()[-2000:]


@pytest.mark.takes(3)
def test_lines_whatever_the_level(stage, orderd):
    """On stderr, and with nothing beside them."""
    process = orderd.start_on(stage, {"log.level": "error", "metrics.interval_seconds": 1})
    until("two intervals", lambda: len(metric_lines(process)) >= 2)
    process_some(stage, process, 5)
    lines = metric_lines(process)
    assert len(lines) == len(process.log_text().splitlines()) >= 3
    assert sum(line["Processed"] for line in lines) == 5
    assert {line["Environment"] for line in lines} == {"default"}


def test_no_lines_for_people(stage, orderd, tmp_path):
    page = tmp_path / "orderd.prom"
    process = orderd.start_on(
        stage, {"log.format": "text", "metrics.interval_seconds": 1, "metrics.prometheus_file": str(page)}
    )
    until("a page", page.exists)
    process_some(stage, process, 5)
    assert "_aws" not in process.log_text() and "{" not in process.log_text()
    assert read_samples(page.read_text())[("orderd_orders_total", "processed")] == 5


@pytest.mark.takes(4)
def test_many_orders_in_one_line(stage, orderd):
    """More than 100 in an interval: counters say how many, 100 values how long they took."""
    process = orderd.start_on(stage, {"metrics.interval_seconds": 3600})
    process_some(stage, process, 130)
    (line,) = metric_lines(process)
    assert line["Processed"] == line["Deleted"] == 130
    assert [len(line[name]) for name in ("MessageAge", "TotalTime")] == [100, 100]
    assert line["TotalTime"] == sorted(line["TotalTime"])


@pytest.mark.takes(4)
def test_a_page_that_cannot_be_written(stage, orderd, tmp_path):
    """It is said once, and again only when it has been possible meanwhile; the daemon goes on."""
    page = tmp_path / "collector" / "orderd.prom"
    process = orderd.start_on(stage, {"metrics.interval_seconds": 1, "metrics.prometheus_file": str(page)})
    warnings = lambda: process.events("file_not_replaced")  # noqa: E731
    until("three intervals", lambda: len(metric_lines(process)) >= 3)
    assert [(w["level"], w["error_code"]) for w in warnings()] == [("warning", "NoDirectory")]
    assert str(page) in warnings()[0]["error"]
    page.parent.mkdir()
    until("the page", page.exists)
    shutil.rmtree(page.parent)
    until("said again", lambda: len(warnings()) == 2)
    process_some(stage, process, 3)
    assert process.accounting()["processed"] == 3
    assert len(warnings()) == 2
