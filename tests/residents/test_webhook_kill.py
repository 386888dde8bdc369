"""W1(小): Webhookの途中で画面のサーバーが kill -9 されても、200と答えたものは失われず、答えなかったものは送り直しで済む。"""

from __future__ import annotations

from pathlib import Path

from backend.settings import Settings
from tests.bench import webhooks


async def test_a_kill_in_the_middle_of_disordered_events_loses_nothing(
    database, simulator, line_settings: Settings, tmp_path: Path
):
    folder = tmp_path / "web"
    folder.mkdir()
    settings = line_settings.model_copy(update={"data_dir": folder})
    found = await webhooks.measure(settings, simulator, folder, 1_500)
    print(
        f"W1: 種 {found['seed']}、出来事 {found['events']}、kill -9 の後の送り直し {found['posts_sent_again_after_the_kill']}、"
        f"食い違い {found['mismatches']}、返事 p99 {found['ack_p99_ms']} ms(上限 200 ms)"
    )
    assert found["mismatches"] == 0
    assert found["posts_sent_again_after_the_kill"] > 0, "殺された間に届いたものがない"
