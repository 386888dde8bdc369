"""言葉の点検: 書きかけ、文字化け、意味の取り違え、抜けている問合せ先や場所(POL 5(3)ア)。"""

import re
from collections.abc import Iterator

from backend.messages.findings import Finding, block, warn
from backend.messages.manuscript import Audience, Manuscript
from backend.ward import retired_words
from backend.ward.kinds import Kind

_LEFTOVERS = re.compile(
    r"[〇○◯]{2,}|[〇○◯●◎](?=[月日時年円階課館])|[×✕]{2,}|(?<![A-Za-z])[xX]{2,}(?![A-Za-z])|[△▲□■●◆★☆]{2,}|[＊*]{2,}|[_＿]{2,}"
    r"|【[^】]{0,12}(?:確認|調整|要修正|差替|差し替え|仮|案|未定|メモ)[^】]{0,6}】|[(（](?:仮|案|未定|調整中|要確認)[)）]|TODO|FIXME|TBD|Lorem ipsum"
    r"|ここに.{0,10}(?:入れ|書|記入|入力)|\{\{?[^{}]*\}?\}|<[A-Za-z/][^<>\n]*>|&(?:[a-z]{2,6}|#\d+);|%[sd]\b|\$\{|[?？]{2,}"
)
_BROKEN = re.compile(
    "[\ufffd\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ue000-\uf8ff]"
    "|縺[\u0080-\uffff]|繧[\u0080-\uffff]|譁[\u0080-\uffff]|\u9403\u7e3a|ï¿½|ã[\u0080-\u00bf\u2018-\u2122]|â[\u0080-\u00bf\u2018-\u2122]|\\\\u[0-9a-fA-F]{4}|%E[0-9A-F]%[0-9A-F]{2}"
)
_MACHINE_DEPENDENT = re.compile(r"[\u2100-\u214f\u2160-\u217f\u2460-\u24ff\u3200-\u33ff\uff61-\uff9f]")
_HALF_SAID = re.compile(r"(?:つい|について|ので|から|ため|など|または|および|及び|[、,をはがにへとの「『(（])$")
_DOUBLED = re.compile(r"をを|がが|にに(?!っ)|へへ|ですです|ますます(?=。|$)|してして|ください。?ください|、、|。。")
_RELATIVE = re.compile(r"本日|今日|明日|あした|明後日|あさって|昨日|きのう|今週|来週|今月末")
_NUMBERED = re.compile(r"確認番号|B-\d{4}-\d{3,}")
_MY_NUMBER = re.compile(r"(?<![\d-])\d{4}[- ]?\d{4}[- ]?\d{4}(?![\d-])")
_PHONE = re.compile(
    r"(?<![\d-])0\d{1,4}[-‐－–() ]{0,2}\d{1,4}[-‐－–() ]{0,2}\d{0,4}(?![\d-])|(?<!\d)(?:110|119|171|188|189)(?!\d)"
)
_WIDE = {ord("０") + n: str(n) for n in range(10)} | str.maketrans("－‐–（）", "---()")
_GATHERING = re.compile(r"開催|講座|教室|説明会|講演|イベント|体験会|相談会|健診|検診|まつり|フェア|コンサート|集まり")
_CLOCK = re.compile(r"\d{1,2}時|\d{1,2}:\d{2}|正午|終日|24時間|時間は|いつでも|随時")
_PLACE = re.compile(
    r"会場|場所|にて|センター|ホール|会館|図書館|公園|学校|小学校|広場|区役所|庁舎|シビック|保育園|児童館|体育館|プール|神社|寺|オンライン|Zoom|動画|各地域|区内|全域|自宅|館で|室で|丁目"
)
_CALLED_OFF = re.compile(r"中止|休館|休園|休止|取りやめ")
_PAIRS = (("「", "」"), ("『", "』"), ("【", "】"), ("(", ")"), ("（", "）"))
_OPPOSITES = (
    ("防止", "推進"),
    ("中止", "開催"),
    ("中止", "実施"),
    ("延期", "決行"),
    ("開館", "休館"),
    ("有料", "無料"),
    ("可能", "不可"),
    ("必要", "不要"),
    ("できます", "できません"),
    ("避難してください", "避難は不要"),
)
_SAID_TOGETHER = re.compile(
    r"(?:開催|実施)(?:を|は|を?予定していた.{0,12}を)?(?:中止|見合わせ)|中止.{0,6}(?:場合|とき|の際)|防止.{0,4}(?:対策|運動|活動|策)?(?:を|の)?推進"
    r"|[(（]?(?:一部)?(?:有料|無料)[)）]?.{0,12}(?:以上|以下|未満|子ども|大人|会員)"
)
_DECIDING = ("中止", "延期", "休館", "休園", "解除", "訂正")
_SHORTEST, _LONG, _LONG_SENTENCE = 10, 1200, 140


