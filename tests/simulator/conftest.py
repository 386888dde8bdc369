"""模擬LINEの試験の土台: さくらと健(友だち)、リン(ブロック中)のいる、空の模擬LINE。"""

import pytest

from tests.simulator.api import KEN, LIN, SAKURA, Api
from tests.simulator.running import RunningSimulator


@pytest.fixture
def line(simulator: RunningSimulator) -> RunningSimulator:
    simulator.put_people(
        {"user": SAKURA, "name": "さくら"}, {"user": KEN, "name": "健"}, {"user": LIN, "name": "リン", "blocked": True}
    )
    return simulator


@pytest.fixture
def api(line: RunningSimulator) -> Api:
    return Api(line)
