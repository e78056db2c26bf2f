"""The site's addresses."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route

from api.arguments import id_or_none
from api.site import (
    admin_page,
    battle_pages,
    feed_filters,
    feed_page,
    game_fitting,
    killmail_page,
    profile_page,
    saved_filters,
    search_page,
    status_page,
    sync_strip,
    theme,
)


class IdConvertor(Convertor[int | None]):
    """An EVE id in a path: digits, however many. None stands for those that cannot be one, and so name nothing."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int | None:
        return id_or_none(value)

    def to_string(self, value: int | None) -> str:
        return str(value)


register_url_convertor("eve_id", IdConvertor())
SITE_ROUTES = (
    Route("/", feed_page.home),
    Route("/fragments/characters", sync_strip.characters_fragment),
    Route("/fragments/feed", feed_page.feed_fragment),
    Route("/fragments/names", feed_filters.suggestions),
    Route("/fragments/search", search_page.suggestions),
    Route("/search", search_page.page),
    Route("/killmails/{killmail_id:eve_id}", killmail_page.killmail),
    Route("/killmails/{killmail_id:eve_id}/fitting", game_fitting.fitting_order, methods=["POST"]),
    Route("/battles", battle_pages.battles),
    Route("/battles/{killmail_id:eve_id}", battle_pages.battle),
    Route("/characters/{entity_id:eve_id}", profile_page.character),
    Route("/corporations/{entity_id:eve_id}", profile_page.corporation),
    Route("/alliances/{entity_id:eve_id}", profile_page.alliance),
    Route("/systems/{entity_id:eve_id}", profile_page.system),
    Route("/types/{entity_id:eve_id}", profile_page.type_),
    Route("/status", status_page.status),
    Route("/admin", admin_page.admin),
    Route("/admin/order", admin_page.order, methods=["POST"]),
    Route("/filters", saved_filters.filter_order, methods=["POST"]),
    Route("/sync", sync_strip.sync_order, methods=["POST"]),
    Route("/theme", theme.choose_theme, methods=["POST"]),
)
