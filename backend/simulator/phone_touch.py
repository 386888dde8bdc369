"""電話で押したときに起きること: LINEの側の状態を変え、Webhookを送る。"""

from collections.abc import Awaitable, Callable
from typing import Any

from backend.errors import Refused
from backend.simulator import destinations
from backend.simulator.phone_diary import Diary
from backend.simulator.phone_line import Line
from backend.simulator.sign_in import Person, SignIn

LONGEST_TEXT = 5000
Body = dict[str, Any]


async def touch(action: str, person: Person, body: Body, line: Line, diary: Diary, sign_in: SignIn) -> Body:
    """`action` を一つ行う。知らない操作と、ブロック中に送ることは `Refused`。"""
    if action == "open":
        return await destinations.find(str(body.get("uri", "")), person, sign_in)
    if action == "read":
        diary.mark_read(person.user, line.inbox_size(person.user))
        return {}
    if action in _FOLLOWING:
        await _FOLLOWING[action](line, person)
        return {}
    if action not in _SENDING:
        raise Refused("知らない操作です。")
    if person.blocked:
        raise Refused("ブロック中は送れません。", next_step="ブロックを解除してください。")
    return await _SENDING[action](person, body, line, diary)


async def _follow(line: Line, person: Person) -> None:
    """友だち追加とブロックの解除は、LINEからはどちらもfollowとして届く。"""
    if person.blocked or not person.friend:
        await line.follow(person.user)


async def _unfollow(line: Line, person: Person) -> None:
    if person.friend and not person.blocked:
        await line.unfollow(person.user)


async def _text(person: Person, body: Body, line: Line, diary: Diary) -> Body:
    text = str(body.get("text", "")).strip()[:LONGEST_TEXT]
    if text:
        diary.say(person.user, line.now(), text)
        await line.say(person.user, text)
    return {}


async def _postback(person: Person, body: Body, line: Line, diary: Diary) -> Body:
    if body.get("text"):
        diary.say(person.user, line.now(), str(body["text"]))
    await line.postback(person.user, str(body.get("data", "")), None)
    return {}


async def _switch(person: Person, body: Body, line: Line, diary: Diary) -> Body:
    """タブの切り替え: 別名の指すメニューを本人に結び、結果をpostbackで知らせる(LINE.md 2)。"""
    alias = str(body.get("alias", ""))
    target = line.menu_by_alias(alias)
    there = target is not None and line.menu_image(target) is not None
    if target and there:
        line.link_menu(person.user, target)
    status = "SUCCESS" if there else "RICHMENU_NOTFOUND" if target else "RICHMENU_ALIAS_ID_NOTFOUND"
    await line.postback(person.user, str(body.get("data", "")), {"newRichMenuAliasId": alias, "status": status})
    return {} if there else {"problem": "切り替え先のメニューがありません。"}


async def _tap(person: Person, body: Body, line: Line, diary: Diary) -> Body:
    """メニューのどこを押したか。LINEの統計(insight)のもとになる。"""
    line.tap(person.user, str(body.get("menu", "")), int(body.get("area", 0)))
    return {}


_FOLLOWING: dict[str, Callable[[Line, Person], Awaitable[None]]] = {
    "block": _unfollow,
    "unblock": _follow,
    "add": _follow,
}
_SENDING: dict[str, Callable[[Person, Body, Line, Diary], Awaitable[Body]]] = {
    "text": _text,
    "postback": _postback,
    "switch": _switch,
    "tap": _tap,
}
