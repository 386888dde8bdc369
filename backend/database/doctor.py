"""診断: 動かす前と、動かしている間に、人が見ておくことを一度に並べる(`ward doctor`)。"""

import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import asyncpg
import jpholiday

from backend.database import grants, migrating, wall
from backend.errors import LineError, Refused
from backend.menus import watching
from backend.settings import Mode, Settings
from backend.store import clock, work
from backend.store.pool import LOST

OLDEST_POSTGRES = 15
HORIZON = timedelta(days=90)
HOLIDAYS_A_YEAR = 15  # 祝日法の休日は16前後。これより少ない年は、まだ知られていない
FREE_BYTES = 1_000_000_000
CLOCK_SECONDS = 2.0


class Level(StrEnum):
    GOOD = "good"
    NOTICE = "notice"
    WRONG = "wrong"

    @property
    def mark(self) -> str:
        return {"good": "○", "notice": "△", "wrong": "×"}[self.value]


@dataclass(frozen=True)
class Finding:
    """一つの見立て。`words` はそのまま表示できる文。"""

    level: Level
    subject: str
    words: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


class Line(wall.Line, Protocol):
    """`line.gateway.Gateway` のうち、ここで使うところ。"""

    async def quota(self) -> Any: ...


async def examine(settings: Settings, line: Line) -> list[Finding]:
    """すべての見立て。束は開いていること。一つでも WRONG があれば、そのまま動かしてはいけない。"""
    found = [*_settings(settings), _disk(settings)]
    try:
        found += [finding async for finding in _database(settings)]
        found += [finding async for finding in _line(settings, line)]
        found.append(await _holidays())
    except (*LOST, asyncpg.PostgresError) as error:
        found.append(Finding(Level.WRONG, "データベース", f"調べる途中で失敗しました({type(error).__name__})。"))
    return found


def _settings(settings: Settings) -> list[Finding]:
    found = [Finding(Level.GOOD, "設定", f"「{settings.mode.label}」として読めました。")]
    if settings.mode is Mode.DEMO:
        return found
    if settings.console_url == settings.public_url:
        found.append(
            _notice("設定", "職員の画面が住民のページと同じホストです。WARD_CONSOLE_URL を別のホストにしてください。")
        )
    if not settings.alert_email or not settings.smtp_url.get_secret_value():
        found.append(
            _notice("設定", "異常を知らせるメールが出ません。WARD_SMTP_URL と WARD_ALERT_EMAIL を書いてください。")
        )
    if settings.line_channel_access_token.get_secret_value():
        found.append(
            _notice(
                "設定",
                "固定のアクセストークンを使っています。期限を控え、できれば空にしてください(15分の使い捨てになります)。",
            )
        )
    return found


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    free = shutil.disk_usage(place).free
    words = f"空きは{free / 1e9:.1f}GBです。"
    return Finding(Level.GOOD if free > FREE_BYTES else Level.WRONG, "ディスク", words)


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    row = (await work.sql("select current_setting('server_version_num')::int as number, clock_timestamp() as now"))[0]
    major = row["number"] // 10000
    yield Finding(Level.GOOD if major >= OLDEST_POSTGRES else Level.WRONG, "データベース", f"PostgreSQL {major} です。")
    ahead = abs((row["now"] - datetime.now(UTC)).total_seconds())  # 実時間: 二つの機械の時計を比べる
    if ahead > CLOCK_SECONDS:
        yield _notice("時計", f"データベースの時計と、この機械の時計が{ahead:.0f}秒ずれています。")
    waiting = await migrating.pending()
    if waiting:
        yield Finding(
            Level.WRONG, "移行", f"済んでいない移行が{len(waiting)}件あります。`ward migrate` を実行してください。"
        )
        return
    yield Finding(Level.GOOD, "移行", "済んでいます。")
    yield await _rights()
    moved = await work.sql("select shift from clock_offset where shift <> interval '0'")
    if moved:
        level = Level.NOTICE if settings.mode is Mode.DEMO else Level.WRONG
        yield Finding(level, "時計", f"業務の時計が {moved[0]['shift']} だけ進めてあります。")
    for finding in await _menus():
        yield finding


async def _rights() -> Finding:
    rows = await work.sql(
        "select c.relname as name from pg_class c where c.relname = any($1::text[]) and c.relkind = 'r' and ("
        "has_table_privilege(c.oid, 'UPDATE') or has_table_privilege(c.oid, 'DELETE') "
        "or has_table_privilege(c.oid, 'TRUNCATE')) order by 1",
        sorted(grants.APPEND_ONLY),
    )
    if rows:
        names = "、".join(row["name"] for row in rows)
        return Finding(
            Level.WRONG,
            "権利",
            f"アプリケーションの役割が台帳を書き換えられます({names})。`ward migrate` で権利を配り直してください。",
        )
    return Finding(Level.GOOD, "権利", "アプリケーションの役割は、台帳に追記だけができます。")


async def _line(settings: Settings, line: Line) -> AsyncIterator[Finding]:
    pinned = await wall.read()
    try:
        bot: Any = await line.bot_info()
        quota = await line.quota()
    except LineError as error:
        yield Finding(Level.WRONG, "LINE", f"LINEに尋ねられませんでした({error.status or '返事なし'})。")
        return
    except Refused as error:
        yield Finding(Level.WRONG, "LINE", error.message)
        return
    if pinned and pinned.bot_user_id != bot.user_id:
        yield Finding(Level.WRONG, "LINE", "このデータベースに刻まれたものとは別のLINEアカウントです。")
    yield Finding(Level.GOOD, "LINE", f"{bot.display_name}({bot.basic_id})につながりました。")
    if bot.chat_mode != "bot":
        yield _notice("LINE", "管理画面の「チャット」がオンです。この仕組みは返信をしないので、オフにしてください。")
    left = "上限なし" if quota.limit is None else f"残り{max(quota.limit - quota.used, 0):,}通"
    yield Finding(Level.GOOD, "LINE", f"今月の通数は {quota.used:,}通({left})です。")
    if settings.mode is not Mode.DEMO:
        yield _notice(
            "LINE", f"Webhook URL が {settings.public_url}/line/webhook で、再送がオンかを管理画面で確かめてください。"
        )


async def _holidays() -> Finding:
    year = (await clock.now() + HORIZON).astimezone(clock.JST).year
    if len(jpholiday.year_holidays(year)) < HOLIDAYS_A_YEAR:
        return _notice("祝日", f"{year}年の祝日がまだ分かりません。ライブラリ jpholiday を新しくしてください。")
    return Finding(Level.GOOD, "祝日", f"90日先({year}年)まで分かっています。")


async def _menus() -> list[Finding]:
    if not (await watching.following()).placed:
        return [_notice("メニュー", "まだLINEに置いていません。コンソールの「メニュー」で反映してください。")]
    ringing = await watching.ringing()
    return [_notice("メニュー", alarm.words) for alarm in ringing] or [
        Finding(Level.GOOD, "メニュー", "アカウントの状態に従っています。災害時のメニューもあります。")
    ]


def _notice(subject: str, words: str) -> Finding:
    return Finding(Level.NOTICE, subject, words)
