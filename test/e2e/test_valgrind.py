"""The daemon's memory at its end: nothing lost, nothing read that was never written."""

import orders
import pytest

VALGRIND = (
    "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99", "--log-file=valgrind.log",
)  # fmt: skip


@pytest.mark.takes(6)
def test_clean_at_exit(stage, orderd):
    if any(word in orderd.binary.read_bytes() for word in (b"__asan_init", b"__tsan_init")):
        pytest.skip("a program with sanitizers does not run under valgrind")
    process = orderd.start_on(stage, {"processing.timeout_seconds": 30}, prefix=VALGRIND)
    stage.send(*[orders.make(f"ORD-{n}") for n in range(10)], orders.make("ORD-0"), "CUST-no JSON", orders.make("ORD-1", amount=0))
    stage.until_dead(2, seconds=90)
    stage.until_empty()
    process.terminate()
    code = process.wait(60)
    report = (orderd.directory / "valgrind.log").read_text()
    assert (code, report) == (0, "")
    assert process.accounting()["processed"] == 10
