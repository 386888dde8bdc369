"""返事をしなくなったChromiumが、同じ試験のほかの人も次の試験も道連れにしないこと。"""

from __future__ import annotations

import signal
import warnings

import pytest

from tests.browser import chrome
from tests.browser.chrome import Chrome


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_chromium_that_does_not_answer_is_replaced_for_everyone(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chrome, "CLOSING_SECONDS", 1)
    one = Chrome(("--no-sandbox",))
    author, approver = await one.context(), await one.context()
    await author.new_page()
    await approver.new_page()
    one.send(number)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        await one.put_away(author)
        await one.put_away(approver)
    assert number == signal.SIGKILL or "about:blank" in str(told[0].message)

    page = await (await one.context()).new_page()
    await page.set_content("<h1>次の試験</h1>")
    assert await page.inner_text("h1") == "次の試験"
    await one.quit()
