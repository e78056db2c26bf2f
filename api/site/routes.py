"""The site's addresses."""

from __future__ import annotations

from starlette.routing import Route

from api.site import admin_page, feed_page, killmail_page, profile_page, search_page, status_page, sync_strip, theme

SITE_ROUTES = (
    Route("/", feed_page.home),
    Route("/fragments/characters", sync_strip.characters_fragment),
    Route("/fragments/feed", feed_page.feed_fragment),
    Route("/fragments/search", search_page.suggestions),
    Route("/search", search_page.page),
    Route("/killmails/{killmail_id:int}", killmail_page.killmail),
    Route("/characters/{entity_id:int}", profile_page.character),
    Route("/corporations/{entity_id:int}", profile_page.corporation),
    Route("/alliances/{entity_id:int}", profile_page.alliance),
    Route("/systems/{entity_id:int}", profile_page.system),
    Route("/types/{entity_id:int}", profile_page.type_),
    Route("/status", status_page.status),
    Route("/admin", admin_page.admin),
    Route("/admin/order", admin_page.order, methods=["POST"]),
    Route("/sync", sync_strip.sync_order, methods=["POST"]),
    Route("/theme", theme.choose_theme, methods=["POST"]),
)
