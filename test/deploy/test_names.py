"""The names agree: what the module makes, what `orderctl init` makes, what the daemon expects, and what it writes."""

import json
import re
import subprocess

import pytest

from daemon import environment
from play import program
from terraform import ROOT

SUFFIXES = ["", "dev"]

# What CloudWatch itself has to offer, of those that the module asks for.
OF_AWS = {
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateAgeOfOldestMessage"},
    "AWS/AutoScaling": {"GroupInServiceInstances"},
}
# Which statistic tells the truth of which kind of metric (docs/metrics.md).
STATISTICS = {"counter": r"Sum|SampleCount", "gauge": "Maximum", "distribution": r"p\d+"}

# The words of CloudWatch Logs Insights that stand in the queries, and what it knows of each line by itself.
INSIGHTS = {
    "fields", "filter", "stats", "sort", "limit", "by", "as", "in", "or", "and", "asc", "desc",
    "count", "count_distinct", "latest", "sum", "strcontains", "bin", "@timestamp", "@logStream",
}  # fmt: skip


# --- queues and table --------------------------------------------------------------------------------------------------------


def redrive(text):
    policy = json.loads(text)
    return policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])


def made_by_terraform(rendered):
    queue, dead = rendered["aws_sqs_queue.order_queue"], rendered["aws_sqs_queue.dlq"]
    table = rendered["aws_dynamodb_table.order_status"]
    return {
        "queue": (queue["name"], queue["visibility_timeout_seconds"], queue["message_retention_seconds"]),
        "redrive": redrive(queue["redrive_policy"]),
        "dead-letter queue": (dead["name"], dead["message_retention_seconds"]),
        "encrypted": [queue["sqs_managed_sse_enabled"], dead["sqs_managed_sse_enabled"]],
        "table": (table["name"], table["billing_mode"], table["hash_key"], table["range_key"]),
        "attributes": [(a["name"], a["type"]) for a in table["attribute"]],
        "recovery": table["point_in_time_recovery"][0]["enabled"],
        "expiry": (table["ttl"][0]["enabled"], table["ttl"][0]["attribute_name"]),
    }


def made_by_init(play):
    def queue(what):
        url = play.queue_url(what)
        return url.rpartition("/")[2], play.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    (name, attributes), (dead_name, dead) = queue("queue"), queue("dlq")
    named = {"TableName": play.rendered.name("status")}
    table = play.dynamodb.describe_table(**named)["Table"]
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    backups = play.dynamodb.describe_continuous_backups(**named)["ContinuousBackupsDescription"]
    expiry = play.dynamodb.describe_time_to_live(**named)["TimeToLiveDescription"]
    return {
        "queue": (name, int(attributes["VisibilityTimeout"]), int(attributes["MessageRetentionPeriod"])),
        "redrive": redrive(attributes["RedrivePolicy"]),
        "dead-letter queue": (dead_name, int(dead["MessageRetentionPeriod"])),
        "encrypted": [a["SqsManagedSseEnabled"] == "true" for a in (attributes, dead)],
        "table": (table["TableName"], table["BillingModeSummary"]["BillingMode"], keys["HASH"], keys.get("RANGE")),
        "attributes": [(a["AttributeName"], a["AttributeType"]) for a in table["AttributeDefinitions"]],
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED",
        "expiry": (expiry["TimeToLiveStatus"] == "ENABLED", expiry["AttributeName"]),
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_init_makes_the_same(plays, rendered, suffix):
    assert made_by_init(plays[suffix]) == made_by_terraform(rendered[suffix])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_queue_is_there_before_the_hosts_and_after_them(rendered, suffix):
    """A daemon that finds no queue, no table or no rights ends for good; one that drains needs them."""
    assert {
        "aws_sqs_queue.order_queue", "aws_dynamodb_table.order_status", "aws_iam_role_policy_attachment.daemon",
        "aws_iam_role_policy_attachment.agent", "aws_iam_role_policy.package", "aws_launch_template.host",
    } <= rendered[suffix].before["aws_autoscaling_group.host[0]"]  # fmt: skip


def test_messages_are_as_large_as_the_documents_say(rendered):
    queues = [rendered["dev"][f"aws_sqs_queue.{name}"]["max_message_size"] for name in ("order_queue", "dlq")]
    (usual,) = re.findall(r"orders of up to (\d+) KiB", (ROOT / "deploy/terraform/README.md").read_text())
    assert queues == [int(usual) * 1024] * 2
    (most,) = re.findall(r"JSON object of at most (\d+) MiB", (ROOT / "README.md").read_text())
    (told,) = re.findall(r"in bytes, 1024 to (\d+);", (ROOT / "deploy/terraform/variables.tf").read_text())
    assert int(told) == int(most) * 1024 * 1024


def settings(directory, *arguments, **variables):
    """What orderd takes its settings to be."""
    done = program("orderd", directory).run("--print-config", *arguments, env=environment(directory, **variables))
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r'^(\S+) = "?(.*?)"? +# ', done.stdout, re.M))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_daemon_expects_them(rendered, tmp_path, suffix):
    made = rendered[suffix]
    queue, table = made["aws_sqs_queue.order_queue"], made["aws_dynamodb_table.order_status"]
    (tmp_path / "orderd.conf").write_text(made.outputs["orderd_conf"])
    of_the_suffix = settings(tmp_path, ORDERD_ENVIRONMENT_SUFFIX=suffix)
    of_the_host = settings(tmp_path, "--config", tmp_path / "orderd.conf")
    for found in (of_the_suffix, of_the_host):
        assert (found["queue.name"], found["table.name"]) == (queue["name"], table["name"])
        assert queue["visibility_timeout_seconds"] > int(found["processing.timeout_seconds"])
    # and beside what the module has to say the host has the defaults
    assert of_the_host == of_the_suffix | {"log.file": made.agent["file_path"]}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_log_goes_where_it_is_looked_for(rendered, suffix):
    made = rendered[suffix]
    group = made["aws_cloudwatch_log_group.orderd"]["name"]
    assert (made.agent["log_group_name"], made.agent["log_group_class"]) == (group, "STANDARD")
    assert all(query["log_group_names"] == [group] for query in made.of_type("aws_cloudwatch_query_definition"))
    assert [re.findall("SOURCE '(.*?)'", query) for query in panels(made)] == [[group]]


