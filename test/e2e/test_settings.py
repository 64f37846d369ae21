"""Every way to give a setting, and which of them wins, as --print-config tells; and what is refused."""

import json
import re

import daemon
import pytest

# name: (default, another good value)
TEXTS = {
    "region": ("us-east-1", "eu-central-1"),
    "environment_suffix": ("", "dev"),
    "queue.url": ("", "http://127.0.0.1:9/123456789012/orders"),
    "queue.name": ("order-processing-queue", "other-queue"),
    "queue.dead_letter_url": ("", "http://127.0.0.1:9/123456789012/dead"),
    "table.name": ("order-processing-status", "other-table"),
    "credentials.profile": ("", "shop"),
    "endpoints.sqs": ("", "http://127.0.0.1:9"),
    "endpoints.dynamodb": ("", "http://127.0.0.1:9"),
    "endpoints.sts": ("", "http://127.0.0.1:9"),
    "tls.ca_file": ("", "/etc/ssl/certs/ca-certificates.crt"),
    "log.level": ("info", "debug"),
    "log.file": ("", "/tmp/orderd.log"),
    "log.format": ("json", "text"),
    "metrics.namespace": ("OrderProcessing", "Shop"),
    "metrics.prometheus_file": ("", "/tmp/orderd.prom"),
    "status.file": ("/run/orderd/status.json", "/tmp/orderd.json"),
    "price.sqs_million": ("0.40", "0.5"),
    "price.dynamodb_million": ("0.625", "0"),
}

# name: (default, lowest, highest)
NUMBERS = {
    "queue.wait_seconds": (20, 0, 20),
    "queue.batch_size": (5, 1, 10),
    "queue.delete_linger_ms": (50, 0, 1000),
    "processing.workers": (10, 1, 256),
    "processing.timeout_seconds": (55, 1, 43000),
    "breaker.hold_seconds": (900, 0, 43000),
}

# Whose range the contract leaves open: name: (default, another good value)
COUNTS = {"aws.max_attempts": (0, 5), "metrics.interval_seconds": (60, 30)}

SAMPLES = (
    {name: other for name, (_, other) in TEXTS.items()}
    | {name: highest for name, (_, _, highest) in NUMBERS.items()}
    | {name: other for name, (_, other) in COUNTS.items()}
)  # fmt: skip


def variable(name):
    return "ORDERD_" + name.upper().replace(".", "_")


class Settings:
    """What --print-config said: the value and the source of each setting, and what follows from them."""

    LINE = re.compile(r"(\S+) = (.*?)\s+# (.+)")

    def __init__(self, text):
        self.rows = {}
        settings, _, rest = text.partition("\n\n")
        title, *lines = rest.splitlines()
        assert title.startswith("# ")
        self.follows = dict(line.removeprefix("# ").split(": ", 1) for line in lines)
        for line in settings.splitlines():
            match = self.LINE.fullmatch(line)
            assert match, f"not a setting: {line!r}"
            self.rows[match[1]] = (match[2].removeprefix('"').removesuffix('"'), match[3])

    def value(self, name):
        return self.rows[name][0]

    def source(self, name):
        return self.rows[name][1]


@pytest.fixture
def show(orderd, tmp_path):
    """Runs --print-config with flags, variables and a file's settings or text, and returns the Settings."""

    def show(*flags, file=None, **variables):
        path = orderd.config(file or "")
        env = daemon.environment(tmp_path, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, **variables)
        done = orderd.run("--config", path, *flags, "--print-config", env=env)
        assert done.returncode == 0, done.stderr
        return Settings(done.stdout)

    return show


def test_defaults(show):
    settings = show()
    expected = {name: default for name, (default, *_) in (TEXTS | NUMBERS | COUNTS).items()}
    assert {name: settings.value(name) for name in settings.rows} == {k: str(v) for k, v in expected.items()}
    assert {settings.source(name) for name in settings.rows} == {"default"}


def test_default_names_end_in_the_suffix(show):
    settings = show(ENVIRONMENT_SUFFIX="dev", file={"table.name": "mine"})
    assert settings.value("queue.name") == "order-processing-queue-dev"
    assert settings.value("table.name") == "mine"


