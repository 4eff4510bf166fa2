"""The tests: real services started by tests/conftest.py; quick password hashing; unknown template variables fail."""

from portal.settings.base import *
from portal.settings.base import STORAGES, TEMPLATES

SECRET_KEY = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PAGE_CACHE_SECONDS = 0  # what a test changes is rolled back, never committed; tests of the cache turn it on
ACCOUNT_RATE_LIMITS = False
LINK_REQUESTS_A_MINUTE = LINKS_REQUESTS_A_MINUTE = WRONG_LINKS_A_MINUTE = TYPED_TEXTS_A_MINUTE = 100_000
EXPORTS_A_MINUTE = 100_000
TEMPLATES[0]["OPTIONS"]["debug"] = True
SEAL_SELF_SIGNED = True
