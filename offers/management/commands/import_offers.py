"""`manage.py import_offers FILE`: the open data of Choisir le service public become drafts."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from offers.csp_csv import Report, UnreadableFileError, import_rows, read_rows
from portal.accounts.models import Institution


class Command(BaseCommand):
    help = (
        "Importe un fichier CSV d’offres (données ouvertes de Choisir le service public, ou export du portail) en "
        "brouillons. Un second import ne change rien."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FICHIER")
        parser.add_argument("--institution", type=int, metavar="ID", help="organisme de toutes les offres")
        parser.add_argument(
            "--update", action="store_true", help="les brouillons déjà importés reprennent ce que dit le fichier"
        )

    def handle(self, *args, **options):
        path: Path = options["file"]
        institution = None
        if options["institution"] is not None:
            institution = Institution.objects.filter(pk=options["institution"]).first()
            if institution is None:
                raise CommandError(f"Aucun organisme ne porte le numéro {options['institution']}.")
        try:
            report = self._import(path, institution, options["update"])
        except OSError as error:
            raise CommandError(f"{path} ne s’ouvre pas : {error.strerror}.") from error
        except UnreadableFileError as error:
            raise CommandError(str(error)) from error
        self._tell(report)

    def _import(self, path: Path, institution: Institution | None, update: bool) -> Report:
        report = Report()
        with path.open("rb") as file, tqdm(total=path.stat().st_size, unit="o", unit_scale=True, disable=None) as bar:
            rows = read_rows(file)
            for report in import_rows(rows, source=path.name, institution=institution, update=update):
                bar.update(file.tell() - bar.n)
                bar.set_postfix_str(f"{report.rows} lignes")
        return report

    def _tell(self, report: Report) -> None:
        for sentence in report.reasons:
            self.stderr.write(sentence)
        if report.refused > len(report.reasons):
            self.stderr.write(f"… et {report.refused - len(report.reasons)} autres.")
        self.stdout.write(
            f"{report.rows} lignes : {report.created} brouillons créés, {report.updated} mis à jour, "
            f"{report.unchanged} déjà là, {report.refused} refus."
        )
        if report.institutions:
            self.stdout.write(f"{report.institutions} organismes créés : complétez leur adresse avant de publier.")