def test_every_setting_from_the_file(show, orderd):
    settings = show(file=SAMPLES)
    lines = daemon.config_text(SAMPLES).splitlines()
    for name, value in SAMPLES.items():
        assert settings.value(name) == str(value)
        member = f"{name.rpartition('.')[2]} = {daemon.libconfig_value(value)};"
        at = {number for number, line in enumerate(lines, 1) if line.strip() == member}
        path, _, line = settings.source(name).rpartition(":")
        assert path == str(orderd.directory / "orderd.conf")
        assert int(line) in at, name


def test_every_setting_from_its_variable_which_wins_over_the_file(show):
    settings = show(file={name: default for name, (default, *_) in (TEXTS | NUMBERS | COUNTS).items()},
                    **{variable(name): str(value) for name, value in SAMPLES.items()})  # fmt: skip
    for name, value in SAMPLES.items():
        assert settings.value(name) == str(value)
        assert settings.source(name) == f"environment {variable(name)}"


def test_every_setting_from_a_flag_which_wins_over_its_variable(show):
    flags = [word for name, value in SAMPLES.items() for word in ("--set", f"{name}={value}")]
    others = {variable(name): str(default) for name, (default, *_) in (TEXTS | NUMBERS | COUNTS).items()}
    settings = show(*flags, **others)
    for name, value in SAMPLES.items():
        assert settings.value(name) == str(value)
        assert settings.source(name) == "command line"


URL = "http://127.0.0.1:{}"
QUEUE = "http://127.0.0.1:9/1/{}"

