"""日本語の書式と、テンプレートの環境。"""

from datetime import UTC, date, datetime

import pytest
from jinja2 import UndefinedError

from backend.web import render

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_moment_is_told_in_japan_time() -> None:
    assert render.ja_datetime(AT) == "2026年11月24日(火) 18:00"


def test_a_day_crosses_midnight_in_japan() -> None:
    assert render.ja_date(datetime(2026, 11, 24, 15, 0, tzinfo=UTC)) == "2026年11月25日(水)"
    assert render.ja_date(date(2026, 1, 1)) == "2026年1月1日(木)"


def test_nothing_is_a_dash() -> None:
    assert (render.ja_datetime(None), render.ja_date(None), render.ja_time(None)) == ("—", "—", "—")


def test_numbers_have_commas() -> None:
    assert render.number(1240) == "1,240"


def test_a_name_that_was_not_given_is_an_error() -> None:
    environment = render.engine().engine
    with pytest.raises(UndefinedError):
        environment.from_string("{{ forgotten }}").render()


def test_what_staff_wrote_is_text_and_never_markup() -> None:
    environment = render.engine().engine
    shown = environment.from_string("{{ x }}").render(x='<img src=x onerror="alert(1)">')
    assert shown == "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;"


def test_every_template_compiles() -> None:
    environment = render.engine(csrf_field=str).engine
    names = environment.list_templates(extensions=["html"])
    assert len(names) > 15
    for name in names:
        environment.get_template(name)
