"""How often an address may be asked: counted by the minute in the cache. The cache away, nobody is refused."""

from __future__ import annotations

import hashlib
import time

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

MINUTE = 60


def too_fast(scope: str, who: str, a_minute: int) -> bool:
    """Count one more request of this scope by `who`; True beyond `a_minute` of them in the present minute."""
    name = hashlib.sha256(who.encode()).hexdigest()
    key = f"pace:{scope}:{name}:{int(time.time()) // MINUTE}"
    cache.add(key, 0, 2 * MINUTE)
    try:
        return cache.incr(key) > a_minute
    except ValueError:  # forgotten in between
        return False


def client_address(request: HttpRequest) -> str:
    """The address of the network that the request comes from, as seen before our own proxies."""
    return get_adapter().get_client_ip(request)
