// 書きかけ: サインインし直すときと、ページの言語を変えるときだけ、この端末のこのタブに置く。
const KEY = "ward-draft";

export function keep(choices) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(choices));
  } catch { /* 置けない端末では、選び直してもらう */ }
}

/** 一度だけ取り出し、端末からは消す。取り出せるのは、選ぶ画面を見せるときだけ。 */
export function take() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    sessionStorage.removeItem(KEY);
    return kept;
  } catch {
    return null;
  }
}

export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch { /* 何もない */ }
}
