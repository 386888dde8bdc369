// 目的ごとのカード。スイッチは切れて始まり、入れると開き、切ると選んだことを忘れる。
import { AreaPicker } from "./area.js";
import { Children } from "./children.js";
import * as wrong from "./wrong.js";
import { announce, say } from "./words.js";

export const PURPOSES = ["area", "age", "parenting", "topics", "garbage", "language"];
// 15歳以下の方に、保護者の方と読んだかを聞く目的(RULES 19)。妊娠だけのときは聞かない。
const gated = () => isOn("age") || isOn("topics") || (isOn("parenting") && children.value.some((child) => child.birth_month));
const YOUNG = "15";
const ANSWERS = { area: ["area"], age: ["age_band"], parenting: ["children"], topics: ["topics"],
  garbage: ["collection_area", "streams", "slot"], language: ["language"] };

const form = document.getElementById("choices");
const card = (purpose) => form.querySelector(`[data-purpose=${purpose}]`);
const fields = (purpose) => document.getElementById(`fields-${purpose}`);
const inputs = (name) => [...form.querySelectorAll(`input[name=${name}]`)];
const picked = (name) => inputs(name).filter((input) => input.checked).map((input) => input.value);
const fold = document.getElementById("parenting-fold");
const guardian = document.getElementById("guardian");
const sameArea = document.getElementById("same-area");

let changed = () => {};
const tell = () => {
  guardian.hidden = !(isOn("age") && picked("age_band")[0] === YOUNG);
  sameArea.hidden = !pickers.area.value || pickers.collection_area.value === pickers.area.value;
  // 直ったところの知らせは消す。
  for (const purpose of PURPOSES) wrong.mend(purpose, missing(purpose));
  wrong.mend("guardian", guardian.hidden || picked("guardian")[0] === "1" ? [] : [guardian.querySelector("fieldset")]);
  document.getElementById("consult").hidden = !children.value.some((child) => child.due_month);
  changed();
};
const pickers = {};
for (const place of form.querySelectorAll(".area-slot")) pickers[place.dataset.area] = new AreaPicker(place, tell);
const children = new Children(tell);

export function start(onChange) {
  changed = onChange;
  for (const purpose of PURPOSES) toggle(purpose).addEventListener("change", () => flip(purpose));
  form.addEventListener("change", tell);
  sameArea.querySelector("button").addEventListener("click", () => {
    pickers.collection_area.set(pickers.area.value);
    tell();
  });
  for (const chip of document.querySelectorAll("button[data-only]")) {
    chip.addEventListener("click", () => only(chip.dataset.only));
  }
  only(document.body.dataset.only);
}

/** 「ごみだけ」「地域だけ」: ほかのカードを隠すだけで、何も選ばない。 */
export function only(purpose) {
  for (const chip of document.querySelectorAll("button[data-only]")) {
    chip.setAttribute("aria-pressed", String(chip.dataset.only === purpose));
  }
  for (const one of PURPOSES) card(one).hidden = Boolean(purpose) && one !== purpose && !isOn(one);
}

export function isOn(purpose) {
  return toggle(purpose).checked;
}

export function chosen() {
  return PURPOSES.filter(isOn);
}

export function title(purpose) {
  return document.getElementById(`title-${purpose}`).textContent;
}

/** その目的の答えが、`before`(前の `payload()`)と違う。 */
export function differs(purpose, before) {
  const now = payload();
  return ANSWERS[purpose].some((name) => JSON.stringify(now[name]) !== JSON.stringify(before[name]));
}

/** 保存に送る形。スイッチの切れた目的の欄は入れない。年代の「答えない」は null(P19)、まだ選んでいなければ欄がない。 */
export function payload() {
  const on = (purpose, value) => (isOn(purpose) ? value : null);
  return {
    purposes: chosen(),
    area: on("area", pickers.area.value),
    age_band: on("age", picked("age_band").length ? Number(picked("age_band")[0]) || null : undefined),
    children: isOn("parenting") ? children.value : [],
    topics: isOn("topics") ? picked("topics") : [],
    language: on("language", picked("language")[0] || null),
    collection_area: on("garbage", pickers.collection_area.value),
    streams: isOn("garbage") ? picked("streams") : [],
    slot: on("garbage", Number(picked("slot")[0]) || null),
    guardian: !guardian.hidden && picked("guardian")[0] === "1",
    notice_version: Number(document.body.dataset.notice),
    notice_language: document.body.dataset.noticeLanguage,
  };
}

