"""A thousand orders through everything that can fail; `make soak` sends more of them, with other seeds."""

import chaos
import pytest

SEED = 20261122


@pytest.mark.takes(95)
@pytest.mark.timeout(400)
def test_a_thousand_orders(make_stage, orderd):
    run = chaos.Run(make_stage(max_receives=chaos.MAX_RECEIVES), orderd, SEED, 1000)
    run.go()
