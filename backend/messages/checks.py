"""書いている間の点検。止めるもの(BLOCK)が残る原稿は提出できない(POL 5(3))。"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from backend.line import limits, message
from backend.messages import dates, links, wording
from backend.messages.findings import Finding, Severity, block, unset, warn
from backend.messages.manuscript import Audience, Manuscript, Timing, text
from backend.store.clock import JST
from backend.ward import office_hours
from backend.ward.kinds import Kind

QUIET_FROM, QUIET_UNTIL = time(21), time(7)  # DESIGN 8: 緊急以外は21時から7時まで送られない
TITLE_LIMIT = 60
FARTHEST = timedelta(days=180)


def check(manuscript: Manuscript, now: datetime, number: str | None = None) -> list[Finding]:
    """すべての指摘。止めるものが先、次に行の順。"""
    found = [
        *_missing(manuscript),
        *_length(manuscript, number),
        *_title(manuscript),
        *wording.check(manuscript),
        *_times(manuscript, now),
    ]
    for field, value in (("body", manuscript.body), ("body_en", manuscript.body_en)):
        judged = [*dates.check(value, now), *links.check(value)]
        found += [Finding(Severity(s), field, line, m, r) for s, line, m, r in judged]
    return sorted(found, key=lambda finding: (finding.severity, finding.line))


async def with_register(found: list[Finding], manuscript: Manuscript) -> list[Finding]:
    """`check` の指摘に、リンク台帳が知っていることを加える。"""
    more = [
        Finding(Severity(s), field, line, m, r)
        for field, value in (("body", manuscript.body), ("body_en", manuscript.body_en))
        for s, line, m, r in await links.of_register(value)
    ]
    return sorted([*found, *more], key=lambda finding: (finding.severity, finding.line))


def blocking(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.BLOCK]


def _missing(m: Manuscript) -> Iterator[Finding]:
    needed = (
        (m.kind, "kind", "区分", "運用ポリシー5(2)のどれに当たるか、一つ選びます。"),
        (m.title, "title", "件名", "一覧と確認ページに出る、短い名前を書きます。"),
        (m.body, "body", "本文", "お知らせの本文を書きます。"),
        (m.audience, "audience", "だれに送るか", "全員か、条件を選びます。"),
        (m.timing, "timing", "いつ送るか", "日時を決めるか、承認後すぐを選びます。"),
        (m.source_note, "source_note", "情報の出どころ", "もとになった決定や発表を書きます(運用ポリシー5(3)イ)。"),
    )
    for value, field, name, remedy in needed:
        if not value:
            yield unset(field, name, f"{name}がまだ決まっていません。", remedy)
    if m.audience is Audience.CRITERIA and m.criteria is None:
        yield unset("audience", "送る条件", "条件が一つも選ばれていません。", "地域や年代などを選びます。")


def _length(m: Manuscript, number: str | None) -> Iterator[Finding]:
    for language in m.languages:
        length = message.utf16_length(text(m, number, language))
        if length > limits.TEXT:
            yield block(
                "body" if language == "ja" else "body_en",
                0,
                f"一つの吹き出しに入る{limits.TEXT:,}字を、{length - limits.TEXT:,}字こえています。",
                "短くして、詳しくは区のページへ案内します。",
            )


def _title(m: Manuscript) -> Iterator[Finding]:
    if len(m.title) > TITLE_LIMIT:
        yield warn("title", 0, f"件名が{len(m.title)}字あります。", f"{TITLE_LIMIT}字までにすると、一覧で読めます。")


def _times(m: Manuscript, now: datetime) -> Iterator[Finding]:
    if m.timing is Timing.AT and m.send_at is None:
        yield unset("timing", "送る日と時刻", "送る日時がありません。", "日と時刻の両方を選びます。")
    elif m.timing and m.expires_at is None:
        yield unset("timing", "送る期限", "いつまでに送るかがありません。", "過ぎたら送らない時刻を選びます。")
    elif m.expires_at and m.expires_at <= now:
        yield block("expires_at", 0, "送る期限がもう過ぎています。", "これからの日時に直します。")
    if m.timing is Timing.AT and m.send_at:
        if m.send_at <= now:
            yield block("send_at", 0, "送る日時がもう過ぎています。", "これからの日時に直します。")
        elif m.send_at > now + FARTHEST:
            yield warn("send_at", 0, "送る日が半年より先です。", "年の打ちまちがいでないかを確かめます。")
        if m.kind is not Kind.I and in_quiet_hours(m.send_at):
            yield block(
                "send_at", 0, "夜9時から朝7時までは、緊急(イ)のほかは送れません。", "朝7時から夜9時までの時刻にします。"
            )
        if m.audience is Audience.EVERYONE and not office_hours.is_open(m.send_at):
            yield warn(
                "send_at",
                0,
                "勤務時間の外に全員へ送ります。",
                "承認できるのは広報課長だけです。訂正できる体制を確かめます。",
            )


def in_quiet_hours(moment: datetime) -> bool:
    local = moment.astimezone(JST).time()
    return local >= QUIET_FROM or local < QUIET_UNTIL
