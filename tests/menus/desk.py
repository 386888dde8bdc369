"""机の上: 画面の欄を埋めて版を作り、出し、認め、反映する。"""

import re

from tests.menus import making


def fields(role="resident", name="春のメニュー", tabs=2, cells=2, **more):
    """画面の欄。"""
    sent = {
        "role": role,
        "name": name,
        "chat": "メニュー",
        "notice": making.NOTICE,
        "size": "kept",
        "width": "800",
        "height": "540",
        "selected": "1",
    }
    for t in range(tabs):
        sent |= {
            f"t{t}-alias": f"haru-{t}",
            f"t{t}-title": ("くらし", "子育て")[t],
            f"t{t}-palette": "ai",
            f"t{t}-grid": str(cells),
        }
        for c in range(cells):
            sent |= {
                f"t{t}c{c}-label": f"区のサイト{c}を開く",
                f"t{t}c{c}-main": "区のサイト",
                f"t{t}c{c}-kind": "uri",
                f"t{t}c{c}-value": "https://www.city.bunkyo.lg.jp/",
                f"t{t}c{c}-picture": "office",
            }
    return {**sent, **more}


def linked(code, cell="t0c0"):
    """一つの升の行き先を、リンク台帳の `code` にする欄。"""
    return {f"{cell}-kind": "link", f"{cell}-link": code, f"{cell}-value": ""}


async def created(console, **more):
    answer = await console.post("/console/menus/new", {**fields(**more), "do": "save"})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rsplit("/", 1)[1])


async def checksum(console, version_id):
    return re.search(r'name="checksum" value="(\w+)"', (await console.get(f"/console/menus/{version_id}")).text)[1]


async def submitted(sato, **more):
    version_id = await created(sato, **more)
    sent = await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "春になるため"})
    assert sent.status_code == 303, sent.text
    return version_id


async def approved(sato, ito, **more):
    version_id = await submitted(sato, **more)
    seen = await ito.post(f"/console/menus/{version_id}/approve", {"checksum": await checksum(ito, version_id)})
    assert seen.status_code == 303, seen.text
    return version_id


async def published(sato, ito, **more):
    version_id = await approved(sato, ito, **more)
    done = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": await checksum(sato, version_id)})
    assert done.status_code == 303, done.text
    return version_id
