"""包みの指紋: 承認が結び付く値(POL 5(4)イ, CHECKS I4)。"""

import hashlib
import json

from backend.delivery.states import Address, ByCriteria, Everyone, Package, RecipientsOf


def digest(package: Package) -> bytes:
    """包みのすべてのSHA-256(32バイト)。承認はこの値に結び付き、一字でも変われば無効になる(POL 5(4)イ)。"""
    seen = {
        "source": package.source,
        "title": package.title,
        "owner_section": package.owner_section,
        "public_number": package.public_number,
        "kind": package.kind.value,
        "bodies": {language: hashlib.sha256(body).hexdigest() for language, body in package.bodies.items()},
        "address": address_columns(package.address),
        "moments": [moment.timestamp() for moment in (package.send_at, package.expires_at, package.source_at)],
        "priority": package.priority,
        "silent": package.silent,
        "own_hour": package.own_hour,
    }
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False, sort_keys=True).encode()).digest()


def address_columns(address: Address) -> tuple[str, str | None, int | None]:
    """宛先の、保存する形: (種類, 条件, もとの配信)。"""
    match address:
        case Everyone():
            return "everyone", None, None
        case ByCriteria(json=text):
            return "criteria", text, None
        case RecipientsOf(delivery_id=delivery_id):
            return "recipients", None, delivery_id
