"""いまの状態の案内: 災害時と停止のあいだ、公開と住民のすべてのページの頭に出す言葉と行き先(RULES 13、49)。"""

from dataclasses import dataclass
from functools import lru_cache

from backend.account import state
from backend.account.state import AccountMode, AccountState, Stop
from backend.menus import declaration, versions
from backend.menus.declaration import Cell
from backend.menus.roles import Role
from backend.texts.catalogue import N_
from backend.ward import account

_SITE = N_("文京区ホームページ")


@dataclass(frozen=True)
class Door:
    """`words` は目録の鍵。"""

    words: str
    address: str


@dataclass(frozen=True)
class Standing:
    """`title` と `sentences` は目録の鍵。`silent` は緊急も出ないこと、`telephone` は、なければ空。"""

    disaster: bool
    silent: bool
    title: str
    sentences: tuple[str, ...]
    doors: tuple[Door, ...]
    telephone: str = ""


async def current() -> Standing | None:
    """いま住民に言うこと。通常ならNone(ふだんは、状態の一行を読むだけ)。"""
    now = await state.current()
    said = words(now)
    if not said:
        return None
    title, *sentences = said
    disaster, silent = now.mode is AccountMode.DISASTER, now.stopped is Stop.ALL
    doors, telephone = await _where() if disaster else ((), "")
    return Standing(disaster, silent, title, tuple(sentences), doors or (Door(_SITE, account.WARD_SITE),), telephone)


def words(now: AccountState) -> list[str]:
    """見出しと、続く文。通常なら空。"""
    nothing_leaves = N_("緊急のお知らせも、いまはLINEに届きません。")
    only_urgent = N_("いまLINEで送るのは、緊急のお知らせだけです。")
    if now.mode is AccountMode.DISASTER:
        return [N_("いまは災害時です"), nothing_leaves if now.stopped is Stop.ALL else only_urgent]
    look = N_("新しい情報は、文京区ホームページで確かめてください。")
    if now.stopped is Stop.ALL:
        return [N_("いまLINEのお知らせを休んでいます。"), nothing_leaves, look]
    if now.stopped is Stop.BULK:
        return [only_urgent, N_("ほかのお知らせは、届くはずのものも届かないことがあります。"), look]
    return []


async def _where() -> tuple[tuple[Door, ...], str]:
    menu = (await versions.current()).get(Role.EMERGENCY)
    return _of_menu(menu.text) if menu else ((), account.TELEPHONE)


@lru_cache(maxsize=2)  # 災害時は人が集まる。同じ宣言を、要求のたびに読み解かない
def _of_menu(text: str) -> tuple[tuple[Door, ...], str]:
    """災害時のメニューの、避難の案内と電話。職員の書いた題は訳せないので、言葉はこちらで持つ。"""
    found = declaration.parse(text).declaration
    cells = [cell for tab in found.tabs for cell in tab.cells] if found else []
    about = [cell for cell in cells if "避難" in cell.label and _address(cell)]
    places = [cell for cell in about if "避難所" in cell.label or "避難場所" in cell.label]
    news = [cell for cell in about if cell not in places]
    doors = [Door(N_("避難の情報を見る"), _address(cell)) for cell in news[:1]]
    doors += [Door(N_("避難所と避難場所を見る"), _address(cell)) for cell in places[:1]]
    numbers = [str(cell.action.tel) for cell in cells if cell.action.tel != ""]
    return tuple(doors), next(iter(numbers), account.TELEPHONE)


def _address(cell: Cell) -> str:
    """台帳の行き先は `/go/` を通す: 差し替えれば、このページもすぐについてくる。"""
    return f"/go/{cell.action.link}" if cell.action.link else cell.action.page or cell.action.uri
