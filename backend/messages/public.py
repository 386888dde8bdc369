"""だれでも見る確認ページ: 番号を入れると、何が、いつ、どの課から送られたかが分かる(POL 5(6))。"""

import re
from typing import Any

from litestar import Request, get
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.messages import sent
from backend.texts.catalogue import N_
from backend.texts.reading import reader
from backend.web.render import page

_NUMBER = re.compile(r"B[-]?(\d{4})[-]?(\d{4,6})")
DAYS = 90


@get("/verify")
async def index(request: Request[Any, Any, Any], number: str = "") -> Template | Redirect:
    if number.strip():
        return Redirect(f"/verify/{_tidy(number) or 'unknown'}{reader(request).query}", status_code=303)
    return page("messages/verify.html", title=N_("お知らせが本物か確かめる"), days=DAYS, sent=await sent.recent(DAYS))


@get("/verify/{number:str}")
async def show(number: str) -> Template:
    tidy = _tidy(number)
    found = await sent.find(tidy) if tidy else None
    if found is None:
        return page(
            "messages/verify_unknown.html",
            title=N_("この番号のお知らせは見つかりません"),
            status=404,
            number=tidy or "",
        )
    return page(
        "messages/verify_found.html",
        title=N_("文京区が送ったお知らせです"),
        found=found,
        turned=await sent.turned(found.number),
    )


def _tidy(number: str) -> str | None:
    """全角や空白のまじった番号を、決まった形にする。"""
    narrow = number.translate({ord("０") + n: str(n) for n in range(10)} | dict.fromkeys(map(ord, "‐－–ー―"), "-"))
    found = _NUMBER.fullmatch(re.sub(r"\s", "", narrow).upper().replace("Ｂ", "B").removeprefix("確認番号"))
    return f"B-{found[1]}-{found[2]}" if found else None


routes: list[ControllerRouterHandler] = [index, show]