def test_the_agent_on_premises_has_the_same_settings(rendered):
    """As docs/deploy.md makes them: of the fragment, without the retention, which its policy has no right to set."""
    script = re.search(r'^sed "(.*)" \\$', (ROOT / "docs/deploy.md").read_text(), re.M)[1]
    group = rendered["dev"].outputs["log_group_name"]
    script = script.replace("$(tofu output -raw log_group_name)", group).replace('\\"', '"')
    done = subprocess.run(["sed", script, ROOT / "deploy/cloudwatch-agent/orderd.json"], text=True, stdout=subprocess.PIPE, check=True)
    (entry,) = json.loads(done.stdout)["logs"]["logs_collected"]["files"]["collect_list"]
    assert entry == rendered["dev"].agent | {"log_stream_name": "{local_hostname}"}


# --- metrics -----------------------------------------------------------------------------------------------------------------


def widgets(rendered, kind):
    body = json.loads(rendered["aws_cloudwatch_dashboard.order_processing"]["dashboard_body"])
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == kind]


def panels(rendered):
    return [panel["query"] for panel in widgets(rendered, "log")]


def asked(rendered):
    """(namespace, name, dimensions, statistic) of every metric that alarms, dashboard and scaling ask for."""
    for alarm in rendered.of_type("aws_cloudwatch_metric_alarm"):
        yield alarm["namespace"], alarm["metric_name"], alarm["dimensions"], alarm["statistic"]
    for graph in widgets(rendered, "metric"):
        for namespace, name, *rest in graph["metrics"]:
            more = rest.pop() if isinstance(rest[-1], dict) else {}
            yield namespace, name, dict(zip(rest[::2], rest[1::2], strict=True)), more.get("stat", graph["stat"])
    (target,) = rendered["aws_autoscaling_policy.backlog[0]"]["target_tracking_configuration"]
    for query in target["customized_metric_specification"][0]["metrics"]:
        for stat in query["metric_stat"]:
            (metric,) = stat["metric"]
            yield metric["namespace"], metric["metric_name"], {d["name"]: d["value"] for d in metric["dimensions"]}, stat["stat"]


