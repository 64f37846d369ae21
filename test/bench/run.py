#!/usr/bin/env python3
"""Measures orderd beside floor, a libcurl program that only sends the same calls.

README.md beside this file says how to read the result.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from programs import POLL_SECONDS, STOP_SECONDS, BenchError, Child, Standin, tail_of

# What is to be reached.
MAX_CPU_RATIO = 1.8        # orderd's CPU time an order over floor's, plain HTTP without latency
MAX_CALLS_AN_ORDER = 1.25  # at batch_size 10 under load
MIN_RATE_SHARE = 0.85      # of WORKERS / latency orders a second
MAX_PEAK_KB = 16 * 1024
MAX_GROWTH_KB = 512        # from the first tenth of the orders to the last: more is not flat

WORKERS = 10                # of both programs
RSS_POINTS = (10, 50, 100)  # per cent of the orders deleted
# Orders as they usually are (the one in README has 100 bytes), and as large as they may well be.
USUAL_BYTES = "128-384"
LARGE_BYTES = "256-4096"
# A record's body from its order's: the expression and other attributes, types around the items.
UPDATE_FIXED_BYTES = 1110
UPDATE_FACTOR = 1.46


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    orders: int
    repeats: int
    body_bytes: str = LARGE_BYTES
    latency_ms: int = 0
    secure: bool = False

    def limit_seconds(self):
        """A run that takes longer is broken; the rates aimed at are many times higher."""
        return 60 + self.orders * (0.001 + self.latency_ms * 0.0004)


@dataclasses.dataclass
class Result:
    """One run of one program."""
    user_us: float       # CPU time, an order
    system_us: float
    rate: float          # orders a second
    calls: float         # an order
    peak_kb: int
    update_bytes: float  # mean size of an UpdateItem's body
    operations: dict     # name -> calls, those that were called
    rss_kb: dict         # per cent of the orders -> resident memory

    @property
    def cpu_us(self):
        return self.user_us + self.system_us


class Bench:
    """Settings of the whole measurement and the way one run is made."""

    def __init__(self, options, directory):
        self.bin = pathlib.Path(options.bin).resolve()
        self.body_bytes = options.body_bytes
        self.update_bytes = options.update_bytes
        self.directory = directory
        self.runs = 0
        cpus = sorted(os.sched_getaffinity(0))
        self.program_cpu = cpus[0]
        self.service_cpu = cpus[1] if len(cpus) > 1 else cpus[0]
        self.certificate = directory / "cert.pem"
        self.key = directory / "key.pem"
        # Nothing of the caller's environment reaches the programs: no AWS_*, no ORDERD_*, no proxy.
        self.env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory),
                    "LANG": "C.UTF-8"}

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-keyout", str(self.key), "-out", str(self.certificate), "-days", "2",
             "-subj", "/CN=orderd benchmark", "-addext", "subjectAltName=IP:127.0.0.1"],
            env=self.env, check=True, capture_output=True, timeout=60)

    def run(self, scenario, orderd=None):
        """Runs orderd (a path), or floor when there is none, once against a fresh stand-in."""
        self.runs += 1
        directory = self.directory / f"run-{self.runs}"
        directory.mkdir()
        children = []
        try:
            standin = Standin(self, scenario, directory)
            children.append(standin.child)
            url = standin.url()
            if orderd is None:
                program = Child(self.floor_argv(scenario, url), self.program_cpu, self.env,
                                directory / "floor.out")
                children.append(program)
                rss_kb = {}
                program.wait(scenario.limit_seconds())
            else:
                program = self.start_orderd(orderd, url, directory)
                children.append(program)
                rss_kb = self.watch_orders(program, standin, directory)
                program.stop(STOP_SECONDS)
            program.expect_success()
            stats = standin.stats()
        finally:
            for child in children:
                child.kill()
        check_stats(stats, records=orderd is not None)
        shutil.rmtree(directory)
        return make_result(program, stats, rss_kb)

    def sizes(self, scenario):
        return self.body_bytes or scenario.body_bytes

    def floor_argv(self, scenario, url):
        argv = [str(self.bin / "floor"), "--url", url, "--orders", str(scenario.orders),
                "--update-bytes", self.update_bytes or update_range(self.sizes(scenario))]
        return argv + ["--ca-file", str(self.certificate)] if scenario.secure else argv

    def start_orderd(self, path, url, directory):
        config = directory / "orderd.conf"
        config.write_text("")
        env = dict(self.env)
        env.update({
            "ORDERD_QUEUE_URL": f"{url}/000000000000/order-processing-queue",
            "ORDERD_QUEUE_BATCH_SIZE": "10",
            "ORDERD_QUEUE_WAIT_SECONDS": "1",
            "ORDERD_ENDPOINTS_SQS": url,
            "ORDERD_ENDPOINTS_DYNAMODB": url,
            "ORDERD_LOG_FILE": str(directory / "orderd.log"),
            "ORDERD_STATUS_FILE": str(directory / "status.json"),
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        })
        if url.startswith("https:"):
            env["ORDERD_TLS_CA_FILE"] = str(self.certificate)
        return Child([str(path), "--config", str(config)], self.program_cpu, env,
                     directory / "orderd.out")

    def watch_orders(self, program, standin, directory):
        """Waits until all orders' messages are deleted; returns memory at RSS_POINTS."""
        end = time.monotonic() + standin.scenario.limit_seconds()
        rss_kb = {}
        while True:
            deleted = standin.deleted()
            for point in RSS_POINTS:
                if point not in rss_kb and deleted * 100 >= point * standin.orders:
                    rss_kb[point] = program.resident_kb()
            if deleted == standin.orders:
                return rss_kb
            reason = None
            if not program.look():
                reason = f"ended early with status {program.process.returncode}"
            elif not standin.child.look():
                reason = "lost its stand-in, which ended early"
            elif time.monotonic() > end:
                reason = f"had about {deleted} of {standin.orders} orders done in the time allowed"
            if reason is not None:
                log = tail_of(directory / "orderd.log")
                raise BenchError(f"orderd {reason}:\n{program.tail()}\n{log}")
            time.sleep(POLL_SECONDS)


