"""電話の中のブラウザ: 区のページはその場で開き、ほかは行き先を告げるだけ。"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.simulator.api import SAKURA, Api, area
from tests.simulator.running import RunningSimulator

LIFF_ID = "1660000000-Bunkyo01"
OUTSIDE = "https://www.city.bunkyo.lg.jp/guide"


class Ward:
    """区のサーバーの代わり。`opened` は開かれた道。"""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.phone = ""  # 枠に入れてよい相手
        ward = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ward.opened.append(self.path)
                if self.path == "/silent":
                    self.connection.close()
                    return
                status, headers = ward.answer(self.path)
                body = f"<!doctype html><title>区</title><h1>{self.path}</h1>".encode()
                self.send_response(status)
                for name, value in {**headers, "content-type": "text/html", "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str) -> tuple[int, dict[str, str]]:
        if path == "/go/guide":
            return 302, {"location": OUTSIDE}
        if path == "/go/verify":
            return 302, {"location": "/verify"}
        if path == "/console":
            return 200, {"content-security-policy": "frame-ancestors 'none'", "x-frame-options": "DENY"}
        return 200, {"content-security-policy": f"default-src 'none'; frame-ancestors {self.phone}"}


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    ward = Ward()
    threading.Thread(target=ward.server.serve_forever, daemon=True).start()
    yield ward
    ward.server.shutdown()
    ward.server.server_close()


@pytest.fixture(scope="module")
def simulator(ward: Ward, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """区のサーバーを知っている模擬LINE。"""
    running = RunningSimulator(
        tmp_path_factory.mktemp("sim"),
        channel_id="1650000000",
        channel_secret="0123456789abcdef0123456789abcdef",
        liff_id=LIFF_ID,
        public_url=ward.url,
        demo_door=True,
    )
    ward.phone = running.url
    running.start()
    yield running
    running.stop()


def tap(page: Page, line: RunningSimulator, api: Api, uri: str) -> None:
    api.post(f"/v2/bot/user/all/richmenu/{api.ready_menu(areas=[area(type='uri', label='開く', uri=uri)])}")
    page.goto(f"{line.url}/phone?user={SAKURA}")
    page.get_by_role("button", name="開く", exact=True).click()


def test_a_page_of_the_ward_opens_inside_the_phone(page: Page, line: RunningSimulator, api: Api, ward: Ward) -> None:
    tap(page, line, api, f"{ward.url}/verify")
    frame = page.get_by_test_id("browser-frame")
    expect(frame.content_frame.get_by_role("heading")).to_have_text("/verify")
    expect(page.locator("#browser-title")).to_have_text(ward.url.removeprefix("http://"))
    expect(page.get_by_text("この模擬環境では外のページは開きません。")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("browser")).to_be_hidden()
    assert frame.get_attribute("src") is None


def test_a_link_of_the_register_that_stays_in_the_ward_opens_inside_too(
    page: Page, line: RunningSimulator, api: Api, ward: Ward
) -> None:
    tap(page, line, api, f"{ward.url}/go/verify")
    expect(page.get_by_test_id("browser-frame").content_frame.get_by_role("heading")).to_have_text("/verify")


def test_a_link_of_the_register_is_opened_once_and_names_where_it_leads(
    page: Page, line: RunningSimulator, api: Api, ward: Ward
) -> None:
    ward.opened.clear()
    tap(page, line, api, f"{ward.url}/go/guide")
    expect(page.get_by_test_id("browser")).to_contain_text(OUTSIDE)
    expect(page.get_by_test_id("browser-link")).to_have_attribute("href", OUTSIDE)
    assert ward.opened == ["/go/guide"]


def test_a_page_that_forbids_frames_is_only_named(page: Page, line: RunningSimulator, api: Api, ward: Ward) -> None:
    tap(page, line, api, f"{ward.url}/console")
    expect(page.get_by_text("この模擬環境では外のページは開きません。")).to_be_visible()
    expect(page.get_by_test_id("browser-frame")).to_be_hidden()


def test_another_site_is_never_asked(page: Page, line: RunningSimulator, api: Api, ward: Ward) -> None:
    ward.opened.clear()
    tap(page, line, api, OUTSIDE)
    expect(page.get_by_test_id("browser-link")).to_have_attribute("href", OUTSIDE)
    assert ward.opened == []


def test_a_ward_that_does_not_answer_is_only_named(line: RunningSimulator, ward: Ward) -> None:
    address = f"{ward.url}/silent"
    assert line.touch(SAKURA, "open", uri=address) == {"kind": "page", "url": address}
