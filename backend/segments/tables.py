"""配信対象者の部屋の表。"""

from piccolo.columns import BigInt, BigSerial, Date, Integer, Text
from piccolo.table import Table

from backend.store.pool import DB


class AudienceQuestion(Table, tablename="audience_question", db=DB):
    """一人の職員が、ある日に尋ねた一つの条件。`people` は正確な数で、画面には出さない。"""

    id = BigSerial(primary_key=True)
    staff_id = BigInt()
    asked_on = Date()
    criteria = Text()
    people = Integer()
