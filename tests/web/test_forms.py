"""フォームを読む。"""

from typing import Any

import msgspec
import pytest
from litestar import Request, post
from litestar.testing import TestClient, create_test_client

from backend.web import errors, forms


class Shape(msgspec.Struct):
    name: str
    count: int = 0
    tags: list[str] = []
    secret: str = ""


@post("/read", status_code=200, opt={"open_to_all": True})
async def read(request: Request[Any, Any, Any]) -> dict[str, Any]:
    form = await forms.read(request, Shape, as_sent=("secret",))
    return msgspec.to_builtins(form)


@pytest.fixture
def client() -> TestClient[Any]:
    return create_test_client([read], exception_handlers=errors.handlers(), openapi_config=None)


def sent(client: TestClient[Any], body: str) -> Any:
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return client.post("/read", content=body, headers=headers)


def test_a_field_is_trimmed_and_its_lines_are_one_kind(client: TestClient[Any]) -> None:
    assert sent(client, "name=+a%0D%0Ab%0Dc+").json()["name"] == "a\nb\nc"


def test_a_password_is_taken_as_it_was_sent(client: TestClient[Any]) -> None:
    assert sent(client, "name=a&secret=+a+%0D%0A").json()["secret"] == " a \r\n"


def test_repeated_fields_fill_a_list(client: TestClient[Any]) -> None:
    assert sent(client, "name=a&tags=x&tags=y").json()["tags"] == ["x", "y"]


def test_the_last_of_a_repeated_single_field_counts(client: TestClient[Any]) -> None:
    assert sent(client, "name=a&name=b").json()["name"] == "b"


def test_unknown_fields_are_ignored(client: TestClient[Any]) -> None:
    assert sent(client, "name=a&role=administrator").json() == {"name": "a", "count": 0, "tags": [], "secret": ""}


@pytest.mark.parametrize("body", ["", "count=1", "name=a&count=x", "name=a&count=1.5"])
def test_a_missing_or_wrong_field_is_refused_in_japanese(client: TestClient[Any], body: str) -> None:
    answer = sent(client, body)
    assert answer.status_code == 422
    assert answer.json()["message"] == "送られた内容を読み取れませんでした。"
