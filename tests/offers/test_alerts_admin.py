"""The administrator sees that alerts work, and erases those of who asks; nobody reads whose they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from offers import alerts
from offers.models import Alert
from portal.notifications.models import Mail
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST = reverse("admin:offers_alert_changelist")


@pytest.fixture
def administrator(client):
    user = make.UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def confirmed(email: str, query: str = "", **columns) -> Alert:
    alert = Alert.objects.create(email=email, query=query, **columns)
    alerts.confirm(alert)
    return alert


def page(client, **asked) -> str:
    return client.get(LIST, asked).content.decode()


def test_what_is_told_of_an_alert(client, administrator):
    alert = confirmed("docteur.secret@example.org", "q=psychiatre&region=28", frequency="weekly")
    sent = timezone.now() - timedelta(days=3)
    for moment in (sent - timedelta(days=7), sent, None):  # the last one waits
        Mail.objects.create(kind="alert", recipient=alert.email, payload={"alert": alert.pk}, sent_at=moment)
    told = page(client)
    assert "docteur" not in told
    assert "d…@example.org" in told
    assert "Mots : psychiatre ; Région : Normandie" in told
    for shown in (told, client.get(reverse("admin:offers_alert_change", args=[alert.pk])).content.decode()):
        assert "docteur" not in shown
        assert alert.secret not in shown
        assert f"{timezone.localtime(sent):%H:%M}" in shown
    Mail.objects.all().delete()
    for address in (LIST, reverse("admin:offers_alert_change", args=[alert.pk])):
        assert "jamais" in client.get(address).content.decode()


def test_each_stage_is_counted_and_shown_apart(client, administrator):
    confirmed("active@example.org", "q=actif")
    ended = confirmed("finie@example.org", "q=fini")
    Alert.objects.filter(pk=ended.pk).update(ends_at=timezone.now() - timedelta(minutes=1))
    for word in ("attente", "encore"):
        Alert.objects.create(email="attente@example.org", query=f"q={word}")
    told = page(client)
    for label in ("À confirmer (2)", "Active (1)", "Arrivée à sa fin (1)"):
        assert label in told
    for stage, words in (("unconfirmed", {"attente", "encore"}), ("active", {"actif"}), ("ended", {"fini"})):
        told = page(client, etat=stage)
        assert {word for word in ("attente", "encore", "actif", "fini") if f"Mots : {word}" in told} == words
        assert {alert.stage for alert in Alert.objects.at(stage)} == {stage}


def test_who_gives_the_whole_address_has_its_alerts_erased_without_a_trace_of_it(client, administrator):
    alert = confirmed("docteur@example.org", "q=psychiatre")
    confirmed("autre@example.org", "q=ailleurs")
    assert "psychiatre" not in page(client, q="docteur")
    told = page(client, q="Docteur@example.org")
    assert "psychiatre" in told
    assert "ailleurs" not in told
    chosen = {"action": "delete_selected", "_selected_action": [alert.pk], "post": "yes"}
    assert client.post(LIST, chosen).status_code == 302
    assert list(Alert.objects.values_list("email", flat=True)) == ["autre@example.org"]
    assert "docteur" not in str(list(LogEntry.objects.values()))


def test_its_cost_does_not_grow(client, administrator):
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client)
        return len(queries)

    institution = make.InstitutionFactory()
    confirmed("un@example.org", f"organisme={institution.pk}")
    first = cost()
    for number in range(20):
        confirmed(f"{number}@example.org", f"organisme={institution.pk}")
    assert cost() == first
    assert institution.name in page(client)
