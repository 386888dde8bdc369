"""リッチメニューの決まり(LINE.md 1.1)。"""

from typing import Any

import pytest

from tests.simulator.api import KEN, LIN, SAKURA, STRANGER, Api, area, menu, picture
from tests.simulator.running import RunningSimulator

MENUS, DEFAULT = "/v2/bot/richmenu", "/v2/bot/user/all/richmenu"
FAMILY = "👨‍👩‍👧‍👦"  # 書記素では一つ


def details(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"] == f"The request body has {len(answer.json()['details'])} error(s)"
    return [(detail["message"], detail["property"]) for detail in answer.json()["details"]]


# ── 作る ──


@pytest.mark.parametrize(
    ("changed", "message", "where"),
    [
        ({"name": ""}, "must be specified", "name"),
        ({"name": "あ" * 301}, "Length must be between 0 and 300", "name"),
        ({"chatBarText": "あ" * 15}, "Length must be between 0 and 14", "chatBarText"),
        ({"selected": "yes"}, "must be specified", "selected"),
        ({"size": {"width": 2501, "height": 1686}}, "invalid size", "size"),
        ({"size": {"width": 799, "height": 400}}, "invalid size", "size"),
        ({"size": {"width": 800, "height": 249}}, "invalid size", "size"),
        ({"size": {"width": 1000, "height": 700}}, "invalid size", "size"),
        ({"areas": [area()] * 21}, "Size must be between 0 and 20", "areas"),
        ({"areas": [area(type="uri", uri="ftp://a.jp/")]}, "invalid uri", "areas[0].action.uri"),
        ({"areas": [area(type="uri", uri="https://a.jp/あ")]}, "invalid uri", "areas[0].action.uri"),
        ({"areas": [area(type="uri", uri="https://a.jp/" + "a" * 1000)]}, "invalid uri", "areas[0].action.uri"),
        ({"areas": [area(type="camera", label="a")]}, "must be specified", "areas[0].action.type"),
        (
            {"areas": [area(), area(type="postback", data="a" * 301)]},
            "Length must be between 0 and 300",
            "areas[1].action.data",
        ),
        (
            {"areas": [area(type="uri", uri="tel:110", label="あ" * 21)]},
            "Length must be between 0 and 20",
            "areas[0].action.label",
        ),
    ],
)
def test_a_wrong_menu_is_refused_alike_by_validate_and_by_create(
    api: Api, changed: dict[str, Any], message: str, where: str
) -> None:
    assert details(api.post(f"{MENUS}/validate", menu(**changed))) == [(message, where)]
    assert details(api.post(MENUS, menu(**changed))) == [(message, where)]
    assert api.get(f"{MENUS}/list").json() == {"richmenus": []}


def test_bounds_start_at_zero_and_measure_at_least_one(api: Api) -> None:
    wrong = area()
    wrong["bounds"] = {"x": -1, "y": 0, "width": 0, "height": 10}
    found = details(api.post(f"{MENUS}/validate", menu(areas=[wrong])))
    assert [where for _, where in found] == ["areas[0].bounds.x", "areas[0].bounds.width"]


def test_names_and_labels_count_what_a_person_sees(api: Api) -> None:
    labelled = area(type="uri", uri="tel:110", label=FAMILY * 20)
    wanted = menu(name=FAMILY * 300, chatBarText=FAMILY * 14, areas=[labelled])
    assert api.post(f"{MENUS}/validate", wanted).json() == {}


def test_a_made_menu_can_be_read_and_listed(api: Api) -> None:
    menu_id = api.create(name="一つ目")
    assert api.get(f"{MENUS}/{menu_id}").json() == {"richMenuId": menu_id, **menu(name="一つ目")}
    second = api.create(name="二つ目")
    assert [found["richMenuId"] for found in api.get(f"{MENUS}/list").json()["richmenus"]] == [menu_id, second]


def test_a_deleted_menu_is_gone(api: Api) -> None:
    menu_id = api.create()
    assert api.delete(f"{MENUS}/{menu_id}").json() == {}
    assert api.get(f"{MENUS}/{menu_id}").status_code == 404
    assert api.delete(f"{MENUS}/{menu_id}").status_code == 404


def test_there_is_room_for_1000_menus(line: RunningSimulator, api: Api) -> None:
    line.limits(enabled=False)
    statuses = [api.post(MENUS, menu()).status_code for _ in range(1001)]
    assert (set(statuses[:1000]), statuses[1000]) == ({200}, 400)


# ── 絵 ──


@pytest.mark.parametrize(("kind", "media"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_an_image_comes_back_byte_for_byte(api: Api, kind: str, media: str) -> None:
    menu_id, image = api.create(), picture(kind=kind)
    assert api.upload(menu_id, image, media).json() == {}
    answer = api.get(f"{MENUS}/{menu_id}/content")
    assert (answer.content, answer.headers["content-type"]) == (image, media)


def test_an_image_can_never_be_replaced(api: Api) -> None:
    menu_id = api.ready_menu()
    answer = api.upload(menu_id)
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "An image has already been uploaded to the richmenu",
    )


@pytest.mark.parametrize(
    "image", [picture(799, 500), picture(1000, 700), picture(2501, 1600), picture(1200, 249), b"x"]
)
def test_an_image_of_another_size_is_refused(api: Api, image: bytes) -> None:
    answer = api.upload(api.create(), image)
    assert (answer.status_code, answer.json()["message"]) == (400, "The image size is not allowed for richmenu")


def test_an_image_over_a_megabyte_is_refused(api: Api) -> None:
    assert api.upload(api.create(), picture() + b"\0" * 1_000_000).status_code == 400


def test_an_image_must_say_what_it_is(api: Api) -> None:
    assert api.upload(api.create(), kind="image/gif").status_code == 415


def test_no_menu_and_no_image_are_404(api: Api) -> None:
    assert api.upload("richmenu-0").status_code == 404
    assert api.get(f"{MENUS}/{api.create()}/content").status_code == 404


# ── 既定 ──


def test_a_default_needs_an_image(api: Api) -> None:
    menu_id = api.create()
    answer = api.post(f"{DEFAULT}/{menu_id}")
    message = "must upload richmenu image before applying it to user"
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert api.post(f"{DEFAULT}/richmenu-0").status_code == 404


def test_a_default_is_set_read_and_cleared(api: Api) -> None:
    assert api.get(DEFAULT).json() == {"message": "no default richmenu"}
    menu_id = api.ready_menu()
    assert api.post(f"{DEFAULT}/{menu_id}").json() == {}
    assert api.get(DEFAULT).json() == {"richMenuId": menu_id}
    assert api.delete(DEFAULT).status_code == 200
    assert api.get(DEFAULT).status_code == 404


def test_a_default_owned_by_the_console_is_403_until_the_api_sets_one(line: RunningSimulator, api: Api) -> None:
    line.account(console_menu=True)
    answer = api.get(DEFAULT)
    assert (answer.status_code, answer.json()["message"]) == (403, "the richmenu is owned by another channel")
    menu_id = api.ready_menu()
    api.post(f"{DEFAULT}/{menu_id}")
    assert api.get(DEFAULT).json() == {"richMenuId": menu_id}
    api.delete(DEFAULT)
    assert api.get(DEFAULT).status_code == 403


# ── 一人ずつ ──


def test_a_menu_of_ones_own_goes_before_the_default(line: RunningSimulator, api: Api) -> None:
    default, own = api.ready_menu(), api.ready_menu()
    api.post(f"{DEFAULT}/{default}")
    assert api.post(f"/v2/bot/user/{SAKURA}/richmenu/{own}").json() == {}
    assert [line.screen(user)["menu"]["richMenuId"] for user in (SAKURA, KEN)] == [own, default]
    api.delete(f"/v2/bot/user/{SAKURA}/richmenu")
    assert line.screen(SAKURA)["menu"]["richMenuId"] == default
    assert api.get(f"/v2/bot/user/{SAKURA}/richmenu").json() == {"message": "the user has no richmenu"}


@pytest.mark.parametrize("user", [LIN, STRANGER])
def test_who_is_no_friend_is_silently_not_linked(api: Api, user: str) -> None:
    assert api.post(f"/v2/bot/user/{user}/richmenu/{api.ready_menu()}").status_code == 200
    assert api.linked(user) is None


def test_linking_refuses_a_bad_id_and_a_menu_without_image(api: Api) -> None:
    assert api.post(f"/v2/bot/user/someone/richmenu/{api.ready_menu()}").status_code == 400
    assert api.post(f"/v2/bot/user/{SAKURA}/richmenu/{api.create()}").status_code == 400
    assert api.post(f"/v2/bot/user/{SAKURA}/richmenu/richmenu-0").status_code == 404
    assert api.get("/v2/bot/user/someone/richmenu").status_code == 400


# ── 別名とタブ ──


def test_an_alias_is_made_read_moved_and_deleted(api: Api) -> None:
    first, second = api.ready_menu(), api.ready_menu()
    assert api.alias("kurashi", first).json() == {}
    assert api.get(f"{MENUS}/alias/kurashi").json() == {"richMenuAliasId": "kurashi", "richMenuId": first}
    assert api.post(f"{MENUS}/alias/kurashi", {"richMenuId": second}).json() == {}
    assert api.get(f"{MENUS}/alias/list").json() == {"aliases": [{"richMenuAliasId": "kurashi", "richMenuId": second}]}
    assert api.delete(f"{MENUS}/alias/kurashi").json() == {}
    assert api.get(f"{MENUS}/alias/kurashi").status_code == 404
    assert api.post(f"{MENUS}/alias/kurashi", {"richMenuId": second}).status_code == 404


def test_an_alias_needs_a_good_name_a_menu_and_an_image(api: Api) -> None:
    ready = api.ready_menu()
    assert api.alias("くらし", ready).status_code == 400
    assert api.alias("a" * 33, ready).status_code == 400
    assert api.alias("kurashi", "richmenu-0").json() == {"message": "richmenu not found"}
    assert api.alias("kurashi", api.create()).json() == {"message": "richmenu not found"}
    api.alias("kurashi", ready)
    assert api.alias("kurashi", ready).json() == {"message": "conflict richmenu alias id"}


def test_a_tab_links_the_person_so_that_a_new_default_does_not_reach_them(line: RunningSimulator, api: Api) -> None:
    first, tab, later = api.ready_menu(), api.ready_menu(), api.ready_menu()
    api.post(f"{DEFAULT}/{first}")
    api.alias("bosai", tab)
    assert line.touch(SAKURA, "switch", alias="bosai", data="tab=bosai") == {}
    api.post(f"{DEFAULT}/{later}")
    assert [line.screen(user)["menu"]["richMenuId"] for user in (SAKURA, KEN)] == [tab, later]
    sent = line.webhooks()[-1]["event"]["postback"]
    assert sent == {"data": "tab=bosai", "params": {"newRichMenuAliasId": "bosai", "status": "SUCCESS"}}


def test_a_tab_that_leads_nowhere_says_why(line: RunningSimulator, api: Api) -> None:
    menu_id = api.ready_menu()
    api.alias("bosai", menu_id)
    api.delete(f"{MENUS}/{menu_id}")
    for alias, status in (("bosai", "RICHMENU_NOTFOUND"), ("none", "RICHMENU_ALIAS_ID_NOTFOUND")):
        assert line.touch(SAKURA, "switch", alias=alias, data="t")["problem"]
        assert line.webhooks()[-1]["event"]["postback"]["params"]["status"] == status


# ── 統計 ──


def test_fewer_than_20_people_are_not_told(line: RunningSimulator, api: Api) -> None:
    menu_id, people = api.ready_menu(), [f"U{number:032x}" for number in range(20)]
    asked = {"from": line.now().strftime("%Y%m%d"), "to": line.now().strftime("%Y%m%d")}
    summary, daily = (f"/v2/bot/insight/richmenu/{menu_id}/{kind}" for kind in ("summary", "daily"))
    line.tap(menu_id, 0, people[:19] * 2)
    line.clock(advance_seconds=2 * 24 * 3600)
    api.renew()
    asked["to"] = line.now().strftime("%Y%m%d")
    assert api.get(summary, **asked).json() == {"richMenuId": menu_id}
    assert api.get(daily, **asked).json() == {"richMenuId": menu_id}
    line.clock(advance_seconds=-2 * 24 * 3600)
    line.tap(menu_id, 0, people[19:])
    line.clock(advance_seconds=2 * 24 * 3600)
    told = api.get(summary, **asked).json()["clicks"]
    assert told == [{"bounds": menu()["areas"][0]["bounds"], "metrics": {"count": 39, "uniqueUsers": 20}}]
    assert api.get(daily, **asked).json()["clicks"][0]["metrics"][0]["count"] == 39


def test_a_tap_on_the_phone_is_counted(line: RunningSimulator, api: Api) -> None:
    menu_id = api.ready_menu()
    line.generate(20, 3)
    for person in line.people()[3:]:
        line.touch(person["user"], "tap", menu=menu_id, area=0)
    line.clock(advance_seconds=2 * 24 * 3600)
    api.renew()
    day = line.now().strftime("%Y%m%d")
    asked = {"from": str(int(day) - 2) if day[6:] > "02" else f"{day[:6]}01", "to": day}
    body = api.get(f"/v2/bot/insight/richmenu/{menu_id}/summary", **asked).json()
    assert set(body) <= {"richMenuId", "metricsFrom", "metricsTo", "impression", "clicks"}
