"""French full text with accents ignored: « medecin coordonnateur » finds « médecin coordonnateur »."""

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations


class Migration(migrations.Migration):
    initial = False
    dependencies = []
    operations = [
        UnaccentExtension(),
        TrigramExtension(),
        migrations.RunSQL(
            """
            CREATE TEXT SEARCH CONFIGURATION portal_french (COPY = french);
            ALTER TEXT SEARCH CONFIGURATION portal_french
                ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem;
            """,
            "DROP TEXT SEARCH CONFIGURATION portal_french;",
        ),
    ]
