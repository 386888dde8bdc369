"""アプリケーションの役割が持つ権利。台帳は追記だけ(DESIGN 4, CHECKS P11)。"""

APPEND_ONLY = {
    "installation",
    "consent_event",
    "notice",
    "notice_text",
    "notice_translation",
    "notice_decision",
    "personal_switch",
    "incident_report",
    "audit_entry",
    "approval",
    "delivery_body",
    "delivery_plan",
    "account_change",
    "impersonation_warning",
    "seal",
    "link_change",
}
"""SELECTとINSERTだけを許す表。"""

WRITTEN_ONCE = {
    "delivery": "state, reason, released, not_before, frozen_at, first_accepted_at, finished_at, "
    "frozen, accepted, refused, excluded, unknown, unsent",
    "delivery_batch": "state, numbers, retry_key, first_tried_at, claimed_by, tries, accepted, refused, excluded, "
    "line_request_id, answer, settled_at, decided_by",
    "staff_member": "name, role, section_code, password_hash, active",
}
"""消せない表と、入れた後に書き換えてよい欄。承認された本文・宛先・時刻・承認は、そこにない(CHECKS I4, I5)。"""

READ_ONLY = {"migration"}
CLOCK = "clock_offset"


def statements(tables: list[str], role: str, movable_clock: bool) -> list[str]:
    """権利を配る文の列。前の権利をすべて取り上げてから配る。

    時計のずれは、お試しと試験(`movable_clock`)でだけ書き換えられる。
    """
    words = [f'grant usage on schema public to "{role}"']
    for table in tables:
        words.append(f'revoke all on "{table}" from "{role}"')
        words.append(f'grant {_rights(table, movable_clock)} on "{table}" to "{role}"')
    words.append(f'grant usage, select on all sequences in schema public to "{role}"')
    words.append(f'grant execute on all functions in schema public to "{role}"')
    if not movable_clock:
        words.append(f"delete from {CLOCK}")  # noqa: S608  定数
    return words


def _rights(table: str, movable_clock: bool) -> str:
    if table in APPEND_ONLY:
        return "select, insert"
    if table in WRITTEN_ONCE:
        return f"select, insert, update ({WRITTEN_ONCE[table]})"
    if table in READ_ONLY:
        return "select"
    if table == CLOCK:
        return "select, update" if movable_clock else "select"
    return "select, insert, update, delete"
