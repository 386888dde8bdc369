"""承認: 二人が見た絵・行き先・計画だけが出る。お試しのほかでは、だれの版でも。"""

import json

import pytest

from backend.database import grants
from backend.errors import Forbidden, Refused
from backend.links import editing, register, repoint
from backend.links.register import Wanted
from backend.menus import apply, approving, command, deployed, links, versions
from backend.menus.roles import Role
from backend.settings import Mode
from backend.store import work
from tests import cast
from tests.menus import making
from tests.menus.desk import approved, checksum, linked, published, submitted
from tests.menus.test_command import folder, options

__all__ = ["folder"]
NEW = "https://www.city.bunkyo.lg.jp/b009/new.html"
pytestmark = pytest.mark.usefixtures("database")


async def live(owner, settings):
    """本番のデータベースと設定にする: 移行は、時計をずらす行を消す。"""
    await owner.execute("delete from clock_offset")
    return settings.model_copy(update={"mode": Mode.LIVE})


async def without_approval(role=Role.RESIDENT):
    """データベースの上でだけ「承認済」の、だれも承認していない版。"""
    found = await making.version(role, making.two_tabs())
    await work.sql(
        "update menu_version set state = 'approved', approved_by = '運用者', reason = '始め' where id = $1", found.id
    )
    return await versions.find(found.id)


# ── お試しだけの近道 ──


async def test_only_the_demo_approves_in_the_place_of_a_person(owner, gateway):
    loaded = await making.version(Role.RESIDENT, making.two_tabs())
    await owner.execute("delete from clock_offset")
    with pytest.raises(Refused, match="お試しだけ"):
        await work.run(approving.approve_for_demo, loaded.id, "0" * 20)
    assert (await versions.find(loaded.id)).state is versions.State.DRAFT


@pytest.mark.parametrize("mode", ["live", "training"])
async def test_nothing_without_a_person_s_approval_is_applied_outside_the_demo(owner, gateway, mode):
    found = await without_approval()
    if mode == "live":
        await owner.execute("delete from clock_offset")
    else:  # 時計を動かせる移行が残っていても、据え付けが訓練なら通さない
        await owner.execute(
            "insert into installation (mode, channel_id, bot_user_id) values ('training', '1', 'U' || repeat('a', 32))"
        )
    seen = (await apply.propose(gateway, making.WHERE, [found])).plan.checksum
    with pytest.raises(Forbidden, match="承認した職員がいません") as refused:
        await apply.run(gateway, making.WHERE, seen, None, [found])
    assert "もう一人" in refused.value.next_step
    assert (await deployed.read(gateway)).menus == {}


async def test_in_the_demo_the_first_version_goes_out_by_itself(gateway):
    found = await without_approval()
    seen = (await apply.propose(gateway, making.WHERE, [found])).plan.checksum
    await apply.run(gateway, making.WHERE, seen, None, [found])
    assert len((await deployed.read(gateway)).menus) == 2


def test_in_live_the_application_cannot_bring_the_clock_s_row_back():
    rights = grants.statements(["clock_offset"], "ward_app", movable_clock=False)
    assert [words for words in rights if "clock_offset" in words][1:] == [
        'grant select on "clock_offset" to "ward_app"',
        "delete from clock_offset",
    ]


async def test_the_command_in_live_refuses_what_nobody_approved_and_says_what_to_do(
    owner, line_settings, folder, gateway
):
    settings = await live(owner, line_settings)
    await command.load(settings, folder)
    with pytest.raises(Refused, match="まだ承認されていません") as refused:
        await command._apply(settings, options())
    assert "コンソールの「メニュー」" in refused.value.next_step
    assert (await deployed.read(gateway)).menus == {}


async def test_the_command_in_live_applies_what_two_people_approved(owner, line_settings, folder, gateway, capsys):
    people = await cast.staff()
    settings = await live(owner, line_settings)
    (resident,) = [v for v in await command.load(settings, folder) if v.role is Role.RESIDENT]
    where = await links.places(settings)
    seen = (await apply.propose(gateway, where, [resident])).plan.checksum
    await work.run(approving.submit, people.sato, resident.id, resident.edition, "始めのメニュー", seen, None)
    await work.run(approving.approve, people.ito, resident.id, seen)
    await command._plan(settings, options())
    told = json.loads(capsys.readouterr().out)
    assert told["checksum"] == seen
    assert told["notes"] == ["災害時 第1版は、まだ承認されていないので、入っていません。"]
    await command._apply(settings, options())
    assert [v.role for v in (await versions.current()).values()] == [Role.RESIDENT]


# ── リンクの行き先 ──


def moving(link, url=NEW):
    return Wanted(link.label, link.purpose, "koho", url)


