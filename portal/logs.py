"""Keep out of every log what opens a door: links of signatories, of alerts, of passwords are keys. Needs no Django."""

import logging
import re

SECRET_PATH = re.compile(r"/(avis|alertes|messages|compte/password/reset/key)/[^/?\s]+")


def without_secrets(text: str) -> str:
    return SECRET_PATH.sub(r"/\1/***", text)


class SecretsFilter(logging.Filter):
    """Rewrites the record, its traceback included, before anything writes it down."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_secrets(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_secrets(record.exc_text)
        return True
