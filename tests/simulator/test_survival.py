"""kill -9 のあとも、模擬LINEは覚えている。"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import Refused
from backend.simulator import serve
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID
from tests.simulator.api import KEN, LIN, SAKURA, Api, new_key
from tests.simulator.receiver import receiving
from tests.simulator.running import RunningSimulator, free_port


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RunningSimulator]:
    simulator = RunningSimulator(tmp_path, channel_id=CHANNEL_ID, channel_secret=CHANNEL_SECRET, liff_id=LIFF_ID)
    simulator.start()
    yield simulator
    simulator.kill()


def test_everything_survives_a_kill(mortal: RunningSimulator) -> None:
    mortal.put_people({"user": SAKURA, "name": "さくら"}, {"user": KEN, "name": "健"}, {"user": LIN, "name": "リン"})
    mortal.account(job_seconds=600, quota=100)
    mortal.fault("broadcast", "500_before", every=2, times=None)
    mortal.clock(advance_seconds=3600)
    mortal.block(LIN)
    api, key = Api(mortal), new_key()
    menu = api.ready_menu()
    api.alias("kurashi", menu)
    api.post(f"/v2/bot/user/all/richmenu/{menu}")
    other = api.ready_menu()
    api.post("/v2/bot/richmenu/bulk/link", {"richMenuId": other, "userIds": [SAKURA]})
    assert api.multicast([SAKURA, LIN], key=key).status_code == 200
    assert api.broadcast().status_code == 200
    before = mortal.ledger()

    mortal.restart()

    assert mortal.ledger() == before
    assert abs((mortal.now() - mortal.clock(advance_seconds=0)).total_seconds()) < 5
    assert mortal.http.get("/_sim/clock").json()["offset_seconds"] == 3600
    assert [person["blocked"] for person in mortal.people()] == [False, False, True]
    assert api.multicast([SAKURA, LIN], key=key).status_code == 409, "トークンも再試行の鍵も生きている"
    assert api.broadcast().status_code == 500, "故障の数えかたも続きから"
    assert api.get("/v2/bot/richmenu/alias/kurashi").json()["richMenuId"] == menu
    assert mortal.screen(KEN)["menu"]["richMenuId"] == menu
    assert (api.linked(SAKURA), mortal.finish_jobs(), api.linked(SAKURA)) == (None, 1, other)
    assert [event["event"]["type"] for event in mortal.webhooks()] == ["unfollow"]


def test_an_event_that_waits_is_sent_after_the_kill(mortal: RunningSimulator) -> None:
    mortal.put_people({"user": SAKURA, "name": "さくら"})
    mortal.webhook("http://127.0.0.1:9/")
    mortal.block(SAKURA)
    mortal.restart()
    with receiving() as receiver:
        mortal.webhook(receiver.url)
        mortal.send_webhooks(retry_now=True)
        assert receiver.wait(1)[0].events[0]["type"] == "unfollow"


def test_a_used_port_is_told_in_one_sentence(mortal: RunningSimulator, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"ポート{mortal.port}は、ほかのプログラムが使っています"):
        serve.main(["--port", str(mortal.port), "--data-dir", str(tmp_path / "other")])


def test_reset_forgets_everything_but_the_signing_key(mortal: RunningSimulator) -> None:
    mortal.put_people({"user": SAKURA, "name": "さくら"})
    mortal.fault("", "500_before", times=None)
    mortal.clock(advance_seconds=3600)
    keys = mortal.http.get("/oauth2/v2.1/certs").json() if mortal.id_token(SAKURA) else None
    mortal.reset()
    assert (mortal.people(), mortal.summary()["calls"], mortal.webhooks()) == ([], 0, [])
    assert mortal.http.get("/_sim/clock").json()["offset_seconds"] == 0
    assert Api(mortal).get("/v2/bot/info").status_code == 200
    assert mortal.http.get("/oauth2/v2.1/certs").json() == keys


def test_the_ward_command_starts_it(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "backend.cli", "simulator", "--port", str(port)]
    environment = {**os.environ, "WARD_DATA_DIR": str(tmp_path), "WARD_LIFF_ID": LIFF_ID}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(f"模擬LINE http://127.0.0.1:{port}")
        process.terminate()
        assert process.wait(10) == 0
    assert (tmp_path / "simulator.sqlite").exists()
