// うまくいかないとき: それぞれに一つの文と、一つの進み方。
import { make, say, write } from "./words.js";

const FRIEND = "https://line.me/R/ti/p/";

/** 進み方の鍵と、押したときにすること。`act` は {again, signIn, reopen, reload, friend} */
function way(kind, inClient) {
  if (kind === "friend") return ["friend_go", "friend"];
  if (kind === "session") return inClient ? ["reopen_go", "reopen"] : ["session_go", "signIn"];
  if (kind === "changed") return ["changed_go", "reload"];
  if (kind === "refused") return ["again", "signIn"];
  if (kind === "left") return ["left_go", "reload"];
  return ["again", "again"]; // offline, unsure, line, closed, busy, server
}

/** 一枚の画面として出す。 */
export function fillView(kind, { inClient, act }) {
  write(document.getElementById("trouble-title"), `${kind}_title`);
  write(document.getElementById("trouble-words"), kind === "session" && inClient ? "reopen_text" : `${kind}_text`);
  const [key, name] = way(kind, inClient);
  const go = document.getElementById("trouble-go");
  const fresh = go.cloneNode(false);
  write(fresh, key);
  go.replaceWith(fresh);
  arm(fresh, name, act);
  document.getElementById("trouble-free").hidden = kind === "left";
}

/** いまの画面を残したまま、その場所に出す。 */
export function fillPlace(place, kind, { inClient, act }) {
  const [key, name] = way(kind, inClient);
  const go = make("a", { class: "button plain", href: "#main" }, say(key));
  arm(go, name, act);
  place.className = "alert";
  place.replaceChildren(
    make("strong", {}, say(`${kind}_title`)), make("p", {}, say(kind === "session" && inClient ? "reopen_text" : `${kind}_text`)),
    ...(kind === "fields" || name === "again" ? [] : [make("p", { class: "actions" }, go)]),
  );
  place.hidden = false;
  place.focus();
}

function arm(link, name, act) {
  if (name === "friend" || name === "reopen") {
    link.href = name === "friend" ? FRIEND + document.querySelector(".account-id").textContent : document.getElementById("sign-in").href;
    return;
  }
  link.addEventListener("click", (event) => {
    event.preventDefault();
    act[name]();
  });
}