def update_range(body_bytes):
    """The sizes of the records that orders of these sizes make."""
    sizes = [round(UPDATE_FIXED_BYTES + UPDATE_FACTOR * int(size))
             for size in body_bytes.split("-")]
    return f"{sizes[0]}-{sizes[-1]}"


def check_stats(stats, records):
    """A program that left work out has no figures.

    Every order must be received and recorded before its delete, and nothing else asked for.
    """
    wrong = []
    unknown = stats["operations"]["Unknown"]["calls"]
    if stats["handed_out"] != stats["orders"]:
        wrong.append(f"{stats['handed_out']} of {stats['orders']} orders were received")
    if records and stats["recorded"] != stats["orders"]:
        wrong.append(f"{stats['recorded']} of {stats['orders']} orders were recorded")
    if records and stats["deleted_unrecorded"] > 0:
        wrong.append(f"{stats['deleted_unrecorded']} messages were deleted before their record")
    if unknown > 0:
        wrong.append(f"{unknown} calls of operations that the stand-in does not know")
    if wrong:
        raise BenchError("not a valid run: " + "; ".join(wrong))


def make_result(program, stats, rss_kb):
    orders = stats["orders"]
    update = stats["operations"]["UpdateItem"]
    return Result(
        user_us=program.usage.ru_utime * 1e6 / orders,
        system_us=program.usage.ru_stime * 1e6 / orders,
        rate=orders / stats["seconds"] if stats["seconds"] > 0 else 0.0,
        calls=stats["calls"] / orders,
        peak_kb=max([program.peak_kb, *rss_kb.values()]),
        update_bytes=update["body_bytes"] / max(update["calls"], 1),
        operations={name: entry["calls"] for name, entry in stats["operations"].items()
                    if entry["calls"] > 0},
        rss_kb=rss_kb)


def median(results, name):
    return statistics.median(getattr(result, name) for result in results)


