"""書いている間の点検。止めるもの(BLOCK)が残る原稿は提出できない(POL 5(3))。"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from backend.line import limits, message
from backend.messages import dates, links
from backend.messages.manuscript import Audience, Manuscript, Timing, text
from backend.store.clock import JST
from backend.ward import office_hours
from backend.ward.kinds import Kind


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"

    @property
    def label(self) -> str:
        return {"block": "直す", "warn": "確かめる"}[self.value]


@dataclass(frozen=True)
class Finding:
    """一つの指摘。`field` は欄の名前、`line` は本文の行(1から、行に関わらないものは0)。"""

    severity: Severity
    field: str
    line: int
    message: str
    remedy: str


QUIET_FROM, QUIET_UNTIL = time(21), time(7)  # DESIGN 8: 緊急以外は21時から7時まで送られない
_LEFTOVERS = re.compile(
    r"[〇○◯]{2,}|[×✕]{2,}|(?<![A-Za-z])[xX]{2,}(?![A-Za-z])|[△▲□■●]{2,}|【要確認】|【仮】|[(（]仮[)）]|TODO|ここに.{0,10}(?:入れ|書)"  # noqa: RUF001
)
_MACHINE_DEPENDENT = re.compile(r"[\u2460-\u24ff\u2160-\u217f\u3200-\u33ff]")
_BROKEN = re.compile(r"[\ufffd\ufeff\x00-\x08\x0b-\x1f\x7f]|縺[\u0080-\uffff]|[ï¿½]{3}|ã[\u0080-\u00bf]")
_PHONE = re.compile(r"[0０][\d]{1,4}[-‐－–( ]?\d{1,4}[-‐－–) ]?\d{3,4}")
_HALF_SAID = re.compile(r"(?:つい|について|ので|から|ため|など|[、,をはがにへとの])$")
_OPPOSITES = (
    ("防止", "推進"),
    ("中止", "開催"),
    ("延期", "決行"),
    ("開館", "休館"),
    ("有料", "無料"),
    ("可能", "不可"),
    ("必要", "不要"),
    ("避難してください", "避難は不要"),
)
_DECIDING = ("中止", "延期", "休館", "休園", "解除", "訂正")
_SHORTEST = 10


def check(manuscript: Manuscript, now: datetime, number: str | None = None) -> list[Finding]:
    """すべての指摘。止めるものが先、次に行の順。"""
    found = [
        *_missing(manuscript),
        *_length(manuscript, number),
        *_unfinished(manuscript),
        *_characters(manuscript),
        *_meaning(manuscript),
        *_contact(manuscript),
        *_times(manuscript, now),
        *(Finding(Severity(s), "body", line, m, r) for s, line, m, r in dates.check(manuscript.body, now)),
        *(Finding(Severity(s), "body", line, m, r) for s, line, m, r in links.check(manuscript.body)),
    ]
    return sorted(found, key=lambda finding: (finding.severity, finding.line))


def blocking(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.BLOCK]


def _missing(m: Manuscript) -> Iterator[Finding]:
    needed = (
        (m.kind, "kind", "区分(ア〜キ)がまだ選ばれていません。", "運用ポリシー5(2)のどれに当たるか、一つ選びます。"),
        (m.title, "title", "件名がありません。", "一覧と確認ページに出る、短い名前を書きます。"),
        (m.body, "body", "本文がありません。", "お知らせの本文を書きます。"),
        (m.audience, "audience", "だれに送るかがまだ選ばれていません。", "全員か、条件を選びます。"),
        (m.timing, "timing", "いつ送るかがまだ選ばれていません。", "日時を決めるか、承認後すぐを選びます。"),
        (m.source_note, "source_note", "情報の出どころがありません。", "もとになった決定や発表を書きます(運用ポリシー5(3)イ)。"),
    )
    for value, field, what, remedy in needed:
        if not value:
            yield Finding(Severity.BLOCK, field, 0, what, remedy)
    if m.audience is Audience.CRITERIA and m.criteria is None:
        yield Finding(Severity.BLOCK, "audience", 0, "条件が一つも選ばれていません。", "地域や年代などを選びます。")


def _length(m: Manuscript, number: str | None) -> Iterator[Finding]:
    for language in m.languages:
        length = message.utf16_length(text(m, number, language))
        if length > limits.TEXT:
            yield Finding(
                Severity.BLOCK,
                "body" if language == "ja" else "body_en",
                0,
                f"一つの吹き出しに入る{limits.TEXT:,}字を、{length - limits.TEXT:,}字こえています。",
                "短くして、詳しくは区のページへ案内します。",
            )


def _unfinished(m: Manuscript) -> Iterator[Finding]:
    if m.body and len(m.body) < _SHORTEST:
        yield Finding(Severity.BLOCK, "body", 1, "本文が短すぎます。書きかけではありませんか。", "何が、いつ、どこで、を書きます。")
    elif m.body and _HALF_SAID.search(m.body.rstrip()):
        line = m.body.rstrip().count("\n") + 1
        yield Finding(Severity.WARN, "body", line, "文が途中で終わっているように見えます。", "文の終わりを確かめます。")
    for field, value in (("title", m.title), ("body", m.body), ("body_en", m.body_en), ("contact", m.contact)):
        for line, words in _lines(value):
            for leftover in _LEFTOVERS.finditer(words):
                yield Finding(
                    Severity.BLOCK, field, line, f"「{leftover.group()}」が残っています。", "決まった言葉に置きかえます。"
                )


def _characters(m: Manuscript) -> Iterator[Finding]:
    for field, value in (("title", m.title), ("body", m.body)):
        for line, words in _lines(value):
            if broken := _BROKEN.search(words):
                yield Finding(
                    Severity.BLOCK, field, line, "文字化けか、見えない文字があります。", f"「{broken.group()!r}」のあたりを打ち直します。"
                )
            if odd := sorted(set(_MACHINE_DEPENDENT.findall(words))):
                yield Finding(
                    Severity.WARN,
                    field,
                    line,
                    f"機種によって読めない文字があります: {' '.join(odd)}",
                    "(1)、I、(株) のような文字に置きかえます。読み上げも正しくなります。",
                )


def _meaning(m: Manuscript) -> Iterator[Finding]:
    for one, other in _OPPOSITES:
        for line, words in _lines(m.body):
            if one in words and other in words:
                yield Finding(
                    Severity.WARN, "body", line, f"「{one}」と「{other}」が同じ行にあります。", "意味が逆に読めないか、声に出して確かめます。"
                )
    for word in _DECIDING:
        if (word in m.title) != (word in m.body) and m.title and m.body:
            here, there = ("件名", "本文") if word in m.title else ("本文", "件名")
            yield Finding(
                Severity.WARN, "body", 0, f"「{word}」が{here}にあり、{there}にありません。", "一語が抜けると意味が逆になります。両方を確かめます。"
            )


def _contact(m: Manuscript) -> Iterator[Finding]:
    if m.body and not m.contact and not _PHONE.search(m.body):
        yield Finding(Severity.WARN, "contact", 0, "問合せ先がありません。", "課の名前と電話番号を書くと、読んだ人が尋ねられます。")


def _times(m: Manuscript, now: datetime) -> Iterator[Finding]:
    if m.timing and m.expires_at is None:
        yield Finding(Severity.BLOCK, "expires_at", 0, "いつまでに送るかがありません。", "過ぎたら送らない時刻を選びます。")
    elif m.expires_at and m.expires_at <= now:
        yield Finding(Severity.BLOCK, "expires_at", 0, "送る期限がもう過ぎています。", "これからの日時に直します。")
    if m.timing is Timing.AT and m.send_at:
        if m.send_at <= now:
            yield Finding(Severity.BLOCK, "send_at", 0, "送る日時がもう過ぎています。", "これからの日時に直します。")
        if m.kind is not Kind.I and in_quiet_hours(m.send_at):
            yield Finding(
                Severity.BLOCK, "send_at", 0, "夜9時から朝7時までは、緊急(イ)のほかは送れません。", "朝7時から夜9時までの時刻にします。"
            )
        if m.audience is Audience.EVERYONE and not office_hours.is_open(m.send_at):
            yield Finding(
                Severity.WARN, "send_at", 0, "勤務時間の外に全員へ送ります。", "承認できるのは広報課長だけです。訂正できる体制を確かめます。"
            )


def in_quiet_hours(moment: datetime) -> bool:
    local = moment.astimezone(JST).time()
    return local >= QUIET_FROM or local < QUIET_UNTIL


def _lines(value: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(value.split("\n"), 1)
