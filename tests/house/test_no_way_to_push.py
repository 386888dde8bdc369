"""LINEへの道: 一斉の二つ(multicast と broadcast)だけがあり、個人への push も reply もない(POL 5(5))。"""

import re

from tests.house import files

FORBIDDEN = re.compile(
    r"message/(push|reply|narrowcast)\b|push_message|reply_message|narrowcast\(|replyToken|reply_token|PushMessageRequest|ReplyMessageRequest"
    r"|send_narrowcast|sendMessages|shareTargetPicker|markMessagesAsRead|getProfile\(",
    re.IGNORECASE,
)
OUTSIDE = ("simulator",)  # LINEのふりをする側


def test_no_code_can_push_or_reply() -> None:
    found = [
        f"{files.name(path)}:{number}: {line.strip()}"
        for path in files.ours()
        if path.suffix in (".py", ".js", ".mjs", ".html")
        and path.relative_to(files.ROOT).parts[0] in ("backend", "liff_static")
        and path.relative_to(files.ROOT).parts[1] not in OUTSIDE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


ALLOWED = r"/(multicast|broadcast|validate/[\w{}]+|delivery/[\w{}]+|quota(/consumption)?)(?![\w/{])"


def test_every_message_path_is_one_that_is_allowed() -> None:
    """綴りを組み立てて禁じた道を作れないように、許した道のほかは `message` の先を書けない。"""
    found = [
        f"{files.name(path)}: {wrong[0]}"
        for path in files.python("backend")
        if path.relative_to(files.ROOT).parts[1] not in OUTSIDE
        for wrong in re.finditer(rf"bot/message(?!{ALLOWED}).{{0,40}}", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_only_the_line_room_knows_the_sdk_and_lines_api_paths() -> None:
    known = re.compile(r"^\s*(from|import) linebot|/v2/bot/|/oauth2/", re.MULTILINE)
    found = [
        files.name(path)
        for path in files.python("backend")
        if path.relative_to(files.ROOT).parts[1] not in ("line", *OUTSIDE)
        and known.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
