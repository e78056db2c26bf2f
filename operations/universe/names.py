"""`killreport refresh-names`: ask again for old names now instead of at night."""

from __future__ import annotations

import asyncio

from temporalio.client import WorkflowFailureError

from contracts.universe import NameRefreshReport
from operations.connections import temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.universe import refresh_names_now


async def refresh_names(settings: Settings, timeout_seconds: float) -> NameRefreshReport:
    """Run the refresh to its end.

    Raises:
        OperationFailed: Temporal is away, somebody stopped the refresh, or it takes longer than that.
    """
    client = await temporal_client(settings)
    try:
        async with asyncio.timeout(timeout_seconds):
            with temporal_failures(settings):
                return await refresh_names_now(client)
    except TimeoutError:
        raise OperationFailed(
            f"The names were not refreshed within {timeout_seconds:.0f} seconds. It goes on if a worker is running."
        ) from None
    except WorkflowFailureError as error:
        raise OperationFailed("The refresh of names was stopped before it was finished.") from error
