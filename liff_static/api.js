// サーバーと話す。失敗は `Trouble` になり、種類ごとに一つの文と一つの進み方がある。
const KINDS = { 401: "session", 422: "fields", 429: "busy", 503: "closed" };
const WAIT = 20_000; // ミリ秒

export class Trouble extends Error {
  constructor(kind, answer = {}) {
    super(kind);
    this.kind = kind;
    this.answer = answer;
  }
}

/** JSONを返す。書き込みには、ほかのサイトからは付けられない見出しを添える。 */
export async function call(method, path, body) {
  const stop = new AbortController();
  const sent = navigator.onLine;
  const timer = setTimeout(() => stop.abort(), WAIT);
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-ward"] = "1";
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(path, {
      method, headers, signal: stop.signal, cache: "no-store", credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw new Trouble(KINDS[response.status] || (response.status === 409 ? conflict(answer) : "server"), answer);
  } catch (error) {
    if (error instanceof Trouble) throw error;
    // 書き込みの返事が途切れたときは、保存できたかどうか分からない。もう一度押しても、二重にはならない。
    throw new Trouble(method === "GET" || !sent ? "offline" : "unsure");
  } finally {
    clearTimeout(timer);
  }
}

function conflict(answer) {
  return answer.reason === "notice" ? "changed" : "friend";
}
