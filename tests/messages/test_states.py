"""依頼の道: どの状態から、何ができるか。"""

import pytest

from backend.errors import Refused
from backend.messages.states import Action, ReturnReason, State, next_state

WAYS = {
    (State.DRAFT, Action.EDIT): State.DRAFT,
    (State.DRAFT, Action.CONFIRM): State.DRAFT,
    (State.DRAFT, Action.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Action.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Action.EDIT): State.SUBMITTED,
    (State.SUBMITTED, Action.RETURN): State.RETURNED,
    (State.SUBMITTED, Action.APPROVE): State.APPROVED,
    (State.SUBMITTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Action.EDIT): State.RETURNED,
    (State.RETURNED, Action.CONFIRM): State.RETURNED,
    (State.RETURNED, Action.SUBMIT): State.SUBMITTED,
    (State.RETURNED, Action.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Action.WITHDRAW): State.WITHDRAWN,
    (State.EXPIRED, Action.EDIT): State.DRAFT,
    (State.EXPIRED, Action.RETURN): State.RETURNED,
    (State.EXPIRED, Action.WITHDRAW): State.WITHDRAWN,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_only_the_drawn_ways_exist(state: State, action: Action) -> None:
    if (state, action) in WAYS:
        assert next_state(state, action) is WAYS[state, action]
    else:
        with pytest.raises(Refused) as refusal:
            next_state(state, action)
        assert refusal.value.next_step


def test_only_a_submitted_request_is_approved() -> None:
    assert [state for state in State if (state, Action.APPROVE) in WAYS] == [State.SUBMITTED]


@pytest.mark.parametrize("word", [*State, *Action, *ReturnReason])
def test_every_word_has_a_japanese_label(word: State | Action | ReturnReason) -> None:
    assert any(ord(letter) > 0x3000 for letter in word.label)
