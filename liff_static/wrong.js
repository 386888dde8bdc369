// 足りないところ・断られたところ: 言葉を出し、その欄に結ぶ。欄に来た人は、何がいけないかをそこで聞ける(CHECKS 7)。
import { write } from "./words.js";

/** `purpose` の言葉(鍵。空なら消す)を出し、`places`(一つの欄か、ひとまとまりの欄)に結ぶ。 */
export function point(purpose, key, places = []) {
  const words = document.getElementById(`wrong-${purpose}`);
  words.hidden = !key;
  if (key) write(words, key);
  else words.textContent = "";
  untie(words.id);
  if (key) places.forEach((place) => tie(place, words.id));
}

/** 直ったところの結びを解く。すべて直ったら、言葉も消す。 */
export function mend(purpose, left) {
  const words = document.getElementById(`wrong-${purpose}`);
  if (words.hidden) return;
  if (!left.length) return point(purpose, "");
  untie(words.id);
  left.forEach((place) => tie(place, words.id));
}

function tie(place, id) {
  place.setAttribute("aria-describedby", id);
  for (const one of controls(place)) one.setAttribute("aria-invalid", "true");
}

function untie(id) {
  for (const place of document.querySelectorAll(`fieldset[aria-describedby="${id}"], input[aria-describedby="${id}"], select[aria-describedby="${id}"]`)) {
    place.removeAttribute("aria-describedby");
    for (const one of controls(place)) one.removeAttribute("aria-invalid");
  }
}

/** aria-invalid を持てるもの: 一つを選ぶまとまり(radiogroup)はそのまとまり、いくつでも選ぶまとまりは一つずつ。 */
function controls(place) {
  if (!place.matches("fieldset") || place.matches("[role=radiogroup]")) return [place];
  return place.querySelectorAll("input");
}
