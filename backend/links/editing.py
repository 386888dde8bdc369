"""台帳を書く: リンクを登録し、直し、やめる。使われているリンクの行き先は、ここでは変わらない(`repoint`)。"""

from collections.abc import Sequence

from backend.audit import trail
from backend.errors import Forbidden, Refused
from backend.links import addresses, register
from backend.links.register import Link, Wanted
from backend.permissions import Actor, Permission
from backend.store import work


async def add(actor: Actor, code: str, wanted: Wanted) -> None:
    """新しいリンク。`code` は後から変えられない。"""
    if not register.CODE.fullmatch(code):
        raise Refused("名前は、半角の英小文字・数字・「-」「_」で書きます。", next_step="40字までにしてください。")
    url, hosts = checked(actor, wanted, new_target=True)
    rows = await work.sql(
        "insert into link (code, label, purpose, owner_section, url, allowed_hosts, external_browser) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning code",
        code,
        wanted.label,
        wanted.purpose,
        wanted.owner_section,
        url,
        hosts,
        wanted.external_browser,
    )
    if not rows:
        raise Refused(f"「{code}」という名前は、もう使われています。", next_step="ほかの名前にしてください。")
    await work.sql("insert into link_check (code) values ($1)", code)
    await changed(actor, code, "add", "", url, "登録")


async def edit(actor: Actor, code: str, version: int, wanted: Wanted, reason: str) -> None:
    """題・目的・持ち主と、まだ使われていないリンクの行き先を直す。

    使われているリンクの行き先は `Refused`(`repoint.propose` で、二人で変える)。
    """
    link = await locked(actor, code, version)
    url, hosts = checked(actor, wanted, new_target=(wanted.url, wanted.more_hosts.split()) != (link.url, []))
    needs_reason(reason)
    if changes_target(link, url, hosts, wanted.external_browser) and link.uses:
        raise Refused(
            "このリンクは、送ったお知らせかメニューで使われています。",
            next_step="行き先の変更は、もう一人の承認が要ります。",
        )
    await work.sql(
        "update link set label = $2, purpose = $3, owner_section = $4 where code = $1",
        code,
        wanted.label,
        wanted.purpose,
        wanted.owner_section,
    )
    await point(code, url, hosts, wanted.external_browser)
    await changed(actor, code, "edit", link.url, url, reason)


async def retire(actor: Actor, code: str, version: int, replacement: str | None, reason: str) -> None:
    """使うのをやめる。`replacement` があれば、押した人はそちらへ行く。使われているものは広報課だけ、メニューにあるものはだれも。"""
    link = await locked(actor, code, version)
    needs_reason(reason)
    if link.uses and not actor.may(Permission.REVIEW):
        raise Forbidden("使われているリンクをやめられるのは、広報課だけです。", next_step="広報課に頼んでください。")
    if link.uses and replacement:
        raise Refused(
            "使われているリンクを、ほかのリンクへ向けるには、もう一人の承認が要ります。",
            next_step="「行き先を変える」で、新しい行き先を書いてください。",
        )
    await refuse_in_menus(code)
    if replacement:
        await successor(code, replacement)
    await work.sql(
        "update link set retired = true, replacement = $2, version = version + 1, updated_at = ward_now() where code = $1",
        code,
        replacement or None,
    )
    await changed(actor, code, "retire", link.url, link.url, reason)


async def refuse_in_menus(code: str) -> None:
    """出ているメニューと、承認・予定の済んだメニューのボタンを、一人の手で行き止まりにしない。"""
    menus = [use.replace("menu:", "メニュー ") for use in await register.uses(code) if use.startswith("menu:")]
    if menus:
        raise Refused(
            f"出ているか、承認されたメニューで使われています({'、'.join(menus)})。やめると、ボタンが行き止まりになります。",
            next_step="後継のリンクへ向けるか、メニューを替えてから、やめてください。",
        )


async def successor(code: str, replacement: str) -> Link:
    """代わりにできるリンク。自分自身か、開けないものなら `Refused`。"""
    link = await register.find(replacement)
    if replacement == code or not link.state.usable:
        raise Refused("代わりのリンクが使えません。", next_step="開けるリンクを選んでください。")
    return link


def checked(actor: Actor, wanted: Wanted, *, new_target: bool) -> tuple[str, list[str]]:
    """行き先とホストを確かめる。区の外の行き先を新しく決めるのは広報課だけ。"""
    actor.require(Permission.MANAGE_LINKS)
    if not wanted.label.strip() or not wanted.owner_section.strip():
        raise Refused("題と持ち主の課が要ります。", next_step="空いている欄に書いてください。")
    if not actor.may(Permission.REVIEW) and wanted.owner_section != actor.section_code:
        raise Forbidden("ほかの課のリンクは扱えません。", next_step="持ち主の課か広報課に頼んでください。")
    url = addresses.tidy(wanted.url)
    hosts = addresses.hosts(url, wanted.more_hosts)
    if new_target and not addresses.all_ward(url, hosts) and not actor.may(Permission.REVIEW):
        raise Forbidden("区のサイトの外へのリンクは、広報課が登録します。", next_step="広報課に頼んでください。")
    return url, hosts


async def locked(actor: Actor, code: str, version: int) -> Link:
    """直してよいリンクを、取引の終わりまで手放さない。ほかの画面で先に変わっていたら `Refused`。"""
    actor.require(Permission.MANAGE_LINKS)
    link = await register.find(code, lock=True)
    if not actor.may(Permission.REVIEW) and link.owner_section != actor.section_code:
        raise Forbidden("ほかの課のリンクは扱えません。", next_step="持ち主の課か広報課に頼んでください。")
    if link.version != version:
        raise Refused(
            "ほかの人が先に直しました。何も変えていません。", next_step="画面を開き直して、確かめてください。"
        )
    return link


def changes_target(link: Link, url: str, hosts: Sequence[str], external: bool) -> bool:
    return (url, set(hosts), external) != (link.url, set(link.allowed_hosts), link.external_browser)


def needs_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("理由が書かれていません。", next_step="なぜ変えるのかを、一言書いてください。")


async def point(code: str, url: str, hosts: Sequence[str], external: bool) -> None:
    """行き先を書き換え、すぐに点検の順番へ入れる。"""
    await work.sql(
        "update link set url = $2, allowed_hosts = $3, external_browser = $4, version = version + 1, "
        "updated_at = ward_now() where code = $1",
        code,
        url,
        list(hosts),
        external,
    )
    await work.sql(
        "update link_check set next_at = ward_now(), verdict = 'unseen', dead_since = null, failures = 0, reason = '' "
        "where code = $1 and exists (select from link_check where code = $1)",
        code,
    )


async def changed(
    actor: Actor,
    code: str,
    what: str,
    before: str,
    after: str,
    reason: str,
    *,
    proposer: tuple[int, str, str] | None = None,
    approval: int | None = None,
) -> None:
    """変更を書き足す。二人で変えたときは `proposer` が書いた人(番号、名、課の名)で、`actor` が承認した人。"""
    staff_id, name, section = proposer or (actor.staff_id, actor.name, actor.section_name)
    await work.sql(
        "insert into link_change (code, what, url_before, url_after, reason, staff_id, staff_name, section_name, "
        "approval_id, approved_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        code,
        what,
        before,
        after,
        reason.strip(),
        staff_id,
        name,
        section,
        approval,
        actor.name if proposer else "",
    )
    await trail.record(actor, f"link.{what}", f"link:{code}", before=before, after=after, reason=reason.strip())
