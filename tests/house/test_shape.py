"""家の形: 小さなファイル、小さな関数、包みの印。"""

import ast
import re
from pathlib import Path

from tests.house import files

MODULE_LINES, FUNCTION_LINES = 400, 80
ROUGH_MODULE_LINES, ROUGH_FUNCTION_LINES = 250, 40
MAY_BE_LONGER = {"backend/simulator/wire.py", "backend/line/sdk.py"}
PART = re.compile(r"(part|_)\d+\.py$|(^|_)(utils?|helpers?|common|misc|managers?|services?|models)\.py$")


def _functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(n.name, (n.end_lineno or n.lineno) - n.lineno + 1) for n in ast.walk(tree) if isinstance(n, kinds)]


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        files.name(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in files.python("backend", "tests")
    }
    for name, length in sorted(lengths.items(), key=lambda item: -item[1]):
        if length > ROUGH_MODULE_LINES and name not in MAY_BE_LONGER:
            print(f"長めのファイル: {name} {length}行")
    assert {
        name: length for name, length in lengths.items() if length > MODULE_LINES and name not in MAY_BE_LONGER
    } == {}


def test_no_function_is_longer_than_80_lines() -> None:
    found = [
        (files.name(path), *function) for path in files.python("backend", "tests") for function in _functions(path)
    ]
    for name, function, length in sorted(found, key=lambda item: -item[2]):
        if length > ROUGH_FUNCTION_LINES:
            print(f"長めの関数: {name} {function} {length}行")
    assert [item for item in found if item[2] > FUNCTION_LINES] == []


def test_every_folder_with_python_is_a_package() -> None:
    folders = {path.parent for path in files.python("backend", "tests")}
    assert [files.name(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_room_says_what_it_is() -> None:
    silent = [
        files.name(path)
        for path in files.python("backend")
        if path.read_text(encoding="utf-8").strip()
        and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_no_file_is_named_for_a_drawer() -> None:
    assert [
        files.name(path)
        for path in files.python("backend")
        if PART.search(path.name) and "migrations" not in path.parts
    ] == []


def test_every_exception_to_a_rule_gives_its_code() -> None:
    bare = re.compile(r"#\s*noqa(?!:)|#\s*type:\s*ignore(?!\[)|#\s*pyright:\s*ignore(?!\[)")
    found = [
        f"{files.name(path)}:{number}"
        for path in files.python("backend", "tests")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_only_the_loops_of_the_worker_and_the_web_errors_catch_everything() -> None:
    may = {
        "backend/worker.py",
        "backend/delivery/engine.py",
        "backend/web/errors.py",
    }  # engineは、workerの輪の中の送り手の輪
    found = [
        f"{files.name(path)}:{node.lineno}"
        for path in files.python("backend")
        if files.name(path) not in may
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert found == []


def test_every_business_time_comes_from_the_database() -> None:
    wall = re.compile(
        r"datetime\.now\(|date\.today\(|utcnow\(|(?<!ward_)\bnow\(\)\s*(at time zone|- |\+)|current_timestamp|current_date"
    )
    rooms = [
        p
        for p in files.python("backend")
        if p.relative_to(files.ROOT).parts[1] not in ("simulator", "demo", "prepare.py")
    ]
    found = [
        f"{files.name(path)}:{number}: {line.strip()}"
        for path in rooms
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wall.search(line) and "clock.now()" not in line and "# 実時間" not in line
    ]
    assert found == []
