"""リンクの点検: 電話で開けるhttpsだけを通す。"""

import pytest

from backend.messages import links


def severities(text: str) -> list[str]:
    return [severity for severity, *_ in links.check(text)]


@pytest.mark.parametrize(
    "text",
    [
        "リンクはありません。",
        "https://www.city.bunkyo.lg.jp/",
        "https://www.city.bunkyo.lg.jp/a/b.html?x=1#y をご覧ください。",
        "「https://www.city.bunkyo.lg.jp/」",
        "https://city.bunkyo.lg.jp/\nhttps://lib.city.bunkyo.lg.jp/",
        "mail@city.bunkyo.lg.jp",
    ],
)
def test_a_ward_link_is_left_alone(text: str) -> None:
    assert severities(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "http://www.city.bunkyo.lg.jp/",
        "javascript://www.city.bunkyo.lg.jp/%0aalert(1)",
        "ftp://www.city.bunkyo.lg.jp/",
        "https://city.bunkyo.lg.jp@evil.example/",
        "https://",
        "https:///path",
        "https://[::1",
        "ｈｔｔｐｓ://www.city.bunkyo.lg.jp/",
        "https:/www.city.bunkyo.lg.jp/",
        "ttps://www.city.bunkyo.lg.jp/",
        "www.city.bunkyo.lg.jp",
        "https://localhost/",
        "https://192.168.0.1/",
        "https://stg.city.bunkyo.lg.jp/",
        "https://intranet/",
        "https://www.city.bunkyo.lg.jp/a.htmlをご覧ください",
    ],
)
def test_a_link_that_will_not_open_is_stopped(text: str) -> None:
    assert "block" in severities(text), severities(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/",
        "https://bit.ly/abc",
        "https://city.bunkyo.lg.jp.evil.com/",
        "https://evilcity.bunkyo.lg.jp.co/",
    ],
)
def test_a_foreign_link_is_pointed_out(text: str) -> None:
    assert severities(text) == ["warn"]


@pytest.mark.parametrize("host", ["city.bunkyo.lg.jp", "www.city.bunkyo.lg.jp"])
def test_the_ward_knows_its_hosts(host: str) -> None:
    assert links.is_ward(host)


@pytest.mark.parametrize("host", ["evilcity.bunkyo.lg.jp", "city.bunkyo.lg.jp.evil.com", "bunkyo.lg.jp", ""])
def test_a_look_alike_host_is_not_the_ward(host: str) -> None:
    assert not links.is_ward(host)
