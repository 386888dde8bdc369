// いまの登録: 何を預かっているか。一つずつ変える、やめる、静かに止める。
import { call } from "./api.js";
import { day } from "./receipt.js";
import { accessToken } from "./session.js";
import * as wrong from "./wrong.js";
import { fill, list as listed, make, say } from "./words.js";

const list = document.getElementById("held-list");
const note = document.getElementById("held-alert");
let todo = {};
let now = null;

/** `handlers`: change(purpose|null), born(), saved(answer), stopped(), gone(answer), trouble(trouble, place), reload() */
export function start(handlers) {
  todo = handlers;
  document.getElementById("change").addEventListener("click", () => handlers.change(null));
  document.getElementById("moved").addEventListener("click", moved);
  document.getElementById("code").addEventListener("click", code);
}

export function show(held) {
  now = held;
  note.hidden = true;
  document.getElementById("held-none").hidden = Boolean(held);
  document.getElementById("held-more").hidden = !held;
  // ページの言語は、お知らせの言語ではない(RULES 47)。
  document.getElementById("held-language").hidden = !held || held.purposes.some((one) => one.code === "language");
  document.getElementById("moved").disabled = false;
  document.getElementById("code-shown").textContent = "";
  list.replaceChildren(...(held ? held.purposes.map(card) : []));
}

function card(one) {
  const title = document.getElementById(`title-${one.code}`).textContent;
  const name = (key) => ({ type: "button", class: "button plain", "aria-label": say("of", { name: title, action: say(key) }) });
  const change = make("button", name("held_change"), say("held_change"));
  const stop = make("button", name("held_stop"), say("held_stop"));
  change.addEventListener("click", () => todo.change(one.code));
  stop.addEventListener("click", () => withdraw(one.code, title));
  const body = one.code === "parenting"
    ? make("details", { class: "more" }, make("summary", {}, say("held_fold")), ...family(one))
    : make("p", { class: "answer" }, answer(one));
  const section = make("section", { class: "card held", "aria-label": title }, make("h3", {}, title), body);
  section.append(make("p", { class: "hint" }, say("held_until", { granted: day(one.granted_at), until: day(one.until) })));
  if (one.renew || one.ending) section.append(renewal(one, name));
  section.append(make("div", { class: "bar-buttons" }, change, stop));
  return section;
}

/** 文を見せて、一度押すだけで続けられる: 文が変わったとき(RULES 38)と、期限が近いとき(P14)。押した目的だけが続く。 */
function renewal(one, name) {
  const go = make("button", name("held_renew_go"), say("held_renew_go"));
  const text = document.querySelector(`#fields-${one.code} .notice`).cloneNode(true);
  const asked = guarded(one.code) ? [guardian(one.code)] : [];
  const box = make("div", { class: "alert look" },
    make("p", {}, say(one.renew ? "held_renew" : "held_ending")), text, common(one.renew), ...asked, make("p", { class: "actions" }, go));
  go.addEventListener("click", () => renew(one.code, box));
  return box;
}

/** 同意の記録は共通の文まで含めて残るので、押す所で読めるようにする。文が変わったときは、開いて出す。 */
function common(open) {
  const text = document.querySelector("#base-title ~ div").cloneNode(true);
  text.className = "notice";
  return make("details", { class: "more", ...(open ? { open: "" } : {}) }, make("summary", {}, say("base_read")), text);
}

/** 15歳以下の方に、新しい文も保護者の方と読んだかを聞く目的(RULES 19)。 */
function guarded(code) {
  const born = (now.children || []).some((child) => child.birth_month);
  return now.age_band === 15 && (["age", "topics"].includes(code) || (code === "parenting" && born));
}

function guardian(code) {
  const asked = document.querySelector("#guardian fieldset").cloneNode(true);
  asked.querySelector(".wrong").id = `wrong-guardian-${code}`;
  for (const radio of asked.querySelectorAll("input")) Object.assign(radio, { name: `guardian-${code}`, checked: false });
  asked.addEventListener("change", (event) => { if (event.target.value === "1") wrong.point(`guardian-${code}`, ""); });
  return asked;
}

