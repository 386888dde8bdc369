"""ページの言語: 五つの言語と、その選び方。選んだ言語は保存しない(RULES 47)。"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageLanguage:
    """`code` はお知らせの言語と同じ綴り、`tag` はHTMLの lang、`catalogue` は目録のファイルの名。"""

    code: str
    tag: str
    name: str
    catalogue: str


LANGUAGES = (
    PageLanguage("ja", "ja", "日本語", "ja"),
    PageLanguage("easy", "ja", "やさしい日本語", "ja-easy"),
    PageLanguage("en", "en", "English", "en"),
    PageLanguage("zh", "zh-Hans", "简体中文", "zh"),
    PageLanguage("ko", "ko", "한국어", "ko"),
)
BY_CODE = {language.code: language for language in LANGUAGES}
JAPANESE = LANGUAGES[0]


def choose(asked: str, accept_language: str) -> PageLanguage:
    """アドレスで頼まれた言語、なければ電話の言語。どちらも知らなければ、電話に日本語がなくても日本語。"""
    if asked in BY_CODE:
        return BY_CODE[asked]
    return next((BY_CODE[code] for code in _preferred(accept_language) if code in BY_CODE), JAPANESE)


def _preferred(accept_language: str) -> list[str]:
    """Accept-Languageの、好まれる順の綴り(国の部分は落とす)。読めない重みは最後に回す。"""
    weighed: list[tuple[float, int, str]] = []
    for order, item in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = item.partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            quality = 0.0
        weighed.append((-quality, order, tag.strip().lower().split("-")[0]))
    return [code for _, _, code in sorted(weighed) if code]
