"""メニューの部屋の表。"""

from piccolo.columns import JSONB, Array, BigInt, BigSerial, Boolean, Bytea, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class MenuVersion(Table, tablename="menu_version", db=DB):
    """メニューの版。宣言の文そのものを持つ。"""

    id = BigSerial(primary_key=True)
    role = Text()
    number = Integer()
    name = Text()
    declaration = Text()
    state = Text(default="draft")
    edition = Integer(default=1)
    reason = Text(default="")
    note = Text(default="")
    based_on = BigInt(null=True, default=None)
    author = BigInt(null=True, default=None)
    author_name = Text()
    last_editor = BigInt(null=True, default=None)
    submitted_at = Timestamptz(null=True, default=None)
    submitted_by = BigInt(null=True, default=None)
    approval_id = BigInt(null=True, default=None)
    approved_by = Text(null=True, default=None)
    approved_at = Timestamptz(null=True, default=None)
    plan_checksum = Text(null=True, default=None)
    applied_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class MenuImage(Table, tablename="menu_image", db=DB):
    """版の絵。"""

    version_id = BigInt(primary_key=True)  # 主キーは組だが、Piccoloの主キーは一列だけ
    position = SmallInt()
    alias = Text()
    body = Bytea()
    content_type = Text()
    sha256 = Bytea()


class MenuArtwork(Table, tablename="menu_artwork", db=DB):
    """取り込んだ絵と、その権利。"""

    id = BigSerial(primary_key=True)
    name = Text(unique=True)
    body = Bytea()
    content_type = Text()
    sha256 = Bytea()
    width = Integer()
    height = Integer()
    owner = Text()
    permission = Text()
    credit = Text(default="")
    staff_id = BigInt(null=True, default=None)
    staff_name = Text()
    created_at = Timestamptz()


class MenuCurrent(Table, tablename="menu_current", db=DB):
    """役目ごとの、いまの版。"""

    role = Text(primary_key=True)
    version_id = BigInt()


class MenuDeployed(Table, tablename="menu_deployed", db=DB):
    """LINEに作ったメニュー。"""

    rich_menu_id = Text(primary_key=True)
    name = Text()
    version_id = BigInt()
    alias = Text()
    created_at = Timestamptz()


class MenuKnown(Table, tablename="menu_known", db=DB):
    """最後に合わせたときのLINEの姿。一行だけ。"""

    one = Boolean(primary_key=True, default=True)
    shown = Text(null=True, default=None)
    default_id = Text(null=True, default=None)
    aliases = JSONB(default="{}")
    problem = Text(default="")
    waiting = Text(default="")
    drift = Text(default="")
    settled_at = Timestamptz(null=True, default=None)
    looked_at = Timestamptz(null=True, default=None)


class MenuRun(Table, tablename="menu_run", db=DB):
    """一回の反映。"""

    id = BigSerial(primary_key=True)
    checksum = Text()
    shown = Text()
    versions = Array(base_column=BigInt())
    staff_id = BigInt(null=True, default=None)
    staff_name = Text()
    accepted_drift = Boolean(default=False)
    started_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    problem = Text(default="")
    tries = Integer(default=0)
    tried_at = Timestamptz(null=True, default=None)
    abandoned_by = Text(null=True, default=None)


class MenuStep(Table, tablename="menu_step", db=DB):
    """反映の一歩。"""

    run_id = BigInt(primary_key=True)  # 主キーは組だが、Piccoloの主キーは一列だけ
    position = SmallInt()
    kind = Text()
    target = Text()
    other = Text(default="")
    words = Text()
    done_at = Timestamptz(null=True, default=None)
    result = Text(default="")


class MenuCall(Table, tablename="menu_call", db=DB):
    """上限のある呼び出しの数え。"""

    id = BigSerial(primary_key=True)
    kind = Text()
    at = Timestamptz()


class MenuPointing(Table, tablename="menu_pointing", db=DB):
    """見せるメニューの切り替え。"""

    id = BigSerial(primary_key=True)
    wanted = Text()
    staff_name = Text()
    started_at = Timestamptz()
    pointed_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    unlink_key = Text(null=True, default=None)
    unlink_id = Text(null=True, default=None)
    unlink_phase = Text(default="")
    asked_at = Timestamptz(null=True, default=None)


class MenuSchedule(Table, tablename="menu_schedule", db=DB):
    """催しのメニューの予定。"""

    id = BigSerial(primary_key=True)
    version_id = BigInt()
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    staff_id = BigInt()
    staff_name = Text()
    approval_id = BigInt(null=True, default=None)
    approved_by = Text(null=True, default=None)
    cancelled_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()


class MenuInsight(Table, tablename="menu_insight", db=DB):
    """LINEの統計の写し。"""

    rich_menu_id = Text(primary_key=True)  # 主キーは組だが、Piccoloの主キーは一列だけ
    first = Date()
    last = Date()
    body = JSONB()
    asked_at = Timestamptz()