async function renew(code, box) {
  const asked = box.querySelector("fieldset");
  const read = Boolean(asked && asked.querySelector("input[value='1']").checked);
  if (asked && !read) {
    wrong.point(`guardian-${code}`, "wrong_guardian", [asked]);
    return asked.querySelector(".wrong").focus();
  }
  return attempt(async () => todo.saved(await call("POST", `/liff/api/me/${code}/renewal`, {
    notice_version: Number(document.body.dataset.notice), notice_language: document.body.dataset.noticeLanguage, guardian: read,
  })));
}

/** 選んだことを、ページの言語の呼び名で。 */
function answer(one) {
  const named = (name, values) => values.map((value) => {
    const input = document.querySelector(`#choices input[name=${name}][value="${value}"]`);
    return input ? input.nextElementSibling.textContent : String(value);
  });
  switch (one.code) {
    case "area": return place(now.area);
    case "age": return named("age_band", [now.age_band || ""]).join("");
    case "topics": return listed(named("topics", now.topics));
    case "garbage": return listed([place(now.collection_area), ...named("streams", now.streams), ...named("slot", [now.slot])].filter(Boolean));
    default: return named("language", [now.language]).join("");
  }
}

function place(code) {
  const buttons = document.getElementById("area-template").content.querySelectorAll(".row");
  for (const button of buttons) {
    if (Number(button.dataset.outside) === code) return button.dataset.name;
    const found = JSON.parse(button.dataset.areas || "[]").find(([one]) => one === code);
    if (found) return `${button.dataset.name} ${found[1]}`;
  }
  return "";
}

/** 子どもや妊娠ごとに、静かに止める。予定月を過ぎていたら、三つを同じ大きさで聞く(RULES 44)。 */
function family() {
  const month = (text) => say("year_month", { year: Number(text.slice(0, 4)), month: Number(text.slice(5, 7)) });
  return (now.children || []).map((child) => {
    const key = child.birth_month ? "child_birth" : "child_due";
    const words = say(key, { month: month(child.birth_month || child.due_month) });
    const buttons = make("div", { class: "bar-buttons" });
    if (child.asks_birth) {
      buttons.append(button(words, "child_born", () => todo.born()), button(words, "child_wait", () => tell(say("child_waits"))));
    }
    buttons.append(button(words, "child_stop", () => stopChild(child.position)));
    return make("div", { class: "one" }, make("p", { class: "answer" }, words), buttons);
  });
}

function button(name, key, act) {
  const made = make("button", { type: "button", class: "button plain", "aria-label": say("of", { name, action: say(key) }) }, say(key));
  made.addEventListener("click", act);
  return made;
}

async function stopChild(position) {
  await attempt(async () => {
    await call("DELETE", `/liff/api/me/children/${position}`);
    todo.stopped();
  });
}

async function withdraw(code, title) {
  await stop([code], say("held_stopped", { name: title }));
}

async function moved() {
  const codes = now.purposes.map((one) => one.code).filter((code) => ["area", "garbage"].includes(code));
  await stop(codes, say("held_moved"));
}

/** 一つずつやめる。最後の一つなら、すべて消したときと同じ画面になる。 */
async function stop(codes, words) {
  await attempt(async () => {
    let left = now.purposes.length;
    for (const code of codes) {
      left -= 1;
      const answer = await call("DELETE", `/liff/api/me/${code}`, left ? undefined : { access_token: accessToken() });
      if (answer.proof && answer.proof.everything) return todo.gone(answer);
    }
    await todo.reload();
    return tell(words);
  });
}

async function code() {
  await attempt(async () => {
    const answer = await call("POST", "/liff/api/code");
    const time = new Date(answer.until).toLocaleTimeString("ja", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });
    const digits = answer.code.replace(/(\d{4})(\d{4})/, "$1 $2");
    document.getElementById("code-shown").replaceChildren(make("strong", {}, digits), make("br"), say("code_until", { time }));
  });
}

async function attempt(act) {
  note.hidden = true;
  try {
    await act();
  } catch (trouble) {
    todo.trouble(trouble, note);
  }
}

function tell(text) {
  fill(note, text);
  note.className = "alert done";
  note.hidden = false;
  note.focus();
}
