"""配信の部屋の表。"""

from piccolo.columns import UUID, Array, BigInt, BigSerial, Boolean, Bytea, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Delivery(Table, tablename="delivery", db=DB):
    """配信。人が見守り、止めるのはこの一行。"""

    id = BigSerial(primary_key=True)
    source = Text(unique=True)
    title = Text()
    owner_section = Text()
    public_number = Text()
    kind = Text()
    priority = SmallInt()
    silent = Boolean()
    address = Text()
    criteria = Text(null=True, default=None)
    recipients_of = BigInt(null=True, default=None)
    send_at = Timestamptz()
    expires_at = Timestamptz()
    source_at = Timestamptz()
    own_hour = Boolean(default=False)
    digest = Bytea()
    approval_id = BigInt()
    approval_subject = Text()
    approval_digest = Bytea()
    authorised_by = Text()
    state = Text(default="scheduled")
    reason = Text(default="")
    released = Text(default="")
    not_before = Timestamptz()
    scheduled_at = Timestamptz()
    frozen_at = Timestamptz(null=True, default=None)
    first_accepted_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    frozen = Integer(null=True, default=None)
    accepted = Integer(null=True, default=None)
    refused = Integer(null=True, default=None)
    excluded = Integer(null=True, default=None)
    unknown = Integer(null=True, default=None)
    unsent = Integer(null=True, default=None)


class DeliveryBody(Table, tablename="delivery_body", db=DB):
    """一つの言語の、承認されたバイト列。"""

    delivery_id = BigInt(primary_key=True)
    language = Text()
    messages = Bytea()


class DeliveryPlan(Table, tablename="delivery_plan", db=DB):
    """承認を受ける計画: 出してよい包みの指紋の並び。"""

    digest = Bytea(primary_key=True)
    packages = Bytea()
    at = Timestamptz()


class DeliveryBatch(Table, tablename="delivery_batch", db=DB):
    """送信単位: LINEへの一回の呼び出し。500人までの参照(`resident.number`)と再試行の鍵。"""

    delivery_id = BigInt(primary_key=True)
    position = Integer()
    language = Text()
    size = Integer(null=True, default=None)
    numbers = Array(BigInt(), null=True, default=None)
    retry_key = UUID()
    state = Text(default="ready")
    first_tried_at = Timestamptz(null=True, default=None)
    claimed_by = BigInt(null=True, default=None)
    tries = Integer(default=0)
    accepted = Integer(default=0)
    refused = Integer(default=0)
    excluded = Integer(default=0)
    line_request_id = Text(default="")
    answer = Text(default="")
    settled_at = Timestamptz(null=True, default=None)
    decided_by = Text(default="")


class DeliverySender(Table, tablename="delivery_sender", db=DB):
    """いまの送り手と、その鼓動。"""

    only_row = Boolean(primary_key=True, default=True)
    epoch = BigInt(default=0)
    pid = Integer(default=0)
    session = Text(default="")
    beat_at = Timestamptz()


class DeliveryBrake(Table, tablename="delivery_brake", db=DB):
    """開いたブレーキ。"""

    id = BigSerial(primary_key=True)
    feed = Text()
    reason = Text()
    opened_at = Timestamptz()
    closed_at = Timestamptz(null=True, default=None)
    closed_by = Text(default="")


class DeliveryAlarm(Table, tablename="delivery_alarm", db=DB):
    """いま鳴っている知らせ。メールは鳴り始めに一度だけ。"""

    code = Text(primary_key=True)
    words = Text()
    since = Timestamptz()
    mail = Text()
    tried_at = Timestamptz(null=True, default=None)
