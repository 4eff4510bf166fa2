"""What the navigation needs to know, asked only where a page shows it."""

from __future__ import annotations

from django.utils.functional import SimpleLazyObject

from applications.models import CommissionMember


def navigation(request):
    user = getattr(request, "user", None)
    return {"nav": SimpleLazyObject(lambda: _entries(user))}


def _entries(user) -> dict[str, bool]:
    sits = user is not None and user.is_authenticated and CommissionMember.objects.filter(user=user).exists()
    return {"is_commission_member": sits}
