import logging

from celery import shared_task

from dossiers import antivirus, clearing, orphans

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60  # of beat: what a sweep queued and nobody began, the next one queues again


@shared_task
def clear_piece(piece_pk: str) -> None:
    """Make the safe copy of a piece, or refuse it. The antivirus away: the sweep comes back to it."""
    try:
        clearing.clear(piece_pk)
    except antivirus.Away as away:
        log.warning("The antivirus does not answer (%s): file %s waits.", away, piece_pk)


@shared_task
def clear_waiting_pieces(limit: int = 100) -> int:
    """Queue the pieces that a lost message, a killed worker or an absent antivirus left waiting."""
    keys = list(clearing.due().values_list("pk", flat=True)[:limit])
    for key in keys:
        clear_piece.apply_async([str(key)], expires=SWEEP_SECONDS)
    return len(keys)


@shared_task
def delete_orphans() -> int:
    """Delete the stored files that belong to no row. Returns how many."""
    return orphans.delete_orphans()
