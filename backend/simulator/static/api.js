// 模擬環境との話: JSONの読み書きと、変わったことの知らせ。

export async function read(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

export async function act(user, action, body = {}) {
  const answer = await fetch(`/phone/api/people/${user}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

/** 変わったことを、まとめて知らせる。`users` が null なら全員にかかわる。 */
export function listen(onChange, onState) {
  const source = new EventSource("/phone/api/events");
  source.addEventListener("changed", (event) => onChange(JSON.parse(event.data)));
  source.addEventListener("open", () => onState(true));
  source.addEventListener("error", () => onState(false));
  return source;
}
