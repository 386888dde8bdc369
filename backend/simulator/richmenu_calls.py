"""リッチメニューの呼び出しの表: 作る、絵、既定、一人ずつ、まとめて(LINE.md 1.1)。"""

import re
from typing import Any

from backend.simulator import richmenu_rules
from backend.simulator.limits import HUNDRED_AN_HOUR, LIST_MENUS, THREE_AN_HOUR
from backend.simulator.message_calls import USER_ID
from backend.simulator.richmenus import MOST
from backend.simulator.wire import Answer, Answered, Call, Endpoint, invalid, not_found

MOST_USERS = 500
_RESUME_KEY = re.compile(r"[0-9a-zA-Z_-]{1,100}")
_NO_IMAGE = {"message": "must upload richmenu image before applying it to user"}


def create(call: Call) -> Answer:
    menu = _checked(call)
    if call.world.menus.count() >= MOST:
        raise Answered(400, {"message": "The maximum number of rich menus has been reached"})
    return Answer(body={"richMenuId": call.world.menus.create(menu)})


def validate(call: Call) -> Answer:
    _checked(call)
    return Answer()


def get(call: Call) -> Answer:
    menu = call.world.menus.get(call.path["menu"])
    if menu is None:
        raise not_found("richmenu not found")
    return Answer(body=menu)


def list_all(call: Call) -> Answer:
    return Answer(body={"richmenus": call.world.menus.all()})


def delete(call: Call) -> Answer:
    if not call.world.menus.delete(call.path["menu"]):
        raise not_found("richmenu not found")
    return Answer()


def upload(call: Call) -> Answer:
    """一度だけ。絵は二度と替えられない。"""
    menu, kind = _existing(call), call.content_type.partition(";")[0].strip().lower()
    if kind not in ("image/jpeg", "image/png"):
        raise Answered(415, {"message": "Unsupported Media Type"})
    if call.world.menus.image(menu):
        raise Answered(400, {"message": "An image has already been uploaded to the richmenu"})
    if not richmenu_rules.image_fits(call.body):
        raise Answered(400, {"message": "The image size is not allowed for richmenu"})
    call.world.menus.set_image(menu, call.body, kind)
    return Answer()


def download(call: Call) -> Answer:
    image = call.world.menus.image(call.path["menu"])
    if image is None:
        raise not_found()
    return Answer(body=image.body, content_type=image.content_type)


# ── 既定 ──


def set_default(call: Call) -> Answer:
    call.world.menus.set_default(_with_image(call))
    return Answer()


def get_default(call: Call) -> Answer:
    if call.world.menus.owned_by_console():
        raise Answered(403, {"message": "the richmenu is owned by another channel"})
    menu = call.world.menus.default()
    if menu is None:
        raise not_found("no default richmenu")
    return Answer(body={"richMenuId": menu})


def clear_default(call: Call) -> Answer:
    call.world.menus.set_default(None)
    return Answer()


# ── 一人ずつ、まとめて ──


def link(call: Call) -> Answer:
    user = _user(call)
    call.world.menus.link(user, _with_image(call))
    return Answer()


def get_linked(call: Call) -> Answer:
    menu = call.world.menus.linked(_user(call))
    if menu is None:
        raise not_found("the user has no richmenu")
    return Answer(body={"richMenuId": menu})


def unlink(call: Call) -> Answer:
    call.world.menus.unlink(_user(call))
    return Answer()


def bulk_link(call: Call) -> Answer:
    body = call.json()
    users, menu = _users(body), str(body.get("richMenuId"))
    if call.world.menus.get(menu) is None:
        raise not_found("richmenu not found")
    if call.world.menus.image(menu) is None:
        raise Answered(400, _NO_IMAGE)
    call.world.jobs.add("link", users=users, menu=menu)
    return Answer(status=202, requested=users)


def bulk_unlink(call: Call) -> Answer:
    users = _users(call.json())
    call.world.jobs.add("unlink", users=users)
    return Answer(status=202, requested=users)


