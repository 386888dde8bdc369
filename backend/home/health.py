"""見張りのための扉: `/statusz`(人が要るか)と `/metrics`(数)。人を指す値は一つも出さない。"""

from typing import Any

from litestar import MediaType, Response, get
from litestar.types import ControllerRouterHandler

from backend.account import state
from backend.delivery import alarms
from backend.menus import watching
from backend.store import work
from backend.store.pool import LOST


@get("/statusz", media_type=MediaType.TEXT)
async def statusz() -> Response[str]:
    """人が見るべきことがあれば503と、その理由を一行ずつ。"""
    try:
        ringing = [*await alarms.current(), *await watching.ringing()]
    except (*LOST, TimeoutError):
        return _text("データベースにつながりません", 503)
    if ringing:
        # だれでも開ける道なので、件名は出さない。
        return _text("\n".join(sorted({alarm.kind for alarm in ringing})), 503)
    return _text("ok", 200)


@get("/metrics")
async def metrics() -> Response[str]:
    """Prometheusの形。"""
    account = await state.current()
    rows = (await work.sql(_COUNTS))[0]
    states = await work.sql("select state, count(*)::int as count from delivery group by state order by state")
    batches = await work.sql("select state, count(*)::int as count from delivery_batch group by state order by state")
    lines = [
        *_gauge("ward_sender_beat_age_seconds", "送り手の最後の鼓動からの秒", [("", rows["beat_age"])]),
        *_gauge("ward_account_stopped", "配信を止めているか", [("", int(account.stopped.value != "none"))]),
        *_gauge("ward_account_disaster", "災害時か", [("", int(account.mode.value == "disaster"))]),
        *_gauge("ward_brakes_open", "開いた自動配信のブレーキ", [("", rows["brakes"])]),
        *_gauge("ward_batches_unknown", "人が決めるのを待つ不明の送信単位", [("", rows["unknown"])]),
        *_gauge("ward_deliveries", "配信の数", [(f'{{state="{r["state"]}"}}', r["count"]) for r in states]),
        # 人数は出さない: だれでも開ける道で二度数えれば、一つの配信の宛先の数が分かる(RULES 17)。
        *_gauge("ward_batches", "送信単位の数", [(f'{{state="{r["state"]}"}}', r["count"]) for r in batches]),
    ]
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def _gauge(name: str, words: str, values: list[tuple[str, Any]]) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", *(f"{name}{label} {value}" for label, value in values)]


def _text(words: str, status: int) -> Response[str]:
    return Response(
        words, status_code=status, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


_COUNTS = """
select (select extract(epoch from clock_timestamp() - beat_at)::float from delivery_sender) as beat_age,
       (select count(*) from delivery_brake where closed_at is null) as brakes,
       (select count(*) from delivery_batch where state = 'unknown') as unknown
"""
routes: list[ControllerRouterHandler] = [statusz, metrics]
