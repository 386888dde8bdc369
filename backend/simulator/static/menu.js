// リッチメニュー: 一枚の絵に、押せる場所を重ねる。
import { nameOf, perform } from "./actions.js";
import { $, make } from "./dom.js";

let shown = null; // いま出ているメニューの richMenuId
let open = false;
let typing = false;

export function drawMenu(menu, phone) {
  const changed = (menu?.richMenuId ?? null) !== shown;
  if (changed && menu) open = shown === null ? menu.selected : open || menu.selected;
  if (changed && !menu) typing = false;
  const held = changed ? focusedArea() : null;
  shown = menu?.richMenuId ?? null;
  if (changed) fill(menu, phone);
  if (held !== null) $("menu").querySelector(`[data-testid="menu-area-${held}"]`)?.focus();
  apply(menu);
}

/** 人が替わったら、たたみ具合も初めに戻す。 */
export function forgetMenu() {
  shown = null;
  typing = false;
  open = false;
}

export function wireMenu(current) {
  $("fold").addEventListener("click", () => {
    open = !open;
    apply(current());
  });
  $("swap").addEventListener("click", () => {
    typing = !typing;
    apply(current());
    if (typing) $("text").focus();
    else $("fold").focus();
  });
}

function fill(menu, phone) {
  const box = $("menu");
  box.querySelectorAll("button").forEach((button) => button.remove());
  if (!menu) return;
  const image = $("menu-image");
  image.src = menu.image;
  image.width = menu.size.width;
  image.height = menu.size.height;
  menu.areas.forEach((area, index) => {
    const onclick = () => {
      phone.tapped(menu.richMenuId, index);
      perform(area.action, phone);
    };
    const attributes = { class: "area", type: "button", "aria-label": nameOf(area.action), "data-testid": `menu-area-${index}`, onclick };
    const button = make("button", attributes);
    place(button, area.bounds, menu.size);
    box.append(button);
  });
}

/** 絵の上の位置を割合で決める(絵の大きさは端末の幅で変わる)。 */
export function place(element, bounds, size) {
  element.style.left = `${(bounds.x / size.width) * 100}%`;
  element.style.top = `${(bounds.y / size.height) * 100}%`;
  element.style.width = `${(bounds.width / size.width) * 100}%`;
  element.style.height = `${(bounds.height / size.height) * 100}%`;
}

function apply(menu) {
  const bar = $("bar");
  bar.classList.toggle("typing", !menu || typing);
  bar.classList.toggle("no-menu", !menu);
  $("swap").hidden = !menu;
  $("swap").setAttribute("aria-label", typing ? "メニューに戻る" : "文字を入力する");
  $("fold").setAttribute("aria-expanded", String(Boolean(menu) && open && !typing));
  $("fold-text").textContent = menu?.chatBarText ?? "";
  $("menu").hidden = !menu || !open || typing;
}

function focusedArea() {
  return document.activeElement?.dataset?.testid?.match(/^menu-area-(\d+)$/)?.[1] ?? null;
}
