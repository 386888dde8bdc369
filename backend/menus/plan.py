"""変更計画: 宣言した姿とLINEの姿を比べ、手順の列にする。計算だけで、何も変えない(octodnsに学んだ形)。"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.line import limits

_OURS = re.compile(r" #[0-9a-f]{16}$")


class Kind(StrEnum):
    CREATE = "create"
    UPLOAD = "upload"
    ALIAS = "alias"
    DEFAULT = "default"
    UNLINK = "unlink"
    DROP_ALIAS = "drop_alias"
    DELETE = "delete"


@dataclass(frozen=True)
class Menu:
    """LINEに置きたい一枚。`body` は名前を除いたLINEのオブジェクト。"""

    version_id: int
    role: str
    alias: str
    title: str
    body: dict[str, Any]
    image_sha256: str
    content_type: str

    @property
    def name(self) -> str:
        """中身の指紋の入った名前。同じ中身なら同じ名前なので、途中で死んでも見つけ直せる。"""
        seen = json.dumps([self.body, self.image_sha256], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        mark = hashlib.sha256(seen.encode()).hexdigest()[:16]
        return f"{self.title[: limits.RICH_MENU_NAME - 20]} #{mark}"


@dataclass(frozen=True)
class Declared:
    """置きたい姿。`shown` は見せる組(役目と版)、`default` と `aliases` は名前を指す。

    `targets` は、まだ反映していない版のリンクと、押した人の着く所: 変われば計画の印も変わる(RULES 28)。
    """

    shown: str
    menus: tuple[Menu, ...]
    default: str
    aliases: Mapping[str, str]
    targets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Deployed:
    """いまのLINEの姿。`menus` はid→名前。`console_default` は、管理画面で作ったものが既定のとき。"""

    menus: Mapping[str, str]
    imaged: frozenset[str]
    aliases: Mapping[str, str]
    default: str | None
    console_default: bool = False

    def ids(self, name: str) -> list[str]:
        return [menu_id for menu_id, found in self.menus.items() if found == name]


@dataclass(frozen=True)
class Known:
    """最後に合わせたときの姿。`shown` がNoneなら、まだ一度も反映していない。"""

    shown: str | None = None
    default: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """一歩。`target` と `other` の意味は `kind` ごと: メニューの名前、別名、id。"""

    kind: Kind
    target: str
    other: str
    words: str


@dataclass(frozen=True)
class MenuPlan:
    """`drift` は、ほかのだれかが変えたこと。承知しなければ反映できない。`notes` は知っておくこと。"""

    steps: tuple[Step, ...]
    drift: tuple[str, ...]
    notes: tuple[str, ...]
    checksum: str

    @property
    def creations(self) -> int:
        return sum(step.kind is Kind.CREATE for step in self.steps)


def plan(declared: Declared, deployed: Deployed, known: Known) -> MenuPlan:
    """新しいものを作ってから向きを変え、古いものは最後に消す。"""
    creating = _new(declared, deployed)
    pointing = _point(declared, deployed)
    removing = _old(declared, deployed, known)
    unlink: list[Step] = []
    if known.shown is not None and (pointing or any(step.kind is Kind.DELETE for step in removing)):
        words = "タブを切り替えた人にも新しいメニューが出るように、一人ずつの結び付きを外します。"
        unlink = [Step(Kind.UNLINK, "all", "", words)]
    steps = (*creating, *pointing, *unlink, *removing)
    drift, notes = tuple(drifted(deployed, known)), tuple(_notes(declared, deployed))
    return MenuPlan(steps, drift, notes, _checksum(declared, deployed, steps, drift))


def ours(name: str) -> bool:
    """この仕組みが付けた名前か。"""
    return bool(_OURS.search(name))


def plain(name: str) -> str:
    """指紋を除いた、人の読む名前。"""
    return _OURS.sub("", name)


def drifted(deployed: Deployed, known: Known) -> list[str]:
    """最後に合わせた後で、ほかのだれかが変えたこと。"""
    if deployed.console_default:
        return [
            "いまの既定のメニューは、LINEの管理画面で作られたものです(LINEの返事 403)。"
            "反映すると、この仕組みのメニューが先に出るようになります。管理画面のものは残ります。"
        ]
    if known.shown is None:
        return []
    found: list[str] = []
    if deployed.default != known.default:
        found.append("全員に出る既定のメニューが、この仕組みの外で変えられています。")
    for alias, menu_id in known.aliases.items():
        if deployed.aliases.get(alias) != menu_id:
            verb = "変えられて" if alias in deployed.aliases else "消されて"
            found.append(f"タブ「{alias}」の行き先が、この仕組みの外で{verb}います。")
    missing = {known.default, *known.aliases.values()} - {None} - set(deployed.menus)
    if missing:
        found.append(f"反映したメニューのうち{len(missing)}枚が、LINEから消されています。")
    return found


def _new(declared: Declared, deployed: Deployed) -> list[Step]:
    steps: list[Step] = []
    for menu in declared.menus:
        found = deployed.ids(menu.name)
        if not found:
            steps.append(Step(Kind.CREATE, menu.name, "", f"「{menu.title}」のメニューを作ります。"))
        if not any(menu_id in deployed.imaged for menu_id in found):
            steps.append(Step(Kind.UPLOAD, menu.name, "", f"「{menu.title}」の絵を付けます。"))
    return steps


def _point(declared: Declared, deployed: Deployed) -> list[Step]:
    titles = {menu.name: menu.title for menu in declared.menus}
    tabs = {menu.alias: menu.title for menu in declared.menus}
    steps = [
        Step(Kind.ALIAS, alias, name, _towards(tabs[alias], titles[name]))
        for alias, name in declared.aliases.items()
        if deployed.menus.get(deployed.aliases.get(alias, "")) != name
    ]
    if deployed.default is None or deployed.menus.get(deployed.default) != declared.default:
        words = f"全員に出る既定のメニューを「{titles[declared.default]}」にします。"
        steps.append(Step(Kind.DEFAULT, declared.default, "", words))
    return steps


def _towards(tab: str, title: str) -> str:
    if tab == title:
        return f"タブ「{tab}」を押すと、その絵が出るようにします。"
    return f"「{tab}」を見ている人がタブを押しても、「{title}」が出るようにします。"


def _old(declared: Declared, deployed: Deployed, known: Known) -> list[Step]:
    """この仕組みの作ったものだけを消す。"""
    names = {menu.name for menu in declared.menus}
    kept = {deployed.ids(name)[0] for name in names if deployed.ids(name)}
    old = [menu_id for menu_id, name in deployed.menus.items() if ours(name) and menu_id not in kept]
    aliases = [
        alias
        for alias, menu_id in deployed.aliases.items()
        if alias not in declared.aliases and (menu_id in old or alias in known.aliases)
    ]
    return [
        *(
            Step(Kind.DROP_ALIAS, alias, "", f"使わなくなったタブ「{_said(alias, deployed)}」を消します。")
            for alias in aliases
        ),
        *(Step(Kind.DELETE, m, deployed.menus[m], f"古い「{plain(deployed.menus[m])}」を消します。") for m in old),
    ]


def _said(alias: str, deployed: Deployed) -> str:
    """別名の、人の読む名前。"""
    return plain(deployed.menus.get(deployed.aliases[alias], alias))


def _notes(declared: Declared, deployed: Deployed) -> list[str]:
    foreign = [name for name in deployed.menus.values() if not ours(name)]
    notes = [f"この仕組みが作ったのではないメニューが{len(foreign)}枚あります。触りません。"] if foreign else []
    if len(deployed.menus) + len(declared.menus) > limits.RICH_MENUS:
        notes.append("LINEに置けるメニューの数(1,000枚)が、もうすぐいっぱいです。")
    return notes


def _checksum(declared: Declared, deployed: Deployed, steps: tuple[Step, ...], drift: tuple[str, ...]) -> str:
    """宣言の中身・リンクの行き先・LINEの姿・手順のどれかが変われば変わる、20桁の印。"""
    seen = [
        declared.shown,
        sorted(menu.name for menu in declared.menus),
        declared.targets,
        sorted(deployed.menus),
        sorted(deployed.aliases.items()),
        deployed.default,
        deployed.console_default,
        [[step.kind.value, step.target, step.other] for step in steps],
        drift,
    ]
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False).encode()).hexdigest()[:20]
