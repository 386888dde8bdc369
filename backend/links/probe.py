"""一つのリンクを開いてみる。引いたアドレスが公の場所のときだけ、そのアドレスへつなぐ。転送は黙って追わない。

名前を確かめてからつなぐまでに、名前の指す先が変わることがある(DNS rebinding)。そこで、確かめたアドレスそのものへ
つなぎ、TLSの証明書は名前で確かめる。
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

import httpx

from backend.links.addresses import is_public_name
from backend.ward import account

SECONDS = 10.0
"""一つの点検にかけてよい時間(転送を含む)。"""
REDIRECTS = 3
LOOK = "人が開いて確かめてください。"
USER_AGENT = f"Mozilla/5.0 (compatible; {account.ACCOUNT_ID.lstrip('@')}-linkcheck; +{account.WARD_SITE})"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # これより外(古い fec0:: など)は、Pythonが公と言っても違う
_EXAMPLES = ipaddress.ip_network("3fff::/20")

Resolver = Callable[[str], Awaitable[Sequence[str]]]


class Verdict(StrEnum):
    """OK 開ける、GONE 開けない、UNSURE 相手の調子か断り(`Answer.refused`)、UNREACHABLE つながらない(こちらの回線かもしれない)。"""

    OK = "ok"
    GONE = "gone"
    UNSURE = "unsure"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Answer:
    verdict: Verdict
    status: int
    reason: str

    @property
    def refused(self) -> bool:
        """相手は動いていて、見回りに答えないだけか。人には開けるかもしれず、開けないことの数に入れない。"""
        return self.verdict is Verdict.UNSURE and self.status != 0 and not 500 <= self.status < 600


async def check(
    url: str,
    allowed_hosts: Sequence[str],
    *,
    resolver: Resolver | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """`url`(https)を開いてみる。例外は投げない。`resolver` と `transport` は試験で差し替える。"""
    try:
        async with asyncio.timeout(seconds), _client(transport) as client:
            return await _follow(client, url, allowed_hosts, resolver or resolve)
    except _Ended as ended:
        return ended.answer
    except TimeoutError:
        return Answer(Verdict.UNSURE, 0, f"{seconds:.0f}秒待っても返事がありません。")
    except httpx.ConnectError as error:
        if isinstance(_root(error), ssl.SSLCertVerificationError):
            return Answer(Verdict.GONE, 0, "証明書が正しくありません。")
        return Answer(Verdict.UNREACHABLE, 0, "つながりません。")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError):
        return Answer(Verdict.UNREACHABLE, 0, "返事を受け取れません。")


async def resolve(host: str) -> list[str]:
    """名前の指すアドレス。"""
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


def is_public(address: str) -> bool:
    """だれからも届く場所か。内側の網、この機械、その写し(IPv4を包んだIPv6)は違う。"""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST or ip in _EXAMPLES:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class _Ended(Exception):
    def __init__(self, verdict: Verdict, status: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Answer(verdict, status, reason)


async def _follow(client: httpx.AsyncClient, url: str, allowed: Sequence[str], resolver: Resolver) -> Answer:
    first, status = urlsplit(url).hostname or "", 0
    for _ in range(REDIRECTS + 1):
        host = _host(url, {first, *allowed})
        status, location = await _open(client, url, host, await _public_address(host, resolver))
        if status not in (301, 302, 303, 307, 308) or not location:
            return _answer(status)
        url = urljoin(url, location)
    raise _Ended(Verdict.GONE, status, f"転送が{REDIRECTS}回より多く続きます。")


async def _open(client: httpx.AsyncClient, url: str, host: str, address: str) -> tuple[int, str]:
    """確かめたアドレスへつなぎ、見出しだけを読む。"""
    request = client.build_request(
        "GET",
        httpx.URL(url).copy_with(host=address),
        headers={"Host": host},
        extensions={"sni_hostname": host, "timeout": httpx.Timeout(5.0).as_dict()},
    )
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        return response.status_code, response.headers.get("location", "")
    finally:
        await response.aclose()


def _host(url: str, allowed: set[str]) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https":
        raise _Ended(Verdict.GONE, 0, "httpsでないページへ移されます。")
    if "@" in parts.netloc or parts.port not in (None, 443) or not is_public_name(host):
        raise _Ended(Verdict.GONE, 0, "公開されていない場所へ移されます。")
    if host not in allowed:
        raise _Ended(Verdict.GONE, 0, f"登録していないサイト({host})へ移されます。")
    return host


async def _public_address(host: str, resolver: Resolver) -> str:
    """公の場所だけを指す名前の、アドレスの一つ。一つでも内側を指していれば、つながない。"""
    try:
        found = await resolver(host)
    except OSError as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
            raise _Ended(Verdict.UNREACHABLE, 0, f"「{host}」という名前のサイトが見つかりません。") from error
        raise _Ended(Verdict.UNREACHABLE, 0, "名前を引けません。") from error
    if not found:
        raise _Ended(Verdict.UNREACHABLE, 0, "名前を引けません。")
    if not all(is_public(address) for address in found):
        raise _Ended(Verdict.GONE, 0, "内側の網を指しています。")
    return found[0]


def _answer(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(Verdict.OK, status, "")
    if status in (404, 410, 451):
        return Answer(Verdict.GONE, status, "ページがありません。")
    if 500 <= status < 600:
        return Answer(Verdict.UNSURE, status, f"相手のサイトがうまく答えません({status})。")
    # 機械からの見回りを断る所がある(401、403、405、429など)。人には開けるかもしれないので、開けないとは言わない。
    return Answer(Verdict.UNSURE, status, f"このサイトは、機械からの点検を断っています({status})。{LOOK}")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # 上の行で確かめた
    return error


def _client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, trust_env=False, headers={"User-Agent": USER_AGENT})
