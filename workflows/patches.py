"""Changes of what a workflow does next, which runs that began before them must not make.

A predicate is False for as long as a run that was open at the deploy lasts; it goes when no such run is left: for a
`Watchdog` after minutes, for an `Enrichment` after a day.
"""

from __future__ import annotations

from temporalio import workflow


def kinds_do_not_wait_for_each_other() -> bool:
    """`Enrichment`: a kind that ESI cannot tell at the moment holds up no other."""
    return workflow.patched("kinds-do-not-wait-for-each-other")


def names_are_made_up_for() -> bool:
    """`Enrichment`: what nobody could name when it came is named later (30 November 2026)."""
    return workflow.patched("names-are-made-up-for")


def orphans_do_not_wait_for_names() -> bool:
    """`Watchdog`: killmails without a finder are fetched, even if names cannot be had."""
    return workflow.patched("orphans-do-not-wait-for-names")


def refusals_end_nothing() -> bool:
    """Refusals of ESI's do not end a permission, however many; the activity asks SSO about each (28 November 2026)."""
    return workflow.patched("refusals-end-nothing")


def own_trouble_has_its_state() -> bool:
    """A look that our own database, Redis or worker failed is `interrupted`, not `degraded` (28 November 2026)."""
    return workflow.patched("own-trouble-has-its-state")


def the_last_look_hears_of_others() -> bool:
    """A look that finds nobody left answers those who wait for it, and is repeated if a permission came meanwhile
    (30 November 2026)."""
    return workflow.patched("the-last-look-hears-of-others")


def the_lost_are_started_by_pages() -> bool:
    """`Watchdog`: workflows that are missing are started by an activity of their own (28 November 2026)."""
    return workflow.patched("the-lost-are-started-by-pages")


def idle_looks_are_one_task() -> bool:
    """A pilot's list is read within the look's own workflow task, and by an activity only if that fails."""
    return workflow.patched("idle-looks-are-one-task")


def the_rest_of_a_list_is_come_back_for() -> bool:
    """Pages that ESI or the budget did not give are asked for when they are due, whatever the others brought
    (1 December 2026)."""
    return workflow.patched("the-rest-of-a-list-is-come-back-for")


def states_are_recorded_again() -> bool:
    """A pause that the database could not be told is told to it later (1 December 2026)."""
    return workflow.patched("states-are-recorded-again")