/** 預かっている内容、または書きかけを入れる。妊娠・子育ては畳んだまま(RULES 44)。 */
export function load(held) {
  for (const purpose of PURPOSES) {
    toggle(purpose).checked = held.purposes.includes(purpose);
    fields(purpose).hidden = !toggle(purpose).checked;
    forget(purpose);
  }
  pickers.area.set(held.area);
  pickers.collection_area.set(held.collection_area);
  check("age_band", isOn("age") && held.age_band !== undefined ? [String(held.age_band || "")] : []);
  check("topics", held.topics || []);
  check("language", [held.language]);
  check("streams", held.streams || []);
  check("slot", [String(held.slot)]);
  if (isOn("parenting")) children.set(held.children || []);
  fold.open = false;
  only(document.body.dataset.only);
  tell();
}

export function clear() {
  load({ purposes: [] });
}

/** 足りない目的の言葉を出し、最初の欄に移る。そろっていれば true。 */
export function complete() {
  const short = chosen().filter((purpose) => missing(purpose).length);
  const young = !guardian.hidden && picked("guardian")[0] !== "1" && gated();
  for (const purpose of PURPOSES) wrong.point(purpose, short.includes(purpose) ? `wrong_${purpose}` : "", missing(purpose));
  wrong.point("guardian", young ? "wrong_guardian" : "", [guardian.querySelector("fieldset")]);
  if (short.length) reach(short[0]);
  else if (young) document.getElementById("wrong-guardian").focus();
  return !short.length && !young;
}

/** サーバーが断った欄。言葉は、この画面の言語で持っている。 */
export function refuse(purposes) {
  for (const purpose of [...PURPOSES, "guardian"]) {
    const key = purpose === "parenting" ? "unfit_parenting" : `wrong_${purpose}`;
    wrong.point(purpose, purposes.includes(purpose) ? key : "", places(purpose));
  }
  const first = purposes.find((purpose) => PURPOSES.includes(purpose));
  if (first) reach(first);
}

/** そのカードまで動かし、スイッチに移る。 */
export function show(purpose) {
  card(purpose).hidden = false;
  if (purpose === "parenting") fold.open = true;
  toggle(purpose).focus();
  card(purpose).scrollIntoView({ block: "start" });
}

function flip(purpose) {
  fields(purpose).hidden = !isOn(purpose);
  wrong.point(purpose, "");
  if (isOn(purpose)) {
    if (purpose === "parenting") {
      children.set([]);
      fold.open = true;
    }
    announce(say("opened", { name: title(purpose) }));
  } else {
    forget(purpose);
    announce(say("closed", { name: title(purpose) }));
  }
  tell();
}

function forget(purpose) {
  wrong.point(purpose, "");
  for (const input of fields(purpose).querySelectorAll("input[type=radio], input[type=checkbox]")) input.checked = false;
  if (purpose === "area") pickers.area.clear();
  if (purpose === "garbage") pickers.collection_area.clear();
  if (purpose === "parenting") children.clear();
  if (purpose === "age") check("guardian", []);
}

/** まだ答えのない欄。そろっていれば空。 */
function missing(purpose) {
  if (purpose === "parenting") return children.wrong;
  return ANSWERS[purpose].filter((name) => (pickers[name] ? !pickers[name].value : !picked(name).length)).map(place);
}

/** その目的の欄のすべて。 */
function places(purpose) {
  if (purpose === "guardian") return [guardian.querySelector("fieldset")];
  return purpose === "parenting" ? children.selects : ANSWERS[purpose].map(place);
}

function place(name) {
  return pickers[name] ? pickers[name].current : inputs(name)[0].closest("fieldset");
}

function reach(purpose) {
  card(purpose).hidden = false;
  if (purpose === "parenting") fold.open = true;
  document.getElementById(`wrong-${purpose}`).focus();
}

function check(name, values) {
  for (const input of inputs(name)) input.checked = values.includes(input.value);
}

function toggle(purpose) {
  return document.getElementById(`on-${purpose}`);
}
