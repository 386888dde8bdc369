"""住民のページの言葉のうち、電話の中の台本が使うもの。目録で訳し、ページに埋めて渡す。"""

from backend.consent.notices import Purpose
from backend.residents.vocabulary import AgeBand, Slot, Stream, Topic
from backend.texts.catalogue import N_
from backend.ward import areas

WHY = {
    Purpose.AREA: N_("住んでいる町のお知らせが届きます。"),
    Purpose.AGE: N_("年代に合うお知らせが届きます。"),
    Purpose.PARENTING: N_("時期に合うお知らせが届きます。"),
    Purpose.TOPICS: N_("選んだことのお知らせが届きます。"),
    Purpose.GARBAGE: N_("ごみを出す日を、前もってお知らせします。"),
    Purpose.LANGUAGE: N_("選んだ言語の文があるとき、その文が届きます。"),
}
SCRIPT = {
    # 画面の下の一文
    "bar_none": N_("まだ何も選んでいません。"),
    "bar_some": N_("{count}つの目的に同意して保存します"),
    "bar_stop": N_("やめるもの: {names}"),
    "bar_kept": N_("ほかの{count}つは、前の同意のままです。"),
    "bar_same": N_("変えたところは、まだありません。"),
    "bar_stop_all": N_("すべてやめて、消します"),
    "opened": N_("「{name}」を開きました。下の欄で選んでください。"),
    "closed": N_("「{name}」を切りました。選んだことは消しました。"),
    # 町と丁目
    "found": N_("{count}件見つかりました。"),
    "found_none": N_("見つかりません。ひらがなを確かめてください。"),
    "chome_of": N_("{town}の何丁目ですか"),
    "chosen": N_("選んだ地域: {name}"),
    "child": N_("{count}人目"),
    "year": N_("{count}年"),
    "month": N_("{count}月"),
    "year_month": N_("{year}年{month}月"),
    "choose": N_("選ぶ"),
    # 足りないところ
    "wrong_none": N_("スイッチを一つ入れてください。入れないときは「保存しないで戻る」を押してください。"),
    "wrong_area": N_("町と丁目を選んでください。選ばないときは、スイッチを切ってください。"),
    "wrong_same": N_(
        "変えたところがありません。期限や新しい文で続けるときは、登録の内容の「続ける」を押してください。"
    ),
    "wrong_age": N_("年代か「答えない」を選んでください。"),
    "wrong_parenting": N_("年と月を選んでください。選ばないときは、スイッチを切ってください。"),
    "unfit_parenting": N_("この月は保存できません。予定月は10か月先まで、生まれた月は高校生の年代まで入れられます。"),
    "wrong_topics": N_("一つ選んでください。選ばないときは、スイッチを切ってください。"),
    "wrong_garbage": N_("町と丁目、種類、時刻を選んでください。選ばないときは、スイッチを切ってください。"),
    "wrong_language": N_("言語を選んでください。選ばないときは、スイッチを切ってください。"),
    "wrong_guardian": N_("保護者の方と読んでから保存してください。いまは、地域・ごみ・言語だけを選べます。"),
    "wrong_title": N_("まだ保存していません。直すところがあります。"),
    # いまの登録
    "held_until": N_("同意した日 {granted} / {until}まで"),
    "held_fold": N_("選んだことを見る"),
    "held_change": N_("変える"),
    "held_stop": N_("やめる"),
    "held_stopped": N_("「{name}」をやめました。預かったものは消しました。"),
    "held_moved": N_("地域とごみの登録を消しました。"),
    "held_renew": N_("文が新しくなりました。読んで、よければ「続ける」を押してください。"),
    "held_ending": N_("もうすぐ期限が来ます。続けるときは「続ける」を押してください。"),
    "base_read": N_("すべてに共通の約束を読む"),
    "held_renew_go": N_("続ける"),
    "child_stop": N_("止める"),
    "child_born": N_("生まれました"),
    "child_wait": N_("まだです"),
    "child_waits": N_("分かりました。予定月は、このままにします。"),
    "child_due": N_("予定月 {month}"),
    "child_birth": N_("生まれた月 {month}"),
    "of": N_("{name}: {action}"),
    # 控え
    "saved": N_("保存しました"),
    "receipt_number": N_("控えの番号"),
    "receipt_at": N_("日時"),
    "receipt_what": N_("同意したこと"),
    "receipt_unfold": N_("同意した目的({count}つ)を見る"),
    "receipt_until": N_("いつまで"),
    "receipt_text": N_("読んだ文"),
    "receipt_version": N_("第{version}版({language})"),
    "receipt_check": N_("文の照合番号"),
    "copied": N_("控えをコピーしました。"),
    "copy_failed": N_("コピーできませんでした。画面の写真を撮って残せます。"),
    "close_page": N_("この画面を閉じて、LINEに戻ってください。"),
    "proof_number": N_("証の番号"),
    "proof_at": N_("受け付けた日時"),
    "proof_what": N_("消したもの"),
    "erased": N_("登録した内容を消しました。これからは使いません。"),
    "nothing": N_("登録はありませんでした。区は、あなたについて何も預かっていません。"),
    "code_until": N_("{time}まで使えます。"),
    "all_news": N_("お知らせの設定のすべて"),
    # うまくいかないとき: 一つの文と、一つの進み方
    "offline_title": N_("つながりませんでした"),
    "offline_text": N_(
        "何も保存していません。選んだことは、この画面に残っています。電波のよい所で、もう一度お試しください。"
    ),
    "unsure_title": N_("返事がありませんでした"),
    "unsure_text": N_(
        "できたかどうか、まだ分かりません。選んだことは残っています。もう一度押しても、二重にはなりません。"
    ),
    "line_title": N_("LINEにつながりません"),
    "line_text": N_("何も保存していません。少し待ってから、もう一度お試しください。"),
    "refused_title": N_("許可しなくても大丈夫です"),
    "refused_text": N_("使わなくても大丈夫です。何も保存していません。使うときは、もう一度進んでください。"),
    "friend_title": N_("友だちに追加すると受け取れます"),
    "friend_text": N_("文京区を友だちに追加すると受け取れます。まだ何も保存していません。"),
    "friend_go": N_("友だちに追加する"),
    "fields_title": N_("まだ保存していません。直すところがあります。"),
    "fields_text": N_("知らせの出ている欄を直して、もう一度押してください。"),
    "session_title": N_("時間がたったので、もう一度確かめます"),
    "session_text": N_("何も失われていません。選んだことは、この画面に残っています。もう一度LINEで確かめてください。"),
    "session_go": N_("LINEで確かめる"),
    "reopen_text": N_("何も失われていません。LINEに戻り、もう一度このページを開いてください。"),
    "reopen_go": N_("もう一度開く"),
    "closed_title": N_("いまは設定を開けません"),
    "closed_text": N_("区が設定のページを閉じています。何も変わっていません。時間をおいて、もう一度お試しください。"),
    "changed_title": N_("文が新しくなりました"),
    "changed_text": N_("読んでいる間に、同意の文が新しくなりました。何も保存していません。新しい文を読んでください。"),
    "changed_go": N_("新しい文を読む"),
    "busy_title": N_("少し待ってください"),
    "busy_text": N_("続けて操作されたので、受け付けられません。1分ほど待ってから、もう一度お試しください。"),
    "server_title": N_("うまくいきませんでした"),
    "server_text": N_("区の側で問題が起きました。何も失われていません。少し待ってから、もう一度お試しください。"),
    "again": N_("もう一度試す"),
    "left_title": N_("終わりました"),
    "left_text": N_("この端末から、LINEの確認と選んだことを消しました。この画面を閉じてください。"),
    "left_go": N_("はじめの画面へ"),
}
"""鍵 → 日本語の文。"""


def vocabulary() -> list[str]:
    """目録になければならない、選択肢の呼び名。"""
    return [
        *(purpose.label for purpose in Purpose),
        *(band.label for band in AgeBand),
        *(topic.label for topic in Topic),
        *(stream.label for stream in Stream),
        *(slot.label for slot in Slot),
        *(town.name for town in areas.TOWNS),
        areas.OUTSIDE_NAME,
        *(CHOME[number] for number in sorted({area.chome for area in areas.AREAS if area.chome})),
    ]


CHOME = {number: f"{'一二三四五六七八九'[number - 1]}丁目" for number in range(1, 10)}
