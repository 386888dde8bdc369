"""レシートの公開鍵: 公開のページにあるものだけで、前の鍵のレシートも確かめられる(P6)。"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from backend.app import create_app
from backend.cli import main
from backend.consent import keys as published
from backend.consent import receipt
from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.line.gateway import Gateway
from backend.residents.choices import Choices
from backend.settings import Settings
from backend.texts.languages import LANGUAGES
from tests.residents.people import SAKURA, consented

OLD, NOW = SecretStr("7" * 64), SecretStr("2" * 64)


@pytest_asyncio.fixture(loop_scope="session")
async def anyone(database: Any, line_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """区の機械に入れない人。"""
    retired = {"receipt_retired_keys": [receipt.public_key(OLD).upper(), receipt.public_key(NOW)]}
    settings = line_settings.model_copy(update=retired)
    line = Gateway.from_settings(settings)
    transport = httpx.ASGITransport(app=create_app(settings, line))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", trust_env=False) as client:
        yield client
    await line.close()


@pytest.fixture
async def documents(database: Any, keys: Any) -> dict[str, bytes]:
    """いまの鍵と前の鍵で署名したレシート。"""
    made = await consented(keys, SAKURA, Choices(purposes=Purpose.AREA, area=12))
    return {name: json.dumps(receipt.signed(made, key)).encode() for name, key in (("now", NOW), ("old", OLD))}


async def test_the_page_shows_every_key_under_the_name_a_receipt_uses(
    anyone: httpx.AsyncClient, documents: dict[str, bytes]
) -> None:
    for language in LANGUAGES:
        page = (await anyone.get(f"/policy/consent?lang={language.code}")).text
        for document in documents.values():
            assert json.loads(document)["signature"]["key_id"] in page
        for key in (OLD, NOW):
            assert receipt.public_key(key) in page.replace("<wbr>", "")
        assert "ward receipt verify" in page
    assert page.count("</code></dt>") == 2, "いまの鍵は一度だけ"


async def test_the_file_alone_verifies_receipts_of_both_keys(
    anyone: httpx.AsyncClient, documents: dict[str, bytes], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    answer = await anyone.get("/policy/consent/keys.json")
    assert "attachment" in answer.headers["content-disposition"]
    assert [one["current"] for one in answer.json()["keys"]] == [True, False]
    (tmp_path / "keys.json").write_bytes(answer.content)
    monkeypatch.delenv("WARD_RECEIPT_SIGNING_KEY", raising=False)
    for name, document in documents.items():
        (tmp_path / name).write_bytes(document)
        with pytest.raises(SystemExit) as done:
            main(["receipt", "verify", str(tmp_path / name), "--keys", str(tmp_path / "keys.json")])
        assert done.value.code == 0
        assert "署名したとおり" in capsys.readouterr().out
    changed = documents["old"].replace(b'"jurisdiction": "JP"', b'"jurisdiction": "US"')
    with pytest.raises(Refused, match="書き換えられて"):
        receipt.verify(changed, published.chosen(changed, answer.content))


async def test_a_key_the_ward_never_had_is_not_there(anyone: httpx.AsyncClient, documents: dict[str, bytes]) -> None:
    file = (await anyone.get("/policy/consent/keys.json")).content
    forged = json.loads(documents["now"])
    forged["signature"]["key_id"] = "0" * 16
    with pytest.raises(Refused, match="鍵のファイルにありません"):
        published.chosen(json.dumps(forged).encode(), file)
    for junk in (b"", b"[]", b'{"signature": null}', b"\xff"):
        with pytest.raises(Refused):
            published.chosen(junk, file)
        with pytest.raises(Refused):
            published.chosen(documents["now"], junk)


def test_a_broken_key_or_the_secret_itself_is_never_published() -> None:
    for wrong in ("2" * 63, "z" * 64, "1:" + "2" * 64, NOW.get_secret_value()):
        with pytest.raises(ValidationError, match="WARD_RECEIPT_RETIRED_KEYS"):
            Settings(receipt_retired_keys=[wrong], receipt_signing_key=NOW)