async def repointed(people, code="bosai_evac", url=NEW):
    """二人で行き先を変える。"""
    link = await register.find(code)
    proposal = await work.run(repoint.propose, people.sato, code, link.version, moving(link, url), "ページが移った")
    return await work.run(repoint.approve, people.nakamura, proposal)


async def test_the_reviewer_sees_where_each_place_leads(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await submitted(
        sato, tabs=1, cells=3, **linked("bosai_evac"), **{"t0c1-kind": "tel", "t0c1-value": "03-3812-7111"}
    )
    text = (await (await open_for(people.ito)).get(f"/console/menus/{version_id}")).text
    table = text[text.index('id="destinations"') :]
    for words in ("https://www.city.bunkyo.lg.jp/b009/p000034.html", "03-3812-7111", "https://www.city.bunkyo.lg.jp/"):
        assert words in table[: table.index("</section>")]


async def test_a_link_edited_after_the_page_was_opened_is_not_approved(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await submitted(sato, tabs=1, **linked("bosai_evac"))
    seen = await checksum(ito, version_id)
    link = await register.find("bosai_evac")
    await work.run(editing.edit, people.sato, link.code, link.version, moving(link), "移った")
    refused = await ito.post(f"/console/menus/{version_id}/approve", {"checksum": seen})
    assert refused.status_code == 422
    assert "行き先" in refused.text
    assert (await versions.find(version_id)).state is versions.State.SUBMITTED


async def test_from_the_approval_on_one_person_alone_cannot_repoint(desk):
    people, open_for = desk
    await approved(await open_for(people.sato), await open_for(people.ito), tabs=1, **linked("bosai_evac"))
    link = await register.find("bosai_evac")
    with pytest.raises(Refused, match="使われています"):
        await work.run(editing.edit, people.sato, link.code, link.version, moving(link), "移った")


async def test_a_link_repointed_between_approval_and_apply_stops_the_apply_and_is_named(desk, gateway):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked("bosai_evac"))
    seen = await checksum(sato, version_id)
    await repointed(people)
    refused = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": seen})
    assert refused.status_code == 422
    assert f"行き先が変わりました(https://www.city.bunkyo.lg.jp/b009/p000034.html から {NEW} へ)" in refused.text
    assert (await deployed.read(gateway)).menus == {}


async def test_the_new_plan_s_checksum_does_not_help_a_repointed_link(desk, gateway, line_settings):
    people, open_for = desk
    version_id = await approved(await open_for(people.sato), await open_for(people.ito), **linked("bosai_evac"))
    await repointed(people)
    found, where = await versions.find(version_id), await links.places(line_settings)
    now = (await apply.propose(gateway, where, [found])).plan.checksum
    with pytest.raises(Refused, match="行き先が変わりました"):
        await apply.run(gateway, where, now, people.sato, [found])
    assert (await deployed.read(gateway)).menus == {}


async def test_a_second_look_at_the_new_target_lets_it_out(desk, gateway):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked("bosai_evac"))
    await repointed(people)
    text = (await ito.get(f"/console/menus/{version_id}")).text
    assert "承認の後に、リンク" in text
    assert NEW in text
    await ito.post(f"/console/menus/{version_id}/approve", {"checksum": await checksum(ito, version_id)})
    done = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": await checksum(sato, version_id)})
    assert done.status_code == 303
    assert len((await deployed.read(gateway)).menus) == 1


async def test_a_link_repointed_after_the_apply_is_in_the_menu_s_history(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await published(sato, await open_for(people.ito), tabs=1, **linked("bosai_evac"))
    await repointed(people)
    text = (await sato.get(f"/console/menus/{version_id}")).text
    past = text[text.index("<h2>これまで</h2>") :]
    assert "佐藤(承認 中村)" in past
    assert NEW in past


async def test_a_link_that_no_menu_uses_any_more_is_free_again(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito, tabs=1, **linked("bosai_evac"))
    assert (await register.find("bosai_evac")).uses == 1
    await published(sato, ito, tabs=1, name="夏のメニュー")
    assert (await register.find("bosai_evac")).uses == 0


@pytest.mark.parametrize("action", ["{page: /go/bosai_evac}", "{uri: 'https://line.example.jp/go/bosai_evac'}"])
def test_a_way_round_the_register_is_refused(action):
    from backend.menus import declaration, rules
    from backend.menus.places import Places

    where = Places("https://line.example.jp", "1660000000-Bunkyo01")
    source = making.text(making.tab("a", making.cell(action=action)))
    assert "リンク台帳の行き先は、アドレスでは書けません" in rules.check(declaration.parse(source), where)[0].message
