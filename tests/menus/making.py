"""メニューの試験の道具: 宣言、版、途中で死ぬ道。"""

from collections.abc import Callable
from typing import Any

from backend.line.gateway import Gateway
from backend.menus import apply, building, declaration, drafting, links, runs, versions
from backend.menus.places import Places
from backend.menus.roles import Role
from backend.menus.versions import Version
from backend.permissions import Actor
from backend.permissions import Role as StaffRole
from backend.settings import Settings
from backend.store import work

WHERE = Places(
    "http://127.0.0.1:8000", "1660000000-Bunkyo01", {"gomi": ("ごみ", "https://www.city.bunkyo.lg.jp/b038/")}
)
_BUILT: dict[tuple[Role, str], building.Built] = {}
NOTICE = "ここに書いても区は読めません。緊急は119・110へ"


def text(
    *tabs: str, name: str = "試験のメニュー", notice: str = NOTICE, size: str = "{width: 800, height: 540}", **more: str
) -> str:
    """タブを並べた宣言。小さい絵なので速い。"""
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return f"name: {name}\nchatBarText: メニュー\nsize: {size}\n{extra}notice: {notice}\ntabs:\n" + "".join(tabs)


def tab(alias: str, *cells: str, grid: str = "1", title: str = "", **more: str) -> str:
    extra = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return f"  - alias: {alias}\n    title: {title or alias}\n    grid: {grid}\n{extra}    cells:\n" + "".join(cells)


def cell(
    label: str = "区のサイトを開く",
    action: str = "{uri: 'https://www.city.bunkyo.lg.jp/'}",
    words: str = "[区のサイト]",
    **more: str,
) -> str:
    extra = "".join(f"        {key}: {value}\n" for key, value in more.items())
    return f"      - label: {label}\n        action: {action}\n        text: {words}\n{extra}"


def emergency(name: str = "災害時") -> str:
    return text(
        tab("saigai", cell("避難情報を見る"), cell("電話する", "{tel: 03-3812-7111}"), grid="2", palette="kinkyu"),
        name=name,
    )


def two_tabs(name: str = "住民のメニュー") -> str:
    return text(tab("kurashi", cell()), tab("bosai", cell("避難所を見る")), name=name)


async def staff(login: str = "sato", role: StaffRole = StaffRole.PR, section: str = "koho") -> Actor:
    """登録された職員。サインインはしない。"""
    await work.sql("insert into section (code, name) values ($1, $2) on conflict do nothing", section, f"{section}課")
    rows = await work.sql(
        "insert into staff_member (login, name, role, section_code, password_hash) values ($1, $2, $3, $4, '試験') returning id",
        login,
        login,
        role.value,
        section,
    )
    return Actor(rows[0]["id"], login, login, role, section, f"{section}課")


async def version(role: Role, source: str, actor: Actor | None = None, where: Places = WHERE) -> Version:
    drawn = (role, source.partition("\n")[2])  # 名前は絵に出ないので、名前だけ違う宣言は一度だけ描く
    if drawn not in _BUILT:
        _BUILT[drawn] = await building.build(declaration.parse(source), where, role)
    built = _BUILT[drawn]
    assert not built.blocked, [f.message for f in built.findings]
    version_id = await work.run(drafting.draft, actor, role, source, built)
    return await versions.find(version_id)


async def approved(line: Gateway, *found: Version) -> Any:
    """承認されたことにする。(版…, 計画の印)。承認の道そのものは、ほかの試験が歩く。"""
    proposal = await apply.propose(line, WHERE, found)
    for one in found:
        await work.sql(
            "update menu_version set state = 'approved', approved_by = '試験', reason = '試験', plan_checksum = $2 where id = $1",
            one.id,
            proposal.plan.checksum,
        )
    return *[await versions.find(one.id) for one in found], proposal.plan.checksum


async def applied(line: Gateway, *found: Version, accept_drift: bool = False) -> runs.Run:
    """承認されたことにして、反映する。"""
    *fresh, checksum = await approved(line, *found)
    return await apply.run(line, WHERE, checksum, None, fresh, accept_drift=accept_drift)


async def places(settings: Settings) -> Places:
    return await links.places(settings)


class Killed(BaseException):
    """プロセスが殺された。"""


class Mortal:
    """`Gateway` の前に立ち、決めた回の呼び出しの前か後で死ぬ。数えるのはLINEを変える呼び出しだけ。"""

    CHANGING = (
        "create_rich_menu",
        "upload_rich_menu_image",
        "create_rich_menu_alias",
        "update_rich_menu_alias",
        "set_default_rich_menu",
        "batch_rich_menus",
        "delete_rich_menu_alias",
        "delete_rich_menu",
    )

    def __init__(
        self, line: Gateway, dies_at: int | None = None, *, after: bool = False, die: Callable[[], None] | None = None
    ) -> None:
        self._line, self._dies_at, self._after, self._die = line, dies_at, after, die or _killed
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        inner: Callable[..., Any] = getattr(self._line, name)
        if name not in self.CHANGING:
            return inner

        async def call(*args: Any) -> Any:
            self.calls.append(name)
            dying = len(self.calls) - 1 == self._dies_at
            if dying and not self._after:
                self._die()
            answer = await inner(*args)
            if dying:
                self._die()
            return answer

        return call


def _killed() -> None:
    raise Killed
