"""The reminder of a signatory who has opened the request has its own text: it begins as the one that both had."""

from django.db import migrations

ONE, OTHER = "signatory_reminder", "signatory_reminder_opened"


def give_both_the_same(apps, schema_editor):
    MailText = apps.get_model("applications", "MailText")
    texts = list(MailText.objects.filter(template=ONE))
    for text in texts:
        text.pk, text.template = None, OTHER
    MailText.objects.bulk_create(texts)


def forget_the_other(apps, schema_editor):
    apps.get_model("applications", "MailText").objects.filter(template=OTHER).delete()


class Migration(migrations.Migration):
    dependencies = [("applications", "0010_reminders_without_checks")]
    operations = [migrations.RunPython(give_both_the_same, forget_the_other)]
