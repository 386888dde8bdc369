"""Jinja2での描画: 環境、日本語の書式、ページを返す関数。"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template

from backend.store.clock import JST
from backend.texts import reading
from backend.ward import account

TEMPLATES = Path(__file__).parent.parent / "templates"
_WEEKDAYS = "月火水木金土日"


def page(
    template: str, *, title: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Template:
    """`templates/` の一枚を返す。`title` はどのページにも要る。公開ページでは目録の鍵で、`values` を差し込む。"""
    return Template(
        template, context={"title": title, **context}, status_code=status, headers=headers, media_type="text/html"
    )


def engine(**globals_: Any) -> JinjaTemplateEngine:
    """テンプレートの環境。定義していない名前は誤りになる。"""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known: Any = environment.globals  # Jinjaの型は、自分の部品だけを許す
    known.update(account=account, **reading.for_templates(), **globals_)
    filters: dict[str, Callable[..., str]] = {
        "ja_datetime": ja_datetime,
        "ja_date": ja_date,
        "ja_time": ja_time,
        "number": number,
    }
    environment.filters.update(filters)
    return JinjaTemplateEngine.from_environment(environment)


def ja_datetime(moment: datetime | None) -> str:
    """2026年11月24日(火) 18:00 (日本時間)。なければ「—」。"""
    return f"{ja_date(moment)} {ja_time(moment)}" if moment else "—"


def ja_date(day: date | datetime | None) -> str:
    """2026年11月24日(火)。"""
    if day is None:
        return "—"
    local = day.astimezone(JST).date() if isinstance(day, datetime) else day
    return f"{local.year}年{local.month}月{local.day}日({_WEEKDAYS[local.weekday()]})"


def ja_time(moment: datetime | None) -> str:
    """18:00 (日本時間)。"""
    return f"{moment.astimezone(JST):%H:%M}" if moment else "—"


def number(value: int) -> str:
    """1,240。"""
    return f"{value:,}"
