"""Ten thousand offers as they might be: many institutions, places, specialties, contracts and deadlines."""

from __future__ import annotations

import random
from datetime import timedelta

OFFERS = 10_000
INSTITUTIONS = 60
SPECIALTIES = """
    Psychiatrie Pédopsychiatrie Gériatrie Pédiatrie Cardiologie Neurologie Radiologie Urgences Oncologie Anesthésie
    Chirurgie Addictologie Dermatologie Ophtalmologie Pneumologie Rhumatologie Urologie Endocrinologie Hématologie
""".split()  # noqa: SIM905 (a list would be as long as it is dull)
CONTRACTS = ["CDD de 3 ans", "CDD de 2 ans", "CDD d’un an", "CDI", "Détachement"]


def multiply_offers() -> None:
    from django.utils import timezone

    from offers.data import departments
    from offers.models import Offer
    from portal.accounts.models import Institution

    chance = random.Random(2026)
    places = chance.sample(departments(), INSTITUTIONS)
    institutions = [
        Institution.objects.create(name=f"Établissement de {place.name} ({number})", kind=Institution.Kind.COURT)
        for number, place in enumerate(places)
    ]
    models = list(Offer.objects.filter(state=Offer.State.PUBLISHED))
    now = timezone.now()
    copies = []
    for number in range(OFFERS - Offer.objects.count()):
        copy = Offer.objects.get(pk=models[number % len(models)].pk)
        where = number % INSTITUTIONS
        specialty = chance.choice(SPECIALTIES)
        copy.pk = None
        copy.reference, copy.slug = f"MESURE-{number}", f"mesure-{number}"
        copy.title = f"{copy.title} – {specialty}"
        copy.specialty = specialty
        copy.institution, copy.region, copy.department = institutions[where], places[where].region, places[where].code
        copy.contract = chance.choice(CONTRACTS)
        copy.telework = chance.choice(["", "non", "partiel", "oui"])
        days = chance.choice([None, *range(1, 90)])
        copy.deadline = None if days is None else now.replace(hour=21, minute=59, second=59) + timedelta(days=days)
        copy.published_at = now - timedelta(days=chance.randrange(1, 60))
        copies.append(copy)
    Offer.objects.bulk_create(copies, batch_size=1000)
