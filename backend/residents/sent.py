"""電話から送られた本文: 形を確かめて、選んだことにする。利用者IDの欄はなく、知らない欄は読まずに捨てる(CHECKS 4)。"""

import re
from datetime import date
from typing import Annotated, Any

import msgspec

from backend.consent.notices import BY_CODE, Purpose
from backend.residents.choices import BadChoices, Choices
from backend.residents.vocabulary import Language, Stream, Topic

MAX_BODY = 8_000
_LENGTH = re.compile(r"[0-9]{1,9}")
Month = Annotated[str, msgspec.Meta(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]


class ChildForm(msgspec.Struct, forbid_unknown_fields=False):
    birth_month: Month | None = None
    due_month: Month | None = None


class SaveForm(msgspec.Struct, kw_only=True):
    """「同意して保存」の本文。知らない欄(利用者IDなど)は読まずに捨てる。"""

    purposes: Annotated[list[str], msgspec.Meta(max_length=10)]
    notice_version: int
    notice_language: str = "ja"
    area: int | None = None
    age_band: int | None = None
    children: Annotated[list[ChildForm], msgspec.Meta(max_length=10)] = []
    topics: Annotated[list[Topic], msgspec.Meta(max_length=40)] = []
    language: Language | None = None
    collection_area: int | None = None
    streams: Annotated[list[Stream], msgspec.Meta(max_length=10)] = []
    slot: int | None = None
    guardian: bool = False


class RenewForm(msgspec.Struct, kw_only=True):
    """「続ける」の本文。答えの欄はない: 押した目的の、見せた文のほかは、何も動かせない。"""

    notice_version: int
    notice_language: str = "ja"
    guardian: bool = False


class TokenForm(msgspec.Struct):
    id_token: Annotated[str, msgspec.Meta(max_length=MAX_BODY)]


class StopForm(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


def fits(declared: str | None, most: int) -> bool:
    """申告された長さ(Content-Length)が、数として読めて `most` バイト以下か。申告がなければ、読んでから量る。"""
    return declared is None or (bool(_LENGTH.fullmatch(declared)) and int(declared) <= most)


def read(raw: bytes, shape: Any) -> Any:
    """JSONを `shape` に読む。だめなら、欄の名を添えて `BadChoices`。"""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        path = str(error).rsplit("$.", 1)[-1].rstrip("`").split("[")[0].split(".")[0] if "$." in str(error) else "body"
        raise BadChoices({path: "選び直してください。"}) from error


def choices_of(form: SaveForm) -> Choices:
    """「同意して保存」の本文を、選んだことにする。"""
    if unknown := [code for code in form.purposes if code not in BY_CODE]:
        raise BadChoices({"purposes": f"知らない目的があります({len(unknown)}件)。"})
    children = [child for child in form.children if child.birth_month or child.due_month]
    born = [child for child in children if child.birth_month]
    return Choices(
        purposes=Purpose(sum({int(BY_CODE[code]) for code in form.purposes})),
        area=form.area,
        age_band=form.age_band,
        due_months=tuple(_month(child.due_month) for child in children if child.due_month and not child.birth_month),
        birth_months=tuple(_month(child.birth_month) for child in born if child.birth_month),
        birth_due_months=tuple(_month(child.due_month) if child.due_month else None for child in born),
        topics=tuple(form.topics),
        language=form.language,
        collection_area=form.collection_area,
        streams=tuple(form.streams),
        slot=form.slot,
        guardian=form.guardian,
    )


def _month(text: str) -> date:
    return date(int(text[:4]), int(text[5:]), 1)