def written(play):
    """(namespace, sets of dimensions with their values, names) of the metrics that daemons wrote."""
    lines = [line for line in play.lines if line["event"] == "metrics"]
    directives = [directive for line in lines for directive in line["_aws"]["CloudWatchMetrics"]]
    dimensions = [{name: lines[-1][name] for name in names} for names in directives[-1]["Dimensions"]]
    return directives[-1]["Namespace"], dimensions, {metric["Name"] for d in directives for metric in d["Metrics"]}


def documented_metrics():
    """Name -> kind, of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| \S+ \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.M)
    return dict(rows)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metrics_are_asked_for_as_they_are_written(plays, rendered, suffix):
    namespace, dimensions, _ = written(plays[suffix])
    kinds = documented_metrics()
    ours = [metric for metric in asked(rendered[suffix]) if metric[0] == namespace]
    assert len(ours) > 20
    for _, name, about, statistic in ours:
        assert name in kinds, f"orderd writes no {name}"
        assert about in dimensions, f"{name} of {about}"
        assert re.fullmatch(STATISTICS[kinds[name]], statistic), f"{statistic} of {name}"


def test_the_documented_metrics_are_written(plays):
    _, _, names = written(plays["dev"])
    assert names == documented_metrics().keys()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_metrics_are_those_of_aws(plays, rendered, suffix):
    made = rendered[suffix]
    queues = [made["aws_sqs_queue.order_queue"]["name"], made["aws_sqs_queue.dlq"]["name"]]
    group = made["aws_autoscaling_group.host[0]"]["name"]
    known = {"AWS/SQS": [{"QueueName": name} for name in queues], "AWS/AutoScaling": [{"AutoScalingGroupName": group}]}
    ours, _, _ = written(plays[suffix])
    for namespace, name, about, _ in asked(made):
        if namespace != ours:
            assert name in OF_AWS.get(namespace, ()), f"{namespace} has no {name}"
            assert about in known[namespace], f"{name} of {about}"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tags_are_the_metrics_dimensions(plays, rendered, suffix):
    tags = {tag["key"]: tag["value"] for tag in rendered[suffix]["aws_autoscaling_group.host[0]"]["tag"]}
    _, dimensions, _ = written(plays[suffix])
    assert {name: tags[name] for name in ("Environment", "Service")} in dimensions


# --- queries -----------------------------------------------------------------------------------------------------------------


def documented_fields():
    """Event -> its fields, of docs/log-messages.md; the metrics are fields of their line."""
    text = (ROOT / "docs/log-messages.md").read_text()
    found = {}
    for event, level_and_fields in re.findall(r"^### `(\w+)`\n\n(Level: [^.]*\. Fields: [^.]*)\.", text, re.M):
        found[event] = {"ts", "level", "event", *re.findall(r"`(\w+)`", level_and_fields)}
    for outcome in ("processed", "duplicate", "failed", "deferred"):
        found[outcome] |= {"message_id", "order_id", "attempts"}
    found["metrics"] |= documented_metrics().keys()
    return found


def words(query):
    """The words of a query that are not in quotes, without the names that it makes up itself."""
    bare = re.sub(r'"[^"]*"', "", re.sub(r"^SOURCE '.*?'", "", query))
    made_up = set(re.findall(r"\bas (\w+)", bare))
    return set(re.findall(r"@?\b[A-Za-z_]\w*", bare)) - made_up - INSIGHTS


def queries(rendered):
    return panels(rendered) + [query["query_string"] for query in rendered.of_type("aws_cloudwatch_query_definition")]


def test_queries_ask_for_what_the_log_has(rendered):
    fields = documented_fields()
    assert len(queries(rendered["dev"])) == 6
    for query in queries(rendered["dev"]):
        events = set(re.findall(r'"([a-z_]+)"', query))
        assert events <= fields.keys(), f"no event is {events - fields.keys()}: {query}"
        wanted = fields.keys() - events if "!=" in query else events or fields.keys()
        if words(query) & documented_metrics().keys():
            wanted = {*wanted, "metrics"}
        assert words(query) <= set().union(*(fields[event] for event in wanted)), query


def test_the_log_has_what_is_documented(plays):
    """The fields of the lines of a run are those that the queries were held against."""
    fields = documented_fields()
    for line in plays["dev"].lines:
        assert line.keys() <= fields[line["event"]], line["event"]
