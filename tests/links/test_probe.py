"""一つのリンクを開いてみる。"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence

import httpx
import pytest

from backend.links import probe
from backend.links.probe import Answer, Verdict

URL = "https://www.city.bunkyo.lg.jp/b009/p000034.html"
HOST = "www.city.bunkyo.lg.jp"
PUBLIC = "203.208.1.1"


def _resolver(**table: Sequence[str]) -> probe.Resolver:
    async def resolve(host: str) -> Sequence[str]:
        return table.get(host.replace(".", "_"), [PUBLIC])

    return resolve


class Site:
    """答えを決めた相手。`asked` は届いた要求。"""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._handle)
        self._answer = answer

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)


async def _check(site: Site, url: str = URL, allowed: Sequence[str] = (), **table: Sequence[str]) -> Answer:
    return await probe.check(url, allowed, resolver=_resolver(**table), transport=site.transport)


def _says(status: int, **headers: str) -> Site:
    return Site(lambda _: httpx.Response(status, headers=headers))


def _hops(*locations: str) -> Site:
    left = list(locations)
    return Site(lambda _: httpx.Response(302, headers={"location": left.pop(0)}) if left else httpx.Response(200))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.OK),
        (404, Verdict.GONE),
        (410, Verdict.GONE),
        (403, Verdict.UNSURE),
        (429, Verdict.UNSURE),
        (500, Verdict.UNSURE),
        (503, Verdict.UNSURE),
    ],
)
async def test_the_status_decides(status: int, verdict: Verdict) -> None:
    assert (await _check(_says(status))).verdict is verdict


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    site = _says(200)
    await _check(site)
    (asked,) = site.asked
    assert (asked.url.host, asked.headers["host"], asked.extensions["sni_hostname"]) == (PUBLIC, HOST, HOST)


async def test_we_say_who_we_are() -> None:
    site = _says(200)
    await _check(site)
    assert "linkcheck" in site.asked[0].headers["user-agent"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "ff02::1",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
        "64:ff9b:1::7f00:1",
        "64:ff9b::a00:1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "fec0::1",
        "fd00:ec2::254",
        "2001:db8::1",
        "3fff::1",
        "192.0.2.1",
        "240.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "not an address",
    ],
)
async def test_an_inner_address_is_never_connected_to(address: str) -> None:
    site = _says(200)
    answer = await _check(site, www_city_bunkyo_lg_jp=[address])
    assert (answer.verdict, site.asked) == (Verdict.GONE, [])


async def test_a_name_that_turns_inward_after_the_check_is_not_asked_again() -> None:
    """DNS rebinding: 確かめたときは外、つなぐときは内。名前は一度しか引かず、確かめたアドレスへつなぐ。"""
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]

    async def turning(_: str) -> Sequence[str]:
        return answers.pop(0)

    site = _says(200)
    answer = await probe.check(URL, (), resolver=turning, transport=site.transport)
    assert (answer.verdict, [asked.url.host for asked in site.asked], len(answers)) == (Verdict.OK, [PUBLIC], 2)


async def test_a_name_that_turns_inward_between_two_hops_is_not_connected_to() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def turning(_: str) -> Sequence[str]:
        return answers.pop(0)

    site = _hops("/next")
    answer = await probe.check(URL, (), resolver=turning, transport=site.transport)
    assert (answer.verdict, len(site.asked)) == (Verdict.GONE, 1)


async def test_a_tangled_name_is_not_connected_to() -> None:
    async def tangled(_: str) -> Sequence[str]:
        return []

    site = _says(200)
    answer = await probe.check(URL, (), resolver=tangled, transport=site.transport)
    assert (answer.verdict, site.asked) == (Verdict.UNREACHABLE, [])


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    site = _says(200)
    answer = await _check(site, www_city_bunkyo_lg_jp=[PUBLIC, "10.0.0.1"])
    assert (answer.verdict, site.asked) == (Verdict.GONE, [])


@pytest.mark.parametrize("address", [PUBLIC, "2001:4860:4860::8888", "64:ff9b::cbd0:101"])
def test_a_public_address_is_public(address: str) -> None:
    assert probe.is_public(address)


async def test_a_redirect_within_the_same_site_is_followed() -> None:
    site = _hops("/new/page.html")
    assert (await _check(site)).verdict is Verdict.OK
    assert site.asked[-1].url.path == "/new/page.html"


async def test_a_redirect_to_a_registered_site_is_followed() -> None:
    assert (await _check(_hops("https://other.example.jp/"), allowed=["other.example.jp"])).verdict is Verdict.OK


async def test_a_redirect_to_another_site_is_not_followed() -> None:
    site = _hops("https://parked.example.jp/")
    answer = await _check(site)
    assert (answer.verdict, len(site.asked)) == (Verdict.GONE, 1)
    assert "parked.example.jp" in answer.reason


@pytest.mark.parametrize(
    "location",
    [
        "http://www.city.bunkyo.lg.jp/",
        "https://www.city.bunkyo.lg.jp:8443/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
        "//10.0.0.1/",
        "https://a@www.city.bunkyo.lg.jp/",
    ],
)
async def test_a_redirect_to_an_improper_place_is_not_followed(location: str) -> None:
    site = _hops(location)
    assert ((await _check(site)).verdict, len(site.asked)) == (Verdict.GONE, 1)


async def test_a_registered_site_with_an_inner_address_is_refused_at_the_hop() -> None:
    site = _hops("https://other.example.jp/")
    answer = await _check(site, allowed=["other.example.jp"], other_example_jp=["192.168.0.9"])
    assert (answer.verdict, len(site.asked)) == (Verdict.GONE, 1)


async def test_at_most_three_redirects_are_followed() -> None:
    site = _hops("/1", "/2", "/3", "/4")
    assert ((await _check(site)).verdict, len(site.asked)) == (Verdict.GONE, 4)


async def test_three_redirects_are_fine() -> None:
    assert (await _check(_hops("/1", "/2", "/3"))).verdict is Verdict.OK


async def test_a_slow_site_is_given_up_in_time() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(60):
        answer = await probe.check(URL, (), resolver=_resolver(), transport=httpx.MockTransport(silent), seconds=0.1)
    assert answer.verdict is Verdict.UNSURE


async def test_a_name_that_is_never_answered_is_given_up_in_time() -> None:
    async def silent(_: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(60):
        answer = await probe.check(URL, (), resolver=silent, transport=_says(200).transport, seconds=0.1)
    assert answer.verdict is Verdict.UNSURE


async def test_a_bad_certificate_is_a_dead_link() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("tls") from ssl.SSLCertVerificationError("expired")

    assert (await _check(Site(broken))).verdict is Verdict.GONE


async def test_a_name_that_cannot_be_resolved_is_unreachable() -> None:
    async def nothing(_: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    answer = await probe.check(URL, (), resolver=nothing, transport=_says(200).transport)
    assert answer.verdict is Verdict.UNREACHABLE


async def test_a_refused_connection_is_unreachable() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert (await _check(Site(refused))).verdict is Verdict.UNREACHABLE
