// 模擬スマートフォン: 選んだ一人のトークとメニューを、起きたままに見せる。
import { act, listen, read } from "./api.js";
import { instead } from "./bubbles.js";
import { $, clock, dayName } from "./dom.js";
import { drawFriends, wireFriends } from "./friends.js";
import { drawLately } from "./lately.js";
import { drawMenu, forgetMenu, wireMenu } from "./menu.js";
import { closeSheets, openBrowser, openCall, openLiff, wireSheets } from "./sheets.js";
import { drawTalk, forgetTalk, wireTalk } from "./talk.js";

let user = new URLSearchParams(location.search).get("user");
let person = null;
let liffOrigin = "";
let clockAhead = 0;

/** 部品を押したときにできること(actions.js)。 */
const phone = {
  async uri(uri) {
    if (uri.startsWith("tel:")) return openCall(uri);
    const { kind, url, host } = await act(user, "open", { uri });
    if (kind === "liff") {
      liffOrigin = new URL(url).origin;
      openLiff(url, host);
    } else if (kind === "friend") {
      if (!person.friend || person.blocked) await turn("add");
      tell("文京区とのトークを開いています");
    } else openBrowser(url ?? uri, kind === "inside");
  },
  say: (text) => send("text", { text }),
  postback: (data, text) => send("postback", { data, text }),
  swap: (alias, data) => send("switch", { alias, data }),
  async copy(text) {
    await navigator.clipboard.writeText(text);
    tell("コピーしました");
  },
  /** 数えるだけなので、待たず、しくじっても何も言わない。 */
  tapped: (menu, area) => void act(user, "tap", { menu, area }).catch(() => {}),
  tell,
};

async function send(action, body) {
  if (person.blocked) return tell("ブロック中は送れません");
  const answer = await act(user, action, body);
  if (answer.problem) tell(answer.problem);
  await show();
}

async function choose(chosen) {
  if (chosen !== user) {
    user = chosen;
    history.replaceState(null, "", `/phone?user=${encodeURIComponent(user)}`);
    forgetTalk();
    forgetMenu();
    closeSheets();
  }
  document.body.classList.remove("listing");
  await show();
  if (matchMedia("(max-width: 759px)").matches) $("chat").focus();
}

let showing = 0;

async function show() {
  const turn = ++showing;
  const asked = user;
  if (!asked) return redrawFriends();
  let answer;
  try {
    answer = await read(`/phone/api/people/${encodeURIComponent(asked)}`);
  } catch {
    tell("この人は見つかりません");
    return redrawFriends();
  }
  if (turn !== showing || asked !== user) return;
  person = answer;
  setClock(answer.now);
  $("nobody").hidden = true;
  $("actions-who").textContent = `${person.name}さんのスマートフォン`;
  $("phone").dataset.user = person.user;
  drawState();
  const arrived = drawTalk(person.entries, person.now, phone);
  drawMenu(person.menu, phone);
  if (arrived) notify(arrived);
  if (person.unread && !listing()) await act(asked, "read");
  await redrawFriends();
}

/** 狭い画面で一覧を見ている。 */
const listing = () => document.body.classList.contains("listing") && matchMedia("(max-width: 759px)").matches;

let notifying = 0;

/** トークが隠れているときに着いたら、本物と同じく上から知らせる。通知なしのものは知らせない。 */
function notify(entry) {
  if (entry.silent || !document.querySelector("dialog.sheet[open]")) return;
  $("banner-text").textContent = instead(entry.messages[0]);
  $("banner").classList.add("shown");
  clearTimeout(notifying);
  notifying = setTimeout(() => $("banner").classList.remove("shown"), 5000);
}

function drawState() {
  $("block").hidden = !person.friend || person.blocked;
  $("unblock").hidden = !person.blocked;
  $("befriend").hidden = person.friend || person.blocked;
  $("notice").hidden = person.friend && !person.blocked;
  $("notice-text").textContent = person.blocked ? "ブロック中です。メッセージは届きません。" : "まだ友だちではありません。";
  $("notice-button").textContent = person.blocked ? "ブロックを解除" : "友だちに追加";
  $("text").disabled = person.blocked;
  $("text").placeholder = person.blocked ? "ブロック中は送れません" : "メッセージを入力";
  $("foot").classList.toggle("off", person.blocked);
}

async function turn(action) {
  showActions(false);
  await act(user, action);
  await show();
}

function showActions(open) {
  $("actions").hidden = !open;
  $("more-actions").setAttribute("aria-expanded", String(open));
  if (open) $("actions").querySelector("button:not([hidden])")?.focus();
}

let telling = 0;

function tell(words) {
  clearTimeout(telling);
  $("toast").textContent = words;
  $("toast").classList.add("shown");
  telling = setTimeout(() => $("toast").classList.remove("shown"), 2600);
}

function setClock(now) {
  clockAhead = new Date(now) - Date.now();
  tick();
}

function tick() {
  const moment = Date.now() + clockAhead;
  for (const name of ["clock", "lock-clock"]) $(name).textContent = clock(moment);
  $("lock-day").textContent = dayName(moment, 0);
}

const redrawFriends = async () => {
  const now = await drawFriends(user, choose);
  if (now && !user) setClock(now);
};

let pending = 0;

/** 続けて起きた変化は、まとめて一度だけ描き直す。 */
function changed({ users }) {
  if (users === null || users.includes(user)) show();
  clearTimeout(pending);
  pending = setTimeout(() => {
    redrawFriends();
    drawLately();
  }, 250);
}

function wire() {
  wireFriends(redrawFriends);
  wireMenu(() => person?.menu ?? null);
  wireSheets();
  wireTalk();
  $("back").addEventListener("click", () => {
    document.body.classList.add("listing");
    $("search").focus();
  });
  $("more-actions").addEventListener("click", () => showActions($("actions").hidden));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#actions, #more-actions")) showActions(false);
  });
  $("phone").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || $("actions").hidden) return;
    showActions(false);
    $("more-actions").focus();
  });
  $("block").addEventListener("click", () => turn("block"));
  $("unblock").addEventListener("click", () => turn("unblock"));
  $("befriend").addEventListener("click", () => turn("add"));
  $("notice-button").addEventListener("click", () => turn(person.blocked ? "unblock" : "add"));
  wireWriting();
  // LIFFのページは、閉じることと外のリンクを開くことだけを頼める。
  window.addEventListener("message", (event) => {
    if (event.origin !== liffOrigin || event.source !== $("liff-frame").contentWindow) return;
    if (event.data?.liff === "close") closeSheets();
    if (event.data?.liff === "open" && typeof event.data.url === "string") phone.uri(event.data.url);
    if (event.data?.liff === "title" && typeof event.data.title === "string") $("liff-title").textContent = event.data.title;
  });
  $("banner").addEventListener("click", () => {
    $("banner").classList.remove("shown");
    closeSheets();
  });
  setInterval(tick, 10_000);
  tick();
}

function wireWriting() {
  const text = $("text");
  const fit = () => {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 96)}px`;
    $("send").disabled = !text.value.trim();
  };
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("write").requestSubmit();
  });
  $("write").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (!words || !user) return;
    text.value = "";
    fit();
    phone.say(words);
  });
  fit();
}

wire();
if (user) document.body.classList.remove("listing");
listen(changed, (connected) => {
  document.body.classList.toggle("offline", !connected);
  if (connected) changed({ users: null });
});
