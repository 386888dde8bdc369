// 選ぶ画面: 下の一文、保存、保存しないで戻る。
import { call } from "./api.js";
import * as choices from "./choices.js";
import * as draft from "./draft.js";
import { announce, make, say, write } from "./words.js";

const form = document.getElementById("choices");
const alert = document.getElementById("form-alert");
const bar = form.querySelector(".bar");
let held = null; // 預かっている内容
let before = null; // それを入れたときの欄。違うところだけが、この保存で同意するもの

/** `handlers`: saved(answer), erase(), back(), trouble(trouble, place) */
export function start(handlers) {
  choices.start(describe);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(handlers);
  });
  document.getElementById("cancel").addEventListener("click", () => {
    reset();
    handlers.back();
  });
  // 文字を打つ間は、下の帯が欄にかぶらないように流れの中に戻す。
  form.addEventListener("focusin", (event) => form.classList.toggle("typing", event.target.type === "search"));
  form.addEventListener("focusout", () => form.classList.remove("typing"));
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  }).observe(bar);
}

/** 何も選ばれていない形、または預かっている内容(`now`)で始める。`typed` は、そこへ初めから入れておくもの。 */
export function fresh(now, typed = null) {
  draft.forget();
  held = now;
  choices.load(now ? asChoices(now) : { purposes: [] });
  before = now && choices.payload();
  if (typed) choices.load(typed);
  describe();
}

/** 書きかけがあれば、それを見せて始める。なければ false: 見えないところでは、書きかけを使わない。 */
export function resume(now) {
  const kept = draft.take();
  if (kept) fresh(now, kept);
  return Boolean(kept);
}

/** 予定月の代わりに、生まれた月を入れてもらう。 */
export function born(now) {
  const children = now.children.map((child) => (child.birth_month ? child : {}));
  fresh(now, { ...asChoices(now), children });
}

export function reset() {
  held = null;
  before = null;
  draft.forget();
  choices.clear();
  quiet();
}

export function keepDraft() {
  if (held || choices.chosen().length) draft.keep(choices.payload());
}

async function save(handlers) {
  quiet();
  const chosen = choices.chosen();
  if (!chosen.length && held) return handlers.erase();
  if (!chosen.length) return warn("wrong_none");
  if (held && !affirmed().length && !stopped().length) return warn("wrong_same");
  if (!choices.complete()) return announce(say("wrong_title"));
  return send(handlers, alert);
}

async function send(handlers, place) {
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await call("PUT", "/liff/api/me", choices.payload());
    reset();
    return handlers.saved(answer);
  } catch (trouble) {
    if (trouble.kind === "fields" && trouble.answer.fields) choices.refuse(purposesOf(trouble.answer.fields));
    return handlers.trouble(trouble, place);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

/** この保存で同意する目的: 新しく入れたものと、答えの変わったもの。サーバーも同じように比べる。 */
function affirmed() {
  return choices.chosen().filter((code) => !before || !before.purposes.includes(code) || choices.differs(code, before));
}

function stopped() {
  return held ? held.purposes.map((one) => one.code).filter((code) => !choices.isOn(code)) : [];
}

/** 下の一文: 押すと何に同意し、何をやめ、何が前のままかを、そのとおりに言う。 */
function describe() {
  const words = document.getElementById("bar-words");
  const count = affirmed().length;
  const kept = choices.chosen().length - count;
  if (!count && !kept) return write(words, held ? "bar_stop_all" : "bar_none");
  const lines = [];
  if (count) lines.push(say("bar_some", { count }));
  if (stopped().length) lines.push(say("bar_stop", { names: stopped().map(choices.title).join("・") }));
  if (kept) lines.push(lines.length ? say("bar_kept", { count: kept }) : say("bar_same"));
  return words.replaceChildren(...lines.flatMap((line, n) => [...(n ? [make("br")] : []), make("span", {}, line)]));
}

function warn(key) {
  write(alert, key);
  alert.hidden = false;
  alert.focus();
}

function quiet() {
  alert.hidden = true;
  alert.replaceChildren();
}

function asChoices(now) {
  return {
    ...now,
    purposes: now.purposes.map((one) => one.code),
  };
}

const OF_FIELD = { area: "area", age_band: "age", children: "parenting", topics: "topics", collection_area: "garbage",
  streams: "garbage", slot: "garbage", language: "language", guardian: "guardian" };

function purposesOf(fields) {
  const names = Array.isArray(fields) ? fields : Object.keys(fields);
  return [...new Set(names.map((name) => OF_FIELD[name.split(/[.[]/)[0]] || name))].filter((name) => name === "guardian" || choices.PURPOSES.includes(name));
}
