"""何も漏れない: 本物の画面から選んだことは、LINEにも、ログにも、アドレスにも現れない。話す相手は、名乗ったものだけ(CHECKS C7)。"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from playwright.async_api import Page, Request

from backend.home.public import hosts
from tests.browser.phone import Phone
from tests.cast import SAKURA
from tests.stories.recorder import Recorder
from tests.stories.staging import Stage, lives_here_with_a_child

BIRTH = "2024-12"
"""ほかのどこにも出てこない月。"""
CANARIES = (SAKURA, "2024-12", "2024年12月", "202412", "本郷", "ほんごう", "HONGO", "三丁目", "図書館・学び", "30代")
"""さくらの人と、さくらの選んだこと。"""
SEGMENTS = ("1歳", "妊娠・子育て", "本郷", "三丁目", "子育て支援課", "kosodate")
"""職員の選んだ対象と、課の名。文章に書かない限り、LINEには出ない。"""


async def chooses_everything(phone: Phone) -> None:
    """五つの目的を、画面から。"""
    await phone.to_form()
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await phone.page.check(f"#on-{purpose}")
    await phone.choose_area()
    await phone.page.get_by_label("30代", exact=True).check(force=True)
    await phone.page.select_option("#children [data-id=year]", BIRTH[:4])
    await phone.page.select_option("#children [data-id=month]", BIRTH[5:])
    await phone.page.check("input[name=topics][value=library]", force=True)
    await phone.choose_area("ほんごう", "三丁目", "collection_area")
    await phone.page.locator("input[name=streams]").first.check(force=True)
    await phone.page.locator("input[name=slot]").first.check(force=True)
    await phone.page.check("input[name=language][value=ja]", force=True)
    await phone.page.click("#save")
    await phone.arrive("done")


def listen(page: Page, asked: list[Request]) -> None:
    page.on("request", lambda request: asked.append(request))


@pytest.fixture
def recorder(stage: Stage) -> Iterator[Recorder]:
    """送り手とLINEの間に立つもの。"""
    made = Recorder(stage.line.url)
    stage.worker.kill()
    stage.worker.start(stage.settings.model_copy(update={"line_api_host": made.url, "simulator_url": made.url}))
    yield made
    stage.worker.stop()
    made.close()


async def test_what_was_chosen_never_reaches_line_a_log_or_an_address(stage: Stage, recorder: Recorder) -> None:
    phone = await stage.pick_up()
    visited: list[str] = []
    phone.page.on("framenavigated", lambda frame: visited.append(frame.url))
    await chooses_everything(phone)
    await stage.crowd(24, lives_here_with_a_child)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    asked: list[Request] = []
    for officer in (tanaka, sato):
        listen(officer.page, asked)
    await tanaka.write(
        body="12月5日(土) 10時から12時まで、親子ひろばを開きます。", stage="1歳", contact="区民課 03-5803-1111"
    )
    await tanaka.submit()
    delivery = await sato.approve()
    await stage.finished(sato, delivery, "完了")
    assert SAKURA in {one["user"] for one in stage.line.received()}
    await phone.page.click("#go-held")
    await phone.arrive("held")
    await phone.page.click("#go-erase")
    await phone.page.click("#erase")
    await phone.arrive("erased")

    to_line = [request for request in phone.sent if not request.url.startswith(stage.settings.public_url)]
    from_phone = [spoken(request) for request in to_line]
    from_server = recorder.seen + [json.dumps(call, ensure_ascii=False) for call in stage.line.calls()]
    assert any("/v2/bot/message/multicast" in text and SAKURA in text for text in recorder.seen), (
        "送り手の送信を見ていない"
    )
    content = [json.dumps(message, ensure_ascii=False) for one in stage.line.received() for message in one["messages"]]
    logs = [stage.web.log(), stage.worker.log(), (stage.line.folder / "simulator.log").read_text(encoding="utf-8")]
    addresses = [unquote(url) for url in [*visited, *(request.url for request in [*phone.sent, *asked])]]
    chosen = CANARIES[1:]
    leaks = {
        "電話からLINEへ": found(chosen, from_phone),
        "区からLINEへ(呼び出し)": found((*chosen, *SEGMENTS), from_server),
        "区からLINEへ(文章)": found((*CANARIES, *SEGMENTS), content),
        "ログ": found((*CANARIES, "1歳"), logs),
        "アドレス": found((*CANARIES, *SEGMENTS[:4]), addresses),
    }
    talked_to = {urlsplit(request.url).hostname or "" for request in phone.sent if request.url.startswith("http")}
    declared = {host for host, _ in hosts(stage.settings)}
    print(
        f"C7: 電話の通信{len(phone.sent)}(うちLINEへ{len(from_phone)})、区からLINEへの呼び出し{len(from_server)}、"
        f"ログ{sum(map(len, logs))}字、アドレス{len(addresses)}。漏れ{sum(map(len, leaks.values()))}。相手 {sorted(talked_to)}"
    )
    assert {place: words for place, words in leaks.items() if words} == {}
    assert talked_to <= declared
    assert from_phone


def spoken(request: Request) -> str:
    """一つの通信の、相手に渡るもの。IDトークンの中身は、LINEが自分で作ったもの。"""
    return unquote(f"{request.method} {request.url} {request.post_data or ''} {json.dumps(request.headers)}")


def found(words: tuple[str, ...], texts: list[str]) -> set[str]:
    return {word for word in words for text in texts if word.lower() in text.lower()}