def batch(call: Call) -> Answer:
    operations = _operations(call)
    key = call.json().get("resumeRequestKey")
    call.world.menus.start_batch(call.request_id, key)
    fails = call.fault == "batch_fails"
    call.world.jobs.add("batch", request_id=call.request_id, operations=operations, fails=fails)
    return Answer(status=202)


def validate_batch(call: Call) -> Answer:
    _operations(call)
    return Answer()


def progress(call: Call) -> Answer:
    found = call.world.menus.batch(call.query.get("requestId", ""))
    if found is None:
        raise not_found()
    return Answer(body=found)


# ── 確かめ ──


def _checked(call: Call) -> dict[str, Any]:
    menu = call.json()
    found = richmenu_rules.check(menu)
    if found:
        raise invalid(found)
    return menu


def _existing(call: Call) -> str:
    menu = call.path["menu"]
    if call.world.menus.get(menu) is None:
        raise not_found("richmenu not found")
    return menu


def _with_image(call: Call) -> str:
    menu = _existing(call)
    if call.world.menus.image(menu) is None:
        raise Answered(400, _NO_IMAGE)
    return menu


def _user(call: Call) -> str:
    user = call.path["user"]
    if not USER_ID.fullmatch(user):
        raise Answered(400, {"message": "The value for the 'userId' parameter is invalid"})
    return user


def _users(body: dict[str, Any]) -> list[str]:
    """一つでも形の違うidがあれば、全体を断る。"""
    users = body.get("userIds")
    if not isinstance(users, list) or not 1 <= len(users) <= MOST_USERS:
        raise invalid([{"message": f"Size must be between 1 and {MOST_USERS}", "property": "userIds"}])
    for index, user in enumerate(users):
        if not isinstance(user, str) or not USER_ID.fullmatch(user):
            where = f"The property, 'userIds[{index}]', in the request body is invalid (line: -, column: -)"
            raise Answered(400, {"message": where})
    return users


def _operations(call: Call) -> list[dict[str, Any]]:
    body, menus = call.json(), call.world.menus
    found = richmenu_rules.check_batch(body.get("operations"), lambda menu: menus.image(menu) is not None)
    key = body.get("resumeRequestKey")
    if key is not None and not (isinstance(key, str) and _RESUME_KEY.fullmatch(key)):
        found.append({"message": "invalid resumeRequestKey", "property": "resumeRequestKey"})
    if found:
        raise invalid(found)
    return body["operations"]


_MENU, _DEFAULT, _USER = "/v2/bot/richmenu", "/v2/bot/user/all/richmenu", "/v2/bot/user/{user:str}/richmenu"
endpoints = [
    Endpoint("POST", _MENU, create, HUNDRED_AN_HOUR),
    Endpoint("POST", f"{_MENU}/validate", validate),
    Endpoint("GET", f"{_MENU}/list", list_all, LIST_MENUS),
    Endpoint("GET", f"{_MENU}/{{menu:str}}", get),
    Endpoint("DELETE", f"{_MENU}/{{menu:str}}", delete, HUNDRED_AN_HOUR),
    Endpoint("POST", f"{_MENU}/{{menu:str}}/content", upload),
    Endpoint("GET", f"{_MENU}/{{menu:str}}/content", download),
    Endpoint("POST", f"{_DEFAULT}/{{menu:str}}", set_default),
    Endpoint("GET", _DEFAULT, get_default),
    Endpoint("DELETE", _DEFAULT, clear_default),
    Endpoint("POST", f"{_USER}/{{menu:str}}", link),
    Endpoint("GET", _USER, get_linked),
    Endpoint("DELETE", _USER, unlink),
    Endpoint("POST", f"{_MENU}/bulk/link", bulk_link),
    Endpoint("POST", f"{_MENU}/bulk/unlink", bulk_unlink),
    Endpoint("POST", f"{_MENU}/batch", batch, THREE_AN_HOUR),
    Endpoint("POST", f"{_MENU}/validate/batch", validate_batch),
    Endpoint("GET", f"{_MENU}/progress/batch", progress, HUNDRED_AN_HOUR),
]
