"""告知文の扉: 版の一覧、新しい案、二人での公開、続けた人の数。公開は本人の行の期限も動かすので、この部屋にある。"""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.consent import publishing, translations
from backend.consent.notices import BY_CODE, LANGUAGES, PARTS, Purpose
from backend.consent.translations import TRANSLATED, Translation
from backend.errors import Refused
from backend.permissions import Actor, Permission
from backend.residents import renewal
from backend.residents.vocabulary import Language
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

NAMES = {"common": "共通", **{code: purpose.label for code, purpose in BY_CODE.items()}}


class ProposalForm(msgspec.Struct):
    published_on: str = ""
    effective_on: str = ""
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    material: list[str] = []


@get("/console/consent", **needs(Permission.READ_NOTICES))
async def index(actor: Actor) -> Template:
    return page(
        "consent/versions.html",
        title="告知文",
        room="consent",
        versions=await publishing.versions(),
        progress={one.version: one for one in await renewal.progress()},
        exact=actor.may(Permission.PUBLISH_NOTICE),  # 正確な数は、広報課長と個人情報保護担当だけ(RULES 17)
        may_propose=actor.may(Permission.PROPOSE_NOTICE),
    )


@get("/console/consent/new", **needs(Permission.PROPOSE_NOTICE))
async def new() -> Template:
    latest = next(one for one in await publishing.versions() if one.published)
    return _form(await publishing.texts(latest.version), ProposalForm())


@post("/console/consent/new", **needs(Permission.PROPOSE_NOTICE))
async def propose(request: Request[Any, Any, Any], actor: Actor) -> Template | Redirect:
    form = await forms.read(request, ProposalForm)
    sent = {name: str(value) for name, value in (await request.form()).items()}
    wanted = {lang: {part: sent.get(f"{lang}.{part}", "") for part in PARTS} for lang in LANGUAGES}
    try:
        number = await work.run(
            publishing.propose,
            actor,
            wanted,
            translated=_translated(sent),
            published_on=_day(form.published_on, "公開日"),
            effective_on=_day(form.effective_on, "発効日"),
            material=Purpose(sum({int(BY_CODE[code]) for code in form.material if code in BY_CODE})),
            reason=form.reason,
        )
    except Refused as error:
        return _form(wanted, form, sent, error=error.message, hint=error.next_step, status=422)
    return Redirect(f"/console/consent/{number}", status_code=303)


@get("/console/consent/{number:int}", **needs(Permission.READ_NOTICES))
async def show(number: int, actor: Actor) -> Template:
    return await _shown(actor, number)


@post("/console/consent/{number:int}/publish", **needs(Permission.PUBLISH_NOTICE))
async def publish(number: int, actor: Actor) -> Template | Redirect:
    try:
        await work.run(renewal.publish, actor, number)
    except Refused as error:
        return await _shown(actor, number, error=error.message, hint=error.next_step, status=422)
    return Redirect(f"/console/consent/{number}", status_code=303)


@post("/console/consent/{number:int}/drop", **needs(Permission.PROPOSE_NOTICE))
async def drop(number: int, actor: Actor) -> Redirect:
    await work.run(publishing.drop, actor, number)
    return Redirect(f"/console/consent/{number}", status_code=303)


async def _shown(actor: Actor, number: int, *, error: str = "", hint: str = "", status: int = 200) -> Template:
    found = await publishing.version(number)
    published = [one.version for one in await publishing.versions() if one.published and one.version < number]
    before = await publishing.texts(published[0]) if published else {}
    return page(
        "consent/version.html",
        title=f"告知文 第{number}版",
        room="consent",
        status=status,
        version=found,
        ends_on=renewal.ends_on(found),
        texts=await publishing.texts(number),
        translated=await translations.of(number),
        before=before,
        names=NAMES,
        languages=[(language.value, language.label) for language in Language],
        mine=found.proposed_by == actor.staff_id,
        may_publish=actor.may(Permission.PUBLISH_NOTICE),
        may_propose=actor.may(Permission.PROPOSE_NOTICE),
        error=error,
        hint=hint,
    )


def _form(
    wanted: dict[str, dict[str, str]],
    form: ProposalForm,
    sent: dict[str, str] | None = None,
    *,
    error: str = "",
    hint: str = "",
    status: int = 200,
) -> Template:
    return page(
        "consent/new.html",
        title="告知文の新しい案",
        room="consent",
        status=status,
        texts=wanted,
        sent=sent or {},
        form=form,
        names=NAMES,
        purposes=[(purpose.code, purpose.label) for purpose in Purpose],
        languages=[(language.value, language.label) for language in Language],
        error=error,
        hint=hint,
    )


def _translated(sent: dict[str, str]) -> dict[str, Translation]:
    """訳の記録の欄。三つとも空の言語は、日本語の文を見せる。"""
    made: dict[str, Translation] = {}
    for language in TRANSLATED:
        names = sent.get(f"{language}.translator", ""), sent.get(f"{language}.checker", "")
        day = sent.get(f"{language}.checked_on", "")
        if any(word.strip() for word in (*names, day)):
            made[language] = Translation(*names, _day(day, "訳を確かめた日") if day else None)
    return made


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{name}を入れてください。") from error


routes: list[ControllerRouterHandler] = [index, new, propose, show, publish, drop]
