"""封の検査: 台帳を封と、封を外の控えと照らし、変えられた所を指す(CHECKS S6)。`ward audit verify` が呼ぶ。

findings = await verify.verify_all(settings.data_dir)   # 空なら正しい。一つでもあれば終わりの値は1
for finding in findings: print(finding.words)
"""

import asyncio
from bisect import bisect_left
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from backend.audit import anchors, chain, seal
from backend.audit.anchors import Anchor
from backend.audit.chain import LEDGER_LABELS, LEDGERS, Seal
from backend.store import work


class Kind(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    SEAL_BROKEN = "seal_broken"
    SEAL_MISSING = "seal_missing"
    SEAL_REWRITTEN = "seal_rewritten"
    TRUNCATED = "truncated"
    NO_ANCHORS = "no_anchors"

    @property
    def label(self) -> str:
        return {
            "edited": "書き換えられた記録",
            "deleted": "消された記録",
            "inserted": "あとから差し込まれた記録",
            "reordered": "入れ替えられた記録",
            "seal_broken": "つながらない封",
            "seal_missing": "抜けている封",
            "seal_rewritten": "控えと違う封",
            "truncated": "切り詰められた封",
            "no_anchors": "控えのない封",
        }[self.value]


@dataclass(frozen=True)
class Finding:
    """見つけた一か所。`first`〜`last` は記録の番号(封についての種類では、封の番号)。"""

    kind: Kind
    ledger: str
    first: int
    last: int

    @property
    def words(self) -> str:
        where = f"{self.first}" if self.first == self.last else f"{self.first}〜{self.last}"
        return f"{LEDGER_LABELS[self.ledger]}: {self.kind.label} {where}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "words": self.words}


async def verify_all(data_dir: Path) -> list[Finding]:
    """すべての台帳を、`data_dir` の控えと照らす。"""
    file = anchors.path(data_dir)
    return [finding for ledger in LEDGERS for finding in await verify(ledger, file)]


async def verify(ledger: str, file: Path | None = None) -> list[Finding]:
    """一つの台帳の誤りを、番号の順に。`file` がNoneなら控えと照らさない(封の書き換えと切り詰めは見つからない)。

    控えを先に読む: 控えは封の確定のあとに書かれるので、控えにある封はデータベースにもなければならない。
    """
    known = (await asyncio.to_thread(anchors.read, file)).get(ledger, {}) if file else None
    found: list[Finding] = []
    previous: Seal | None = None
    while page := await seal.seals(ledger, previous.number if previous else -(2**62)):
        for each, head in page:
            found += _links(each, head, previous)
            found += _anchored(each, head, known)
            previous = each
        found += await _rows(ledger, [each for each, _ in page])
    found += _beyond(ledger, previous, known)
    return _merged(found)


def _links(each: Seal, head: bytes, previous: Seal | None) -> list[Finding]:
    """封が前の封につながり、自分の頭を持っているか。"""
    found: list[Finding] = []
    number, after = (previous.number, previous.last_id) if previous else (0, 0)
    if each.number > number + 1:
        found.append(Finding(Kind.SEAL_MISSING, each.ledger, number + 1, each.number - 1))
    elif each.after_id != after or each.previous != (previous.head if previous else chain.start(each.ledger)):
        found.append(Finding(Kind.SEAL_BROKEN, each.ledger, each.number, each.number))
    if head != each.head:
        found.append(Finding(Kind.SEAL_BROKEN, each.ledger, each.number, each.number))
    return found


def _anchored(each: Seal, head: bytes, known: dict[int, Anchor] | None) -> list[Finding]:
    anchor = known.get(each.number) if known else None
    if anchor and (anchor.head != head or anchor.last_id != each.last_id):
        return [Finding(Kind.SEAL_REWRITTEN, each.ledger, each.number, each.number)]
    return []


def _beyond(ledger: str, last: Seal | None, known: dict[int, Anchor] | None) -> list[Finding]:
    """控えにあって、データベースにない終わりの封。控えがすべて失われたことも、ここで分かる。"""
    if known is None:
        return []
    number = last.number if last else 0
    lost = [n for n in known if n > number]
    if lost:
        return [Finding(Kind.TRUNCATED, ledger, min(lost), max(lost))]
    return [Finding(Kind.NO_ANCHORS, ledger, 1, number)] if number and not known else []


async def _rows(ledger: str, page: list[Seal]) -> list[Finding]:
    """封に書かれた行と、いまの台帳の行。最初の封より前の番号も見る。"""
    first = page[0].after_id if page[0].number > 1 else -(2**62)
    columns = ", ".join(("id", *LEDGERS[ledger]))
    rows = await work.sql(
        f"select {columns} from {ledger} where id > $1 and id <= $2",  # noqa: S608  名はLEDGERSから
        first,
        page[-1].last_id,
    )
    held = {row["id"]: chain.content(ledger, row) for row in rows if _covered(row["id"], page)}
    sealed = {row_id: each.leaf_of(at) for each in page for at, row_id in enumerate(each.ids)}
    changed = [i for i, leaf in sealed.items() if i in held and chain.leaf(ledger, i, held[i]) != leaf]
    moved = _moved(ledger, changed, held, sealed)
    return [
        *(Finding(Kind.DELETED, ledger, i, i) for i in sealed if i not in held),
        *(Finding(Kind.INSERTED, ledger, i, i) for i in held if i not in sealed),
        *(Finding(Kind.REORDERED if i in moved else Kind.EDITED, ledger, i, i) for i in changed),
    ]


def _covered(row_id: int, page: list[Seal]) -> bool:
    """どれかの封の範囲にあるか。抜けている封の範囲の行は、何とも言えない。"""
    position = bisect_left(page, row_id, key=lambda each: each.last_id)
    return position < len(page) and (row_id > page[position].after_id or page[position].number == 1)


def _moved(ledger: str, changed: list[int], held: dict[int, bytes], sealed: dict[int, bytes]) -> set[int]:
    """中身が、別の番号で封じられていた行。組み合わせの数だけ計算するので、多すぎるときは調べない。"""
    if len(changed) > 300:
        return set()
    wanted = {sealed[i] for i in changed}
    return {i for i in changed if any(chain.leaf(ledger, other, held[i]) in wanted for other in changed if other != i)}


def _merged(found: list[Finding]) -> list[Finding]:
    """同じ種類の続いた番号を一つにまとめる。"""
    if not found:
        return []
    ordered = sorted(set(found), key=lambda f: (f.kind, f.first))
    merged = [ordered[0]]
    for before, after in pairwise(ordered):
        if after.kind is before.kind and after.first <= merged[-1].last + 1:
            top = merged.pop()
            merged.append(Finding(top.kind, top.ledger, top.first, max(top.last, after.last)))
        else:
            merged.append(after)
    return merged
