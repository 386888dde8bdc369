"""台帳: リンクを登録し、直し、引く。使われているリンクの行き先は、ここでは変わらない(`repoint`)。"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.audit import trail
from backend.errors import Forbidden, NotFound, Refused
from backend.links import addresses
from backend.permissions import Actor, Permission
from backend.store import work

EXTERNAL = "openExternalBrowser=1"
GO = re.compile(r"https?://[^/\s]+/go/([a-z0-9][a-z0-9_-]{0,39})(?![a-z0-9_-])")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


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
    updated_at: datetime

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
select l.*, coalesce(s.name, l.owner_section) as owner_name, c.verdict, c.dead, c.checked_at, c.reason,
       (select count(*) from link_use u where u.code = l.code) as uses
from link l left join section s on s.code = l.owner_section left join link_check c on c.code = l.code
"""


async def listing() -> list[Link]:
    return [_link(row) for row in await work.sql(f"{_SELECT} order by l.retired, l.label, l.code")]


async def find(code: str, *, lock: bool = False) -> Link:
    rows = await work.sql(f"{_SELECT} where l.code = $1{' for update of l' if lock else ''}", code)
    if not rows:
        raise NotFound("そのリンクはありません。", next_step="リンクの一覧からお探しください。")
    return _link(rows[0])


async def dead_of(section: str) -> list[Link]:
    """その課が持ち主の、開けないリンク。ホームで知らせる。"""
    return [_link(row) for row in await work.sql(f"{_SELECT} where l.owner_section = $1 and c.dead and not l.retired", section)]


async def state_of(url: str) -> Link | None:
    """本文のリンクが台帳のものなら、その行。`/go/名前` でも、登録した行き先そのものでもよい。"""
    found = GO.match(url)
    plain = re.sub(rf"[?&]{EXTERNAL}$", "", url)
    rows = await work.sql(f"{_SELECT} where l.code = $1 or l.url = $2 order by l.code = $1 desc", found and found[1], plain)
    return _link(rows[0]) if rows else None


async def menu_links(public_url: str) -> dict[str, tuple[str, str]]:
    """名前 → (題, 押すアドレス)。メニューはこれから選ぶ。使えないものは入らない。"""
    return {
        link.code: (link.label, address(link, public_url)) for link in await listing() if link.state.usable
    }


def address(link: Link, public_url: str) -> str:
    """住民が押すアドレス。電話は数えられないので、そのまま。"""
    if link.url.startswith("tel:"):
        return link.url
    return f"{public_url}/go/{link.code}{'?' + EXTERNAL if link.external_browser else ''}"


def codes_in(text: str) -> list[str]:
    """文章の中の `/go/名前`。"""
    return list(dict.fromkeys(GO.findall(text)))


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


async def add(actor: Actor, code: str, wanted: Wanted) -> None:
    """新しいリンク。`code` は後から変えられない。"""
    if not _CODE.fullmatch(code):
        raise Refused("名前は、半角の英小文字・数字・「-」「_」で書きます。", next_step="40字までにしてください。")
    url, hosts = checked(actor, wanted, new_target=True)
    rows = await work.sql(
        "insert into link (code, label, purpose, owner_section, url, allowed_hosts, external_browser) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning code",
        code,
        wanted.label,
        wanted.purpose,
        wanted.owner_section,
        url,
        hosts,
        wanted.external_browser,
    )
    if not rows:
        raise Refused(f"「{code}」という名前は、もう使われています。", next_step="ほかの名前にしてください。")
    await work.sql("insert into link_check (code) values ($1)", code)
    await changed(actor, code, "add", "", url, "登録")


async def edit(actor: Actor, code: str, version: int, wanted: Wanted, reason: str) -> None:
    """題・目的・持ち主と、まだ使われていないリンクの行き先を直す。

    使われているリンクの行き先は `Refused`(`repoint.propose` で、二人で変える)。
    """
    link = await locked(actor, code, version)
    url, hosts = checked(actor, wanted, new_target=(wanted.url, wanted.more_hosts.split()) != (link.url, []))
    needs_reason(reason)
    if changes_target(link, url, hosts, wanted.external_browser) and link.uses:
        raise Refused(
            "このリンクは、送ったお知らせかメニューで使われています。", next_step="行き先の変更は、もう一人の承認が要ります。"
        )
    await work.sql(
        "update link set label = $2, purpose = $3, owner_section = $4 where code = $1",
        code,
        wanted.label,
        wanted.purpose,
        wanted.owner_section,
    )
    await point(code, url, hosts, wanted.external_browser)
    await changed(actor, code, "edit", link.url, url, reason)


