"""`manage.py read_bounces < message`: one message that came back, from the pipe of a mail server."""

import sys

from django.core.management.base import BaseCommand

from portal.notifications import bounces


class Command(BaseCommand):
    help = "Lit sur l’entrée standard un courriel revenu (rapport de non-distribution) et note l’adresse refusée."

    def handle(self, **options):
        mail = bounces.read(sys.stdin.buffer.read())
        self.stdout.write(f"Courriel {mail.pk} : {mail.get_state_display()}." if mail else "Rien à noter.")
