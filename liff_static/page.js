// 一枚のページの流れ: 説明 → LINEの確認 → 友だちか → 選ぶ → 控え。人のことは、保存を押すまでどこにも出ない。
import { Trouble, call } from "./api.js";
import * as form from "./form.js";
import * as choices from "./choices.js";
import * as held from "./held.js";
import * as receipt from "./receipt.js";
import * as session from "./session.js";
import * as trouble from "./trouble.js";
import { hush } from "./words.js";

const views = [...document.querySelectorAll("[data-view]")];
const signIn = document.getElementById("sign-in");
let ready = false; // SDKの用意ができ、押せばLINEへ移れる
let inside = false; // セッションがある
let mine = null; // 預かっている内容
let wanted = document.body.dataset.start;

const act = { again, signIn: () => { keepDraft(); session.signInByHand(); }, reload: () => location.reload() };

form.start({ saved, erase: () => show("erase"), back, trouble: fail });
held.start({ change, born, saved, stopped: () => show("stopped"), gone, trouble: fail, reload });
receipt.start();
wire();
begin();

async function begin() {
  if (session.likely()) show("wait", false);
  try {
    if (!(await session.open())) return session.wasPressed() ? session.signIn() : welcome();
    await enter();
  } catch (error) {
    stop(error);
  }
}

async function enter() {
  show("wait", false);
  const { friend, held: registered } = await session.exchange();
  inside = true;
  document.getElementById("leave-item").hidden = session.inClient() || window.parent !== window; // 枠の中は、お試しの電話だけ
  mine = registered ? (await call("GET", "/liff/api/me")).held : null;
  if (!friend && !mine) throw new Trouble("friend");
  arrive();
}

/** 書きかけがあれば、それを見せる。なければ、道と登録のあるなしで、最初の画面が決まる。 */
function arrive() {
  const start = wanted;
  wanted = "start";
  if (form.resume(mine)) return show("form");
  if (start === "erase") return show("erase");
  if (mine || start === "stop") return showHeld();
  form.fresh(null);
  return show("form");
}

function welcome() {
  ready = true;
  show("welcome", false);
}

function again() {
  return inside ? enter().catch(stop) : location.reload();
}

function showHeld() {
  held.show(mine);
  show("held");
  if (mine && document.body.dataset.start === "stop") {
    const fold = document.querySelector("#held-list details");
    if (fold) fold.open = true;
  }
}

function change(purpose) {
  form.fresh(mine);
  show("form");
  if (purpose) choices.show(purpose);
}

/** 予定月の代わりに、生まれた月を入れてもらう。 */
function born() {
  form.born(mine);
  show("form");
  choices.show("parenting");
}

async function reload() {
  mine = (await call("GET", "/liff/api/me")).held;
  showHeld();
}

async function saved(answer) {
  receipt.show(answer);
  const more = document.getElementById("more-to-renew");
  more.hidden = true;
  show("done");
  mine = await call("GET", "/liff/api/me").then((me) => me.held, () => null);
  more.hidden = !mine || !mine.purposes.some((one) => one.renew || one.ending);
}

/** 選ぶ画面が見えているときだけ: ほかの画面の裏に残った選びかけは、書きかけにしない。 */
function keepDraft() {
  if (document.body.dataset.now === "form") form.keepDraft();
}

function back() {
  if (mine) return showHeld();
  if (session.close()) return undefined;
  form.fresh(null);
  return show("welcome");
}

async function erase() {
  const place = document.getElementById("erase-alert");
  place.hidden = true;
  try {
    await gone(await call("DELETE", "/liff/api/me", { access_token: session.accessToken() }));
  } catch (error) {
    fail(error, place);
  }
}

/** 何も預からなくなった: 証を見せ、この端末からも終わる(サーバーの側では、もう終わっている)。 */
async function gone(answer) {
  mine = null;
  inside = false;
  form.reset();
  receipt.showProof(answer);
  show("erased");
  await session.leave();
}

/** いまの画面に残ったまま知らせる。セッション切れは、書きかけを取っておいて一度だけサインインし直す。 */
function fail(error, place) {
  const kind = error instanceof Trouble ? error.kind : "server";
  if (kind === "session") {
    keepDraft();
    if (session.signInAgain()) return show("wait", false);
  }
  if (!(error instanceof Trouble)) console.error(error);
  return trouble.fillPlace(place, kind, { inClient: session.inClient(), act });
}

/** 画面そのものが出せないとき。 */
function stop(error) {
  const kind = error instanceof Trouble ? error.kind : "server";
  if (kind === "session" && session.signInAgain()) return;
  if (!(error instanceof Trouble)) console.error(error);
  trouble.fillView(kind, { inClient: session.inClient(), act });
  show("trouble");
}

function wire() {
  signIn.addEventListener("click", (event) => {
    event.preventDefault();
    if (ready) return session.signIn();
    session.press();
    return show("wait", false);
  });
  document.getElementById("erase").addEventListener("click", erase);
  document.getElementById("keep").addEventListener("click", () => (inside ? reload().catch(stop) : show("welcome")));
  document.getElementById("stopped-back").addEventListener("click", () => reload().catch(stop));
  document.getElementById("renew-more").addEventListener("click", () => reload().catch(stop));
  document.getElementById("leave").addEventListener("click", async () => {
    await session.leave();
    form.reset();
    mine = null;
    inside = false;
    document.getElementById("leave-item").hidden = true;
    trouble.fillView("left", { inClient: false, act });
    show("trouble");
  });
  inPlace("go-held", () => { form.reset(); reload().catch(stop); });
  inPlace("go-erase", () => show("erase"));
  for (const link of document.querySelectorAll(".languages a")) {
    link.addEventListener("click", () => { if (inside) keepDraft(); });
  }
}

/** 中にいるときは、ページを読み直さずに移る。 */
function inPlace(id, go) {
  document.getElementById(id).addEventListener("click", (event) => {
    if (!inside) return;
    event.preventDefault();
    go();
  });
}

/** 画面を替え、題に目と読み上げを移す。 */
function show(name, focus = true) {
  for (const view of views) view.hidden = view.dataset.view !== name;
  document.body.dataset.now = name;
  hush();
  const title = document.getElementById(`${name}-title`);
  if (!focus || !title) return;
  window.scrollTo(0, 0);
  title.focus({ preventScroll: true });
}
