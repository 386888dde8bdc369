"""行き先のきまり。"""

import pytest

from backend.errors import Refused
from backend.links import addresses
from backend.ward import account

GOOD = [
    "https://www.city.bunkyo.lg.jp/b009/p000034.html",
    "https://www.city.bunkyo.lg.jp:443/",
    "https://line.me/R/ti/p/@bunkyocity",
    "https://liff.line.me/1660000000-Bunkyo01/settings",
    "https://x.com/bunkyo_tokyo?a=%E3%81%82#top",
    "tel:03-5803-1111",
    "tel:119",
]
BAD = [
    "",
    "http://www.city.bunkyo.lg.jp/",
    "javascript:alert(1)",
    "data:text/html,x",
    "line://app/1",
    "https://line.me/ti/p/x",
    "https://",
    "https://user@www.city.bunkyo.lg.jp/",
    "https://www.city.bunkyo.lg.jp@evil.example.com/",
    "https://www.city.bunkyo.lg.jp:8443/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://localhost/",
    "https://printer.local/",
    "https://db.internal/",
    "https://intranet/",
    "https://www.city.bunkyo.lg.jp/ごみ",
    "https://www.city.bunkyo.lg.jp/a b",
    "https://www.city.bunkyo.lg.jp/%zz",
    'https://www.city.bunkyo.lg.jp/"><script>',
    "https://www.city.bunkyo.lg.jp\\@evil.com/",
    "https://www.city.bunkyo.lg.jp/\r\nSet-Cookie: a=b",
    "https://www.city.bunkyo.lg.jp/" + "a" * 1000,
    "https://[::1",
    "https://www.city.bunkyo.lg.jp:99999/",
    "tel:",
    "tel:03-5803-1111;ext=1",
    "tel:abc",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_good_target_stays_as_written(url: str) -> None:
    assert addresses.tidy(url) == url


@pytest.mark.parametrize("url", BAD)
def test_any_other_target_is_refused_with_a_next_step(url: str) -> None:
    with pytest.raises(Refused) as caught:
        addresses.tidy(url)
    assert caught.value.next_step


def test_the_targets_own_host_is_always_allowed() -> None:
    assert addresses.hosts("https://www.city.bunkyo.lg.jp/", "") == ["www.city.bunkyo.lg.jp"]


def test_more_hosts_are_read_with_any_separator() -> None:
    found = addresses.hosts("https://a.example.jp/", "B.example.jp, c.example.jp\nb.example.jp")
    assert found == ["a.example.jp", "b.example.jp", "c.example.jp"]


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "http://x.jp", "*.city.bunkyo.lg.jp"])
def test_a_host_that_is_no_public_name_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        addresses.hosts("https://a.example.jp/", host)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("www.city.bunkyo.lg.jp", True),
        ("city.bunkyo.lg.jp", True),
        ("city.bunkyo.lg.jp.evil.com", False),
        ("xcity.bunkyo.lg.jp", False),
    ],
)
def test_only_the_wards_names_are_the_wards(host: str, ours: bool) -> None:
    assert addresses.is_ward(host) is ours


def test_another_account_inside_line_is_not_the_wards() -> None:
    for url in ("https://line.me/R/ti/p/@someone", "https://liff.line.me/1000000000-AbCdEfGh"):
        assert not addresses.all_ward(url, addresses.hosts(url, ""))
    assert addresses.all_ward(account.ADD_FRIEND_URL, ["line.me"])
