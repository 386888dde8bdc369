// 友だちの一覧: 顔ぶれを上に、何千人いても少しずつ。
import { read } from "./api.js";
import { $, clock, day, dayName, make } from "./dom.js";
import { instead } from "./bubbles.js";

const PAGE = 40;
let asked = 0;
let limit = PAGE;

export async function drawFriends(chosen, choose) {
  const turn = ++asked;
  const query = new URLSearchParams({ search: $("search").value.trim(), limit: String(limit) });
  const answer = await read(`/phone/api/people?${query}`);
  if (turn !== asked) return null; // 打ち終わる前の答えは捨てる
  const scroll = document.querySelector(".friends-scroll").scrollTop;
  const held = document.activeElement?.dataset?.testid;
  $("people").replaceChildren(...answer.people.map((person) => row(person, person.user === chosen, answer.now, choose)));
  if (held?.startsWith("friend-")) document.querySelector(`[data-testid="${held}"]`)?.focus();
  document.querySelector(".friends-scroll").scrollTop = scroll;
  $("people-none").hidden = answer.people.length > 0;
  $("more").hidden = answer.people.length >= answer.total;
  $("people-total").textContent = `${answer.total.toLocaleString("ja-JP")}人`;
  const elsewhere = answer.people.filter((person) => person.user !== chosen).reduce((sum, person) => sum + person.unread, 0);
  $("back-unread").textContent = elsewhere ? (elsewhere > 99 ? "99+" : String(elsewhere)) : "";
  return answer.now;
}

export function wireFriends(redraw) {
  let timer = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(timer);
    limit = PAGE;
    timer = setTimeout(redraw, 150);
  });
  $("more").addEventListener("click", () => {
    limit += PAGE * 2;
    redraw();
  });
  $("people").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...$("people").querySelectorAll("button")];
    all[all.indexOf(document.activeElement) + step]?.focus();
  });
}

function row(person, current, now, choose) {
  const preview = person.blocked ? "ブロック中" : !person.friend ? "友だちではありません" : person.last ? instead(person.last.message) : person.note || "まだメッセージはありません";
  const when = person.last ? (day(person.last.at) === day(now) ? clock(person.last.at) : dayName(person.last.at, now)) : "";
  const unread = person.unread && !current ? make("span", { class: "unread", "aria-label": `未読${person.unread}件` }, person.unread > 99 ? "99+" : String(person.unread)) : null;
  const name = make("span", { class: "person-name" }, person.name, person.note && person.last ? make("small", {}, person.note) : null);
  const button = make(
    "button",
    { type: "button", "data-testid": `friend-${person.user}`, "aria-current": current ? "true" : null, onclick: () => choose(person.user) },
    make("span", { class: `face face-${person.face}`, "aria-hidden": "true" }, [...person.name][0] ?? "?"),
    name,
    make("span", { class: "when" }, when),
    make("span", { class: `preview${person.blocked || !person.friend ? " off" : ""}` }, preview),
    unread,
  );
  return make("li", {}, button);
}
