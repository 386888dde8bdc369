"""組み込みのPostgreSQL: 起こす、引き継ぐ、立ち直る、断る。"""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from backend.database import embedded, programs
from backend.errors import Refused


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """0700のフォルダの中の、この試験だけのデータ。"""
    folder = tmp_path_factory.mktemp("own")
    folder.chmod(0o700)
    yield folder / "data"
    embedded.start(folder / "data").stop("immediate")


async def who(server: embedded.Server) -> str:
    connection = await asyncpg.connect(server.app_url)
    try:
        return await connection.fetchval("select current_user")
    finally:
        await connection.close()


async def test_it_starts_in_a_private_folder_and_answers_as_the_application(home: Path) -> None:
    assert await who(embedded.start(home)) == embedded.APPLICATION


async def test_a_running_server_is_adopted(home: Path) -> None:
    first = embedded.start(home).pid
    assert first
    assert embedded.start(home).pid == first


async def test_a_running_server_is_adopted_also_from_a_place_with_another_tmpdir(home: Path, tmp_path: Path) -> None:
    first = embedded.start(home)
    words = "import sys; from pathlib import Path; from backend.database import embedded as e; s = e.start(Path(sys.argv[1])); print(s.pid, s.socket_dir)"
    seen = subprocess.run(
        [sys.executable, "-c", words, str(home)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.split() == [str(first.pid), str(first.socket_dir)]


async def test_no_one_else_can_reach_the_socket_and_no_port_is_open(home: Path) -> None:
    server = embedded.start(home)
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    connection = await asyncpg.connect(server.owner_url)
    addresses = await connection.fetchval("show listen_addresses")
    await connection.close()
    assert addresses == ""


async def test_after_a_kill_of_the_whole_server_it_starts_again_within_five_seconds(home: Path) -> None:
    server = embedded.start(home)
    os.kill(server.pid, signal.SIGKILL)
    began = time.monotonic()
    again = embedded.start(home)
    assert time.monotonic() - began < 5
    assert await who(again) == embedded.APPLICATION


async def test_a_busy_session_does_not_keep_a_killed_server_from_starting(home: Path) -> None:
    server = embedded.start(home)
    connection = await asyncpg.connect(server.owner_url)
    busy = asyncio.create_task(connection.execute("select count(*) from generate_series(1, 10000000000)"))
    await asyncio.sleep(0.2)
    os.kill(server.pid, signal.SIGKILL)
    again = await asyncio.to_thread(embedded.start, home)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await busy
    assert await who(again) == embedded.APPLICATION


async def test_a_server_recovering_from_a_crashed_session_is_waited_for_and_not_ended(home: Path) -> None:
    server = embedded.start(home)
    connection = await asyncpg.connect(server.owner_url)
    os.kill(connection.get_server_pid(), signal.SIGKILL)
    assert embedded.start(home).pid == server.pid


async def test_a_recovery_longer_than_the_starters_patience_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = embedded.start(home)
    before = server.pid
    monkeypatch.setattr(embedded, "PG_CTL_SECONDS", 1)
    monkeypatch.setattr(embedded, "START_SECONDS", 0.0)

    def slow() -> None:
        """起きたばかりのサーバーを、pg_ctlが待ちきれなくなるまで止めておく。"""
        while server.pid in (0, before):
            time.sleep(0.001)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(server.pid, signal.SIGCONT)

    slowing = asyncio.create_task(asyncio.to_thread(slow))
    await asyncio.to_thread(server.restart_immediate)
    await slowing
    assert await who(server) == embedded.APPLICATION


async def test_a_pid_file_whose_number_now_belongs_to_another_program_is_no_server(home: Path) -> None:
    server = embedded.start(home)
    server.stop("immediate")
    other = subprocess.Popen(["sleep", "60"])
    try:
        (home / "postgres").resolve().joinpath("postmaster.pid").write_text(
            f"{other.pid}\n{home}/postgres\n0\n5432\n\n\n"
        )
        assert not embedded.is_running(home)
        assert await who(embedded.start(home)) == embedded.APPLICATION
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_data_of_another_major_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("13\n")
    with pytest.raises(Refused, match="PostgreSQL 13") as refused:
        embedded.start(tmp_path)
    assert "控え" in refused.value.next_step


async def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = embedded.start(tmp_path)
    try:
        assert await who(server) == embedded.APPLICATION
    finally:
        server.stop("immediate")


async def test_a_very_long_place_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("長い名前のフォルダ" * 6) / "もう一段"
    server = embedded.start(deep)
    try:
        assert await who(server) == embedded.APPLICATION
    finally:
        server.stop("immediate")


async def test_stopping_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    pid = server.pid
    server.stop()
    assert not embedded.is_running(tmp_path)
    assert not server.socket_dir.exists()
    assert not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="rootのときだけの道")
async def test_where_root_may_not_make_namespaces_another_user_runs_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    no_unshare = tmp_path / "bin"
    no_unshare.mkdir()
    (no_unshare / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (no_unshare / "unshare").chmod(0o755)
    environment = {**os.environ, "PATH": f"{no_unshare}:{os.environ['PATH']}"}
    words = (
        "import sys, os; from pathlib import Path; from backend.database import embedded as e; s = e.start(Path(sys.argv[1]));"
        "print(os.stat(f'/proc/{s.pid}').st_uid, s.data_dir.joinpath('postgres').resolve(), s.app_url)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", words, str(tmp_path / "data")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    uid, place, url = ran.stdout.split()
    try:
        connection = await asyncpg.connect(url)
        await connection.close()
        assert (int(uid), Path(place).is_relative_to(tmp_path)) == (programs.NOBODY, False)
    finally:
        stop = "import sys; from pathlib import Path; from backend.database import embedded as e; e.start(Path(sys.argv[1])).stop('immediate')"
        subprocess.run([sys.executable, "-c", stop, str(tmp_path / "data")], env=environment, check=True)
        subprocess.run(["rm", "-rf", str(Path(place).parent)], check=True)