# name: the sources from the strongest to the weakest; each is a variable, or the flag, the file or the profile.
ORDERS = {
    "region": ["flag", "ORDERD_REGION", "REGION", "AWS_REGION", "AWS_DEFAULT_REGION", "file", "profile"],
    "queue.url": ["flag", "ORDERD_QUEUE_URL", "QUEUE_URL", "file"],
    "queue.dead_letter_url": ["flag", "ORDERD_QUEUE_DEAD_LETTER_URL", "DLQ_URL", "file"],
    "table.name": ["flag", "ORDERD_TABLE_NAME", "DYNAMODB_TABLE_NAME", "file"],
    "environment_suffix": ["flag", "ORDERD_ENVIRONMENT_SUFFIX", "ENVIRONMENT_SUFFIX", "file"],
    "credentials.profile": ["flag", "ORDERD_CREDENTIALS_PROFILE", "AWS_PROFILE", "file"],
    "endpoints.sqs": ["flag", "ORDERD_ENDPOINTS_SQS", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL", "file"],
    "endpoints.dynamodb": ["flag", "ORDERD_ENDPOINTS_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "file"],
    "tls.ca_file": ["flag", "ORDERD_TLS_CA_FILE", "AWS_CA_BUNDLE", "file"],
    "aws.max_attempts": ["flag", "ORDERD_AWS_MAX_ATTEMPTS", "AWS_MAX_ATTEMPTS", "file"],
}


def value_from(name, rank):
    """A value that tells which source it came from."""
    if name == "aws.max_attempts":
        return str(rank + 1)
    if name == "region":
        return f"eu-west-{rank + 1}"
    if name.endswith("url"):
        return QUEUE.format(f"q{rank}")
    return URL.format(1000 + rank) if name.startswith("endpoints") else f"value{rank}"


@pytest.mark.parametrize("name", ORDERS)
def test_the_stronger_source_wins(show, tmp_path, name):
    sources = ORDERS[name]
    for first in range(len(sources)):
        flags, variables, file = [], {}, {}
        for rank, source in enumerate(sources[first:], first):
            value = value_from(name, rank)
            if source == "flag":
                flags = ["--set", f"{name}={value}"]
            elif source == "file":
                file = {name: int(value) if name == "aws.max_attempts" else value}
            elif source == "profile":
                (tmp_path / "config").write_text(f"[default]\nregion = {value}\n")
                variables["AWS_CONFIG_FILE"] = str(tmp_path / "config")
            else:
                variables[source] = value
        settings = show(*flags, file=file, **variables)
        assert settings.value(name) == value_from(name, first), sources[first]
        named = {"flag": "command line", "file": r".*/orderd\.conf:[12]", "profile": "profile default"}
        assert re.fullmatch(named.get(sources[first], f"environment {sources[first]}"), settings.source(name))


def refused(done, *words):
    """It ended with 78, said nothing but why, and the reason has each of the words."""
    assert done.returncode == daemon.CONFIG_ERROR, done.stderr
    assert done.stdout == ""
    for word in words:
        assert str(word) in done.stderr
    return done.stderr


def check(orderd, text, **variables):
    """--check-config of a file with that text."""
    path = orderd.config(text)
    return orderd.run("--config", path, "--check-config", env=daemon.environment(orderd.directory, **variables)), path


def test_good_file_is_accepted_without_the_network(orderd):
    done, _ = check(orderd, daemon.config_text(SAMPLES | {"endpoints.sqs": "http://127.0.0.1:1"}))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.sanitize
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("side", ["below", "above"])
def test_number_out_of_range(orderd, name, side):
    _, lowest, highest = NUMBERS[name]
    value = lowest - 1 if side == "below" else highest + 1
    done, path = check(orderd, "# a comment\n" + daemon.config_text({name: value}))
    refused(done, f"{path}:3", name, value, lowest, highest)
    done, _ = check(orderd, "", **{variable(name): str(value)})
    refused(done, variable(name), value, lowest, highest)
    done = orderd.run("--config", path, "--set", f"{name}={value}", "--check-config")
    refused(done, name, value, lowest, highest)


@pytest.mark.parametrize("name", NUMBERS)
def test_ends_of_the_range_are_good(show, name):
    _, lowest, highest = NUMBERS[name]
    assert show(file={name: lowest}).value(name) == str(lowest)
    assert show(file={name: highest}).value(name) == str(highest)


@pytest.mark.parametrize("hold", [1, 20])
def test_hold_must_outlast_the_wait(orderd, hold):
    done, _ = check(orderd, daemon.config_text({"breaker.hold_seconds": hold}))
    refused(done, "breaker.hold_seconds", hold)


@pytest.mark.sanitize
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("processing: {\n  workers = 4294967297;\n};", 2, ("processing.workers", "4294967297", "1", "256")),
        ("processing: {\n  workers = 4294967297L;\n};", 2, ("processing.workers", "4294967297", "256")),
        ("processing: {\n  workers = 99999999999999999999999;\n};", 2, ("processing.workers", "256")),
        ("processing: {\n  workers = 0x10000000A;\n};", 2, ("processing.workers", "256")),
        ("processing: {\n  workers = 0400;\n};", 2, ("processing.workers", "400", "256")),
        ("processing: {\n  workers = 1e400;\n};", 2, ("processing.workers",)),
        ("processing: {\n  workers = 1.5;\n};", 2, ("processing.workers",)),
        ("processing: {\n  workers = true;\n};", 2, ("processing.workers",)),
        ('processing: {\n  workers = "10";\n};', 2, ("processing.workers",)),
        ("processing: {\n  workers = [1, 2];\n};", 2, ("processing.workers",)),
        ("processing: {\n  workers = { count = 1; };\n};", 2, ("processing.workers",)),
        ("\nregion = 7;", 2, ("region",)),
        ("table: { name = 5; };", 1, ("table.name",)),
        ('queue = "orders";', 1, ("queue",)),
        ('log: {\n\n  level = "loud"; };', 3, ("log.level", "loud", "info")),
        ('log: {\n\n  format = "xml"; };', 3, ("log.format", "xml", "text")),
        ('\nregion = "EU West";', 2, ("region", "EU West")),
        ('table: {\n  name = ""; };', 2, ("table.name",)),
        ('endpoints: {\n  sqs = "localhost"; };', 2, ("endpoints.sqs", "localhost")),
        ('queue: {\n  url = "https://sqs.eu-west-1.amazonaws.com/1/q"; };', 2, ("queue.url", "eu-west-1", "us-east-1")),
        ("queue: {\n  wait_second = 1;\n};", 2, ("queue.wait_second",)),
        ("workers = 10;", 1, ("workers",)),
        ('\n\ntables: { name = "x"; };', 3, ("tables",)),
    ],
)
def test_bad_setting_in_the_file(orderd, text, line, words):
    done, path = check(orderd, text)
    refused(done, f"{path}:{line}", *words)


@pytest.mark.sanitize
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("region = ;", 1),
        ('region = "us-east-1";\nqueue: {\n  wait_seconds = ;\n};', 3),
        ("queue: {\n  wait_seconds = 1;\n", 2),
        ('region = "us-east-1', 1),
        ("\n\n}{", 3),
        ('region = "a";\nregion = "b";', 2),
        ("queue: { wait_seconds = ten; };", 1),
    ],
)
def test_syntax_error_names_file_and_line(orderd, text, line):
    done, path = check(orderd, text)
    message = refused(done, path)
    found = re.search(re.escape(str(path)) + r":(\d+)", message)
    assert found, message
    # What is never finished is noticed where the text ends.
    end = text.count("\n") + (1 if text.endswith("\n") else 2)
    assert line <= int(found[1]) <= end, message


