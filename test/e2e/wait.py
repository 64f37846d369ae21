"""Waiting for something, with a deadline: no test sleeps for a fixed time."""

import time


def until(what, condition, seconds=30, every=0.05):
    """Asks `condition` until its answer is true and returns that answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(every)
