"""Is the portal able to serve? For the launcher, the container and the load balancer."""

from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.caching import SHORT_TIMEOUTS
from portal.notifications.models import Mail


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when the database answers. Redis away or mail held up only delays work: told without failing the check."""
    state: dict[str, Any] = {"database": _database(), "redis": _redis()}
    if state["database"]:
        state["mail"] = _mail()
    return JsonResponse(state, status=200 if state["database"] else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return False
    return True


def _redis() -> bool:
    """Asks the server itself: the cache would hide that it is away."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **SHORT_TIMEOUTS) as client:
            return client.ping()
    except (redis.RedisError, OSError):
        return False


def _mail() -> dict[str, int]:
    """How many mails were given up, and for how many seconds the oldest of the others has waited."""
    pending = Mail.objects.filter(state=Mail.State.PENDING)
    oldest = pending.aggregate(oldest=Min("created_at"))["oldest"]
    return {
        "failed": Mail.objects.filter(state=Mail.State.FAILED).count(),
        "oldest_pending_seconds": int((timezone.now() - oldest).total_seconds()) if oldest else 0,
    }
