"""本人の権利: 預かったものの写し(開示)、本人コード、窓口での訂正と利用停止(RULES 41)。"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from backend.audit import trail
from backend.consent import days, ledger
from backend.consent.ledger import Action, Channel
from backend.consent.notices import Purpose
from backend.consent.receipt import Receipt
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.residents import correction, ending, preferences, rows
from backend.residents.address import AddressKeys
from backend.residents.preferences import Held
from backend.store import clock, work

CODE_MINUTES = 10
CASE_MINUTES = 30
TRIES = 10  # 一人の職員が15分に間違えてよい回数


@dataclass(frozen=True)
class Case:
    """本人コードで開いた窓口の一件。`held` は目の前の本人のもの。"""

    id: UUID
    expires_at: datetime
    held: Held


async def export(keys: AddressKeys, user_id: str) -> dict[str, Any] | None:
    """一人について預かっているもののすべて(JSON)。なければNone。ほかの人のものは入らない(P18)。"""
    row = (await rows.find(keys, [user_id])).get(user_id)
    return await disclosed(row) if row else None


async def disclosed(row: dict[str, Any]) -> dict[str, Any]:
    held = await preferences.held_in(row)
    return {
        "exported_at": (await clock.now()).astimezone(clock.JST).isoformat(),
        "purposes": [
            {
                "purpose": grant.purpose.code,
                "label": grant.purpose.label,
                "granted_at": grant.granted_at.astimezone(clock.JST).isoformat(),
                "valid_until": grant.until.astimezone(clock.JST).isoformat(),
                "notice_version": grant.notice_version,
            }
            for grant in held.grants.values()
        ],
        "answers": plain(held),
        "words": held.words,
        "line_user_id": "暗号にして預かっています(画面には出しません)",
        "consented_at": held.consented_at.astimezone(clock.JST).isoformat(),
        "history": await ledger.history(ledger.subject(bytes(row["subject_key"]))),
    }


def plain(held: Held) -> dict[str, Any]:
    """預かった答えを、APIと開示の同じ形にする。"""
    c = held.choices
    dues = c.birth_due_months or (None,) * len(c.birth_months)
    children: list[dict[str, Any]] = [{"position": 0, "due_month": f"{due:%Y-%m}"} for due in c.due_months]
    for position, birth, due in zip(held.positions, c.birth_months, dues, strict=True):
        beside = {"due_month": f"{due:%Y-%m}"} if due else {}
        children.append({"position": position, "birth_month": f"{birth:%Y-%m}", **beside})
    return {
        "area": c.area,
        "age_band": c.age_band,
        "children": children,
        "due_months": [f"{due:%Y-%m}" for due in c.due_months],
        "birth_months": [f"{birth:%Y-%m}" for birth in c.birth_months],
        "topics": [topic.value for topic in c.topics],
        "language": c.language.value if c.language else None,
        "collection_area": c.collection_area,
        "streams": [stream.value for stream in c.streams],
        "slot": c.slot,
    }


def readable(document: dict[str, Any]) -> str:
    """写しを、読むための文にする。日時は日本時間。"""
    lines = ["文京区LINE公式アカウントが預かっているもの", f"作った日時: {_moment(document['exported_at'])}", ""]
    lines += [f"・{words}" for words in document["words"]]
    lines += ["", f"最後に保存した日時: {_moment(document['consented_at'])}", "", "同意している目的"]
    lines += [
        f"・{p['label']}: {_day(p['granted_at'])} から {_day(p['valid_until'])} まで(告知文 第{p['notice_version']}版)"
        for p in document["purposes"]
    ]
    lines += ["", "LINEの利用者ID: " + document["line_user_id"], "", "同意の記録"]
    for event in document["history"]:
        label = Purpose[event["purpose"].upper()].label
        lines.append(f"・{_moment(event['at'])} {label} {Action(event['action']).label}")
    return "\n".join(lines) + "\n"


def _moment(written: str) -> str:
    return days.moment(datetime.fromisoformat(written))


def _day(written: str) -> str:
    return days.day(datetime.fromisoformat(written))


async def issue_code(keys: AddressKeys, user_id: str) -> tuple[str, datetime]:
    """本人コード(8桁)とその期限。前のコードは使えなくなる。預かっていなければ `NotFound`。"""
    await rows.lock(keys, [user_id])
    row = (await rows.find(keys, [user_id])).get(user_id)
    if row is None:
        raise NotFound("預かっているものはありません。")
    await work.sql("delete from counter_code where resident_id = $1", row["id"])
    code = f"{secrets.randbelow(10**8):08d}"
    made = await work.sql(
        "insert into counter_code (digest, resident_id, expires_at) "
        "values ($1, $2, ward_now() + make_interval(mins => $3)) on conflict do nothing returning expires_at",
        _digest(keys, code),
        row["id"],
        CODE_MINUTES,
    )
    if not made:  # ほかの人の生きているコードと同じになった(一億分の一)
        raise Refused("番号を作れませんでした。", next_step="もう一度お試しください。")
    return code, made[0]["expires_at"]


async def open_case(actor: Actor, keys: AddressKeys, code: str) -> UUID:
    """本人コードを使い、窓口の一件を開く。コードは一度だけ、開示は操作記録に残る(だれのものかは書かない)。

    扉は、先に別の取引で `check_tries` を確定させてから呼ぶ: 断られた試みも数に残る。
    """
    actor.require(Permission.HANDLE_RIGHTS)
    found = await work.sql(
        "delete from counter_code where digest = $1 and expires_at > ward_now() returning resident_id",
        _digest(keys, _digits(code)),
    )
    if not found:
        raise NotFound(
            "その本人コードは使えません。", next_step="本人の画面で、新しい本人コードを出してもらってください(10分間)。"
        )
    case = uuid4()
    await work.sql(
        "insert into counter_case (id, resident_id, staff_id, expires_at) "
        "values ($1, $2, $3, ward_now() + make_interval(mins => $4))",
        case,
        found[0]["resident_id"],
        actor.staff_id,
        CASE_MINUTES,
    )
    await trail.record(actor, "rights.disclose", f"case:{case}")
    return case


async def check_tries(actor: Actor) -> None:
    """試みを数えてから受け付ける(8桁を総当たりさせない)。合ったコードは、間違いに数えない。"""
    actor.require(Permission.HANDLE_RIGHTS)
    await work.sql("select pg_advisory_xact_lock(4131071, $1::int)", actor.staff_id % 2**31)
    wrong = await work.sql(
        "select count(*) filter (where action = 'rights.try') - count(*) filter (where action = 'rights.disclose') as tries "
        "from audit_entry where action in ('rights.try', 'rights.disclose') and staff_id = $1 "
        "and at > ward_now() - interval '15 minutes'",
        actor.staff_id,
    )
    if wrong[0]["tries"] >= TRIES:
        raise Refused(
            "間違った本人コードの入力が続いたため、しばらく受け付けません。", next_step="15分ほど待ってください。"
        )
    await trail.record(actor, "rights.try", f"staff:{actor.staff_id}")


async def case_of(actor: Actor, case_id: UUID) -> Case:
    """開いている一件。ほかの職員のもの、古いもの、消えた人のものは `NotFound`。"""
    found, row = await _case(actor, case_id)
    return Case(case_id, found["expires_at"], await preferences.held_in(row))


async def disclosure(actor: Actor, case_id: UUID) -> dict[str, Any]:
    _, row = await _case(actor, case_id)
    return await disclosed(row)


async def correct(actor: Actor, keys: AddressKeys, case_id: UUID, name: str, value: Any) -> None:
    """本人の申し出で、同意している目的の一つの答え(`correction.PURPOSE_OF`)を直す。同意を足すことはできない(P17)。"""
    row = await _locked(actor, keys, case_id)
    held = await preferences.held_in(row)
    await correction.apply(keys, keys.open(bytes(row["cipher"])), row, held, name, value)
    await trail.record(actor, "rights.correct", f"case:{case_id}", attribute=name)


async def stop(actor: Actor, keys: AddressKeys, case_id: UUID, purposes: Purpose | None) -> Receipt:
    """本人の申し出で、目的(Noneならすべて)の利用を止めて消す。"""
    row = await _locked(actor, keys, case_id)
    await trail.record(
        actor, "rights.stop", f"case:{case_id}", purposes="all" if purposes is None else [p.code for p in purposes]
    )
    user_id = keys.open(bytes(row["cipher"]))
    return await ending.end(keys, user_id, row, purposes, Action.WITHDRAWN, Channel.COUNTER)


async def _locked(actor: Actor, keys: AddressKeys, case_id: UUID) -> dict[str, Any]:
    _, row = await _case(actor, case_id)
    await rows.lock(keys, [keys.open(bytes(row["cipher"]))])
    return (await _case(actor, case_id))[1]


async def _case(actor: Actor, case_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    actor.require(Permission.HANDLE_RIGHTS)
    found = await work.sql(
        "select * from counter_case where id = $1 and staff_id = $2 and expires_at > ward_now()",
        case_id,
        actor.staff_id,
    )
    row = await work.sql("select * from resident where id = $1", found[0]["resident_id"]) if found else []
    if not row:
        raise NotFound("この一件は終わりました。", next_step="続けるときは、新しい本人コードを出してもらってください。")
    return found[0], row[0]


def _digest(keys: AddressKeys, code: str) -> bytes:
    """8桁は総当たりで戻せるので、鍵を付けて隠す。"""
    return hmac.new(keys.index_keys[keys.index_version], f"counter-code:{code}".encode(), hashlib.sha256).digest()


def _digits(code: str) -> str:
    return "".join(c for c in code.translate({ord("０") + n: str(n) for n in range(10)}) if c.isdigit())
