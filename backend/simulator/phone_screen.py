"""模擬スマートフォンの画面の中身: 一覧の一行、トークの並び、出すべきメニュー。"""

from typing import Any
from zlib import crc32

from backend.simulator.phone_diary import Diary
from backend.simulator.phone_line import Line
from backend.simulator.sign_in import Person

FACES = 6


def friends(line: Line, diary: Diary, *, search: str, limit: int) -> dict[str, Any]:
    """さがした名前の友だちを `limit` 人まで。顔ぶれ(cast)が上に来る。"""
    people, total = line.search(search, 0, limit)
    return {"now": line.now().isoformat(), "total": total, "people": [row(line, diary, person) for person in people]}


def row(line: Line, diary: Diary, person: Person) -> dict[str, Any]:
    received = line.inbox_size(person.user)
    newest = line.last(person.user)
    return {
        **_person(person),
        "unread": diary.unread(person.user, received),
        "last": {"at": newest.at.isoformat(), "message": newest.messages[-1]} if newest else None,
    }


def screen(line: Line, diary: Diary, person: Person) -> dict[str, Any]:
    """一人の電話に映るものすべて。"""
    received = line.inbox(person.user)
    return {
        **_person(person),
        "now": line.now().isoformat(),
        "unread": diary.unread(person.user, len(received)),
        "entries": entries(line, diary, person.user),
        "menu": menu(line, person),
    }


def entries(line: Line, diary: Diary, user: str) -> list[dict[str, Any]]:
    """受け取ったものと自分の言葉を、時刻の順に。"""
    theirs = [
        {
            "id": f"r{index}-{got.request_id}",
            "side": "theirs",
            "at": got.at.isoformat(),
            "messages": got.messages,
            "silent": got.silent,
        }
        for index, got in enumerate(line.inbox(user))
    ]
    mine = [
        {"id": f"s{said.id}", "side": "mine", "at": said.at.isoformat(), "text": said.text} for said in diary.said(user)
    ]
    return sorted([*theirs, *mine], key=lambda entry: entry["at"])


def menu(line: Line, person: Person) -> dict[str, Any] | None:
    """個人に結んだもの、なければ既定のもの(LINE.md 1.1)。ブロックした相手のメニューは出ない。"""
    found = None if person.blocked else line.menu_of(person.user)
    if found is None:
        return None
    menu_id, body = found
    shown = {key: body[key] for key in ("size", "selected", "chatBarText", "areas")}
    return {"richMenuId": menu_id, "image": f"/phone/menus/{menu_id}", **shown}


def _person(person: Person) -> dict[str, Any]:
    return {
        "user": person.user,
        "name": person.name,
        "friend": person.friend,
        "blocked": person.blocked,
        "note": person.note,
        "face": crc32(person.user.encode()) % FACES,
    }
