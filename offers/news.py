"""What becomes of a published offer is told to whoever applies to it: the floor above says whom, and how.

A listener writes rows (outbox) in the transaction of the move: it is called with the offer, moved, and its log row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offers.models import Offer, OfferTransition

Listener = Callable[[Offer, OfferTransition], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Listener:
    """Declare a function to call at each move that people who apply must hear of."""
    _listeners.append(listener)
    return listener


def tell(offer: Offer, entry: OfferTransition, **data: Any) -> None:
    """The effect of such a move (portal.workflow)."""
    for listener in _listeners:
        listener(offer, entry)
