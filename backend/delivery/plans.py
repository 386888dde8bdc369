"""計画: 自動の配信(ごみ収集日、子育て)が出してよい包みの、すべての指紋(CHECKS I4)。

一年分の包みを先に作り、指紋を並べたもののSHA-256を二人目が承認する。後から包みを足すことも、本文・宛先・時刻を
一つ変えることもできない。雛形や条件だけを承認する形にしないのは、作る側の誤りが承認の後に入り込むから。千通で32キロバイト。
"""

import hashlib
from collections.abc import Sequence

from backend.delivery.fingerprint import digest
from backend.delivery.states import HAND_WRITTEN, Package
from backend.errors import Refused
from backend.store import work

_SIZE = hashlib.sha256().digest_size


async def keep(subject: str, packages: Sequence[Package]) -> bytes:
    """計画 `subject`(`garbage:2027`)の包みを書き留め、計画の指紋(32バイト)を返す。

    `foureyes.approve(actor, subject, 指紋, 作った人)` で承認し、その後 `outbox.schedule(..., plan=(subject, 指紋))` に渡す。
    空の計画、よその出どころの包み、同じ出どころの二つの包みは `Refused`。
    """
    sources = {package.source for package in packages}
    if not packages or len(sources) < len(packages):
        raise Refused("計画に包みがないか、同じ包みが二つあります。", next_step="計画を作り直してください。")
    if any(not _same_feed(subject, source) for source in sources):
        raise Refused("計画に、よその出どころの包みが入っています。", next_step="計画を作り直してください。")
    parts = b"".join(sorted(digest(package) for package in packages))
    approved = hashlib.sha256(parts).digest()
    await work.sql(
        "insert into delivery_plan (digest, packages) values ($1, $2) on conflict (digest) do nothing", approved, parts
    )
    return approved


async def authorises(subject: str, approved: bytes, source: str, seen: bytes) -> bool:
    """`subject` の指紋 `approved` への承認が、出どころ `source` の、指紋 `seen` の包みを出してよいと言っているか。

    包みそのものへの承認か、同じ出どころの計画への承認だけ。人が書いた配信は、計画では出ない。
    """
    if subject == source:
        return approved == seen
    if not _same_feed(subject, source):
        return False
    rows = await work.sql("select packages from delivery_plan where digest = $1", approved)
    parts: bytes = rows[0]["packages"] if rows else b""
    listed = {parts[start : start + _SIZE] for start in range(0, len(parts), _SIZE)}
    return hashlib.sha256(parts).digest() == approved and seen in listed


def _same_feed(subject: str, source: str) -> bool:
    feed = source.partition(":")[0]
    return feed == subject.partition(":")[0] and feed != HAND_WRITTEN
