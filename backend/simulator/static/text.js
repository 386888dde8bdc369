// 文字のなかのURLと電話番号を、押せるようにする。
import { make } from "./dom.js";

const LINK = /(https?:\/\/[^\s<>"「」『』（）()、。]+)|(?<![\d-])(0\d{1,4}-\d{1,4}-\d{3,4})(?![\d-])/g;

export function linked(text, open) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(from, found.index));
    const uri = found[1] || `tel:${found[2]}`;
    parts.push(link(found[0], uri, open));
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

function link(label, uri, open) {
  const onclick = (event) => {
    event.preventDefault();
    open(uri);
  };
  return make("a", { href: uri, onclick, rel: "noreferrer" }, label);
}
