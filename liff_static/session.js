// サインイン: SDKで本人を確かめ、生のIDトークンを短いセッションに替える。
import { Trouble, call } from "./api.js";
import liff from "./sdk.js";

const WAIT = 15_000; // ミリ秒。LINEの返事を待つ長さ
const AGAIN = "ward-again";
const ONCE_IN = 30 * 60_000; // この間にもう一度断られたら、自分からは繰り返さない
const LEFTOVERS = ["code", "state", "liffClientId", "liffRedirectUri", "liff.state", "liff.referrer", "liff.hback",
  "liffIsEscapedFromApp", "liffOAuth2Error", "error", "error_description", "pressed"];

const PRESSED = "ward-pressed";
let pressed = location.search.includes("pressed") || remembered();

/** 「LINEで続ける」は、SDKの用意がまだのうちに押されている。もう一度押させない。 */
export const wasPressed = () => pressed;

/** 用意がまだのうちに押された。SDKがこのページを読み直しても(入口から目当ての道へ)覚えている。 */
export function press() {
  pressed = true;
  sessionStorage.setItem(PRESSED, "1");
}

function remembered() {
  const was = sessionStorage.getItem(PRESSED) !== null;
  sessionStorage.removeItem(PRESSED);
  return was;
}

/** SDKを起こす。許可を断って戻ったときは `refused`、LINEに届かないときは `line` か `offline` の Trouble。 */
export async function open() {
  const refused = new URL(location.href).searchParams.has("liffOAuth2Error");
  let timer;
  const late = new Promise((_, give) => { timer = setTimeout(() => give(new Error("late")), WAIT); });
  try {
    await Promise.race([liff.init({ liffId: document.body.dataset.liffId }), late]);
  } catch {
    tidy();
    if (refused) throw new Trouble("refused");
    throw new Trouble(navigator.onLine ? "line" : "offline");
  } finally {
    clearTimeout(timer);
    sessionStorage.removeItem(PRESSED);
  }
  tidy();
  return liff.isLoggedIn();
}

/** 次のときにLINEの画面を見せずに済みそうか。説明のちらつきを避けるためだけに使う。 */
export function likely() {
  const url = new URL(location.href);
  if (url.searchParams.has("liffOAuth2Error")) return false;
  if (pressed || url.searchParams.has("code") || /access_token=/.test(url.hash) || /\bLIFF\b/.test(navigator.userAgent)) return true;
  try {
    return Object.keys(localStorage).some((key) => /^LIFF_STORE:.*accessToken/i.test(key));
  } catch {
    return false;
  }
}

export function signIn() {
  liff.login({ redirectUri: location.origin + location.pathname + location.search });
}

/** 生のIDトークンをセッションに替える。`{friend, held}`。 */
export async function exchange() {
  const token = liff.getIDToken();
  if (!token) throw new Trouble("session");
  return call("POST", "/liff/session", { id_token: token });
}

/** 401のとき: きれいに一度だけサインインし直す。できない・もうしたときは false(画面が聞く)。 */
export function signInAgain() {
  if (liff.isInClient() || Date.now() - Number(sessionStorage.getItem(AGAIN) || 0) < ONCE_IN) return false;
  sessionStorage.setItem(AGAIN, String(Date.now()));
  liff.logout();
  signIn();
  return true;
}

/** 人が自分で押したとき。 */
export function signInByHand() {
  liff.logout();
  signIn();
}

/** この端末から、セッションとSDKの覚えを消す。 */
export async function leave() {
  await call("DELETE", "/liff/session").catch(() => {});
  if (liff.id) liff.logout();
  sessionStorage.clear();
}

export const inClient = () => liff.isInClient();
export const accessToken = () => liff.getAccessToken() || undefined;

/** LINEの中なら閉じる。外では閉じられないので false。 */
export function close() {
  if (!liff.isInClient()) return false;
  liff.closeWindow();
  return true;
}

// 認可コードなどを履歴とログに残さない(LINE.md 3.1 のb)。
function tidy() {
  const url = new URL(location.href);
  for (const name of LEFTOVERS) url.searchParams.delete(name);
  if (/access_token=|id_token=/.test(url.hash)) url.hash = "";
  history.replaceState(null, "", url.pathname + url.search + url.hash);
}
