"""`ward staff add`: はじめの職員を招待する。"""

import argparse
from typing import Any

from backend.arguments import InDatabase, below, verb
from backend.permissions import Role
from backend.settings import Settings


def add_to(verbs: Any, in_database: InDatabase) -> None:
    staff = below(verbs, "staff", "職員を管理する")
    words = "はじめの職員を招待する(管理者が二人そろうまで。その後は職員の画面で)"
    add = verb(staff, "add", words, lambda settings, options: _add(settings, options, in_database))
    add.add_argument("login", help="サインインの名前(半角英数字)")
    add.add_argument("--name", required=True, help="氏名")
    add.add_argument("--role", required=True, choices=[role.value for role in Role], help="役割")
    add.add_argument("--section", required=True, help="所管課の符号(半角英数字)")
    add.add_argument("--section-name", default="", help="所管課の名前(初めての課のとき)")


def _add(settings: Settings, options: argparse.Namespace, in_database: InDatabase) -> None:
    from backend.staff import invitations
    from backend.store import work

    async def add() -> str:
        return await work.run(
            invitations.add_first,
            options.login,
            options.name,
            Role(options.role),
            options.section,
            options.section_name,
        )

    token = in_database(settings, add)
    print("招待を作りました。次のアドレスを本人に渡してください(72時間、一度だけ使えます)。")
    print(f"{settings.console_url}/console/invitation/{token}")
