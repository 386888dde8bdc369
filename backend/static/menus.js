// メニューの部屋を少しだけ助ける。なくても、欄とボタンとリンクですべてできる。

/** 絵のタブ: 一枚だけを見せ、帯を押すと切り替える。`held` は前に見ていたタブ。 */
function live(figure, held) {
  const sheets = [...figure.querySelectorAll(".menu-sheet")];
  const show = (alias) => {
    const found = sheets.find((sheet) => sheet.dataset.tab === alias) ?? sheets[0];
    for (const sheet of sheets) sheet.classList.toggle("menu-shown", sheet === found);
    if (found) figure.dataset.shown = found.dataset.tab;
  };
  figure.dataset.live = "";
  show(held);
  figure.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link?.dataset.to) {
      event.preventDefault();
      show(link.dataset.to);
      figure.querySelector(`.menu-shown a[data-to="${link.dataset.to}"]`)?.focus();
    }
  });
}

for (const figure of document.querySelectorAll("[data-menu-phone]")) live(figure);

const editor = document.querySelector("[data-menu-editor]");
if (editor) edit(editor);

function edit(form) {
  const place = document.getElementById("menu-preview");
  let timer = 0;
  let asked = 0;

  const refresh = async () => {
    const turn = ++asked;
    const fields = new URLSearchParams(new FormData(form));
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/console/menus/preview", {
        method: "POST", body: fields, headers: { "x-csrf": fields.get("csrf"), "hx-request": "true" },
      });
      if (!answer.ok || turn !== asked) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      const held = place.querySelector("[data-menu-phone]")?.dataset.shown;
      place.replaceChildren(...fresh.childNodes);
      for (const figure of place.querySelectorAll("[data-menu-phone]")) live(figure, held);
      arm();
    } finally {
      if (turn === asked) place.removeAttribute("aria-busy");
    }
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(refresh, 400); };
  form.addEventListener("input", soon);

  const named = (sheet, cell, name) => form.elements[`t${sheet.dataset.index}c${cell}-${name}`];

  /** 絵の升を押すと、その欄を開く。自由に置いた升は、引いて動かし、右下の角で大きさを変える。 */
  function arm() {
    for (const sheet of place.querySelectorAll(".menu-sheet")) {
      const svg = sheet.querySelector("svg");
      const grid = form.elements[`t${sheet.dataset.index}-grid`];
      const free = grid?.value === "free";
      sheet.classList.toggle("menu-free", free);
      for (const link of svg.querySelectorAll("a[data-cell]")) {
        if (link.dataset.cell === "-1") continue;
        link.addEventListener("click", (event) => {
          if (link.dataset.dragged) { event.preventDefault(); delete link.dataset.dragged; return; }
          event.preventDefault();
          open(sheet, link.dataset.cell);
        });
        drag(sheet, svg, link, free);
        if (free) keys(sheet, svg, link);
      }
    }
  }

  function open(sheet, cell) {
    for (const near of form.querySelectorAll(".menu-near")) near.classList.remove("menu-near");
    const fields = document.getElementById(`t${sheet.dataset.index}c${cell}`);
    if (!fields) return;
    fields.open = true;
    fields.classList.add("menu-near");
    fields.scrollIntoView({ block: "nearest" });
    fields.querySelector("input")?.focus({ preventScroll: true });
  }

  function drag(sheet, svg, link, free) {
    const box = link.querySelector("rect");
    const scale = () => wantedWidth() / svg.viewBox.baseVal.width;
    const where = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    if (free) handle(svg, link, box);
    link.addEventListener("dragstart", (event) => event.preventDefault());
    link.addEventListener("pointerdown", (event) => {
      const start = where(event);
      const from = area(box);
      const sizing = event.target.classList.contains("menu-handle");
      let moved = false;
      const move = (next) => {
        const at = where(next);
        const dx = at.x - start.x;
        const dy = at.y - start.y;
        if (!moved && Math.hypot(dx, dy) < from.w / 25) return;
        if (!moved) link.setPointerCapture(event.pointerId);
        moved = true;
        link.classList.add("menu-moving");
        if (!free) return;
        const to = sizing ? { ...from, w: from.w + dx, h: from.h + dy } : { ...from, x: from.x + dx, y: from.y + dy };
        put(sheet, svg, link, box, to, scale());
      };
      const end = (last) => {
        link.removeEventListener("pointermove", move);
        link.classList.remove("menu-moving");
        if (!moved) return;
        link.dataset.dragged = "1";
        if (free) { refresh(); return; }
        link.releasePointerCapture(event.pointerId);
        const under = document.elementFromPoint(last.clientX, last.clientY)?.closest("a[data-cell]");
        if (under && under !== link && under.dataset.cell !== "-1" && sheet.contains(under)) {
          swap(sheet.dataset.index, link.dataset.cell, under.dataset.cell);
        }
      };
      link.addEventListener("pointermove", move);
      link.addEventListener("pointerup", end, { once: true });
      link.addEventListener("pointercancel", end, { once: true });
    });
  }

  /** 矢印キーで動かし、Shiftと一緒なら大きさを変える。指を離すと描き直し、同じボタンに戻る。 */
  function keys(sheet, svg, link) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const box = link.querySelector("rect");
    link.addEventListener("keydown", (event) => {
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      const scale = wantedWidth() / svg.viewBox.baseVal.width;
      const [dx, dy] = way.map((one) => (one * 10) / scale);
      const from = area(box);
      const to = event.shiftKey ? { ...from, w: from.w + dx, h: from.h + dy } : { ...from, x: from.x + dx, y: from.y + dy };
      put(sheet, svg, link, box, to, scale);
      clearTimeout(timer);
      timer = setTimeout(async () => {
        await refresh();
        place.querySelector(`.menu-shown a[data-cell="${link.dataset.cell}"]`)?.focus();
      }, 500);
    });
  }

  function area(box) {
    return { x: box.x.baseVal.value, y: box.y.baseVal.value, w: box.width.baseVal.value, h: box.height.baseVal.value };
  }

  /** 欄に書き、絵の枠も動かす。10画素の目に合わせ、絵の外に出さない。 */
  function put(sheet, svg, link, box, to, scale) {
    const whole = svg.viewBox.baseVal;
    const w = Math.min(Math.max(to.w, whole.width / 10), whole.width);
    const h = Math.min(Math.max(to.h, whole.height / 10), whole.height);
    const x = Math.min(Math.max(to.x, 0), whole.width - w);
    const y = Math.min(Math.max(to.y, 0), whole.height - h);
    for (const [name, value] of Object.entries({ x, y, w, h })) {
      const field = named(sheet, link.dataset.cell, name);
      if (field) field.value = Math.round((value * scale) / 10) * 10;
    }
    for (const [name, value] of Object.entries({ x, y, width: w, height: h })) box.setAttribute(name, value);
    const corner = link.querySelector(".menu-handle");
    corner?.setAttribute("cx", x + w);
    corner?.setAttribute("cy", y + h);
  }

  function handle(svg, link, box) {
    const corner = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    corner.setAttribute("class", "menu-handle");
    corner.setAttribute("r", svg.viewBox.baseVal.width / 45);
    corner.setAttribute("cx", box.x.baseVal.value + box.width.baseVal.value);
    corner.setAttribute("cy", box.y.baseVal.value + box.height.baseVal.value);
    link.append(corner);
  }

  function wantedWidth() {
    const width = form.elements.width?.value;
    return Number(width) || 2500;
  }

  function swap(tab, one, other) {
    const button = document.createElement("button");
    button.name = "do";
    button.value = `swap:${tab}.${one}.${other}`;
    button.hidden = true;
    form.append(button);
    form.requestSubmit(button);
  }

  arm();
}
