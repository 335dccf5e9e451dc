"""Rate limit groups: which paths share a limit.

The application gives the groups, as it alone knows the features and their paths. A group's limit is
a `slowapi` Limit: the rate, its scope and the function that names the client.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, parse
from slowapi.wrappers import Limit

CEILING: Final = "ceiling"
"""The group that every counted request belongs to."""

CACHED_PATHS: Final = 256
"""Paths whose group is kept, in at most 2 MB as servers take paths of 8 KiB at most. Most requests
go to a few paths."""

_API_PREFIX: Final = re.compile(r"^/+api/+v1(?=/)")


@dataclass(frozen=True, slots=True)
class RateLimitGroup:
    """Paths that share one limit for each client.

    A path is given in lower case, below /api/v1 and without a slash at either end; it stands for
    itself and for all paths below it. If paths of two groups match, the longer path wins.
    """

    name: str
    rate: str
    """For example `30/minute`."""
    paths: tuple[str, ...]


class RateLimitGroups:
    """All groups of the application, and the ceiling of each client over all of them."""

    def __init__(
        self,
        groups: Iterable[RateLimitGroup],
        *,
        ceiling_per_minute: int,
        tiers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`tiers` has the rates of each tier by group, where they differ from the group's own."""
        groups = tuple(groups)
        self._tiers = tiers or {}
        self._names = {
            tuple(path.split("/")): group.name for group in groups for path in group.paths
        }
        self._longest_path = max(map(len, self._names), default=0)
        self._rates: dict[str, RateLimitItem] = {group.name: parse(group.rate) for group in groups}
        self._rates[CEILING] = RateLimitItemPerMinute(ceiling_per_minute)
        self._cached_group = functools.lru_cache(CACHED_PATHS)(self._group_of)

    def group_of(self, path: str) -> str | None:
        """The group of a decoded path, however it is spelled; None for a path of no group."""
        return self._cached_group(path)

    def _group_of(self, path: str) -> str | None:
        below_api = _API_PREFIX.sub("", path.lower(), count=1)
        parts = tuple([part for part in below_api.split("/") if part][: self._longest_path])
        for length in range(len(parts), 0, -1):
            if name := self._names.get(parts[:length]):
                return name
        return None

    def tier_limits(self, key_func: Callable[..., str]) -> dict[str, dict[str, Limit]]:
        """The limits of each tier by group, for the groups whose rate differs."""
        return {
            tier: {name: _limit(name, parse(rate), key_func) for name, rate in rates.items()}
            for tier, rates in self._tiers.items()
        }

    def limits(self, key_func: Callable[..., str]) -> dict[str, Limit]:
        """The limit of every group, CEILING included; `key_func` names the client to count."""
        return {name: _limit(name, rate, key_func) for name, rate in self._rates.items()}


def _limit(group: str, rate: RateLimitItem, key_func: Callable[..., str]) -> Limit:
    return Limit(
        limit=rate,
        key_func=key_func,
        scope=group,
        per_method=False,
        methods=None,
        error_message=None,
        exempt_when=None,
        cost=1,
        override_defaults=False,
    )
