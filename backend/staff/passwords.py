"""パスワード: argon2idで確かめる。短いもの、よく使われるものは受け付けない。"""

import asyncio
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.errors import Refused

MINIMUM = 12
MAXIMUM = 128
_hasher = PasswordHasher()  # 時間3・64MiB・並列4 (RFC 9106の第二の勧め)
# 知らないloginのときにも同じ手間をかけるための、だれのものでもないハッシュ。
_NOBODY = _hasher.hash("だれのものでもない")
_COMMON_ROOTS = (
    "password passw0rd p@ssword p@ssw0rd qwerty qwertyuiop asdfgh zxcvbn 1q2w3e4r letmein welcome admin administrator iloveyou "
    "monkey dragon sunshine princess football baseball abc123 abcdef changeme secret login master test guest user root "
    "bunkyo bunkyoku bunkyocity tokyo koho kouho line jichitai kuyakusho sakura hongo konnichiwa arigatou nihon japan "
    "文京区 文京 ぱすわーど パスワード"
).split()


async def hash_password(password: str) -> str:
    """保存できる形にする。強さは先に `check` で確かめる。"""
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """合っているか。`stored` がなくても、あるときと同じだけ時間がかかる。"""
    return await asyncio.to_thread(_verify, password, stored)


def check(password: str, *, login: str = "") -> None:
    """長さと、よく使われる言葉を確かめる。記号や大文字は求めない(長さの方が効く)。"""
    if len(password) < MINIMUM:
        raise Refused(
            f"パスワードは{MINIMUM}文字以上にしてください。", next_step="言葉を三つ以上つなげると覚えやすくなります。"
        )
    if len(password) > MAXIMUM:
        raise Refused(f"パスワードは{MAXIMUM}文字までにしてください。")
    plain = password.casefold()
    if len(set(plain)) < 5 or _is_run(plain) or _is_common(plain) or (login and login.casefold() in plain):
        raise Refused(
            "推測されやすいパスワードです。",
            next_step="くり返し、並び、名前、よく使われる言葉だけのものは避けてください。",
        )


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _is_run(plain: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(plain)}
    return steps <= {1} or steps <= {-1} or "01234567890123456789".startswith(plain)


def _is_common(plain: str) -> bool:
    """よく使われる言葉に数字や記号を添えただけ、または数字だけか。"""
    rest = plain
    for root in sorted(_COMMON_ROOTS, key=len, reverse=True):
        rest = rest.replace(root, "")
    return plain.isdigit() or (rest != plain and sum(character.isalpha() for character in rest) < 4)
