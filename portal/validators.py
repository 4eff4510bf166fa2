"""What a person may type where one line is expected."""

import re

from django.core.validators import RegexValidator

# These words travel in mails to other people: no second line, no address of a site to lure them to.
plain_line = RegexValidator(
    r"[\x00-\x1f\x7f\u2028\u2029]|://|www\.",
    "Écrivez une seule ligne, sans adresse de site.",
    inverse_match=True,
    flags=re.IGNORECASE,
)