def check(m: Manuscript) -> Iterator[Finding]:
    """本文・件名・問合せ先・英文の言葉について。"""
    yield from _unfinished(m)
    yield from _characters(m)
    yield from _typos(m)
    yield from _meaning(m)
    yield from _missing_facts(m)
    yield from _contact(m)
    yield from _english(m)
    yield from _not_to_write(m)


def _unfinished(m: Manuscript) -> Iterator[Finding]:
    if m.body and len(m.body) < _SHORTEST:
        yield block("body", 1, "本文が短すぎます。書きかけではありませんか。", "何が、いつ、どこで、を書きます。")
    elif m.body and _HALF_SAID.search(m.body.rstrip()):
        line = m.body.rstrip().count("\n") + 1
        yield block("body", line, "文が途中で終わっています。", "文の終わりまで書きます。")
    for field, value in _written(m):
        for line, words in _lines(value):
            for leftover in _LEFTOVERS.finditer(words):
                yield block(field, line, f"「{leftover.group()[:20]}」が残っています。", "決まった言葉に置きかえます。")
    if m.title and m.title in ("無題", "件名", "タイトル", "テスト", "test", "お知らせ"):
        yield warn("title", 0, "件名だけでは何のお知らせか分かりません。", "「本郷図書館の臨時休館」のように書きます。")
    if re.match(r"(?:re|fwd?|転送|再送)[::]", m.title, re.IGNORECASE):
        yield warn("title", 0, "件名にメールの見出しが残っています。", "「Re:」や「転送:」を消します。")
    if re.search(r"テスト(?:です|配信|送信|メール|投稿)", f"{m.title}\n{m.body}"):
        yield block("body", 0, "試しに書いた文に見えます。", "本物のお知らせに書き直すか、取り下げます。")


def _characters(m: Manuscript) -> Iterator[Finding]:
    for field, value in _written(m):
        for line, words in _lines(value):
            if broken := _BROKEN.search(words):
                yield block(
                    field,
                    line,
                    "文字化けか、見えない文字があります。",
                    f"{broken.start() + 1}文字目のあたりを打ち直します。",
                )
            if odd := sorted(set(_MACHINE_DEPENDENT.findall(words))):
                yield warn(
                    field,
                    line,
                    f"機種によって読めない文字があります: {' '.join(odd[:8])}",
                    "(1)、I、(株) のような文字に置きかえます。読み上げも正しくなります。",
                )


def _typos(m: Manuscript) -> Iterator[Finding]:
    for line, words in _lines(m.body):
        if doubled := _DOUBLED.search(words):
            yield warn("body", line, f"「{doubled.group()}」と重なっています。", "打ちまちがいなら直します。")
    for opening, closing in _PAIRS:
        if m.body.count(opening) != m.body.count(closing):
            yield warn(
                "body",
                0,
                f"「{opening}」と「{closing}」の数が合いません。",
                "閉じ忘れや、消し忘れた文がないかを確かめます。",
            )
    said = [line.strip() for line in m.body.split("\n") if len(line.strip()) >= 12]
    if again := next((line for line in said if said.count(line) > 1), ""):
        yield warn("body", 0, f"「{again[:20]}」が二度あります。", "貼り付けの重なりなら、一つにします。")


def _meaning(m: Manuscript) -> Iterator[Finding]:
    for one, other in _OPPOSITES:
        for line, words in _lines(m.body):
            rest = _SAID_TOGETHER.sub("", words)
            if one in rest and other in rest:
                yield warn(
                    "body",
                    line,
                    f"「{one}」と「{other}」が同じ行にあります。",
                    "意味が逆に読めないか、声に出して確かめます。",
                )
    for word in _DECIDING:
        if (word in m.title) != (word in m.body) and m.title and m.body:
            here, there = ("件名", "本文") if word in m.title else ("本文", "件名")
            if word == "中止" and here == "本文" and re.search(r"中止.{0,6}(?:場合|とき|の際|こと)", m.body):
                continue
            yield warn(
                "body",
                0,
                f"「{word}」が{here}にあり、{there}にありません。",
                "一語が抜けると意味が逆になります。両方を確かめます。",
            )
    for line, words in _lines(m.body):
        if relative := _RELATIVE.search(words):
            yield warn(
                "body",
                line,
                f"「{relative.group()}」は、読む日によって変わります。",
                "「11月24日(火)」のように日付で書きます。",
            )


