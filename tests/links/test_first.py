"""最初のリンク台帳。"""

import pytest

from backend.links import register

pytestmark = pytest.mark.usefixtures("database")


async def test_links_to_maps_open_outside_line_from_the_first_day() -> None:
    """LINEの中のブラウザは、地図とPDFを見るのに向かない(CHECKS 7)。ふつうのページは、中で開く。"""
    outside = {link.code for link in await register.listing() if link.external_browser}
    assert outside == {"hazard_flood", "hazard_landslide", "bus"}
