"""最初の告知文。"""
from backend.consent import notices
async def test_the_first_notice_is_installed(database):
    assert (await notices.current("en")).version == 1
