// 控えと、消去の証。
import { close } from "./session.js";
import { list, make, say, write } from "./words.js";

const status = document.getElementById("copied");
let kept = "";
let address = "";

export function start() {
  document.getElementById("copy").addEventListener("click", copy);
  document.getElementById("back-to-line").addEventListener("click", () => {
    if (!close()) tell("close_page");
  });
}

/** `answer`: {receipt, text} */
export function show({ receipt, text }) {
  kept = `${text}\n\n${JSON.stringify(receipt)}`;
  URL.revokeObjectURL(address);
  address = URL.createObjectURL(new Blob([JSON.stringify(receipt, null, 1)], { type: "application/json" }));
  document.getElementById("keep-receipt").href = address;
  status.textContent = "";
  const first = receipt.processing[0];
  rows("receipt", [
    ["receipt_number", receipt.record_id, "number"],
    ["receipt_at", moment(receipt.issued_at)],
    ["receipt_what", folded(receipt.processing.map((one) => title(one.purpose)))],
    ["receipt_until", day(first.valid_until)],
    ["receipt_text", say("receipt_version", { version: first.notice_version, language: name(first.notice_language) })],
    ["receipt_check", first.notice_sha256.slice(0, 16), "number"],
  ]);
}

/** `answer`: {proof, deauthorized} */
export function showProof({ proof, deauthorized }) {
  write(document.getElementById("erased-words"), proof ? "erased" : "nothing");
  document.getElementById("proof-box").hidden = !proof;
  document.getElementById("still-linked").hidden = deauthorized === true;
  if (!proof) return;
  const everything = proof.everything || !proof.withdrawn.length;
  rows("proof", [
    ["proof_number", proof.record_id, "number"],
    ["proof_at", moment(proof.issued_at)],
    ["proof_what", everything ? say("all_news") : list(proof.withdrawn.map(title))],
  ]);
}

/** 目的の名は、開くまで出さない: 控えの写真に、妊娠や子育てを写すかどうかは本人が選ぶ(RULES 44)。 */
function folded(titles) {
  return make("details", { class: "more" }, make("summary", {}, say("receipt_unfold", { count: titles.length })), make("p", {}, list(titles)));
}

function rows(id, lines) {
  document.getElementById(id).replaceChildren(
    ...lines.map(([key, value, kind]) => make("div", {}, make("dt", {}, say(key)), make("dd", kind ? { class: kind, translate: "no" } : {}, value))),
  );
}

async function copy() {
  try {
    await navigator.clipboard.writeText(kept);
    tell("copied");
  } catch {
    tell("copy_failed");
  }
}

function tell(key) {
  write(status, key);
}

export const locale = document.documentElement.lang || "ja";

export function day(text) {
  return new Date(text).toLocaleDateString(locale, { timeZone: "Asia/Tokyo", year: "numeric", month: "long", day: "numeric" });
}

export function moment(text) {
  return new Date(text).toLocaleString(locale, {
    timeZone: "Asia/Tokyo", year: "numeric", month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit",
  });
}

function title(purpose) {
  return document.getElementById(`title-${purpose}`).textContent;
}

function name(language) {
  const link = document.querySelector(`.languages a[href*="lang=${language}"]`);
  return link ? link.textContent : language;
}
