"""パスワードの決まり: 長さが効く。よく使われるものは断る。"""

import pytest

from backend.errors import Refused
from backend.staff import passwords

STRONG = "三毛猫と坂道の夕焼け空の下"


@pytest.mark.parametrize(
    "password",
    [
        STRONG,
        "correct horse battery staple",
        "  spaces at both ends  ",
        "あ" * 3 + "いうえおかきくけこ",
        "x7#Lq9!mZ2$w",
    ],
)
def test_a_long_and_unusual_password_is_accepted(password: str) -> None:
    passwords.check(password)


@pytest.mark.parametrize(
    "password",
    [
        "短い",
        "a" * 12,
        "abababababab",
        "abcdefghijklmn",
        "nmlkjihgfedcba",
        "012345678901",
        "987654321098",
        "password1234",
        "Passw0rd!2026",
        "bunkyo-bunkyo-1",
        "文京区文京区文京区1234",
        "qwertyuiop1234",
        "x" * 129,
    ],
)
def test_a_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(Refused):
        passwords.check(password)


def test_the_login_name_may_not_be_in_it() -> None:
    with pytest.raises(Refused):
        passwords.check("tanaka no himitsu", login="tanaka")


async def test_it_is_kept_as_argon2id_and_never_as_itself() -> None:
    hashed = await passwords.hash_password(STRONG)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert STRONG not in hashed


async def test_only_the_same_password_matches() -> None:
    hashed = await passwords.hash_password(STRONG)
    assert await passwords.matches(STRONG, hashed)
    assert not await passwords.matches(STRONG + " ", hashed)
    assert not await passwords.matches("", hashed)


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$broken"])
async def test_nothing_matches_a_missing_or_broken_hash(stored: str | None) -> None:
    assert not await passwords.matches(STRONG, stored)


async def test_even_the_words_of_the_dummy_hash_do_not_match_nobody() -> None:
    assert not await passwords.matches("だれのものでもない", None)
