"""原稿の部屋の表。"""

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class DeliveryRequest(Table, tablename="delivery_request", db=DB):
    """配信依頼。一行が、下書きから承認までの一つの原稿。"""

    id = BigSerial(primary_key=True)
    state = Text(default="draft")
    version = Integer(default=1)
    author = BigInt()
    last_editor = BigInt()
    section_code = Text()
    kind = Text(null=True, default=None)
    title = Text(default="")
    body = Text(default="")
    body_en = Text(default="")
    contact = Text(default="")
    audience = Text(null=True, default=None)
    criteria = JSONB(null=True, default=None)
    timing = Text(null=True, default=None)
    send_at = Timestamptz(null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)
    silent = Boolean(default=False)
    source_note = Text(default="")
    attested_by = BigInt(null=True, default=None)
    chief_seen_by = BigInt(null=True, default=None)
    chief_seen_at = Timestamptz(null=True, default=None)
    same_day_reason = Text(default="")
    public_number = Text(null=True, default=None, unique=True)
    submitted_at = Timestamptz(null=True, default=None)
    returned_at = Timestamptz(null=True, default=None)
    return_reason = Text(null=True, default=None)
    return_note = Text(default="")
    approved_at = Timestamptz(null=True, default=None)
    approval_id = BigInt(null=True, default=None)
    reminder = Text(null=True, default=None)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class PublicNumber(Table, tablename="public_number", db=DB):
    """月ごとに、どこまで確認番号を割り当てたか。"""

    month = Text(primary_key=True)
    last = Integer()
