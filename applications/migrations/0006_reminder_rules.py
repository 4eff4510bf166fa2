"""Reminders follow rules. Those queued before the rules are forgotten: at most one more of each may leave."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('applications', '0005_replaces'),
        ('offers', '0005_history_and_publication_time'),
    ]

    operations = [
        migrations.DeleteModel(
            name='Reminder',
        ),
        migrations.AddIndex(
            model_name='application',
            index=models.Index(condition=models.Q(('state', 'draft')), fields=['offer', 'id'], name='draft_of_offer'),
        ),
        migrations.AddIndex(
            model_name='application',
            index=models.Index(condition=models.Q(('state', 'filed')), fields=['offer', 'filed_at'], name='filed_of_offer'),
        ),
        migrations.CreateModel(
            name='ReminderRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('audience', models.CharField(choices=[('candidate', 'Candidat : dossier pas encore déposé'), ('unopened', 'Signataire : demande pas encore ouverte'), ('unsigned', 'Signataire : demande ouverte, avis pas encore signé'), ('service', 'Service : dossiers déposés à vérifier'), ('rapporteur', 'Rapporteur : avis pas encore donné avant la séance'), ('member', 'Membre de la commission : séance à venir')], max_length=20, verbose_name='à qui')),
                ('days_before', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(validators=[django.core.validators.MaxValueValidator(365)]), blank=True, default=list, help_text='Par exemple : 14, 7, 3, 1. L’échéance est la date limite, ou la séance de la commission.', size=None, verbose_name='jours avant l’échéance')),
                ('every_days', models.PositiveSmallIntegerField(blank=True, help_text='Sans échéance, ou si « jours avant » est vide : depuis la dernière activité.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)], verbose_name='sinon, tous les… jours')),
                ('at_most', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)], verbose_name='au plus… fois')),
                ('active', models.BooleanField(default=True, verbose_name='actif')),
                ('offer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminder_rules', to='offers.offer')),
            ],
            options={
                'verbose_name': 'règle de rappel',
                'verbose_name_plural': 'règles de rappel',
                'ordering': ['offer', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target', models.CharField(max_length=90)),
                ('step', models.DateField()),
                ('queued_at', models.DateTimeField()),
                ('application', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='applications.application')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='applications.reminderrule')),
            ],
            options={
                'verbose_name': 'rappel',
                'ordering': ['-queued_at', '-pk'],
            },
        ),
        migrations.AddConstraint(
            model_name='reminderrule',
            constraint=models.UniqueConstraint(fields=('offer', 'audience'), name='one_rule_for_each_audience', violation_error_message='Cette offre a déjà une règle pour ce public.'),
        ),
        migrations.AddConstraint(
            model_name='reminderrule',
            constraint=models.CheckConstraint(condition=models.Q(('every_days__isnull', True), ('every_days__gte', 1), _connector='OR'), name='rule_recurs', violation_error_message='Un rythme compte au moins un jour.'),
        ),
        migrations.AddIndex(
            model_name='reminder',
            index=models.Index(condition=models.Q(('application__isnull', False)), fields=['application'], name='reminder_application'),
        ),
        migrations.AddConstraint(
            model_name='reminder',
            constraint=models.UniqueConstraint(fields=('target', 'step', 'rule'), name='reminder_once'),
        ),
    ]
