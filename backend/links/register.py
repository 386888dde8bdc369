"""台帳: リンクを引き、どこで使われているかを覚える。書くのは `editing` と `repoint`。"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.errors import NotFound
from backend.links import addresses
from backend.store import work

EXTERNAL = addresses.EXTERNAL
GO = re.compile(r"https?://[^/\s]+/go/([a-z0-9][a-z0-9_-]{0,39})(?![a-z0-9_-])")
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class State(StrEnum):
    """行き先の様子。DEAD は開けないと分かったもので、新しい提出を止める。"""

    UNSEEN = "unseen"
    LIVE = "live"
    SUSPECT = "suspect"
    DEAD = "dead"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        return {
            "unseen": "まだ確かめていない",
            "live": "開ける",
            "suspect": "確かめられていない",
            "dead": "開けない",
            "retired": "使うのをやめた",
        }[self.value]

    @property
    def usable(self) -> bool:
        """新しい依頼やメニューに使ってよいか。"""
        return self not in (State.DEAD, State.RETIRED)


@dataclass(frozen=True)
class Link:
    code: str
    label: str
    purpose: str
    owner_section: str
    owner_name: str
    url: str
    allowed_hosts: tuple[str, ...]
    external_browser: bool
    replacement: str | None
    version: int
    state: State
    checked_at: datetime | None
    reason: str
    uses: int
    created_at: datetime
    updated_at: datetime
    dead_since: datetime | None

    @property
    def source(self) -> str:
        """操作記録と承認の相手。"""
        return f"link:{self.code}"


@dataclass(frozen=True)
class Wanted:
    """登録したい、または直したい中身。`more_hosts` は移ってもよいほかのホスト名(空白区切り)。"""

    label: str
    purpose: str
    owner_section: str
    url: str
    more_hosts: str = ""
    external_browser: bool = False


_SELECT = """
select l.*, coalesce(s.name, l.owner_section) as owner_name, c.verdict, c.dead_since, c.checked_at, c.reason,
       (select count(*) from link_use u where u.code = l.code) as uses
from link l left join section s on s.code = l.owner_section left join link_check c on c.code = l.code
"""


async def listing() -> list[Link]:
    return [_link(row) for row in await work.sql(f"{_SELECT} order by l.retired, l.label, l.code")]


async def find(code: str, *, lock: bool = False) -> Link:
    rows = []
    if CODE.fullmatch(code):
        rows = await work.sql(f"{_SELECT} where l.code = $1{' for update of l' if lock else ''}", code)
    if not rows:
        raise NotFound("そのリンクはありません。", next_step="リンクの一覧からお探しください。")
    return _link(rows[0])


async def usable() -> list[Link]:
    """お知らせに使えるページのリンク。電話は本文にそのまま書く。"""
    return [link for link in await listing() if link.state.usable and not link.url.startswith("tel:")]


async def dead_of(section: str | None = None) -> list[Link]:
    """開けないリンクを、先に開けなくなったものから。`section` があれば、その課が持ち主のものだけ。"""
    rows = await work.sql(
        f"{_SELECT} where c.dead_since is not null and not l.retired and ($1::text is null or l.owner_section = $1) "
        "order by c.dead_since, l.code",
        section,
    )
    return [_link(row) for row in rows]


def by_page(links: Iterable[Link]) -> dict[str, Link]:
    """登録したページ → リンク。同じページが二つあれば、やめたものは後に回し、開けないと分かったものを先に見る。"""
    order = {State.DEAD: 0, State.RETIRED: 2}
    found: dict[str, Link] = {}
    for link in sorted(links, key=lambda link: (order.get(link.state, 1), link.code)):
        if not link.url.startswith("tel:"):
            found.setdefault(addresses.page(link.url), link)
    return found


async def states_of(urls: Iterable[str]) -> dict[str, Link]:
    """文章のリンク → 台帳の行。台帳にないものは入らない。`/go/名前` でも、登録したページそのもの(`addresses.page`)でもよい。"""
    links = await listing()
    by_code, pages = {link.code: link for link in links}, by_page(links)
    found = {url: by_code.get(_code_in(url)) or pages.get(addresses.page(url)) for url in urls}
    return {url: link for url, link in found.items() if link}


def _code_in(url: str) -> str:
    found = GO.match(url)
    return found[1] if found else ""


def address(link: Link, public_url: str) -> str:
    """住民が押すアドレス。電話は数えられないので、そのまま。"""
    if link.url.startswith("tel:"):
        return link.url
    return f"{public_url}/go/{link.code}{'?' + EXTERNAL if link.external_browser else ''}"


def codes_in(text: str) -> list[str]:
    """文章の中の `/go/名前`。"""
    return list(dict.fromkeys(GO.findall(text)))


async def targets(text: str) -> tuple[tuple[str, str], ...]:
    """文章の中の `/go/名前` と、いまの行き先。名前の順。"""
    rows = await work.sql("select code, url from link where code = any($1::text[]) order by code", codes_in(text))
    return tuple((row["code"], row["url"]) for row in rows)


async def note_uses(used_by: str, codes: Iterable[str]) -> None:
    """`used_by`(`message:42`、`menu:7`)が使うリンクを書き直す。承認・反映と同じ取引で呼ぶ(RULES 28)。"""
    wanted = list(codes)
    await work.sql("delete from link_use where used_by = $1 and not (code = any($2::text[]))", used_by, wanted)
    await work.sql(
        "insert into link_use (code, used_by) select code, $1 from link where code = any($2::text[]) on conflict do nothing",
        used_by,
        wanted,
    )


async def uses(code: str) -> list[str]:
    rows = await work.sql("select used_by from link_use where code = $1 order by at", code)
    return [row["used_by"] for row in rows]


async def sections() -> list[tuple[str, str]]:
    """持ち主になれる課の (符号, 名前)。"""
    return [(row["code"], row["name"]) for row in await work.sql("select code, name from section order by name")]


def _link(row: dict[str, Any]) -> Link:
    return Link(
        row["code"],
        row["label"],
        row["purpose"],
        row["owner_section"],
        row["owner_name"],
        row["url"],
        tuple(row["allowed_hosts"]),
        row["external_browser"],
        row["replacement"],
        row["version"],
        _state(row),
        row["checked_at"],
        row["reason"] or "",
        row["uses"],
        row["created_at"],
        row["updated_at"],
        row["dead_since"],
    )


def _state(row: dict[str, Any]) -> State:
    if row["retired"]:
        return State.RETIRED
    if row["url"].startswith("tel:"):
        return State.LIVE
    if row["dead_since"]:
        return State.DEAD
    return {"ok": State.LIVE, None: State.UNSEEN, "unseen": State.UNSEEN}.get(row["verdict"], State.SUSPECT)
