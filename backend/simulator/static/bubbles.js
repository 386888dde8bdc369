// LINEのメッセージ一つを、吹き出し一つにする。読めない種類は代わりの文を見せる。
import { nameOf, perform } from "./actions.js";
import { make } from "./dom.js";
import { drawFlex } from "./flex.js";
import { place } from "./menu.js";
import { openPhoto } from "./sheets.js";
import { linked } from "./text.js";

const WORDS = { sticker: "スタンプ", video: "動画", audio: "音声", location: "位置情報" };

export function drawMessage(message, phone) {
  switch (message.type) {
    case "text":
    case "textV2":
      return make("div", { class: "bubble", "data-testid": "bubble" }, ...linked(message.text ?? "", phone.uri));
    case "image":
      return picture(message);
    case "imagemap":
      return imagemap(message, phone);
    case "flex":
      return wide(drawFlex(message.contents, phone), message.altText);
    case "template":
      return wide(template(message, phone), message.altText);
    default:
      return make("div", { class: "bubble", "data-testid": "bubble" }, instead(message));
  }
}

function picture(message) {
  const image = make("img", { src: message.previewImageUrl, alt: "送られた画像", loading: "lazy" });
  const button = make("button", { class: "photo-bubble", type: "button", "data-testid": "bubble" }, image);
  button.addEventListener("click", () => openPhoto(message.originalContentUrl, "送られた画像"));
  image.addEventListener("error", () => button.replaceChildren(make("span", { class: "broken" }, "画像を読み込めませんでした")));
  return button;
}

function imagemap(message, phone) {
  const { width, height } = message.baseSize;
  const frame = make("div", { class: "imagemap", "data-testid": "bubble", role: "group", "aria-label": message.altText });
  frame.style.aspectRatio = `${width} / ${height}`;
  const image = make("img", { src: `${message.baseUrl}/1040`, alt: message.altText });
  image.addEventListener("error", () => frame.classList.add("no-image"));
  frame.append(image, make("span", { class: "imagemap-alt", "aria-hidden": "true" }, message.altText));
  for (const action of message.actions) {
    const meant = action.type === "uri" ? { ...action, uri: action.linkUri } : action;
    const area = make("button", { class: "area", type: "button", "aria-label": nameOf(meant) });
    area.addEventListener("click", () => perform(meant, phone));
    place(area, action.area, { width, height });
    frame.append(area);
  }
  return frame;
}

function template(message, phone) {
  const { template: shape } = message;
  const columns = shape.columns ?? [shape];
  const cards = columns.map((column) => {
    const card = make("div", { class: "template" });
    const source = column.thumbnailImageUrl ?? column.imageUrl;
    if (source) card.append(make("img", { src: source, alt: "", loading: "lazy" }));
    if (column.title) card.append(make("strong", {}, column.title));
    if (column.text) card.append(make("p", {}, column.text));
    for (const action of column.actions ?? [column.action]) {
      if (action) card.append(make("button", { type: "button", onclick: () => perform(action, phone) }, nameOf(action)));
    }
    return card;
  });
  return cards.length > 1 ? make("div", { class: "carousel", tabindex: "0", role: "group" }, ...cards) : cards[0];
}

function wide(content, altText) {
  return make("div", { class: "wide-bubble", "data-testid": "bubble", role: "group", "aria-label": altText }, content);
}

/** 一覧の一行にも使う、短い言い表し。 */
export function instead(message) {
  if (message.altText) return message.altText;
  if (message.text) return message.text;
  if (message.type === "image") return "画像が送られました";
  return `${WORDS[message.type] ?? "メッセージ"}が送られました`;
}
