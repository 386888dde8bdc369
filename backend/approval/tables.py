"""承認の表。追記だけ。"""

from piccolo.columns import BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Approval(Table, tablename="approval", db=DB):
    """一人の承認。`digest` は認めた中身のSHA-256。"""

    id = BigSerial(primary_key=True)
    subject = Text()
    digest = Bytea()
    staff_id = BigInt()
    staff_name = Text()
    at = Timestamptz()
