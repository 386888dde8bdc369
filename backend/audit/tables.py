"""操作記録: 誰が、いつ、何に、何をしたか。消えない、書き換わらない。"""

from piccolo.columns import JSONB, Array, BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class AuditEntry(Table, tablename="audit_entry", db=DB):
    id = BigSerial(primary_key=True)
    at = Timestamptz()
    staff_id = BigInt(null=True, default=None)
    staff_name = Text()
    role = Text()
    section_code = Text()
    action = Text()
    subject = Text()
    detail = JSONB()


class Seal(Table, tablename="seal", db=DB):
    """台帳の封: `after_id` より後、`last_id` までの行の指紋(`leaves`)を、前の封の `head` につないだもの。"""

    ledger = Text()
    number = BigInt(primary_key=True)
    after_id = BigInt()
    last_id = BigInt()
    ids = Array(base_column=BigInt())
    leaves = Bytea()
    previous = Bytea()
    head = Bytea()
    at = Timestamptz()
