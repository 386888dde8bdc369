// 要素を作る小さな道具。文字はいつも文字として入れ、HTMLとしては読まない。

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const $ = (id) => document.getElementById(id);

const WEEKDAYS = "日月火水木金土";
const inTokyo = (moment) => new Date(new Date(moment).toLocaleString("en-US", { timeZone: "Asia/Tokyo" }));

/** 9:05 (日本時間) */
export function clock(moment) {
  const at = inTokyo(moment);
  return `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`;
}

/** 同じ日かを比べるための 2026-11-24 (日本時間) */
export function day(moment) {
  const at = inTokyo(moment);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

/** 今日、昨日、11月22日(日)、2025年12月31日(水) */
export function dayName(moment, now) {
  const at = inTokyo(moment);
  const today = inTokyo(now);
  const apart = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86400000);
  if (apart === 0) return "今日";
  if (apart === 1) return "昨日";
  const text = `${at.getMonth() + 1}月${at.getDate()}日(${WEEKDAYS[at.getDay()]})`;
  return at.getFullYear() === today.getFullYear() ? text : `${at.getFullYear()}年${text}`;
}