def measure(bench, scenario, programs):
    """Runs floor and every orderd in turn, as often as asked for: label -> results."""
    results = {label: [] for label in ("floor", *programs)}
    for _ in range(scenario.repeats):
        results["floor"].append(bench.run(scenario))
        for label, path in programs.items():
            results[label].append(bench.run(scenario, path))
    return results


def print_table(bench, scenario, results):
    times = f"median of {scenario.repeats} runs" if scenario.repeats > 1 else "one run"
    print(f"\n{scenario.title}: {scenario.orders:,} orders of {bench.sizes(scenario)} bytes, {times}")
    width = max(len(label) for label in results)
    print(f"  {'':{width}}  CPU us/order  (user + system)  orders/s  calls/order  peak RSS  record")
    for label, runs in results.items():
        split = f"({median(runs, 'user_us'):.1f} + {median(runs, 'system_us'):.1f})"
        print(f"  {label:{width}}  {median(runs, 'cpu_us'):12.1f}  {split:>15}"
              f"  {median(runs, 'rate'):8,.0f}  {median(runs, 'calls'):11.3f}"
              f"  {median(runs, 'peak_kb') / 1024:5.1f} MB  {median(runs, 'update_bytes'):4,.0f} B")
    for label in results:
        if label != "floor":
            print_details(scenario, results, label)


def print_details(scenario, results, label):
    runs = results[label]
    rounds = [run.cpu_us / floor.cpu_us for run, floor in zip(runs, results["floor"])]
    print(f"  {label}: CPU over floor {cpu_ratio(results, label):.2f}"
          f" (rounds: {' '.join(f'{ratio:.2f}' for ratio in rounds)})")
    if scenario.latency_ms > 0:
        print(f"  {label}: {rate_share(scenario, runs):.1%} of {WORKERS} / {scenario.latency_ms} ms"
              " orders a second")
    for run in runs:
        points = ", ".join(f"{point} %: {kb:,} kB" for point, kb in run.rss_kb.items())
        print(f"  {label}: RSS at {points}")
    calls = ", ".join(f"{name} {count:,}" for name, count in runs[-1].operations.items())
    print(f"  {label}: calls {calls}")


def cpu_ratio(results, label):
    return median(results[label], "cpu_us") / median(results["floor"], "cpu_us")


def rate_share(scenario, runs):
    return median(runs, "rate") * scenario.latency_ms / 1000 / WORKERS


def growth_kb(run):
    return run.rss_kb[RSS_POINTS[-1]] - run.rss_kb[RSS_POINTS[0]]


def judge(scenario, results, label):
    """Yields what this scenario says about the targets: text, reached."""
    runs = results[label]
    if scenario.name == "usual":
        ratio = cpu_ratio(results, label)
        yield f"CPU {ratio:.2f} times the floor, at most {MAX_CPU_RATIO}", ratio <= MAX_CPU_RATIO
    if scenario.name == "large":
        growth = max(growth_kb(run) for run in runs)
        yield (f"RSS grew by {growth:,} kB from 10 % to 100 % of {scenario.orders:,} orders,"
               f" at most {MAX_GROWTH_KB}", growth <= MAX_GROWTH_KB)
    if scenario.name != "tls":
        calls = median(runs, "calls")
        yield (f"{calls:.3f} calls an order, at most {MAX_CALLS_AN_ORDER}",
               calls <= MAX_CALLS_AN_ORDER)
    if scenario.latency_ms > 0:
        share = rate_share(scenario, runs)
        yield (f"{share:.1%} of {WORKERS}/RTT orders a second, at least {MIN_RATE_SHARE:.0%}",
               share >= MIN_RATE_SHARE)
    peak = max(run.peak_kb for run in runs)
    yield f"peak RSS {peak / 1024:.1f} MB, at most {MAX_PEAK_KB // 1024}", peak <= MAX_PEAK_KB


def print_verdict(measured, programs):
    """Prints every target; returns whether all were reached."""
    all_reached = True
    print("\nTargets")
    for label in programs:
        for scenario, results in measured:
            for text, reached in judge(scenario, results, label):
                verdict = "reached" if reached else "MISSED "
                print(f"  {verdict}  {label}, {scenario.name}: {text}")
                all_reached = all_reached and reached
    return all_reached


