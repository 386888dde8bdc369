// トークの上に開くもの: LIFFのページ、外のページの案内、電話、画像。
import { $ } from "./dom.js";

let opener = null;

export function openSheet(name) {
  closeSheets();
  opener = document.activeElement;
  cover(true);
  $(name).show();
  $(name).querySelector("[data-close]").focus();
}

export function closeSheets() {
  const open = document.querySelector("dialog.sheet[open]");
  if (!open) return;
  open.close();
  cover(false);
  open.querySelector("iframe")?.removeAttribute("src");
  if (opener?.isConnected) opener.focus();
}

export function wireSheets() {
  document.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", closeSheets));
  $("phone").addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeSheets();
  });
  $("call").addEventListener("click", (event) => {
    if (event.target === $("call")) closeSheets();
  });
}

export function openLiff(url, host) {
  $("liff-title").textContent = "文京区";
  $("liff-host").textContent = host;
  openSheet("liff");
  $("liff-frame").src = url;
}

/** LINEの中のブラウザ。`inside` (枠に入れてよい区のページ)ならその場に出し、ほかは行き先を告げるだけ。 */
export function openBrowser(uri, inside) {
  const address = safeUrl(uri);
  $("browser-title").textContent = address?.host ?? "開けないアドレス";
  $("browser-address").textContent = uri;
  const link = $("browser-link");
  link.hidden = !address;
  if (address) link.href = address.href;
  $("browser-frame").hidden = !inside;
  $("browser-outside").hidden = inside;
  openSheet("browser");
  if (inside) $("browser-frame").src = uri;
}

export function openCall(uri) {
  $("call-number").textContent = decodeURIComponent(uri.replace(/^tel:/, ""));
  openSheet("call");
}

export function openPhoto(source, description) {
  $("photo-image").src = source;
  $("photo-image").alt = description;
  openSheet("photo");
}

function safeUrl(uri) {
  try {
    const url = new URL(uri);
    return ["http:", "https:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** 上に開いているあいだ、下には触れない。 */
function cover(covered) {
  for (const part of document.querySelectorAll(".phone > :not(dialog, #banner, #toast)")) part.inert = covered;
}
