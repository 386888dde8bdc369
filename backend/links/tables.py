"""リンク台帳の表。"""

from piccolo.columns import Array, BigInt, BigSerial, Boolean, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Link(Table, tablename="link", db=DB):
    """一つのリンク。`code` は `/go/` の後ろの名前で、変わらない。"""

    code = Text(primary_key=True)
    label = Text()
    purpose = Text()
    owner_section = Text()
    url = Text()
    allowed_hosts = Array(base_column=Text())
    external_browser = Boolean()
    retired = Boolean()
    replacement = Text(null=True, default=None)
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class LinkChange(Table, tablename="link_change", db=DB):
    """変更の一件。追記だけ。"""

    id = BigSerial(primary_key=True)
    code = Text()
    what = Text()
    url_before = Text()
    url_after = Text()
    reason = Text()
    staff_id = BigInt(null=True, default=None)
    staff_name = Text()
    section_name = Text()
    approval_id = BigInt(null=True, default=None)
    approved_by = Text()
    at = Timestamptz()


class LinkProposal(Table, tablename="link_proposal", db=DB):
    """二人目を待つ、行き先の変更。"""

    id = BigSerial(primary_key=True)
    code = Text()
    version = Integer()
    url = Text()
    allowed_hosts = Array(base_column=Text())
    external_browser = Boolean()
    reason = Text()
    staff_id = BigInt()
    staff_name = Text()
    section_name = Text()
    at = Timestamptz()
    closed_at = Timestamptz(null=True, default=None)


class LinkUse(Table, tablename="link_use", db=DB):
    """使っているもの: `message:42`、`menu:7`。"""

    code = Text(primary_key=True)
    used_by = Text()
    at = Timestamptz()


class LinkCheck(Table, tablename="link_check", db=DB):
    """いちばん新しい点検。"""

    code = Text(primary_key=True)
    next_at = Timestamptz()
    checked_at = Timestamptz(null=True, default=None)
    ok_at = Timestamptz(null=True, default=None)
    verdict = Text()
    status = SmallInt()
    reason = Text()
    failures = Integer()
    dead_since = Timestamptz(null=True, default=None)


class LinkTap(Table, tablename="link_tap", db=DB):
    """一日の、一つの置き場所からの、押された数。"""

    code = Text(primary_key=True)
    day = Date()
    source = Text()
    slot = SmallInt()
    taps = BigInt()
