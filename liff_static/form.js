// 選ぶ画面: 下の一文、保存、保存しないで戻る。
import { call } from "./api.js";
import * as choices from "./choices.js";
import * as draft from "./draft.js";
import { announce, make, say, write } from "./words.js";

const form = document.getElementById("choices");
const alert = document.getElementById("form-alert");
const bar = form.querySelector(".bar");
let held = null;

/** `handlers`: saved(answer), erase(), back(), trouble(trouble), ask() */
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

/** 何も選ばれていない形、または預かっている内容で始める。書きかけがあれば続きから。 */
export function fresh(now) {
  held = now;
  choices.load(now ? asChoices(now) : { purposes: [] });
  const kept = draft.take();
  if (kept) choices.load(kept);
  describe();
}

/** いまの内容のまま、新しい文に同意する。保護者の方と読んだかを聞くときだけ、選ぶ画面に移る。 */
export async function renew(now, handlers, place) {
  fresh(now);
  if (choices.complete()) return send(handlers, place);
  handlers.ask();
  choices.complete(); // 見えるようになってから、その欄に移る
  return announce(say("wrong_title"));
}

export function reset() {
  held = null;
  draft.forget();
  choices.clear();
  quiet();
}

export function keepDraft() {
  if (choices.chosen().length) draft.keep(choices.payload());
}

async function save(handlers) {
  quiet();
  const chosen = choices.chosen();
  if (!chosen.length && held) return handlers.erase();
  if (!chosen.length) return warn("wrong_none");
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

function describe() {
  const words = document.getElementById("bar-words");
  const count = choices.chosen().length;
  const stopped = held ? held.purposes.filter((one) => !choices.isOn(one.code)) : [];
  if (!count) write(words, held ? "bar_stop_all" : "bar_none");
  else write(words, "bar_some", { count });
  if (count && stopped.length) {
    words.append(make("br"), make("span", {}, say("bar_stop", { names: stopped.map((one) => choices.title(one.code)).join("・") })));
  }
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
