"""フォームを読む: urlencodedの本文を msgspec の構造体にする。"""

from collections.abc import Collection
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec
from litestar import Request

from backend.errors import Refused

S = TypeVar("S", bound=msgspec.Struct)


async def read(request: Request[Any, Any, Any], shape: type[S], *, as_sent: Collection[str] = ()) -> S:
    """フォームを `shape` に読む。欄が足りない・型が違うときは `Refused`。

    同じ名前の欄が並ぶものは、`list[…]` の欄にだけ入る。前後の空白は落とし、改行は `\\n` にそろえる。
    `as_sent` の欄だけは、送られたまま一字も変えない(パスワード)。
    """
    form = await request.form()
    hints = get_type_hints(shape)
    values: dict[str, Any] = {}
    for field, hint in hints.items():
        sent = [
            value if field in as_sent else _clean(value) for value in form.getall(field, []) if isinstance(value, str)
        ]
        if _is_list(hint):
            values[field] = sent
        elif sent:
            values[field] = sent[-1]
    try:
        return msgspec.convert(values, shape, strict=False, str_keys=True)
    except msgspec.ValidationError as error:
        raise Refused(
            "送られた内容を読み取れませんでした。", next_step=f"入力を確かめてください({_field(error)})。"
        ) from error


def _is_list(hint: Any) -> bool:
    return get_origin(hint) in (list, tuple, set, frozenset)


def _clean(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def _field(error: msgspec.ValidationError) -> str:
    words = str(error)
    return words.rsplit("$.", 1)[-1].rstrip("`") if "$." in words else words
