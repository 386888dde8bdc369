"""C8, P18: 写しには、その人の答えのすべてが、その人の分だけ、JSONでも文でも入る。"""

import json
import random
from datetime import date, datetime, timedelta
from typing import Any

from backend.consent.notices import Purpose
from backend.residents import preferences, rights
from backend.residents.choices import Choices
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic
from backend.store import clock, work
from backend.store.clock import JST
from backend.ward import areas
from tests.residents.people import SAKURA, consented, today, user

PEOPLE = 200


async def test_two_hundred_exports_hold_all_and_only_their_own(database, keys, owner):
    chance = random.Random(8)
    now = await today()
    people = {user(n): someone(chance, now) for n in range(1, PEOPLE + 1)}
    await work.run(preferences.save_many, keys, list(people.items()))
    owned: set[str] = set()
    difference: list[Any] = []
    for who, wanted in people.items():
        document = json.loads(json.dumps(await rights.export(keys, who)))  # 受け取る人に届く形
        difference += [(name, *pair) for name, pair in compared(document, wanted).items() if pair[0] != pair[1]]
        difference += [one["event_id"] for one in document["history"] if one["event_id"] in owned]
        owned |= {one["event_id"] for one in document["history"]}
    events = await owner.fetchval("select count(*) from consent_event")
    filled = {name for wanted in people.values() for name, value in answers(wanted).items() if value}
    print(f"C8: 写し {len(people)}人分、件 {len(owned)}、食い違い {len(difference)}")
    assert difference == []
    assert len(owned) == events
    assert filled == set(answers(Choices(purposes=Purpose(63)))), "どの答えも、だれかが持っている"


def someone(chance: random.Random, now: date) -> Choices:
    """でたらめな一人。同意した目的の答えだけを、答えないものもまぜて持つ。"""
    on = Purpose(chance.randint(1, 63))

    def maybe(purpose: Purpose, values: Any, nothing: Any = None) -> Any:
        return chance.choice([*values, nothing]) if on & purpose else nothing

    def some(purpose: Purpose, values: Any) -> Any:
        return tuple(one for one in values if on & purpose and chance.random() < 0.4)

    born = [back(now, chance.randint(0, 180)) for _ in range(chance.randint(0, 5) if on & Purpose.PARENTING else 0)]
    dues = tuple(back(birth, -chance.randint(0, 2)) if chance.random() < 0.3 else None for birth in born)
    due = back(now, -chance.randint(0, 9)) if on & Purpose.PARENTING and chance.random() < 0.5 else None
    return Choices(
        purposes=on,
        area=maybe(Purpose.AREA, range(1, 70)),
        age_band=maybe(Purpose.AGE, [band for band in AgeBand if band is not AgeBand.UP_TO_15]),
        due_months=(due,) if due else (),
        birth_months=tuple(born),
        birth_due_months=dues,
        topics=some(Purpose.TOPICS, Topic),
        language=maybe(Purpose.LANGUAGE, Language),
        collection_area=maybe(Purpose.GARBAGE, range(1, 69)),
        streams=some(Purpose.GARBAGE, Stream),
        slot=maybe(Purpose.GARBAGE, Slot),
    )


def back(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def answers(c: Choices) -> dict[str, Any]:
    """保存した答えの、写しでの綴り。"""
    born = [f"{birth:%Y-%m}" for birth in c.birth_months]
    due = [f"{month:%Y-%m}" for month in c.due_months]
    beside = [{"due_month": f"{month:%Y-%m}"} if month else {} for month in c.birth_due_months]
    children: list[Any] = [{"position": 0, "due_month": month} for month in due]
    children += [
        {"position": n, "birth_month": birth, **more}
        for n, (birth, more) in enumerate(zip(born, beside, strict=True), 1)
    ]
    return {
        "area": c.area,
        "age_band": c.age_band,
        "children": children,
        "due_months": due,
        "birth_months": born,
        "topics": [topic.value for topic in c.topics],
        "language": c.language.value if c.language else None,
        "collection_area": c.collection_area,
        "streams": [stream.value for stream in c.streams],
        "slot": c.slot,
    }


def sentences(c: Choices) -> list[str]:
    """同じ答えを、読む文で。"""
    due = [f"出産予定 {month.year}年{month.month}月" for month in c.due_months]
    for birth, month in zip(c.birth_months, c.birth_due_months, strict=True):
        beside = f"(予定月 {month.year}年{month.month}月)" if month else ""
        due.append(f"{birth.year}年{birth.month}月生まれ{beside}")
    slot = {19: "前の日の午後7時", 7: "当日の午前7時"}.get(c.slot or 0, "")
    streams = "・".join(stream.label for stream in c.streams)
    place = areas.name_of(c.collection_area) if c.collection_area else ""
    said = {
        Purpose.AREA: areas.name_of(c.area) if c.area else "",
        Purpose.AGE: AgeBand(c.age_band).label if c.age_band else "",
        Purpose.PARENTING: "、".join(due),
        Purpose.TOPICS: "、".join(topic.label for topic in c.topics),
        Purpose.GARBAGE: "、".join(part for part in (place, streams, slot) if part),
        Purpose.LANGUAGE: c.language.label if c.language else "",
    }
    return [f"・{purpose.label}: {said[purpose] or '答えていません'}" for purpose in c.purposes]


def compared(document: dict[str, Any], wanted: Choices) -> dict[str, tuple[Any, Any]]:
    """(写しにあるもの, 保存したもの)。"""
    held = sentences(wanted)
    text = rights.readable(document).split("\n")
    pairs: dict[str, tuple[Any, Any]] = {
        name: (document["answers"].get(name), value) for name, value in answers(wanted).items()
    }
    return pairs | {
        "names": (set(document["answers"]), set(pairs)),
        "text": (text[3 : 3 + len(held)], held),
        "after the text": (text[3 + len(held)], ""),
        "purposes": ([one["purpose"] for one in document["purposes"]], [one.code for one in wanted.purposes]),
        "history": (
            sorted((one["purpose"], one["action"]) for one in document["history"]),
            sorted((one.code, "granted") for one in wanted.purposes),
        ),
    }


async def test_the_text_tells_the_time_in_japan_and_in_words(database, keys):
    """LOOK: 2026年11月24日(火) 18:00。世界時では前の日の朝でも。"""
    await clock.set_to(datetime(2026, 11, 24, 7, 30, tzinfo=JST))
    await consented(keys, SAKURA, Choices(purposes=Purpose.AREA, area=12))
    await clock.set_to(datetime(2026, 11, 24, 18, 0, tzinfo=JST))
    document = await rights.export(keys, SAKURA)
    assert document is not None
    text = rights.readable(document)
    for line in (
        "作った日時: 2026年11月24日(火) 18:00",
        "最後に保存した日時: 2026年11月24日(火) 07:30",
        "・地域のお知らせ: 2026年11月24日(火) から 2028年11月24日(金) まで(告知文 第1版)",
        "・2026年11月24日(火) 07:30 地域のお知らせ 同意",
    ):
        assert line in text.split("\n"), line
    assert "T" not in text.replace("LINE", "").split("同意している目的")[1]
    times = [document["exported_at"], document["consented_at"], *(one["at"] for one in document["history"])]
    assert {datetime.fromisoformat(time).utcoffset() for time in times} == {timedelta(hours=9)}


async def test_no_export_names_the_line_account(database, keys):
    await consented(keys, SAKURA)
    document = await rights.export(keys, SAKURA)
    assert document is not None
    assert SAKURA not in rights.readable(document) + json.dumps(document)
