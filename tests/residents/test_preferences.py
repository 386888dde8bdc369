"""受信設定: 同意して保存、変える、やめる。台帳と本人の行は一緒に動く。"""

import pytest

from backend.consent.notices import Purpose
from backend.residents import preferences
from backend.residents.choices import ATTRIBUTES, BadChoices, Choices
from backend.residents.vocabulary import AgeBand, Topic
from backend.store import work
from tests.residents.people import SAKURA, consented, everything


async def test_what_was_chosen_is_what_is_held(database, keys):
    wanted = await everything()
    await consented(keys, SAKURA, wanted)
    held = await preferences.held(keys, SAKURA)
    assert held is not None
    assert held.choices == Choices(**{**wanted.__dict__, "birth_due_months": (None,)})


@pytest.mark.parametrize("purposes", [Purpose(n) for n in range(1, 64)])
async def test_refusing_some_purposes_leaves_the_others(database, keys, purposes):
    wanted = Choices(**{**(await everything()).__dict__, "purposes": purposes})
    await consented(keys, SAKURA, wanted)
    held = await preferences.held(keys, SAKURA)
    assert held is not None
    assert set(held.grants) == set(purposes)
    for purpose, names in ATTRIBUTES.items():
        for name in names:
            stored = bool(getattr(held.choices, name)) and getattr(held.choices, name) != (None,)
            assert stored == bool(purposes & purpose and getattr(wanted, name)), name