@pytest.mark.parametrize("value", ["ten", "5x", "0x", "1.5", "4294967306", "99999999999999999999"])
def test_bad_number_in_a_variable(orderd, value):
    done, _ = check(orderd, "", ORDERD_PROCESSING_WORKERS=value)
    refused(done, "ORDERD_PROCESSING_WORKERS", value)


def test_bad_flag(orderd):
    path = orderd.config("")
    for flags, word in ((["--set", "queue.nothing=1"], "--set queue.nothing"), (["--set", "queue.wait_seconds"], "--set queue.wait_seconds"),
                        (["--nothing"], "nothing"), (["rest"], "rest")):  # fmt: skip
        for mode in (["--check-config"], ["--print-config"], []):
            done = orderd.run("--config", path, *flags, *mode)
            assert done.returncode == 64 and word in done.stderr and done.stdout == "", flags


@pytest.mark.sanitize
def test_all_that_is_wrong_is_told_at_once(orderd):
    text = "queue: {\n  batch_size = 11;\n  colour = 1;\n};\n" 'log: { level = "loud"; };\n' 'table: { name = "a b"; };\n'
    done, path = check(orderd, text, ORDERD_PROCESSING_WORKERS="0", AWS_USE_FIPS_ENDPOINT="perhaps")
    lines = refused(done).splitlines()
    assert [re.search(r"(conf:\d+|environment \w+)", line)[0] for line in lines] == [
        "conf:2", "conf:3", "conf:5", "conf:6", "environment AWS_USE_FIPS_ENDPOINT", "environment ORDERD_PROCESSING_WORKERS",
    ]  # fmt: skip
    assert all(line.startswith("orderd: ") for line in lines)
    done = orderd.run("--config", path)
    assert done.returncode == daemon.CONFIG_ERROR
    (line,) = done.stderr.splitlines()
    for part in ("batch_size", "colour", "loud", "; "):
        assert part in json.loads(line)["error"]


@pytest.mark.parametrize("name", ["orders.fifo", "a b", "x" * 81, "a/b"])
def test_impossible_queue_name(orderd, name):
    refused(check(orderd, f'\nqueue: {{ name = "{name}"; }};')[0], ":2", "queue.name", name[:80])
    if "/" not in name:
        refused(check(orderd, "", QUEUE_URL=f"http://127.0.0.1:9/1/{name}")[0], "QUEUE_URL", "queue.url")


@pytest.mark.parametrize("name", ["ab", "a b", "x" * 256, "a/b"])
def test_impossible_table_name(orderd, name):
    refused(check(orderd, "", DYNAMODB_TABLE_NAME=name)[0], "DYNAMODB_TABLE_NAME", "table.name", name[:80], 3, 255)


# --- endpoints, region, credentials ------------------------------------------------------------------


def test_what_follows_from_the_defaults(show):
    follows = show().follows
    assert follows["region"] == "us-east-1 (default)"
    for service in ("sqs", "dynamodb", "sts"):
        assert follows[f"endpoint of {service}"] == f"https://{service}.us-east-1.amazonaws.com/ (region us-east-1)"
    assert follows["credentials"] == "none"
    assert show(AWS_EC2_METADATA_DISABLED=None).follows["region"].startswith("that of the instance metadata")


def test_endpoints_and_where_they_come_from(show):
    follows = show(AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_ENDPOINT_URL_STS="http://127.0.0.1:2", AWS_REGION="eu-west-3",
                   file={"endpoints.dynamodb": "http://127.0.0.1:3"}).follows  # fmt: skip
    assert follows["region"] == "eu-west-3 (environment AWS_REGION)"
    assert follows["endpoint of sqs"] == "http://127.0.0.1:1/ (environment AWS_ENDPOINT_URL)"
    assert follows["endpoint of dynamodb"] == "http://127.0.0.1:1/ (environment AWS_ENDPOINT_URL)"
    assert follows["endpoint of sts"] == "http://127.0.0.1:2/ (environment AWS_ENDPOINT_URL_STS)"