def _missing_facts(m: Manuscript) -> Iterator[Finding]:
    if not _GATHERING.search(m.body) or _CALLED_OFF.search(m.body):
        return
    wide = m.body.translate(_WIDE)
    if not re.search(r"\d{1,2}月|\d{1,2}/\d{1,2}|毎[週月日]|通年", wide):
        yield warn("body", 0, "いつの催しか(日付)がありません。", "「12月5日(土)」のように書きます。")
    elif not _CLOCK.search(wide):
        yield warn("body", 0, "何時からかがありません。", "始まりと終わりの時刻を書きます。")
    if not _PLACE.search(wide):
        yield warn("body", 0, "どこで行うかがありません。", "会場の名前か、「オンライン」を書きます。")


def _contact(m: Manuscript) -> Iterator[Finding]:
    everywhere = f"{m.contact}\n{m.body}".translate(_WIDE)
    numbers = [found.group() for found in _PHONE.finditer(everywhere)]
    if m.body and not m.contact and not numbers:
        yield warn("contact", 0, "問合せ先がありません。", "課の名前と電話番号を書くと、読んだ人が尋ねられます。")
    elif m.contact and not re.search(r"\d", m.contact.translate(_WIDE)) and "@" not in m.contact and not numbers:
        yield warn("contact", 0, "問合せ先に電話番号がありません。", "市外局番から書きます。")
    for number in numbers:
        digits = re.sub(r"\D", "", number)
        if len(digits) > 3 and len(digits) not in ((11,) if digits[:3] in ("050", "070", "080", "090") else (10,)):
            yield warn(
                "contact", 0, f"電話番号「{number.strip()}」の桁の数が合いません。", "市外局番から数え直します。"
            )


def _english(m: Manuscript) -> Iterator[Finding]:
    if m.body_en and not re.search(r"[A-Za-z]{3}", m.body_en):
        yield block("body_en", 0, "英語の本文に英語がありません。", "英語で書くか、欄を空にします。")
    elif japanese := re.search(r"[ぁ-んァ-ヶ]{2,}", m.body_en):
        yield warn(
            "body_en", 0, f"英語の本文に「{japanese.group()[:12]}」があります。", "訳し残しでないかを確かめます。"
        )


def _not_to_write(m: Manuscript) -> Iterator[Finding]:
    for field, value in _written(m):
        for line, words in _lines(value):
            for word in retired_words.found(words):
                yield block(field, line, f"「{word.text}」は、いまは使われない言葉です。", word.remedy)
            if field != "contact" and _NUMBERED.search(words):
                yield block(field, line, "確認番号は自動で付きます。本文には書けません。", "その行を消します。")
            if _MY_NUMBER.search(words):
                yield warn(
                    field, line, "12桁の番号があります。個人の番号ではありませんか。", "個人が分かる番号は書きません。"
                )
    if m.kind in (Kind.U, Kind.E) and m.audience is Audience.EVERYONE:
        yield warn("audience", 0, "子育て・ごみのお知らせを、友だち全員に送ります。", "条件で選べないかを確かめます。")
    if len(m.body) > _LONG:
        yield warn(
            "body",
            0,
            f"本文が{len(m.body):,}字あります。電話では読み切れません。",
            "要点だけにして、詳しくは区のページへ案内します。",
        )
    for line, words in _lines(m.body):
        if any(len(sentence) > _LONG_SENTENCE for sentence in re.split(r"[。!?！？]", words)):
            yield warn("body", line, "一文が長く、読みにくくなっています。", "50字くらいで文を切ります。")


def _written(m: Manuscript) -> tuple[tuple[str, str], ...]:
    return ("title", m.title), ("body", m.body), ("body_en", m.body_en), ("contact", m.contact)


def _lines(value: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(value.split("\n"), 1)
