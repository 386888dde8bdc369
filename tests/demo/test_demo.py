"""お試し: 一つの命令で始まり、どれが殺されても立ち直り、Ctrl-Cで何も残らない。上から順に、一つの走りを歩く。"""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from backend.demo import people
from tests.cast import KEN, LIN, SAKURA
from tests.demo.running import RunningDemo

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="プロセスを/procで数える")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("demo") / "ward")
    yield running
    for pid in running.pids():
        os.kill(pid, signal.SIGKILL)


def test_it_is_ready_within_a_minute_from_nothing(demo: RunningDemo) -> None:
    seconds = demo.start()
    print(f"はじめて: {seconds:.1f}秒")
    assert demo.ready()


def test_it_tells_where_to_go_and_as_whom(demo: RunningDemo) -> None:
    described = demo.described
    assert described["web"] == f"http://127.0.0.1:{demo.port}"
    assert httpx.get(described["phone"], trust_env=False).status_code == 200
    assert {"pr", "pr_chief", "section_staff", "section_chief", "administrator"} <= {
        a["role"] for a in described["accounts"]
    }
    assert all(account["password"] in demo.words.read_text(encoding="utf-8") for account in described["accounts"])


async def test_there_are_people_who_consented_and_the_cast_is_among_the_friends(demo: RunningDemo) -> None:
    database = await asyncpg.connect(demo.database.owner_url)
    stored = await database.fetchval("select count(*) from resident")
    english = await database.fetchval("select count(*) from consent_event where language = 'en'")
    await database.close()
    assert 0 < stored < demo.friends
    assert english > 0
    names = [demo.screen(user)["name"] for user in (SAKURA, KEN, LIN)]
    assert names == [f"{name}(架空)" for name in people.CAST]


def test_every_phone_shows_the_default_menu_with_its_picture(demo: RunningDemo) -> None:
    menus = [demo.screen(user)["menu"] for user in (SAKURA, KEN, LIN)]
    assert len({menu["richMenuId"] for menu in menus}) == 1
    assert "受信設定を開く" in [area["action"]["label"] for area in menus[0]["areas"]]
    picture = httpx.get(f"http://127.0.0.1:{demo.simulator_port}{menus[0]['image']}", trust_env=False)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


def test_the_pages_of_the_ward_open_inside_the_phone_but_never_the_console(demo: RunningDemo) -> None:
    web = demo.described["web"]
    policy = httpx.get(f"{web}/verify", trust_env=False).headers["content-security-policy"]
    origins = policy.split("frame-ancestors ")[1].split(";")[0].split()
    assert len(origins) == len(set(origins))
    found = {path: demo.where(SAKURA, f"{web}{path}")["kind"] for path in ("/verify", "/privacy", "/console/sign-in")}
    assert found == {"/verify": "inside", "/privacy": "inside", "/console/sign-in": "page"}


def test_passwords_and_keys_are_for_their_owner_only(demo: RunningDemo) -> None:
    for name in ("demo.json", "demo-secrets.json", "demo-accounts.json"):
        assert stat.S_IMODE((demo.data_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(demo.data_dir.stat().st_mode) == 0o700


def test_a_second_one_in_the_same_place_is_refused_and_the_first_goes_on(demo: RunningDemo) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "backend.cli", "demo"],
        env=demo.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,  # 一つ目が倒れていれば、二つ目は断られずに動き続ける
    )
    assert (second.returncode, "もう動いています" in second.stderr) == (1, True)
    assert demo.described["accounts"]


@pytest.mark.parametrize("word", ["serve", "simulator", "worker"])
def test_a_killed_process_comes_back(demo: RunningDemo, word: str) -> None:
    before = demo.pids(f"backend.cli\0{word}")
    assert before
    demo.kill(f"backend.cli\0{word}")
    demo.wait(lambda: bool(demo.pids(f"backend.cli\0{word}")) and demo.pids(f"backend.cli\0{word}") != before)
    demo.wait(lambda: demo.ready() and demo.people() == 60)


def test_a_killed_database_comes_back(demo: RunningDemo) -> None:
    demo.kill("postgres\0-D")
    demo.wait(lambda: not demo.ready(), 5)
    demo.wait(demo.ready, 20)


def test_ctrl_c_leaves_no_process_behind(demo: RunningDemo) -> None:
    assert demo.interrupt() == 0
    assert demo.pids() == []
    assert not (demo.data_dir / "demo.json").exists()


def test_after_a_kill_of_the_whole_it_starts_again_where_it_was(demo: RunningDemo) -> None:
    demo.start()
    accounts = demo.described["accounts"]
    os.kill(demo.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
    seconds = demo.start()
    print(f"二度目: {seconds:.1f}秒")
    assert (demo.described["accounts"], demo.people()) == (accounts, 60)
    assert demo.interrupt() == 0
    assert demo.pids() == []


def test_a_port_in_use_is_said_in_one_sentence(demo: RunningDemo) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", demo.port))
        taken.listen()
        process = demo.spawn()
        assert process.wait(20) == 1
    words = demo.words.read_text(encoding="utf-8")
    assert f"ポート{demo.port}は、ほかのプログラムが使っています。" in words
    assert "Traceback" not in words
    assert demo.pids() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="rootには書けない場所がない")
def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    running = RunningDemo(tmp_path / "ward")
    running.words = Path(os.devnull)
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", "demo"],
        env=running.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "書き込めません" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
