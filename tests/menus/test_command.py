"""`ward richmenu`: 読み込み、計画、反映、書き出し。"""

import argparse
import io
import json
import shutil
import time

import pytest
from PIL import Image

from backend.errors import Refused
from backend.menus import apply, approving, artwork, command, deployed, plan, versions
from backend.menus.roles import Role
from backend.store import work
from tests import cast
from tests.menus import making

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def folder(tmp_path):
    """小さい絵の宣言だけのフォルダ。"""
    where = tmp_path / "menus"
    where.mkdir()
    (where / "resident.yaml").write_text(making.two_tabs(), encoding="utf-8")
    (where / "emergency.yaml").write_text(making.emergency(), encoding="utf-8")
    return where


def options(**more):
    return argparse.Namespace(**{"json": True, "checksum": "", "accept_drift": False, **more})


async def test_load_then_export_gives_back_the_same_bytes(line_settings, folder, tmp_path):
    await command.load(line_settings, folder)
    await command._export(line_settings, options(folder=tmp_path / "out"))
    for file in folder.iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()


async def test_the_shipped_menus_are_loaded_without_a_fault_and_come_back_byte_for_byte(line_settings, tmp_path):
    made = await command.load(line_settings, command.SHIPPED)
    assert {version.role for version in made} == {Role.RESIDENT, Role.EMERGENCY, Role.CLOSING}
    await command._export(line_settings, options(folder=tmp_path / "out"))
    shipped = {file.name: file.read_bytes() for file in command.SHIPPED.iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == shipped


async def test_a_picture_makes_the_round_trip_with_its_rights(line_settings, folder, tmp_path):
    out = io.BytesIO()
    Image.radial_gradient("L").resize((800, 540)).convert("RGB").save(out, "PNG")
    (folder / "sora.png").write_bytes(out.getvalue())
    rights = "{owner: 区, permission: 自作, credit: 撮影 広報課}"
    source = making.text(making.tab("kurashi", making.cell(), artwork="sora.png", rights=rights))
    (folder / "resident.yaml").write_text(source, encoding="utf-8")
    await command.load(line_settings, folder)
    await command._export(line_settings, options(folder=tmp_path / "once"))
    assert (tmp_path / "once" / "resident.yaml").read_bytes() == source.encode()
    once = (tmp_path / "once" / "sora.png").read_bytes()
    assert artwork.clean(once).body == once
    assert (await artwork.listing())[0].credit == "撮影 広報課"


async def test_loading_the_same_folder_twice_makes_nothing_new(line_settings, folder):
    assert len(await command.load(line_settings, folder)) == 2
    assert await command.load(line_settings, folder) == []


async def test_one_fault_in_a_folder_loads_none_of_it(line_settings, folder):
    (folder / "resident.yaml").write_text(making.two_tabs().replace("区のサイトを開く", "''"), encoding="utf-8")
    with pytest.raises(Refused, match=r"resident\.yaml 10行目: 読み上げの言葉がありません"):
        await command.load(line_settings, folder)
    assert await versions.listing() == []


async def test_the_plan_that_was_seen_is_the_plan_that_is_applied(line_settings, folder, gateway, capsys):
    await command.load(line_settings, folder)
    await command._plan(line_settings, options())
    seen = json.loads(capsys.readouterr().out)
    assert [step["kind"] for step in seen["steps"]].count("create") == 3
    await command._apply(line_settings, options(checksum=seen["checksum"]))
    assert json.loads(capsys.readouterr().out)["finished"] is True
    assert len((await deployed.read(gateway)).menus) == 3


async def test_the_command_never_applies_a_draft_of_the_staff(line_settings, folder, gateway):
    people = await cast.staff()
    await command.load(line_settings, folder)
    await command._apply(line_settings, options())
    await making.version(Role.RESIDENT, making.two_tabs("書きかけ"), people.sato)
    await command._apply(line_settings, options())
    names = {plan.plain(name) for name in (await deployed.read(gateway)).menus.values()}
    assert not any("書きかけ" in name for name in names)


@pytest.fixture
def shipped(folder, line_settings, gateway):
    """出荷時のフォルダの代わりに、小さい絵の宣言で始める。"""

    async def start():
        return await command.load_and_apply(line_settings, gateway, folder)

    return start


async def test_the_demo_starts_with_the_menus_and_the_second_start_is_quick(shipped, gateway):
    await shipped()
    assert (
        plan.plain((await deployed.read(gateway)).menus[(await gateway.default_rich_menu()) or ""])
        == "住民のメニュー kurashi"
    )
    began = time.monotonic()
    await shipped()
    seconds = time.monotonic() - began
    print(f"\n二度目の起動のメニュー {seconds:.2f}秒")
    assert seconds < 10


async def test_a_second_start_of_the_demo_keeps_what_the_staff_published(shipped, gateway):
    await shipped()
    people = await cast.staff()
    fresh = await making.version(Role.RESIDENT, making.two_tabs("職員のメニュー"), people.sato)
    where = making.WHERE
    seen = (await apply.propose(gateway, where, [fresh])).plan.checksum
    await work.run(approving.submit, people.sato, fresh.id, fresh.edition, "理由", seen, None)
    await work.run(approving.approve, people.ito, fresh.id, seen)
    await apply.run(gateway, where, seen, people.sato, [await versions.find(fresh.id)])
    await shipped()
    assert (await versions.current())[Role.RESIDENT].name == "職員のメニュー"
    assert (
        plan.plain((await deployed.read(gateway)).menus[(await gateway.default_rich_menu()) or ""])
        == "職員のメニュー kurashi"
    )


async def test_a_start_with_an_emptied_line_puts_the_menus_back(shipped, gateway, simulator):
    await shipped()
    for menu in await gateway.rich_menus():
        await gateway.delete_rich_menu(menu["richMenuId"])
    await shipped()
    assert len((await deployed.read(gateway)).menus) == 3


async def test_a_menu_of_the_operator_needs_two_people_in_the_console(line_settings, folder, gateway):
    """運用者が入れた版は、出した人が一人目: 同じ人は承認できない。"""
    from backend.errors import Forbidden

    people = await cast.staff()
    await command.load(line_settings, folder)
    loaded = await versions.newest(Role.RESIDENT)
    assert loaded
    seen = (await apply.propose(gateway, making.WHERE, [loaded])).plan.checksum
    await work.run(approving.submit, people.sato, loaded.id, loaded.edition, "始めのメニュー", seen, None)
    with pytest.raises(Forbidden):
        await work.run(approving.approve, people.sato, loaded.id, seen)
    await work.run(approving.approve, people.ito, loaded.id, seen)


async def test_a_folder_without_declarations_is_refused(line_settings, tmp_path):
    shutil.rmtree(tmp_path / "menus", ignore_errors=True)
    with pytest.raises(Refused, match="宣言"):
        await command.load(line_settings, tmp_path / "nothing")
