"""すべての部屋の表を持つ、ただ一つのPiccoloアプリ。"""

import importlib
import pkgutil
from pathlib import Path

from piccolo.conf.apps import AppConfig
from piccolo.table import Table

import backend

FOLDER = Path(__file__).parent


def tables() -> list[type[Table]]:
    """各部屋の `tables.py` にある表。"""
    found: dict[str, type[Table]] = {}
    for room in pkgutil.iter_modules(backend.__path__):
        if room.ispkg and (Path(backend.__path__[0]) / room.name / "tables.py").exists():
            module = importlib.import_module(f"backend.{room.name}.tables")
            for thing in vars(module).values():
                if isinstance(thing, type) and issubclass(thing, Table) and thing.__module__ == module.__name__:
                    found[thing._meta.tablename] = thing
    return list(found.values())


APP_CONFIG = AppConfig(
    app_name="ward",
    migrations_folder_path=str(FOLDER / "migrations"),
    table_classes=tables(),
    migration_dependencies=[],
)
