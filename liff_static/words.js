// ページに埋められた言葉。やさしい日本語の「漢字(かな)」はルビにする。
const words = JSON.parse(document.getElementById("words").textContent);
const EASY = document.body.dataset.language === "easy";
const live = document.getElementById("live");
let telling;
const READING = /((?:[おご](?=[一-鿿]))?[一-鿿々][一-鿿々ぁ-ん]*?)\(([ぁ-んー]+)\)/g;

/** 言葉。やさしい日本語では読みが付いたままで、要素に入るときルビになる。 */
export function say(key, values = {}) {
  if (!(key in words)) throw new Error(`no words: ${key}`);
  return words[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** 言葉を要素の中身にする。 */
export function write(element, key, values = {}) {
  element.replaceChildren(...pieces(say(key, values)));
}

/** サーバーから来た、または組み立てた文字を、読みがあればルビにして入れる。 */
export function fill(element, text) {
  element.replaceChildren(...pieces(text));
}

/** 要素を作る: make("li", { class: "row" }, "文字", 子) */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, plain(String(value)));
  for (const child of children) element.append(...(typeof child === "string" ? pieces(tag === "option" ? plain(child) : child) : [child]));
  return element;
}

/** 読み上げにだけ知らせる。 */
export function announce(text) {
  hush();
  telling = setTimeout(() => { live.textContent = plain(text); }, 50);
}

/** 前の画面の知らせを残さない: 次の画面で、はじめに読まれてしまう。 */
export function hush() {
  clearTimeout(telling);
  live.textContent = "";
}

function plain(text) {
  return EASY ? text.replace(READING, "$1") : text;
}

function pieces(text) {
  if (!EASY) return [text];
  const made = [];
  let end = 0;
  for (const found of text.matchAll(READING)) {
    made.push(text.slice(end, found.index), reading(found[1], found[2]));
    end = found.index + found[0].length;
  }
  return [...made, text.slice(end)];
}

function reading(base, kana) {
  const ruby = document.createElement("ruby");
  const part = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  ruby.append(base, part("rp", "("), part("rt", kana), part("rp", ")"));
  return ruby;
}

/** ページの言語の区切りでつなぐ。 */
export function list(items) {
  return items.join(/^(ja|zh)/.test(document.documentElement.lang) ? "、" : ", ");
}