def write_json(path, measured):
    document = {}
    for scenario, results in measured:
        runs = {label: [dataclasses.asdict(run) for run in of] for label, of in results.items()}
        document[scenario.name] = {"scenario": dataclasses.asdict(scenario), "runs": runs}
    pathlib.Path(path).write_text(json.dumps(document, indent=1) + "\n")


def size_range(text):
    """An option's value MIN-MAX, or one number for both."""
    sizes = [int(size) for size in text.split("-")]
    if len(sizes) > 2 or sizes[0] > sizes[-1]:
        raise ValueError(text)
    return f"{sizes[0]}-{sizes[-1]}"


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--only", choices=("usual", "large", "latency", "tls"), help="make one of the measurements")
    add("--orders", type=int, metavar="N",
        help="orders in every run (200,000 for usual and large, 20,000 for latency, 50,000 for tls)")
    add("--repeats", type=int, default=3, metavar="N", help="rounds, but of latency (3)")
    add("--body-bytes", type=size_range, metavar="MIN-MAX",
        help=f"sizes of the orders ({USUAL_BYTES} for usual, {LARGE_BYTES} for the others)")
    add("--update-bytes", type=size_range, metavar="MIN-MAX",
        help="sizes of floor's records (made from the orders' sizes)")
    add("--orderd", action="append", metavar="PATH",
        help="the orderd to measure (build/orderd); given twice, two builds are compared")
    add("--floor-only", action="store_true", help="measure the floor alone")
    add("--bin", default="build/bench", metavar="DIR",
        help="where standin and floor are (build/bench)")
    add("--json", metavar="FILE", help="write every run's figures there")
    add("--no-judge", action="store_true", help="print the figures, not the targets")
    options = parser.parse_args()
    if options.repeats < 1 or (options.orders is not None and options.orders < 100):
        parser.error("--repeats is at least 1, --orders at least 100")
    return options


def choose_scenarios(options):
    scenarios = (
        Scenario("usual", "plain HTTP, usual orders", options.orders or 200000, options.repeats,
                 body_bytes=USUAL_BYTES),
        Scenario("large", "plain HTTP, large orders", options.orders or 200000, options.repeats),
        Scenario("latency", "plain HTTP, 5 ms latency", options.orders or 20000, 1, latency_ms=5),
        Scenario("tls", "TLS, no latency", options.orders or 50000, options.repeats,
                 secure=True),
    )
    return [scenario for scenario in scenarios if options.only in (None, scenario.name)]


def choose_programs(options):
    """Returns label -> path of every orderd to measure."""
    if options.floor_only:
        return {}
    paths = options.orderd or ["build/orderd"]
    labels = ["orderd"] if len(paths) == 1 else paths
    for path in paths:
        if not os.access(path, os.X_OK):
            raise BenchError(f"there is no program {path}")
    return {label: pathlib.Path(path).resolve() for label, path in zip(labels, paths)}


def run_bench(options, directory):
    """Makes all measurements; returns whether every target was reached."""
    programs = choose_programs(options)
    bench = Bench(options, directory)
    bench.make_certificate()
    print(f"orderd and floor on CPU {bench.program_cpu}, the stand-in on CPU {bench.service_cpu}")
    if bench.program_cpu == bench.service_cpu:
        print("there is one CPU only: the rates are not comparable")
    # This program looks at the others now and then; it must not take their CPU.
    os.sched_setaffinity(0, {bench.service_cpu})
    measured = []
    for scenario in choose_scenarios(options):
        results = measure(bench, scenario, programs)
        print_table(bench, scenario, results)
        sys.stdout.flush()
        measured.append((scenario, results))
    if options.json:
        write_json(options.json, measured)
    if options.no_judge or not programs:
        return True
    return print_verdict(measured, programs)


def main():
    options = read_options()
    # Ended from outside, the finally clauses still end the programs.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(2))
    try:
        with tempfile.TemporaryDirectory(prefix="orderd-bench-") as directory:
            return 0 if run_bench(options, pathlib.Path(directory)) else 1
    except (BenchError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
