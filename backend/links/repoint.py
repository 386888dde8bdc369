"""行き先の変更: 使われているリンクは、提案した人と別の広報課の人が承認してから変わる(RULES 28)。"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import Forbidden, Refused
from backend.links import editing, register
from backend.links.register import Link, Wanted
from backend.permissions import Actor, Permission
from backend.store import work


@dataclass(frozen=True)
class Proposal:
    """二人目を待つ変更。"""

    id: int
    code: str
    label: str
    url_before: str
    url: str
    allowed_hosts: tuple[str, ...]
    external_browser: bool
    reason: str
    staff_id: int
    staff_name: str
    section_name: str
    at: datetime
    version: int

    @property
    def digest(self) -> bytes:
        """承認が結び付く中身。同じ行き先でも、提案ごとに違う。"""
        words = [self.id, self.code, self.version, self.url, sorted(self.allowed_hosts), self.external_browser]
        return hashlib.sha256(json.dumps(words).encode()).digest()


@dataclass(frozen=True)
class Change:
    """済んだ変更の一件。"""

    code: str
    title: str
    what: str
    url_before: str
    url_after: str
    reason: str
    staff_name: str
    section_name: str
    approved_by: str
    at: datetime

    @property
    def label(self) -> str:
        return {
            "add": "登録した",
            "edit": "直した",
            "repoint": "行き先を変えた",
            "retire": "使うのをやめた",
            "revive": "また使い始めた",
        }[self.what]

    @property
    def elsewhere(self) -> bool:
        """行き先が変わったか。"""
        return self.url_before not in ("", self.url_after)


async def propose(actor: Actor, code: str, version: int, wanted: Wanted, reason: str) -> int:
    """一人目。承認されるまで、行き先は前のまま。前の提案が開いていれば、それを閉じて置き換える。"""
    link = await editing.locked(actor, code, version)
    url, hosts = editing.checked(actor, wanted, new_target=True)
    editing.needs_reason(reason)
    if not editing.changes_target(link, url, hosts, wanted.external_browser):
        raise Refused("行き先が変わっていません。", next_step="新しい行き先を書いてください。")
    await work.sql("update link_proposal set closed_at = ward_now() where code = $1 and closed_at is null", code)
    rows = await work.sql(
        "insert into link_proposal (code, version, url, allowed_hosts, external_browser, reason, staff_id, staff_name, "
        "section_name) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        code,
        version,
        url,
        hosts,
        wanted.external_browser,
        reason.strip(),
        actor.staff_id,
        actor.name,
        actor.section_name,
    )
    await trail.record(actor, "link.propose", link.source, after=url, reason=reason.strip())
    return rows[0]["id"]


async def propose_successor(actor: Actor, code: str, version: int, successor: str, reason: str) -> int:
    """使われているリンクを、後継の行き先へ向ける提案。ボタンもアドレスも同じまま、二人目の承認で行き先だけが変わる。"""
    link, after = await register.find(code), await editing.successor(code, successor)
    hosts, external = " ".join(after.allowed_hosts), after.external_browser
    wanted = Wanted(link.label, link.purpose, link.owner_section, after.url, hosts, external)
    return await propose(actor, code, version, wanted, reason)


async def approve(actor: Actor, proposal_id: int) -> Link:
    """二人目。提案した人は承認できない。見た提案のまま、いま変わる。"""
    actor.require(Permission.REVIEW)
    proposal = await _open(proposal_id)
    link = await register.find(proposal.code, lock=True)
    if link.version != proposal.version:
        raise Refused(
            "提案の後に、リンクが直されました。変えていません。", next_step="もう一度、提案してもらってください。"
        )
    approval = await foureyes.approve(actor, link.source, proposal.digest, proposal.staff_id)
    await _close(proposal_id)
    await editing.point(proposal.code, proposal.url, proposal.allowed_hosts, proposal.external_browser)
    await editing.changed(
        actor,
        proposal.code,
        "repoint",
        link.url,
        proposal.url,
        proposal.reason,
        proposer=(proposal.staff_id, proposal.staff_name, proposal.section_name),
        approval=approval,
    )
    return await register.find(proposal.code)


async def decline(actor: Actor, proposal_id: int) -> None:
    """提案をやめる。提案した人も、広報課も閉じられる。"""
    proposal = await _open(proposal_id)
    if actor.staff_id != proposal.staff_id and not actor.may(Permission.REVIEW):
        raise Forbidden("ほかの人の提案は閉じられません。", next_step="広報課に頼んでください。")
    await _close(proposal_id)
    await trail.record(actor, "link.decline", f"link:{proposal.code}", after=proposal.url)


async def waiting(code: str | None = None) -> list[Proposal]:
    """承認を待つ提案。古いものから。"""
    rows = await work.sql(
        f"{_SELECT} where p.closed_at is null and ($1::text is null or p.code = $1) order by p.at, p.id", code
    )
    return [_proposal(row) for row in rows]


async def history(code: str) -> list[Change]:
    """そのリンクの変更を、新しい順に。"""
    rows = await work.sql(f"{_CHANGES} where c.code = $1 order by c.id desc", code)
    return [Change(**row) for row in rows]


async def repointed_after_use(used_by: str, since: datetime) -> list[Change]:
    """`used_by`(`message:42`)のリンクの、`since`(承認)よりあとに変わった行き先。`/verify` に出す(RULES 28)。"""
    rows = await work.sql(
        f"{_CHANGES} join link_use u on u.code = c.code where u.used_by = $1 and c.at > $2 "
        "and (c.what = 'retire' or c.url_before not in ('', c.url_after)) order by c.id",
        used_by,
        since,
    )
    return [Change(**row) for row in rows]


_CHANGES = (
    "select c.code, l.label as title, c.what, c.url_before, c.url_after, c.reason, c.staff_name, c.section_name, "
    "c.approved_by, c.at from link_change c join link l on l.code = c.code"
)
_SELECT = "select p.*, l.label, l.url as url_before from link_proposal p join link l on l.code = p.code"


async def _open(proposal_id: int) -> Proposal:
    rows = await work.sql(f"{_SELECT} where p.id = $1 and p.closed_at is null for update of p", proposal_id)
    if not rows:
        raise Refused(
            "この提案は、もう閉じられています。", next_step="画面を開き直して、いまの状態を確かめてください。"
        )
    return _proposal(rows[0])


async def _close(proposal_id: int) -> None:
    await work.sql("update link_proposal set closed_at = ward_now() where id = $1", proposal_id)


def _proposal(row: dict[str, Any]) -> Proposal:
    return Proposal(
        row["id"],
        row["code"],
        row["label"],
        row["url_before"],
        row["url"],
        tuple(row["allowed_hosts"]),
        row["external_browser"],
        row["reason"],
        row["staff_id"],
        row["staff_name"],
        row["section_name"],
        row["at"],
        row["version"],
    )
