// Flexメッセージのおもな部品: bubble, carousel, box, text, span, button, image, icon, separator, filler。
import { nameOf, perform } from "./actions.js";
import { make } from "./dom.js";

const SPACE = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const TEXT = { xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74 };
const IMAGE = { xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220 };
const PLACE = { start: "flex-start", end: "flex-end", center: "center", top: "flex-start", bottom: "flex-end" };
const COLOR = /^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$/;

export function drawFlex(contents, phone) {
  if (contents.type === "carousel") {
    const strip = make("div", { class: "carousel", tabindex: "0", role: "group", "aria-label": "横に並んだカード" });
    strip.append(...contents.contents.map((bubble) => drawBubble(bubble, phone)));
    return strip;
  }
  return drawBubble(contents, phone);
}

function drawBubble(bubble, phone) {
  const card = make("div", { class: `flex-bubble size-${bubble.size ?? "mega"}`, dir: bubble.direction });
  for (const name of ["header", "hero", "body", "footer"]) {
    if (!bubble[name]) continue;
    const block = make("div", { class: `flex-${name}` }, draw(bubble[name], phone, "vertical"));
    paint(block, "backgroundColor", bubble.styles?.[name]?.backgroundColor);
    card.append(block);
  }
  return tappable(card, bubble.action, phone);
}

const KINDS = { box, text, button, image, icon: image, separator, filler, spacer: filler };

function draw(part, phone, layout) {
  const element = (KINDS[part.type] ?? filler)(part, phone, layout);
  element.classList.add(`flex-${part.type}`);
  const grows = part.flex ?? (layout === "vertical" || part.type === "icon" ? 0 : 1);
  if (part.type !== "separator") element.style.flex = grows > 0 ? `${grows} 1 0` : "0 0 auto";
  if (layout === "vertical") element.style.flex = grows > 0 && part.flex ? `${grows} 0 auto` : "0 0 auto";
  if (part.gravity) element.style.alignSelf = PLACE[part.gravity] ?? "";
  if (part.position === "absolute") element.style.position = "absolute";
  for (const side of ["Top", "Bottom", "Start", "End"]) {
    if (part[`offset${side}`]) element.style[`inset${side === "Top" ? "BlockStart" : side === "Bottom" ? "BlockEnd" : `Inline${side}`}`] = size(part[`offset${side}`]);
  }
  return part.type === "button" ? element : tappable(element, part.action, phone);
}

function box(part, phone) {
  const element = make("div", { class: `lay-${part.layout}` });
  paint(element, "backgroundColor", part.backgroundColor);
  paint(element, "borderColor", part.borderColor);
  if (part.borderWidth) element.style.borderWidth = size(part.borderWidth, { light: 0.5, normal: 1, medium: 2, "semi-bold": 3, bold: 4 });
  if (part.cornerRadius) element.style.borderRadius = size(part.cornerRadius);
  for (const key of ["width", "height", "maxWidth", "maxHeight"]) if (part[key]) element.style[key] = size(part[key]);
  for (const [key, side] of [["paddingAll", "padding"], ["paddingTop", "paddingTop"], ["paddingBottom", "paddingBottom"], ["paddingStart", "paddingInlineStart"], ["paddingEnd", "paddingInlineEnd"]]) {
    if (part[key]) element.style[side] = size(part[key]);
  }
  if (part.justifyContent) element.style.justifyContent = PLACE[part.justifyContent] ?? part.justifyContent;
  if (part.alignItems) element.style.alignItems = PLACE[part.alignItems] ?? part.alignItems;
  const across = part.layout !== "vertical";
  (part.contents ?? []).forEach((child, index) => {
    const drawn = draw(child, phone, part.layout);
    const gap = child.margin ?? (index > 0 ? part.spacing : undefined);
    if (gap && index > 0) drawn.style[across ? "marginInlineStart" : "marginTop"] = size(gap);
    element.append(drawn);
  });
  return element;
}

function text(part) {
  const element = make("p", {});
  style(element, part);
  if (part.contents?.length) element.append(...part.contents.map((span) => style(make("span", {}, span.text ?? ""), span)));
  else element.textContent = part.text ?? "";
  element.style.textAlign = part.align ?? "";
  element.classList.toggle("wraps", Boolean(part.wrap));
  if (part.wrap && part.maxLines) {
    element.classList.add("clamped");
    element.style.webkitLineClamp = String(part.maxLines);
  }
  if (part.lineSpacing) element.style.lineHeight = `calc(1.4em + ${size(part.lineSpacing)})`;
  return element;
}

function style(element, part) {
  if (part.size) element.style.fontSize = size(part.size, TEXT);
  if (part.weight) element.style.fontWeight = part.weight;
  if (part.style) element.style.fontStyle = part.style;
  if (part.decoration) element.style.textDecoration = part.decoration;
  paint(element, "color", part.color);
  return element;
}

function button(part, phone) {
  const kind = part.style ?? "link";
  const element = make("button", { type: "button", class: `${kind} ${part.height ?? "md"}`, onclick: () => perform(part.action, phone) });
  element.textContent = nameOf(part.action);
  paint(element, kind === "link" ? "color" : "backgroundColor", part.color);
  return element;
}

function image(part) {
  const picture = make("img", { src: part.url, alt: part.action?.label ?? "", loading: "lazy" });
  const [width, height] = (part.aspectRatio ?? "1:1").split(":").map(Number);
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.style.objectFit = part.aspectMode === "cover" ? "cover" : "contain";
  paint(picture, "backgroundColor", part.backgroundColor);
  const frame = make("div", { class: `at-${part.align ?? "center"}` }, picture);
  if (part.type === "icon") picture.style.height = size(part.size ?? "md", TEXT);
  else if (part.size === "full") picture.style.width = "100%";
  else picture.style.width = size(part.size ?? "md", IMAGE);
  return frame;
}

function separator(part) {
  const line = make("div", { role: "presentation" });
  paint(line, "backgroundColor", part.color);
  return line;
}

function filler() {
  return make("div", {});
}

function tappable(element, action, phone) {
  if (!action) return element;
  element.classList.add("tappable");
  element.tabIndex = 0;
  element.setAttribute("role", "button");
  if (action.label) element.setAttribute("aria-label", action.label);
  const press = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    perform(action, phone);
  };
  element.addEventListener("click", press);
  element.addEventListener("keydown", press);
  return element;
}

function paint(element, property, color) {
  if (COLOR.test(color ?? "")) element.style[property] = color;
}

/** `12px`、`50%`、`md` などをCSSの長さにする。知らないものは空。 */
function size(value, words = SPACE) {
  if (value in words) return `${words[value]}px`;
  return /^-?\d+(\.\d+)?(px|%)$/.test(value) ? value : "";
}
