"""住民が選べる語: 年代、関心、言語、ごみの種類と時刻。コードとビットは保存される値なので、後から変えない。"""

from enum import IntEnum, StrEnum


class AgeBand(IntEnum):
    """年代(RULES 19)。値はその年代の始まりの年齢、15歳以下は15。"""

    UP_TO_15 = 15
    FROM_16 = 16
    FROM_18 = 18
    THIRTIES = 30
    FORTIES = 40
    FIFTIES = 50
    SIXTIES = 60
    SEVENTIES = 70
    OVER_80 = 80

    @property
    def label(self) -> str:
        words = {15: "15歳以下", 16: "16–17歳", 18: "18–29歳", 80: "80歳以上"}
        return words.get(self.value, f"{self.value}代")


class Topic(StrEnum):
    """関心。`bit` は `resident.topics` の中の一つの印。やめた関心のビットは使い回さない。"""

    BOSAI = "bosai"
    EVENT = "event"
    HEALTH = "health"
    CULTURE = "culture"
    LIBRARY = "library"
    SENIOR = "senior"
    WELFARE = "welfare"
    WORK = "work"
    ENVIRONMENT = "environment"
    TOWN = "town"
    RECRUIT = "recruit"
    INTERNATIONAL = "international"

    @property
    def label(self) -> str:
        return _TOPICS[self][1]

    @property
    def bit(self) -> int:
        return 1 << _TOPICS[self][0]


class Language(StrEnum):
    """お知らせの言語。日本語が正文(RULES 47)。"""

    JA = "ja"
    EASY = "easy"
    EN = "en"
    ZH = "zh"
    KO = "ko"

    @property
    def label(self) -> str:
        return {"ja": "日本語", "easy": "やさしい日本語", "en": "English", "zh": "中文", "ko": "한국어"}[self.value]


class Stream(StrEnum):
    """ごみ・資源の種類。`bit` は `resident.streams` の中の一つの印。"""

    BURNABLE = "burnable"
    NONBURNABLE = "nonburnable"
    RECYCLABLE = "recyclable"
    PLASTIC = "plastic"

    @property
    def label(self) -> str:
        return _STREAMS[self][1]

    @property
    def bit(self) -> int:
        return 1 << _STREAMS[self][0]


class Slot(IntEnum):
    """ごみのお知らせを受け取る時刻。値は時(日本時間)。"""

    EVENING = 19
    MORNING = 7

    @property
    def label(self) -> str:
        return "前の日の午後7時" if self is Slot.EVENING else "当日の午前7時"


_TOPICS = {
    Topic.BOSAI: (0, "防災・防犯"),
    Topic.EVENT: (1, "イベント"),
    Topic.HEALTH: (2, "健康・医療"),
    Topic.CULTURE: (3, "文化・スポーツ"),
    Topic.LIBRARY: (4, "図書館・学び"),
    Topic.SENIOR: (5, "高齢の方の暮らし"),
    Topic.WELFARE: (6, "障害福祉"),
    Topic.WORK: (7, "しごと・産業"),
    Topic.ENVIRONMENT: (8, "環境・リサイクル"),
    Topic.TOWN: (9, "まちづくり・道路"),
    Topic.RECRUIT: (10, "区政・募集"),
    Topic.INTERNATIONAL: (11, "国際交流・多文化"),
}
_STREAMS = {
    Stream.BURNABLE: (0, "可燃ごみ"),
    Stream.NONBURNABLE: (1, "不燃ごみ"),
    Stream.RECYCLABLE: (2, "資源"),
    Stream.PLASTIC: (3, "プラスチック"),
}


def mask(chosen: "list[Topic] | list[Stream] | tuple[Topic, ...] | tuple[Stream, ...]") -> int:
    """選ばれたものの印を合わせた数。"""
    return sum({one.bit for one in chosen})