def test_ignored_endpoint_urls(show):
    follows = show(AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
                   file={"endpoints.dynamodb": "http://127.0.0.1:3"}).follows  # fmt: skip
    assert follows["endpoint of sqs"].startswith("https://sqs.us-east-1.amazonaws.com/")
    assert follows["endpoint of dynamodb"].startswith("http://127.0.0.1:3/ (")


def test_endpoints_of_a_profile(show, tmp_path):
    (tmp_path / "aws").write_text(
        "[profile shop]\nregion = eu-south-2\nservices = local\nendpoint_url = http://127.0.0.1:1\nrole_arn = r\n"
        "[services local]\nsqs =\n  endpoint_url = http://127.0.0.1:2\n"
    )
    follows = show(AWS_CONFIG_FILE=str(tmp_path / "aws"), AWS_PROFILE="shop").follows
    assert follows["region"] == "eu-south-2 (profile shop)"
    assert follows["endpoint of sqs"] == "http://127.0.0.1:2/ (profile shop, services local)"
    assert follows["endpoint of dynamodb"] == "http://127.0.0.1:1/ (profile shop)"
    assert follows["credentials"] == "profile shop (role)"


def test_fips_and_dual_stack(show):
    follows = show(AWS_USE_FIPS_ENDPOINT="true", AWS_USE_DUALSTACK_ENDPOINT="true").follows
    assert follows["endpoint of sqs"] == "https://sqs-fips.us-east-1.api.aws/ (region us-east-1, FIPS, dual stack)"
    assert follows["FIPS endpoints"] == "yes (environment AWS_USE_FIPS_ENDPOINT)"


@pytest.mark.parametrize("switch", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_fips_or_dual_stack_at_a_custom_endpoint(orderd, switch):
    done, path = check(orderd, '\nendpoints: { sqs = "http://127.0.0.1:9"; };', **{switch: "true"})
    refused(done, f"{path}:2", "endpoints.sqs", "http://127.0.0.1:9", switch)


def test_no_secret_is_printed(orderd):
    env = daemon.environment(orderd.directory)
    done = orderd.run("--config", orderd.config(""), "--print-config", env=env)
    assert "# credentials: environment\n" in done.stdout
    assert env["AWS_SECRET_ACCESS_KEY"] not in done.stdout and env["AWS_ACCESS_KEY_ID"] not in done.stdout


# --- files that settings name ------------------------------------------------------------------------


def test_check_says_what_it_read(orderd):
    done, path = check(orderd, "")
    assert done.stdout == f"{path}: the settings are valid\n"
    done = orderd.run("--check-config")
    assert done.returncode == 0
    assert "/etc/orderd/orderd.conf" in done.stdout


@pytest.mark.parametrize("name", ["tls.ca_file", "log.file", "metrics.prometheus_file", "status.file"])
def test_check_looks_at_files(orderd, name):
    """What a start would go without is a warning."""
    done, path = check(orderd, daemon.config_text({name: "/nowhere/at/all"}))
    if name in ("tls.ca_file", "log.file"):
        refused(done, f"{path}:2", name, "/nowhere/at/all", "No such file or directory")
    else:
        assert (done.returncode, done.stderr) == (0, "")
        valid, warning = done.stdout.splitlines()
        assert valid == f"{path}: the settings are valid"
        assert warning.startswith(f"warning: {path}:2: {name} = /nowhere/at/all: ") and "No such file" in warning
    (orderd.directory / "there").write_text("x")
    done, _ = check(orderd, daemon.config_text({name: str(orderd.directory / "there")}))
    assert done.returncode == 0, done.stderr
    assert (orderd.directory / "there").read_text() == "x"


@pytest.mark.sanitize
def test_missing_file(orderd):
    for arguments in (["--check-config"], ["--print-config"], []):
        refused(orderd.run("--config", orderd.directory / "nowhere.conf", *arguments), "nowhere.conf")


def test_directory_as_file(orderd):
    refused(orderd.run("--config", orderd.directory, "--check-config"), orderd.directory)


def test_version_and_help(orderd):
    version, usage = orderd.run("--version"), orderd.run("--help")
    assert orderd.run("-h").stdout == usage.stdout
    assert version.returncode == usage.returncode == 0
    assert re.match(r"orderd \d+\.\d+", version.stdout)
    for word in ("--config", "--check-config", "--print-config", "--set", "--version", "--help"):
        assert word in usage.stdout
