"""Words compared with what was meant (trigrams), titles that weigh more than texts, and the index of the list."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import offers.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('offers', '0002_initial'),
    ]

    operations = [
        # Immutable, as a generated column asks: the dictionary is named, so that no search path changes its answer.
        migrations.RunSQL(
            """
            CREATE FUNCTION portal_plain(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN lower(unaccent('unaccent'::regdictionary, $1));
            """,
            "DROP FUNCTION portal_plain(text);",
        ),
        migrations.AddField(
            model_name='offer',
            name='plain',
            field=models.GeneratedField(db_persist=True, expression=offers.models.Plain(offers.models.ConcatOp('title', models.Value(' '), 'specialty', models.Value(' '), 'location')), output_field=models.TextField()),
        ),
        migrations.RemoveIndex(model_name='offer', name='offer_search'),
        migrations.RemoveField(model_name='offer', name='search'),
        migrations.AddField(
            model_name='offer',
            name='search',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='portal_french', weight='A'), '||', django.contrib.postgres.search.SearchVector('specialty', 'location', config='portal_french', weight='B'), django.contrib.postgres.search.SearchConfig('portal_french')), '||', django.contrib.postgres.search.SearchVector('summary', config='portal_french', weight='C'), django.contrib.postgres.search.SearchConfig('portal_french')), '||', django.contrib.postgres.search.SearchVector('body', config='portal_french', weight='D'), django.contrib.postgres.search.SearchConfig('portal_french')), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='offer_search'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('plain', name='gin_trgm_ops'), name='offer_plain'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['state', 'deadline', 'title', 'id'], include=('kind', 'region', 'department', 'institution', 'contract', 'telework'), name='offer_list'),
        ),
    ]
