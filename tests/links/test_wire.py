"""点検を、本物のTLSとHTTPの線の上で: 確かめたアドレスへつなぎ、名前で証明書を確かめ、中身は読まない。"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import pytest_asyncio

from backend.links import probe
from backend.links.probe import Answer, Verdict
from backend.simulator import tls

HOST = "www.city.bunkyo.lg.jp"
PUBLIC = "203.208.1.1"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"


class Site:
    """この機械の上の相手。`names` は名指された名前(SNI)、`hung_up` は向こうが切ったとき。"""

    def __init__(self, certificate: tls.Certificate) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.context.sni_callback = self._named
        self.names: list[str | None] = []
        self.asked: list[bytes] = []
        self.says: list[bytes] = [HEAD + b"content-length: 0\r\n\r\n"]
        self.endless = b""
        self.hung_up = asyncio.Event()

    def _named(self, _socket: Any, name: str | None, _context: Any) -> None:
        self.names.append(name)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for words in self.says:
                writer.write(words)
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.hung_up.set()
            writer.close()


class Detour(httpcore.AsyncNetworkBackend):
    """どのアドレスへの線も、この機械の `port` へ引き込む。`to` はつなごうとした先。"""

    def __init__(self, port: int) -> None:
        self.port, self.to = port, list[tuple[str, int]]()
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        self.to.append((host, port))
        return await self._real.connect_tcp("127.0.0.1", self.port, *args, **more)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Wire(httpx.AsyncHTTPTransport):
    """製品と同じ通り道。線の先だけが違う。"""

    def __init__(self, detour: Detour, trusted: ssl.SSLContext) -> None:
        super().__init__(verify=trusted)
        self._pool = httpcore.AsyncConnectionPool(ssl_context=trusted, network_backend=detour)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificate:
    return tls.prepare(tmp_path_factory.mktemp("tls"), HOST)


@pytest_asyncio.fixture(loop_scope="session")
async def site(certificate: tls.Certificate) -> AsyncIterator[tuple[Site, Detour]]:
    site = Site(certificate)
    server = await asyncio.start_server(site.handle, "127.0.0.1", 0, ssl=site.context)
    yield site, Detour(server.sockets[0].getsockname()[1])
    server.close()


def _trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def _check(detour: Detour, trusted: ssl.SSLContext, host: str = HOST, seconds: float = 60) -> Answer:
    async def resolve(_: str) -> Sequence[str]:
        return [PUBLIC]

    return await probe.check(
        f"https://{host}/p", (), resolver=resolve, transport=Wire(detour, trusted), seconds=seconds
    )


async def test_the_line_goes_to_the_checked_address_and_the_name_is_only_spoken(
    site: tuple[Site, Detour], certificate: tls.Certificate
) -> None:
    other, detour = site
    answer = await _check(detour, _trusting(certificate.certificate))
    assert (answer.verdict, detour.to, other.names) == (Verdict.OK, [(PUBLIC, 443)], [HOST])
    assert f"Host: {HOST}".encode() in other.asked[0]
    assert b"linkcheck" in other.asked[0]


async def test_the_certificate_is_that_of_the_name_not_of_the_address(
    site: tuple[Site, Detour], certificate: tls.Certificate
) -> None:
    other, detour = site
    answer = await _check(detour, _trusting(certificate.certificate), "www.elsewhere.co.jp")
    assert (answer.verdict, answer.reason, other.asked) == (Verdict.GONE, "証明書が正しくありません。", [])


async def test_a_certificate_nobody_vouches_for_is_a_dead_link(site: tuple[Site, Detour]) -> None:
    other, detour = site
    answer = await _check(detour, ssl.create_default_context())
    assert (answer.verdict, other.asked) == (Verdict.GONE, [])


async def test_nothing_of_us_or_of_anybody_is_sent_along(
    site: tuple[Site, Detour], certificate: tls.Certificate
) -> None:
    other, detour = site
    await _check(detour, _trusting(certificate.certificate))
    sent = other.asked[0].lower()
    assert [name for name in (b"cookie", b"authorization", b"referer", b"x-forwarded") if name in sent] == []


async def test_a_page_without_end_is_not_read(site: tuple[Site, Detour], certificate: tls.Certificate) -> None:
    other, detour = site
    other.says, other.endless = [HEAD + b"\r\n"], b"x" * 65536
    async with asyncio.timeout(60):
        answer = await _check(detour, _trusting(certificate.certificate))
        await other.hung_up.wait()
    assert answer.verdict is Verdict.OK


async def test_a_heading_that_never_ends_is_given_up(site: tuple[Site, Detour], certificate: tls.Certificate) -> None:
    other, detour = site
    other.says, other.endless = [HEAD], b"x-more: " + b"x" * 1000 + b"\r\n"
    async with asyncio.timeout(60):
        answer = await _check(detour, _trusting(certificate.certificate))
        await other.hung_up.wait()
    assert answer.verdict is Verdict.UNREACHABLE


async def test_a_site_that_only_listens_is_hung_up_on(site: tuple[Site, Detour], certificate: tls.Certificate) -> None:
    other, detour = site
    other.says = []
    async with asyncio.timeout(60):
        answer = await _check(detour, _trusting(certificate.certificate), seconds=1)
    assert answer.verdict is Verdict.UNSURE
