// 人が替わったら、前の人がこの端末に残したLIFF SDKの覚えを消してから進む。
(() => {
  "use strict";
  const MARK = "simulator-friend";
  const PREFIX = "LIFF_STORE";
  const go = document.getElementById("go");

  function forget(storage) {
    for (const key of Object.keys(storage)) {
      if (key.startsWith(PREFIX)) storage.removeItem(key);
    }
  }

  if (localStorage.getItem(MARK) !== go.dataset.mark) {
    forget(localStorage);
    forget(sessionStorage);
    for (const cookie of document.cookie.split("; ")) {
      const name = cookie.split("=")[0];
      if (name.startsWith(PREFIX)) document.cookie = `${name}=; path=/; max-age=0`;
    }
    localStorage.setItem(MARK, go.dataset.mark);
  }
  location.replace(go.href);
})();
