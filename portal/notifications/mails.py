"""The mails whose words are known when they are queued: allauth's codes and links."""

from typing import Any

from portal.notifications.letters import dress
from portal.notifications.outbox import Letter, builder


@builder("rendered")
def rendered(payload: dict[str, Any]) -> Letter:
    return dress(payload["subject"], payload["text"])
