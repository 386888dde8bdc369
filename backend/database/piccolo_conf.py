"""Piccoloの設定。接続先は起動のときに `store.pool` が決める。"""

from piccolo.conf.apps import AppRegistry

from backend.store.pool import DB

__all__ = ["APP_REGISTRY", "DB"]

APP_REGISTRY = AppRegistry(apps=["backend.database.piccolo_app"])
