"""What things cost in the sandbox: about what they cost in EVE, so that a lost frigate is no titan's worth."""

from __future__ import annotations

import random

from sandbox.eve.catalogue import EveType

_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9}


def _table(text: str) -> dict[int, float]:
    """ISK by id, from `id:price` words."""
    words = (word.split(":") for word in text.split())
    return {int(one): float(cost.rstrip("kmb")) * _UNITS.get(cost[-1], 1.0) for one, cost in words}


_OF_TYPES = _table("""
34:4 35:20 36:70 670:10k 33328:60m 17812:15m 17930:45m 17932:40m 33468:65m 17715:260m 17843:95m 33470:260m
17738:650m 2046:30k 447:60k 526:60k 2203:3k 35833:11b 687:40m 24701:500m 32880:900k
""")
"""Of types that are no middling one of their group."""
_OF_GROUPS = _table("""
25:600k 420:1.8m 26:13m 419:60m 27:240m 324:29m 831:28m 541:62m 358:230m 540:430m 963:230m 954:35m 956:35m 957:35m
958:35m 28:2m 463:27m 513:1.6b 902:8.2b 547:1.7b 485:3.2b 1657:1.4b 365:250m 1025:80m 361:9m 1246:1.2m 1250:16m
1321:220m 1332:30m 1562:40m 38:900k 46:1.6m 52:1.5m 53:1.2m 55:1.1m 59:800k 60:700k 65:1.2m 74:1.6m 77:1.1m 302:1m
367:900k 508:1.6m 509:800k 510:1.3m 83:900 85:15 86:4k 89:400 384:60 385:90 655:320 100:650k 1652:19m 745:24m
773:2.5m 774:1.4m 782:500k 916:35k 423:700 370:15k 1089:5m 12:30k 340:200k
41:2m 54:500k 61:900k 62:1.4m 67:1.6m 68:1.1m 71:1.2m 76:1.3m 78:900k 87:12k 90:45k 98:400k 205:900k 211:700k 212:600k
213:700k 291:700k 315:1.2m 325:1.8m 326:1.1m 328:1.2m 329:1.3m 330:4m 339:300k 372:350 373:450 374:250k 375:250k 377:450
379:500k 386:600 387:90 407:12m 464:3m 479:9k 481:900k 483:4m 506:2.2m 507:700k 511:1.3m 538:900k 546:800k 548:60k
589:1.5m 640:700k 645:1.4m 646:1.5m 647:1.2m 648:300 654:600 656:1.4k 657:1.6k 762:700k 763:800k 765:600k 766:1m
767:600k 771:1.4m 772:350 775:900k 779:900k 781:900k 832:210m 834:34m 862:2m 894:290m 899:18m 906:260m 907:3k 910:3k
1199:1.6m 1201:75m 1233:900k 1292:1.1m 1305:52m 1537:14m 1706:35m
""")
"""Of a middling type of the group."""
_OF_ANYTHING_ELSE = 100_000.0


def price(of: EveType) -> tuple[float, float | None]:
    """The adjusted price, and the average one if there is one: of a tenth of the types nobody has sold any."""
    dice = random.Random(f"price {of.type_id}")
    middling = _OF_TYPES.get(of.type_id) or _OF_GROUPS.get(of.group_id, _OF_ANYTHING_ELSE)
    adjusted = round(middling * dice.uniform(0.85, 1.2), 2)
    return adjusted, round(adjusted * dice.uniform(0.95, 1.08), 2) if dice.random() < 0.9 else None
