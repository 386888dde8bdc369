// 職員の画面を少しだけ助ける。なくても、すべての操作はフォームとリンクでできる。

// 断られたときは、その理由に目と読み上げを移す。
document.querySelector("[data-focus]")?.focus();

// 二度押しても一度だけ送る。戻ってきたら、また押せる。
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// 書きかけのまま離れるときは、ブラウザが確かめる。
for (const form of document.querySelectorAll("form[data-keep]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}

// ようすが変わったと知らせが来たら、その部分だけを取り直す。
for (const place of document.querySelectorAll("[data-events]")) follow(place);

function follow(place) {
  let stream;
  let waiting = false;
  let missed = false; // 取り直している間に来た知らせ。捨てると、最後の姿が出ないことがある
  let patience = 2000;
  const lost = () => place.setAttribute("data-lost", "");
  const refresh = async () => {
    missed = waiting;
    if (waiting) return;
    waiting = true;
    try {
      const answer = await fetch(place.dataset.fragment, { headers: { "hx-request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      // 状態が変われば、できることも変わる。そのときだけ画面の全体を開き直す。
      const [before, after] = [place, fresh].map((part) => part.querySelector("[data-shape]")?.dataset.shape);
      if (before !== after) { location.reload(); return; }
      place.replaceChildren(...fresh.childNodes);
      place.removeAttribute("data-lost");
      if (place.querySelector("[data-finished]")) stream.close();
    } catch {
      lost();
    } finally {
      setTimeout(() => { waiting = false; if (missed) refresh(); }, 300);
    }
  };
  // 途切れただけなら、ブラウザがつなぎ直す。サーバーの入れ替えの間に断られると、それきりになるので、開き直す。
  const open = () => {
    stream = new EventSource(place.dataset.events);
    stream.addEventListener("changed", () => { patience = 2000; refresh(); });
    stream.addEventListener("error", () => {
      lost();
      if (stream.readyState !== EventSource.CLOSED) return;
      setTimeout(open, patience);
      patience = Math.min(patience * 2, 60_000);
    });
  };
  addEventListener("pagehide", () => stream.close());
  open();
}
