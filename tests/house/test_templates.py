"""画面の型: 厳しいCSPの下で動き、状態の言葉は型に書かない。"""

import re

from tests.house import files

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>\s*\S|<style\b|\sstyle\s*=\s*[\"']|\son[a-z]+\s*=\s*[\"']|hx-on|javascript:|js:|\|\s*safe\b",
    re.IGNORECASE,
)
OUTSIDE = re.compile(r"(?:src|href)\s*=\s*[\"']https?://[^\"']*\.(?:js|css|woff2?)", re.IGNORECASE)


def _pages() -> list[tuple[str, str]]:
    return [
        (files.name(path), path.read_text(encoding="utf-8"))
        for path in files.ours()
        if path.suffix == ".html" and path.relative_to(files.ROOT).parts[0] in ("backend", "liff_static")
    ]


def test_no_page_has_a_script_or_a_style_inside() -> None:
    found = [(name, match.group().strip()) for name, text in _pages() for match in INLINE.finditer(text)]
    assert found == []


def test_no_page_reads_code_from_another_site() -> None:
    assert [(name, match.group()) for name, text in _pages() for match in OUTSIDE.finditer(text)] == []


def test_every_whole_page_says_its_language_and_title() -> None:
    whole = [(name, text) for name, text in _pages() if "<html" in text]
    assert whole
    assert [name for name, text in whole if not re.search(r"<html[^>]*\blang=", text) or "<title>" not in text] == []


def test_no_page_stops_the_reader_from_making_it_larger() -> None:
    assert [name for name, text in _pages() if re.search(r"user-scalable\s*=\s*no|maximum-scale", text)] == []


def test_every_form_that_writes_in_the_console_carries_the_token() -> None:
    form = re.compile(r"<form\b[^>]*method=[\"']post[\"'][^>]*>(.*?)</form>", re.IGNORECASE | re.DOTALL)
    bare = [
        name
        for name, text in _pages()
        if name.startswith("backend/templates/") and "sign_in" not in name and "invitation" not in name
        for match in form.finditer(text)
        if "csrf" not in match.group(1)
    ]
    assert bare == []
