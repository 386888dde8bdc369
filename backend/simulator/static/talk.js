// トーク: 日付の区切り、吹き出し、時刻。新しいものだけを足し、読んでいる場所を動かさない。
import { drawMessage } from "./bubbles.js";
import { $, clock, day, dayName, make } from "./dom.js";

let drawn = new Set();
let lastDay = "";

export function forgetTalk() {
  drawn = new Set();
  lastDay = "";
  $("chat").replaceChildren();
  $("new-below").hidden = true;
}

/** 足したあと、下を見ていた人には下を、上を読んでいた人には知らせだけを見せる。いま着いたものがあれば返す。 */
export function drawTalk(entries, now, phone) {
  const talk = $("chat");
  const first = drawn.size === 0;
  const atBottom = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  const fresh = entries.filter((entry) => !drawn.has(entry.id));
  for (const entry of fresh) {
    if (day(entry.at) !== lastDay) talk.append(make("p", { class: "day" }, make("span", {}, dayName(entry.at, now))));
    lastDay = day(entry.at);
    talk.append(...(entry.side === "mine" ? [mine(entry)] : theirs(entry, phone, !first)));
    drawn.add(entry.id);
  }
  markEmpty(talk);
  if (!fresh.length) return null;
  if (first || atBottom || fresh.at(-1).side === "mine") toBottom(!first);
  else $("new-below").hidden = false;
  const newest = fresh.at(-1);
  return first || newest.side === "mine" ? null : newest;
}

/** 何もないあいだは何度描き直しても、断りは一つだけ。 */
function markEmpty(talk) {
  const mark = talk.querySelector(".empty");
  if (drawn.size) mark?.remove();
  else if (!mark) talk.append(make("p", { class: "empty" }, "まだメッセージはありません。"));
}

export function wireTalk() {
  $("new-below").addEventListener("click", () => toBottom(true));
  $("chat").addEventListener("scroll", () => {
    const talk = $("chat");
    if (talk.scrollHeight - talk.scrollTop - talk.clientHeight < 40) $("new-below").hidden = true;
  });
  // 下を見ているあいだは、メニューを開いても画像が届いても、下を見せ続ける。
  let stuck = true;
  let height = 0;
  $("chat").addEventListener("scroll", () => {
    const talk = $("chat");
    if (talk.clientHeight !== height) return; // 高さが変わったために動いただけで、人は動かしていない
    stuck = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  });
  new ResizeObserver(() => {
    height = $("chat").clientHeight;
    if (stuck) toBottom(false);
  }).observe($("chat"));
}

export function toBottom(smooth) {
  const talk = $("chat");
  const calm = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
  talk.scrollTo({ top: talk.scrollHeight, behavior: calm ? "auto" : "smooth" });
  $("new-below").hidden = true;
}

function mine(entry) {
  const bubble = make("div", { class: "bubble", "data-testid": "bubble" }, entry.text);
  return make("div", { class: "row mine" }, make("span", { class: "meta" }, time(entry.at)), bubble);
}

function theirs(entry, phone, arriving) {
  return entry.messages.map((message, index) => {
    const drawing = drawMessage(message, phone);
    const isWide = drawing.classList.contains("wide-bubble") || drawing.classList.contains("imagemap");
    const last = index === entry.messages.length - 1;
    const meta = make("span", { class: "meta" }, last && entry.silent ? silentMark() : null, last ? time(entry.at) : null);
    const head = index === 0 ? make("span", { class: "from" }, "文京区") : null;
    const row = make("div", { class: `row theirs${isWide ? " full" : ""}${arriving ? " arriving" : ""}` });
    row.append(make("span", { class: `avatar${index ? " again" : ""}`, "aria-hidden": "true" }, index ? "" : "文"));
    row.append(make("div", { class: "said" }, head, make("div", { class: "line" }, drawing, meta)));
    return row;
  });
}

function time(at) {
  return make("time", { datetime: at }, clock(at));
}

function silentMark() {
  const mark = make("span", { class: "silent", role: "img", "aria-label": "通知なしで届いたメッセージ", title: "通知なし" });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M2 2l12 12M5 5.200A3.800 3.800 0 0 0 4.200 7.500v2L3 11.500h8M12 9.500v-2A4 4 0 0 0 6.700 3.700M6.700 13.500h2.600");
  svg.append(path);
  mark.append(svg);
  return mark;
}