async def retire(actor: Actor, code: str, version: int, replacement: str | None, reason: str) -> None:
    """使うのをやめる。`replacement` があれば、押した人はそちらへ行く。使われているものは広報課だけ。"""
    link = await locked(actor, code, version)
    needs_reason(reason)
    if link.uses and not actor.may(Permission.REVIEW):
        raise Forbidden("使われているリンクをやめられるのは、広報課だけです。", next_step="広報課に頼んでください。")
    if link.uses and replacement:
        raise Refused(
            "使われているリンクを、ほかのリンクへ向けるには、もう一人の承認が要ります。",
            next_step="「行き先を変える」で、新しい行き先を書いてください。",
        )
    if replacement and (replacement == code or not (await find(replacement)).state.usable):
        raise Refused("代わりのリンクが使えません。", next_step="開けるリンクを選んでください。")
    await work.sql(
        "update link set retired = true, replacement = $2, version = version + 1, updated_at = ward_now() where code = $1",
        code,
        replacement or None,
    )
    await changed(actor, code, "retire", link.url, link.url, reason)


def checked(actor: Actor, wanted: Wanted, *, new_target: bool) -> tuple[str, list[str]]:
    """行き先とホストを確かめる。区の外の行き先を新しく決めるのは広報課だけ。"""
    actor.require(Permission.MANAGE_LINKS)
    if not wanted.label.strip() or not wanted.owner_section.strip():
        raise Refused("題と持ち主の課が要ります。", next_step="空いている欄に書いてください。")
    if not actor.may(Permission.REVIEW) and wanted.owner_section != actor.section_code:
        raise Forbidden("ほかの課のリンクは扱えません。", next_step="持ち主の課か広報課に頼んでください。")
    url = addresses.tidy(wanted.url)
    hosts = addresses.hosts(url, wanted.more_hosts)
    if new_target and not addresses.all_ward(hosts) and not actor.may(Permission.REVIEW):
        raise Forbidden("区のサイトの外へのリンクは、広報課が登録します。", next_step="広報課に頼んでください。")
    return url, hosts


async def locked(actor: Actor, code: str, version: int) -> Link:
    """直してよいリンクを、取引の終わりまで手放さない。ほかの画面で先に変わっていたら `Refused`。"""
    actor.require(Permission.MANAGE_LINKS)
    link = await find(code, lock=True)
    if not actor.may(Permission.REVIEW) and link.owner_section != actor.section_code:
        raise Forbidden("ほかの課のリンクは扱えません。", next_step="持ち主の課か広報課に頼んでください。")
    if link.version != version:
        raise Refused("ほかの人が先に直しました。何も変えていません。", next_step="画面を開き直して、確かめてください。")
    return link


def changes_target(link: Link, url: str, hosts: Sequence[str], external: bool) -> bool:
    return (url, set(hosts), external) != (link.url, set(link.allowed_hosts), link.external_browser)


def needs_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("理由が書かれていません。", next_step="なぜ変えるのかを、一言書いてください。")


async def point(code: str, url: str, hosts: Sequence[str], external: bool) -> None:
    """行き先を書き換え、すぐに点検の順番へ入れる。"""
    await work.sql(
        "update link set url = $2, allowed_hosts = $3, external_browser = $4, version = version + 1, "
        "updated_at = ward_now() where code = $1",
        code,
        url,
        list(hosts),
        external,
    )
    await work.sql(
        "update link_check set next_at = ward_now(), verdict = 'unseen', dead = false, failures = 0, reason = '' "
        "where code = $1 and exists (select from link_check where code = $1)",
        code,
    )


async def changed(
    actor: Actor, code: str, what: str, before: str, after: str, reason: str, *, approval: int | None = None, approver: str = ""
) -> None:
    await work.sql(
        "insert into link_change (code, what, url_before, url_after, reason, staff_id, staff_name, approval_id, approved_by) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        code,
        what,
        before,
        after,
        reason.strip(),
        actor.staff_id,
        actor.name,
        approval,
        approver,
    )
    await trail.record(actor, f"link.{what}", f"link:{code}", before=before, after=after, reason=reason.strip())


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
        row["updated_at"],
    )


def _state(row: dict[str, Any]) -> State:
    if row["retired"]:
        return State.RETIRED
    if row["url"].startswith("tel:"):
        return State.LIVE
    if row["dead"]:
        return State.DEAD
    return {"ok": State.LIVE, None: State.UNSEEN, "unseen": State.UNSEEN}.get(row["verdict"], State.SUSPECT)
