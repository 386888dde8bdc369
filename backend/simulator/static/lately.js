// 右の静かな欄: 模擬LINEが受け取った呼び出し。
import { read } from "./api.js";
import { $, make } from "./dom.js";

const NAMES = [
  [/message\/multicast$/, "選んだ人への配信"],
  [/message\/broadcast$/, "全員への配信"],
  [/message\/validate/, "内容の確かめ"],
  [/message\/quota/, "残り通数の確かめ"],
  [/richmenu\/validate/, "メニューの確かめ"],
  [/richmenu\/[^/]+\/content$/, "メニューの画像"],
  [/richmenu\/alias/, "メニューの別名"],
  [/user\/all\/richmenu/, "既定のメニュー"],
  [/richmenu\/bulk|richmenu\/batch|user\/[^/]+\/richmenu/, "人ごとのメニュー"],
  [/richmenu/, "メニュー"],
  [/bot\/info$/, "アカウントの確かめ"],
  [/followers\/ids$/, "友だちの一覧"],
  [/token$/, "合言葉の発行"],
  [/deauthorize$/, "連携の解除"],
];

export async function drawLately() {
  const { calls } = await read("/phone/api/lately");
  $("calls").replaceChildren(...calls.map(row));
  $("calls-none").hidden = calls.length > 0;
}

function row(call) {
  const [method, path] = call.endpoint.includes(" ") ? call.endpoint.split(" ") : ["", call.endpoint];
  const name = NAMES.find(([pattern]) => pattern.test(path))?.[1] ?? "そのほか";
  const good = call.status < 300 || call.status === 409;
  const count = call.recipients ? `${call.recipients.toLocaleString("ja-JP")}人` : "";
  const at = new Date(call.at).toLocaleTimeString("ja-JP", { timeZone: "Asia/Tokyo", hour12: false });
  return make(
    "li",
    {},
    make("span", { class: "call-line" }, make("strong", {}, name), make("span", { class: "count" }, count)),
    make("span", { class: "call-line quiet" }, make("code", { title: call.endpoint }, `${method} ${short(path)}`.trim()), make("span", { class: `answer ${good ? "good" : "bad"}` }, `${good ? "受付" : call.status ? "断り" : "応答なし"} ${call.status || ""}`)),
    make("time", { class: "quiet", datetime: call.at }, at),
  );
}

/** 長い番号は頭だけを見せる(全体は title にある)。 */
const short = (path) => path.replace(/^\/v2\/bot/, "").replace(/([0-9a-f]{4})[0-9a-f]{28}/g, "$1…");
