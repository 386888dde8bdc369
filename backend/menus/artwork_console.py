"""絵の扉: メニューの背景に使う絵を、権利と一緒に取り込む。"""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.menus import artwork
from backend.permissions import Actor, Permission
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


class ArtworkForm(msgspec.Struct):
    owner: str = ""
    permission: str = ""
    credit: str = ""


@get("/console/menus/artwork", **needs(Permission.READ_MENUS))
async def pictures() -> Template:
    return await _artwork()


@post("/console/menus/artwork", **needs(Permission.MANAGE_MENUS))
async def upload(request: AnyRequest, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, ArtworkForm)
    file = (await request.form()).get("file")
    try:
        if not isinstance(file, UploadFile):
            raise Refused("絵のファイルが選ばれていません。", next_step="PNGかJPEGのファイルを選んでください。")
        cleaned = artwork.clean(await file.read())
        await work.run(
            artwork.add,
            actor,
            file.filename,
            cleaned,
            owner=form.owner,
            permission=form.permission,
            credit=form.credit,
        )
    except Refused as refusal:
        return await _artwork(refusal, form)
    return Redirect("/console/menus/artwork", status_code=303)


@get("/console/menus/artwork/{name:str}", **needs(Permission.READ_MENUS))
async def picture(name: str) -> Response[bytes]:
    body, content_type = await artwork.find(name)
    return Response(body, media_type=content_type)


async def _artwork(refusal: Refused | None = None, form: ArtworkForm | None = None) -> Template:
    return page(
        "menus/artwork.html",
        title="メニューの絵",
        status=422 if refusal else 200,
        room="menus",
        refusal=refusal,
        form=form or ArtworkForm(),
        artworks=await artwork.listing(),
    )


routes: list[ControllerRouterHandler] = [pictures, upload, picture]
