"""`ward richmenu …`: 宣言を読み込む、計画を見る、反映する、書き出す。"""

import argparse
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import rich

from backend.arguments import InDatabase, verb
from backend.errors import Refused
from backend.line.gateway import Gateway
from backend.menus import apply, approving, artwork, building, declaration, drafting, links, places, runs, versions
from backend.menus.declaration import Parsed
from backend.menus.roles import Role
from backend.menus.runs import Run
from backend.menus.versions import State, Version
from backend.settings import Mode, Settings
from backend.store import work

SHIPPED = Path(__file__).parent.parent.parent / "richmenu"


def add_to(menus: Any, in_database: InDatabase) -> None:
    """`ward richmenu` の下に四つの命令を足す。"""

    def bound(work_: Callable[[Settings, argparse.Namespace], Awaitable[int | None]]) -> Callable[..., int | None]:
        return lambda settings, options: in_database(settings, lambda: work_(settings, options))

    loading = verb(menus, "load", "フォルダの宣言を読み込み、新しい版にする", bound(_load))
    loading.add_argument("folder", type=Path, metavar="DIR", help="*.yaml と絵のあるフォルダ")
    planning = verb(menus, "plan", "いちばん新しい版を置いたときの、変更計画を見る", bound(_plan))
    applying = verb(menus, "apply", "見た計画だけを反映する(お試しのほかでは、二人が承認した版だけ)", bound(_apply))
    applying.add_argument("checksum", nargs="?", default="", metavar="CHECKSUM", help="plan が見せた計画の印")
    applying.add_argument("--accept-drift", action="store_true", help="ほかで変えられたところを、承知して上書きする")
    exporting = verb(menus, "export", "いまの版の宣言を、フォルダに書き出す", bound(_export))
    exporting.add_argument(
        "folder", type=Path, nargs="?", default=Path("richmenu"), metavar="DIR", help="既定は richmenu"
    )
    for parser in (loading, planning, applying, exporting):
        parser.add_argument("--json", action="store_true", help="機械の読める形で出す")


async def load_and_apply(settings: Settings, line: Gateway, folder: Path = SHIPPED) -> None:
    """お試しの始めに、出荷時のメニューを反映する。もう反映されていれば、一覧を一度読んで終わる。"""
    if settings.mode is not Mode.DEMO:
        raise Refused("この手順は、お試しでだけ使えます。")
    await load(settings, folder, again=False)
    where = await links.places(settings)
    await apply.resume(line, where)
    newest = {version.role: version for version in await versions.ahead()}
    candidates = [version for version in newest.values() if version.by_operator]
    if not candidates and not await _emptied(line):
        return
    proposal = await apply.propose(line, where, candidates)
    approved = await _approved(candidates, proposal.plan.checksum)
    await apply.run(line, where, proposal.plan.checksum, None, approved, accept_drift=True)


async def _approved(candidates: list[Version], checksum: str) -> list[Version]:
    """お試しでだけ: 運用者の版を、この計画で承認する。職員の版は、職員の承認のまま。"""
    for version in candidates:
        await work.run(approving.approve_for_demo, version.id, checksum)
    return [await versions.find(version.id) for version in candidates]


async def load(settings: Settings, folder: Path, *, again: bool = True) -> list[Version]:
    """フォルダの宣言を読み、いちばん新しい版と違うものだけを新しい版にする。誤りがあれば、一つも入れずに `Refused`。

    `again` が偽なら、前に入れたことのある文は入れ直さない(職員が後から変えたものを、起動のたびに戻さない)。
    """
    sources = _sources(folder)
    where = await links.places(settings)
    fresh: list[tuple[Role, str, building.Built]] = []
    for file, text in sources:
        role = _role(file)
        newest = await versions.newest(role)
        if (newest and newest.text == text) or (not again and await versions.was_loaded(role, text)):
            continue
        parsed = declaration.parse(text)
        await _take_artwork(folder, parsed)
        built = await building.build(parsed, where, role)
        if built.blocked:
            first = built.findings[0]
            raise Refused(f"{file.name} {first.line}行目: {first.message}", next_step=first.remedy)
        fresh.append((role, text, built))
    made = [await work.run(drafting.draft, None, role, text, built) for role, text, built in fresh]
    return [await versions.find(version_id) for version_id in made]


async def _load(settings: Settings, options: argparse.Namespace) -> None:
    made = await load(settings, options.folder)
    if options.json:
        _print_json([{"id": v.id, "role": v.role.value, "number": v.number, "name": v.name} for v in made])
        return
    for version in made:
        rich.print(f"{version.title}「{version.name}」を読み込みました。")
    rich.print("`ward richmenu plan` で変更計画を見られます。" if made else "新しい宣言はありません。")


