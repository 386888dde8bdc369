// アクション: LINEのどの部品を押しても、することは同じ。

/** 読み上げる名前。ラベルがないときは、することから作る。 */
export function nameOf(action) {
  return action.label || action.displayText || action.text || action.uri || action.data || "メニュー";
}

/** `phone` は uri, say, postback, swap の四つを持つ。 */
export function perform(action, phone) {
  switch (action?.type) {
    case "uri":
      return phone.uri(action.uri);
    case "message":
      return phone.say(action.text);
    case "postback":
      return phone.postback(action.data, action.displayText || action.text || "");
    case "richmenuswitch":
      return phone.swap(action.richMenuAliasId, action.data);
    case "clipboard":
      return phone.copy(action.clipboardText);
    default:
      return phone.tell("この模擬環境では使えない操作です。");
  }
}
