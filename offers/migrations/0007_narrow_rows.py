"""Long texts stand apart from the rows that lists and searches go through: a third of the pages to read.

For the rows written from now on; `VACUUM FULL offers_offer` does it for those written before.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("offers", "0006_alerts_and_favourites")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE offers_offer SET (toast_tuple_target = 512);",
            "ALTER TABLE offers_offer RESET (toast_tuple_target);",
        )
    ]
