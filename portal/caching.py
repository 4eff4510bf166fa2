"""A cache that one can do without: Redis away, nothing is remembered and nobody is refused a page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)
SHORT_TIMEOUTS = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 1)}
REST = 5  # seconds during which a server that did not answer is not asked again: a page waits for it once
SILENCE = 60  # seconds between two lines of log


class ForgivingRedisCache(RedisCache):
    """Each operation answers what lets its caller go on: allauth's rate limits, above all, then let everyone in."""

    def __init__(self, server, params):
        super().__init__(server, params)
        self._options = SHORT_TIMEOUTS | self._options
        self._resting_until = self._silent_until = 0.0

    def add(self, *args, **kwargs):
        return self._try(True, super().add, *args, **kwargs)

    def get(self, key, default=None, version=None):
        return self._try(default, super().get, key, default, version)

    def set(self, *args, **kwargs):
        return self._try(None, super().set, *args, **kwargs)

    def touch(self, *args, **kwargs):
        return self._try(False, super().touch, *args, **kwargs)

    def delete(self, *args, **kwargs):
        return self._try(False, super().delete, *args, **kwargs)

    def get_many(self, *args, **kwargs):
        return self._try({}, super().get_many, *args, **kwargs)

    def has_key(self, *args, **kwargs):
        return self._try(False, super().has_key, *args, **kwargs)

    def incr(self, key, delta=1, version=None):
        return self._try(delta, super().incr, key, delta, version)

    def set_many(self, data, *args, **kwargs):
        return self._try(list(data), super().set_many, data, *args, **kwargs)

    def delete_many(self, *args, **kwargs):
        return self._try(None, super().delete_many, *args, **kwargs)

    def clear(self):
        return self._try(False, super().clear)

    def _try(self, otherwise: Any, operation: Callable, *args, **kwargs) -> Any:
        now = time.monotonic()
        if now < self._resting_until:
            return otherwise
        try:
            return operation(*args, **kwargs)
        except (RedisError, OSError) as error:
            self._resting_until = time.monotonic() + REST
            if now >= self._silent_until:
                self._silent_until = now + SILENCE
                logger.warning("The cache does not answer; the portal does without it: %s", error)
            return otherwise
