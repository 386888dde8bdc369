"""並べ方: ボタンの数に合う割り方と、その読み方。数の合わない割り方は選べない。"""

_FEW, _MOST = 3, 5
_PLACES = {1: ("横",), 2: ("上", "下"), 3: ("上", "中", "下"), 4: ("一段目", "二段目", "三段目", "四段目")}


def grids(count: int) -> list[str]:
    """`count` 個の割り方。はじめのものが、ふつうの並べ方。6 → `3+3`、`2+2+2`、`1+5`。"""
    usual = 1 if count <= _FEW else 2 if count <= 8 else 3
    rows = sorted((n for n in range(1, 5) if n <= count <= n * _MOST), key=lambda n: abs(n - usual))
    found = [_even(count, n) for n in rows[:3]]
    found += [row[::-1] for row in found] + ([[1, count - 1]] if 3 <= count <= 6 else [])
    return list(dict.fromkeys("+".join(map(str, row)) for row in found))


def words(grid: str) -> str:
    """`3+4` → 「上に3・下に4」。割り方でなければ、そのまま。"""
    rows = grid.split("+")
    if not all(row.isdigit() for row in rows) or len(rows) not in _PLACES:
        return grid
    return "・".join(f"{place}に{row}" for place, row in zip(_PLACES[len(rows)], rows, strict=True))


def _even(count: int, rows: int) -> list[int]:
    """なるべく等しく、余りは下の段に。"""
    least, more = divmod(count, rows)
    return [least + (row >= rows - more) for row in range(rows)]
