"""据え付け: このデータベースが、どのアカウントの、本番・訓練・お試しのどれのものか。"""

from piccolo.columns import Boolean, Text, Timestamptz
from piccolo.table import Table


class Installation(Table, tablename="installation"):
    only_row = Boolean(primary_key=True, default=True)
    mode = Text()
    channel_id = Text()
    bot_user_id = Text()
    pinned_at = Timestamptz()
