"""設定にあるデータベースを使えるようにする。なければ `WARD_DATA_DIR` の中に自分で持つ。"""

from urllib.parse import urlsplit

from pydantic import SecretStr

from backend.database import embedded, migrating
from backend.errors import Refused
from backend.settings import Mode, Settings

APPLICATION_ROLE = "ward_app"


def with_database(settings: Settings) -> Settings:
    """`DATABASE_URL` のある設定を返す。書かれていなければ、組み込みのPostgreSQLを起こす(または引き継ぐ)。"""
    if settings.database_url:
        return settings
    if settings.mode is not Mode.DEMO:
        raise Refused("DATABASE_URL が設定されていません。")
    server = embedded.start(settings.data_dir)
    return settings.model_copy(
        update={"database_url": SecretStr(server.app_url), "database_owner_url": SecretStr(server.owner_url)}
    )


async def migrate(settings: Settings) -> list[str]:
    """持ち主の役割で移行を行い、アプリケーションの役割に権利を配る。行った移行のIDを返す。"""
    if not settings.database_owner_url or not settings.database_url:
        raise Refused("移行には WARD_DATABASE_OWNER_URL と DATABASE_URL の両方が要ります。")
    role = urlsplit(settings.database_url.get_secret_value()).username or APPLICATION_ROLE
    return await migrating.migrate(
        settings.database_owner_url.get_secret_value(),
        application_role=role,
        movable_clock=settings.mode is Mode.DEMO,
    )
