"""絵の机: 取り込む人は、だれの絵で、使ってよいと言ったのはだれかを書く(POL 8)。"""

import io

import pytest
from PIL import Image

from backend.menus import artwork, versions
from tests.menus.desk import created

pytestmark = pytest.mark.usefixtures("database")


def png(size=(2500, 1686)):
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    return out.getvalue()


async def sent_picture(console, body, **more):
    data = {"owner": "区", "permission": "自作", "credit": "", "csrf": console.csrf, **more}
    headers = {"origin": str(console.http.base_url).rstrip("/")}
    return await console.http.post(
        "/console/menus/artwork", data=data, files={"file": ("haru.png", body, "image/png")}, headers=headers
    )


async def test_an_uploaded_picture_keeps_its_owner_and_permission(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    assert (await sent_picture(sato, png())).status_code == 303
    text = (await sato.get("/console/menus/artwork")).text
    assert "haru.png" in text
    assert "自作" in text
    assert "haru.png" in (await sato.get("/console/menus/new")).text


async def test_whose_a_picture_is_travels_with_the_menu(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    await sent_picture(
        sato, png((800, 540)), owner="文京写真店", permission="11月1日にメールで承諾", credit="撮影 文京"
    )
    version_id = await created(sato, tabs=1, **{"t0-artwork": "haru.png"})
    rights = (await versions.find(version_id)).declaration.tabs[0].rights
    assert (rights.owner, rights.permission, rights.credit) == ("文京写真店", "11月1日にメールで承諾", "撮影 文京")
    (kept,) = await artwork.listing()
    assert (kept.owner, kept.permission, kept.credit, kept.staff_name) == (
        "文京写真店",
        "11月1日にメールで承諾",
        "撮影 文京",
        "佐藤",
    )


async def test_a_picture_of_1_1_megabytes_is_refused_with_its_size(desk):
    people, open_for = desk
    refused = await sent_picture(await open_for(people.sato), png() + bytes(1_100_000))
    assert refused.status_code == 422
    assert "1.1MBあります" in refused.text


async def test_a_picture_without_permission_is_refused(desk):
    people, open_for = desk
    refused = await sent_picture(await open_for(people.sato), png(), permission="")
    assert refused.status_code == 422
    assert "許し" in refused.text
