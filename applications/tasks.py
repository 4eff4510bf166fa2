import logging
import sys
from datetime import timedelta

from celery import shared_task
from celery.signals import task_postrun, worker_init, worker_process_init
from django.core.management import call_command
from django.db.models import Case, Count, Exists, F, OuterRef, Q, When
from django.utils import timezone

from applications import (
    abandonment,
    circuit,
    digests,
    documents,
    idle_accounts,
    late_signatures,
    papers,
    preview,
    requirements,
    retention,
)
from applications.models import Application, Minutes
from applications.reminders import planner
from dossiers import tries
from dossiers.models import Annex, Document, SafeCopy
from dossiers.pdf.limits import Unprintable

logger = logging.getLogger(__name__)

MISSING_AFTER = timedelta(minutes=5)  # before, the task that filing queued is on its way
BUSY_SECONDS = 5
SWEEP_SECONDS = 60  # of beat: what a sweep queued and nobody began, the next one queues again


@worker_init.connect
def load_the_printing_code(**signal) -> None:
    """Once, in the parent: the modules alone, which its children share."""
    import dossiers.pdf.render  # noqa: F401


@worker_process_init.connect
def prepare_to_print(**signal) -> None:
    """In each child of a worker: what every document needs is loaded once, and never inherited from the parent."""
    from dossiers.pdf.render import warm_up

    warm_up()


@task_postrun.connect
def tidy_up_after_printing(**signal) -> None:
    """Where a task has printed: its document is stored, and waits for this no longer."""
    if printing := sys.modules.get("dossiers.pdf.render"):
        printing.tidy_up()


@shared_task
def render_documents(application_pk: str) -> None:
    """Render the documents of a filed application, once. Killed midway, it is done again.

    Another worker at it (the receipt's mail, most often): come back in a moment for the rest. One that cannot be made
    holds up none but the volume.
    """
    application = Application.objects.select_related("receipt").get(pk=application_pk)
    for kind in documents.due(application):
        if kind == Document.Kind.BUNDLE and documents.must_wait(application):
            return
        try:
            made = documents.obtain(application, kind)
        except (tries.Resting, Unprintable) as error:
            logger.warning("No %s for %s: %s", kind, application.number, error)
            continue
        if made is None:
            render_documents.apply_async([application_pk], countdown=BUSY_SECONDS)
            return
        tidy_up_after_printing()


@shared_task
def render_missing_documents(limit: int = 50) -> int:
    """Render what a lost message or a killed worker left out."""
    filed = Application.objects.filter(dossier__frozen__isnull=False, filed_at__lt=timezone.now() - MISSING_AFTER)
    waiting = SafeCopy.objects.filter(piece__dossier=OuterRef("dossier"), verdict=SafeCopy.Verdict.WAITING)
    resting = tries.resting().filter(frozen__dossier=OuterRef("dossier"))
    no_volume_yet = Exists(waiting) | Exists(resting.filter(kind=Document.Kind.DOSSIER))
    always = len(Document.Kind) - 1
    decided = Count("decision", distinct=True)
    due = Case(When(no_volume_yet, then=always - 1), default=always) + decided
    made = Count("dossier__frozen__documents__kind", distinct=True)
    at_rest = Count(
        "dossier__frozen__tries", filter=Q(dossier__frozen__tries__in=tries.resting().filter(edition=0)), distinct=True
    )
    missing = filed.annotate(made=made, at_rest=at_rest, due=due).filter(due__gt=F("made") + F("at_rest"))
    keys = list(missing.order_by("filed_at").values_list("pk", flat=True)[:limit])
    volume_rests = Exists(resting.filter(kind=Document.Kind.BUNDLE))
    keys += late_signatures.without_their_volume().filter(~volume_rests).values_list("pk", flat=True)[:limit]
    for key in keys:
        render_documents.apply_async([str(key)], expires=SWEEP_SECONDS)
    sessions = Minutes.objects.filter(document=None, established_at__lt=timezone.now() - MISSING_AFTER)
    for key in sessions.values_list("pk", flat=True)[:limit]:
        render_minutes.apply_async([key], expires=SWEEP_SECONDS)
    tries.tell()
    return len(keys)


@shared_task
def render_minutes(minutes_pk: int) -> None:
    """Render the minutes of a session, once."""
    documents.obtain_minutes(Minutes.objects.get(pk=minutes_pk))


@shared_task
def send_reminders() -> int:
    """Queue every reminder that is due. Returns how many were queued."""
    return planner.queue_due()


@shared_task
def forget_expired_sessions() -> None:
    """Remove the sessions that are over, with what was typed in them (`portal.typed_text`)."""
    call_command("clearsessions")


@shared_task
def erase_abandoned_drafts() -> int:
    """Announce, then erase, the drafts that nobody touches any more. Returns how many were erased."""
    abandonment.announce()
    return abandonment.erase()


@shared_task
def erase_idle_accounts() -> int:
    """Announce, then erase, the accounts that serve nothing any more. Returns how many were erased."""
    idle_accounts.announce()
    return idle_accounts.erase()


@shared_task
def erase_what_is_over() -> int:
    """Erase the candidacies that led nowhere, and the mails of long ago. Returns how many candidacies."""
    erased = retention.erase()
    retention.forget_mails()
    return erased


@shared_task
def render_preview(application_pk: str) -> None:
    """Render the draft of a dossier for its candidate."""
    preview.render(
        Application.objects.select_related("offer__institution", "candidate", "dossier").get(pk=application_pk)
    )


@shared_task
def print_annex(annex_pk: str) -> None:
    """Print an annex to sign on paper."""
    related = ("dossier__owner", "dossier__application__offer__institution", "dossier__application__candidate")
    papers.print_sheet(Annex.objects.select_related(*related).get(pk=annex_pk))


@shared_task
def send_digests() -> int:
    """Queue this week's digests, each once. Returns how many were queued."""
    return digests.queue_digests()


@shared_task
def read_scan(piece_pk: str) -> None:
    """Find the annex of a scan by the code printed on it."""
    papers.recognise(piece_pk)


@shared_task
def review_links() -> int:
    """Note the links that have expired or come back; ask who signed to confirm what changed since."""
    return circuit.review_links() + circuit.ask_confirmations()


@shared_task
def settle_drafts() -> int:
    """Dossiers in preparation follow what their offer asks for now. Returns how many did."""
    return requirements.settle_drafts()
