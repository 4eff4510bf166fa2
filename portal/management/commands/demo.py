from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.demonstration.accounts import ADMINISTRATOR, listing, make_accounts
from portal.demonstration.dossiers import make_dossiers
from portal.demonstration.offers import make_commissions, make_followers, make_institutions, make_offers, make_sessions


class Command(BaseCommand):
    help = "Loads the data of the demonstration; what is there already is left as it is. Prints the accounts."

    def handle(self, *args, **options):
        if not settings.DEMO:
            raise CommandError("Set DEMO=1: known passwords have no place on a real portal.")
        with transaction.atomic():
            institutions = make_institutions()
            users = make_accounts(institutions)
            offers = make_offers(institutions, users[ADMINISTRATOR])
            make_commissions(institutions, users, offers)
            make_followers(users, offers)
        make_dossiers(users, offers)
        make_sessions(users)
        self.stdout.write(listing())