async def _plan(settings: Settings, options: argparse.Namespace) -> None:
    ahead = await _ahead(settings)
    proposal = await _with_line(settings, lambda line, where: apply.propose(line, where, ahead.ready))
    plan = replace(proposal.plan, notes=(*proposal.plan.notes, *ahead.notes))
    if options.json:
        _print_json(asdict(plan))
        return
    for words in (*plan.drift, *plan.notes):
        rich.print(f"[bold yellow]確かめる[/] {words}")
    for number, step in enumerate(plan.steps, 1):
        rich.print(f"{number:>3}. {step.words}")
    if not plan.steps:
        rich.print("変えるところはありません。")
    rich.print(f"計画の印: {plan.checksum}")


async def _apply(settings: Settings, options: argparse.Namespace) -> None:
    ahead = await _ahead(settings)

    async def carry(line: Gateway, where: places.Places) -> Run:
        unfinished = await runs.unfinished()
        if unfinished and options.checksum in ("", unfinished.checksum):
            return await apply.resume(line, where) or unfinished
        ahead.refuse_unapproved()
        checksum = options.checksum or (await apply.propose(line, where, ahead.ready)).plan.checksum
        ready = await _approved(ahead.ready, checksum) if settings.mode is Mode.DEMO else ahead.ready
        return await apply.run(line, where, checksum, None, ready, accept_drift=options.accept_drift)

    run = await _with_line(settings, carry)
    if options.json:
        _print_json({"checksum": run.checksum, "finished": run.finished_at is not None, "shown": run.shown})
        return
    rich.print("反映しました。" if run.finished_at else f"まだ終わっていません。{run.problem}")
    for words in ahead.notes:
        rich.print(f"[bold yellow]確かめる[/] {words}")


@dataclass(frozen=True)
class _Ahead:
    """いまの版より新しいもの。`ready` は反映できる版、`waiting` は承認を待つ版。"""

    ready: list[Version]
    waiting: list[Version]

    @property
    def notes(self) -> list[str]:
        return [f"{version.title}は、まだ承認されていないので、入っていません。" for version in self.waiting]

    def refuse_unapproved(self) -> None:
        if self.waiting and not self.ready:
            titles = "、".join(version.title for version in self.waiting)
            raise Refused(f"{titles}は、まだ承認されていません。何も変えていません。", next_step=approving.ASK)


async def _ahead(settings: Settings) -> _Ahead:
    """運用者の版も、職員の版と同じに、二人の承認が要る。お試しでだけ、仕組みが代わりに承認する。"""
    ready: dict[Role, Version] = {}
    waiting: dict[Role, Version] = {}
    for version in await versions.ahead():
        if version.state is State.APPROVED or (settings.mode is Mode.DEMO and version.by_operator):
            ready[version.role] = version
            waiting.pop(version.role, None)
        else:
            waiting[version.role] = version
    return _Ahead(list(ready.values()), list(waiting.values()))


async def _export(_settings: Settings, options: argparse.Namespace) -> None:
    folder: Path = options.folder
    files: dict[str, bytes] = {}
    for role in (role for role in Role if role.kept):
        version = (await versions.current()).get(role) or await versions.newest(role)
        if version is None:
            continue
        files[f"{role.value}.yaml"] = version.text.encode()
        for tab in version.declaration.tabs:
            if tab.artwork:
                files[tab.artwork] = (await artwork.find(tab.artwork))[0]
    _write(folder, files)
    if options.json:
        _print_json(list(files))
    else:
        rich.print(f"{folder} に{len(files)}個のファイルを書き出しました。")


async def _with_line(settings: Settings, verb: Callable[[Gateway, places.Places], Awaitable[Any]]) -> Any:
    line = Gateway.from_settings(settings)
    try:
        return await verb(line, await links.places(settings))
    finally:
        await line.close()


async def _emptied(line: Gateway) -> bool:
    """反映したメニューが、LINEに一枚も残っていない(模擬LINEを空にしたなど)。"""
    rows = await work.sql("select rich_menu_id from menu_deployed")
    found = {menu["richMenuId"] for menu in await line.rich_menus()}
    return not found & {row["rich_menu_id"] for row in rows}


async def _take_artwork(folder: Path, parsed: Parsed) -> None:
    """宣言が名指す絵を、フォルダから取り込む。権利は宣言に書かれたもの。"""
    for tab in parsed.declaration.tabs if parsed.declaration else []:
        if not tab.artwork or not artwork.name_is_plain(tab.artwork) or await artwork.body(tab.artwork):
            continue
        file = folder / tab.artwork
        if tab.rights and file.is_file():
            rights = msgspec.structs.asdict(tab.rights)
            await work.run(artwork.add, None, tab.artwork, artwork.clean(file.read_bytes()), **rights)


def _sources(folder: Path) -> list[tuple[Path, str]]:
    """宣言のファイルと中身。"""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise Refused(f"{folder} に宣言(*.yaml)がありません。")
    return [(file, file.read_bytes().decode("utf-8")) for file in files]


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)


def _role(file: Path) -> Role:
    """ファイルの名が役目。知らない名前は催し。"""
    return Role(file.stem) if file.stem in {role.value for role in Role if role.kept} else Role.EVENT


def _print_json(value: Any) -> None:
    rich.get_console().print(
        json.dumps(value, ensure_ascii=False, indent=1), markup=False, highlight=False, soft_wrap=True
    )
