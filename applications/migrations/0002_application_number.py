from django.db import migrations


class Migration(migrations.Migration):
    """The serial part of a filed application's number."""

    dependencies = [("applications", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE applications_number", "DROP SEQUENCE applications_number"),
    ]
