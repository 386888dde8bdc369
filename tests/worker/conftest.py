"""配信の試験の道具を借りる。"""

from tests.delivery.conftest import crowd, noon

__all__ = ["crowd", "noon"]
