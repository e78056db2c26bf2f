"""The web application: its routes, what surrounds them and what it holds open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Mount, Route, WebSocketRoute

from api.exports import account as account_export
from api.exports import killmails as killmail_export
from api.graphql.execution import Executor
from api.graphql.http import graphql_http
from api.graphql.schema import load_schema
from api.graphql.websocket import graphql_websocket
from api.login import routes as login
from api.opening import open_services
from api.serving import health, metrics, payload_codec
from api.serving.compression import Compression
from api.serving.request_log import RequestLog
from api.serving.security_headers import SecurityHeaders
from api.site import (
    account_pages,
    battle_pages,
    card_page,
    digests_page,
    error_pages,
    feeds_page,
    for_crawlers,
    import_page,
    reimbursements,
    settings_page,
    shared_page,
    sharing_page,
    webhooks_page,
)
from api.site.card import Cards
from api.site.explorer import Explorer
from api.site.page_limits import PageLimits
from api.site.rendering import TEMPLATES
from api.site.routes import SITE_ROUTES
from api.site.static_files import ICON_ROUTES, STATIC, HashedFiles
from settings import Settings

MAX_BODY = 131_072
"""Bytes of any request's body; GraphQL and the forms have less."""

ROUTES = (
    *SITE_ROUTES,
    Route("/settings", settings_page.settings),
    Route("/settings/corporation", settings_page.corporation_order, methods=["POST"]),
    Route("/settings/visibility", sharing_page.visibility_order, methods=["POST"]),
    Route("/settings/preview", sharing_page.preview),
    Route("/settings/links", sharing_page.link_order, methods=["POST"]),
    Route("/settings/links/{link_id:eve_id}", battle_pages.shared_sides),
    Route("/settings/links/{link_id:eve_id}", battle_pages.sides_order, methods=["POST"]),
    Route("/settings/webhooks", webhooks_page.page),
    Route("/settings/webhooks", webhooks_page.order, methods=["POST"]),
    Route("/s/{token}", shared_page.shared),
    Route("/s/{token}/card.png", card_page.shared_picture),
    Route("/s/{token}/killmails/{killmail_id:eve_id}", shared_page.killmail_of_board),
    Route("/s/{token}/killmails/{killmail_id:eve_id}/card.png", card_page.shared_picture),
    Route("/killmails/{killmail_id:eve_id}/card.png", card_page.killmail_picture),
    Route("/battles/{killmail_id:eve_id}/card.png", card_page.battle_picture),
    Route("/card.png", card_page.front_picture),
    Route("/characters/{entity_id:eve_id}/card.png", card_page.character_picture),
    Route("/corporations/{entity_id:eve_id}/card.png", card_page.corporation_picture),
    Route("/alliances/{entity_id:eve_id}/card.png", card_page.alliance_picture),
    Route("/oembed", card_page.oembed),
    Route("/settings/digests", digests_page.page),
    Route("/settings/digests", digests_page.order, methods=["POST"]),
    Route("/s/{token}/mail", digests_page.mail),
    Route("/s/{token}/mail", digests_page.mail_order, methods=["POST"]),
    Route("/settings/feeds", feeds_page.page),
    Route("/settings/feeds", feeds_page.order, methods=["POST"]),
    Route("/feed.{form}", feeds_page.public),
    Route("/s/{token}/feed.{form}", feeds_page.secret),
    Route("/reimbursements", reimbursements.page),
    Route("/reimbursements", reimbursements.order, methods=["POST"]),
    Route("/reimbursements.csv", reimbursements.csv_file),
    Route("/robots.txt", for_crawlers.robots),
    Route("/sitemap.xml", for_crawlers.sitemap),
    Route("/settings/characters", account_pages.character_order, methods=["POST"]),
    Route("/settings/sessions", account_pages.session_order, methods=["POST"]),
    Route("/settings/api-keys", account_pages.key_order, methods=["POST"]),
    Route("/settings/delete", account_pages.delete_order, methods=["POST"]),
    Route(account_export.EXPORT_PATH, account_export.export),
    Route("/settings/zkillboard", import_page.import_order, methods=["POST"]),
    Route("/settings/history", import_page.history_order, methods=["POST"]),
    Route("/settings/killmail", import_page.added_killmail, methods=["POST"]),
    Route("/fragments/imports", import_page.imports_fragment),
    Route("/auth/login", login.login),
    Route("/auth/callback", login.callback),
    Route("/auth/logout", login.logout, methods=["POST"]),
    Route("/graphql", graphql_http, methods=["GET", "POST"]),
    WebSocketRoute("/graphql", graphql_websocket),
    Route(killmail_export.ADDRESS, killmail_export.export_killmails),
    Route("/healthz", health.healthz),
    Route("/readyz", health.readyz),
    Route("/metrics", metrics.metrics),
    Route(f"{payload_codec.ADDRESS}/encode", payload_codec.encode, methods=["POST", "OPTIONS"]),
    Route(f"{payload_codec.ADDRESS}/decode", payload_codec.decode, methods=["POST", "OPTIONS"]),
    *ICON_ROUTES,
    Mount("/static", HashedFiles(directory=STATIC), name="static"),
)


def create_app(settings: Settings) -> Starlette:
    """The application. Its services open when it starts; `api/serving/patience.py` says how it is served."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(RequestLog),
            Middleware(Compression),
            Middleware(SecurityHeaders, settings=settings),
            Middleware(error_pages.ServerErrors, longest_body=MAX_BODY),
            # Here and not Starlette's own argument, which lies outside all and puts its answer in the place of ours.
            Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY),
            Middleware(PageLimits),
        ],
        exception_handlers={HTTPException: error_pages.http_error},
        lifespan=lifespan,
    )
    app.state.templates = TEMPLATES
    app.state.cards = Cards()
    app.state.explorer = Explorer(settings)
    app.state.schema = load_schema()
    app.state.graphql = Executor(app.state.schema, introspection=settings.graphql_introspection)
    return app
