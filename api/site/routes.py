"""The site's addresses."""

from __future__ import annotations

from starlette.routing import Route

from api.site import feed_page, killmail_page, profile_page, sync_strip, theme

SITE_ROUTES = (
    Route("/", feed_page.home),
    Route("/fragments/characters", sync_strip.characters_fragment),
    Route("/fragments/feed", feed_page.feed_fragment),
    Route("/killmails/{killmail_id:int}", killmail_page.killmail),
    Route("/characters/{entity_id:int}", profile_page.character),
    Route("/corporations/{entity_id:int}", profile_page.corporation),
    Route("/alliances/{entity_id:int}", profile_page.alliance),
    Route("/systems/{entity_id:int}", profile_page.system),
    Route("/types/{entity_id:int}", profile_page.type_),
    Route("/sync", sync_strip.sync_order, methods=["POST"]),
    Route("/theme", theme.choose_theme, methods=["POST"]),
)
