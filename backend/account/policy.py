"""運用ポリシーの版: いつ、何が変わったか。本文は区のサイトにあり、ここには写さない(POL 7)。"""

from dataclasses import dataclass
from datetime import date

WARD_POLICY_URL = "https://www.city.bunkyo.lg.jp/"


@dataclass(frozen=True)
class Version:
    published_on: date
    words: str
    url: str


VERSIONS = (
    Version(date(2022, 3, 28), "文京区LINE公式アカウント運用ポリシーを改めました。", WARD_POLICY_URL),
    Version(date(2020, 3, 31), "文京区LINE公式アカウント運用ポリシーを定めました。", WARD_POLICY_URL),
)
"""新しい順。"""


def latest() -> Version:
    return VERSIONS[0]
