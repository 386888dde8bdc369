"""編集の端: 0の大きさ、長すぎるアドレス、ありえない番号。黙って直さず、500にもしない。"""

import pytest

from backend.errors import Refused
from backend.menus import command, versions
from tests.menus.desk import created, fields
from tests.menus.making import cell, tab, text

pytestmark = pytest.mark.usefixtures("database")
BEYOND = 99999999999999999999


@pytest.mark.parametrize(("width", "height"), [("800", "0"), ("0", "0"), ("-5", "540"), ("800", "9999999")])
async def test_a_size_that_is_no_size_is_a_finding_in_the_preview(desk, width, height):
    people, open_for = desk
    sato = await open_for(people.sato)
    answer = await sato.post("/console/menus/preview", fields(tabs=2, width=width, height=height))
    assert answer.status_code == 200
    assert "finding-block" in answer.text


async def test_a_size_of_nothing_stops_a_load_with_its_line(database, settings, tmp_path):
    (tmp_path / "resident.yaml").write_text(text(tab("a", cell()), size="{width: 800, height: 0}"), encoding="utf-8")
    with pytest.raises(Refused, match="3行目: 絵の高さは250から"):
        await command.load(settings, tmp_path)


async def test_a_long_address_is_kept_whole(desk):
    people, open_for = desk
    long = "https://www.city.bunkyo.lg.jp/" + "a" * 400
    version_id = await created(await open_for(people.sato), tabs=1, **{"t0c0-value": long})
    assert (await versions.find(version_id)).declaration.tabs[0].cells[0].action.uri == long


async def test_an_address_longer_than_line_takes_is_refused_and_not_cut(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    long = "https://www.city.bunkyo.lg.jp/" + "a" * 1000
    version_id = await created(sato, tabs=1, **{"t0c0-value": long})
    refused = await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "春"})
    assert refused.status_code == 422
    assert "アドレスが長すぎます(1,000文字まで)" in refused.text
    assert (await versions.find(version_id)).declaration.tabs[0].cells[0].action.uri == long


async def test_words_of_a_hundred_thousand_characters_are_a_finding(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    answer = await sato.post("/console/menus/preview", fields(tabs=1, **{"t0c0-main": "長" * 100_000}))
    assert answer.status_code == 200
    assert "ボタンに入りません" in answer.text


async def test_a_number_no_version_can_have_is_not_found(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    for path in (f"{BEYOND}", f"{BEYOND}/image/0", f"{BEYOND}/edit", f"{2**63}", "0", "-1"):
        assert (await sato.get(f"/console/menus/{path}")).status_code == 404, path


async def test_twenty_one_buttons_and_strange_numbers_do_not_break_the_editor(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    many = {**fields(tabs=1, cells=22), "t0-grid": "free"}
    for do in ("drop_cell:0.0", "drop_cell:0.²", f"up:0.{BEYOND}", "add_cell:²"):
        answer = await sato.post("/console/menus/new", {**many, "do": do})
        assert answer.status_code == 200, do
        assert "finding-block" in answer.text
