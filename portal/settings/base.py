"""Settings common to all environments. Everything that varies is an environment variable (table: docs/settings.md)."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from botocore.config import Config
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = BASE_DIR / "var"

SITE_NAME = "Portail Santé-Justice"
SITE_URL = env("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
STATE_BRAND = env.bool("STATE_BRAND", default=False)
DEMO = env.bool("DEMO", default=False)
DEMO_MAIL_DIR = env("DEMO_MAIL_DIR", default="")
DATA_PROTECTION_EMAIL = env("DATA_PROTECTION_EMAIL", default="protection-des-donnees@example.org")
SUPPORT_EMAIL = env("SUPPORT_EMAIL", default="assistance@example.org")

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portal",
    "portal.accounts",
    "portal.notifications",
    "dossiers",
    "offers",
    "applications",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "crispy_forms",
    "csp",
    "django_htmx",
    "dsfr",
    "pghistory",
    "pgtrigger",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.private_pages.PrivatePagesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "applications.middleware.FiledDossierMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.interface",
                "applications.context_processors.navigation",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "dsfr"
CRISPY_TEMPLATE_PACK = "dsfr"

DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres:///portail")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
# Apart from the tasks: emptying the cache is not emptying the queue, and its server may forget what is old.
CACHE_URL = env("CACHE_URL", default=urlsplit(REDIS_URL)._replace(path="/1").geturl())
CACHES = {"default": {"BACKEND": "portal.caching.ForgivingRedisCache", "LOCATION": CACHE_URL}}
PAGE_CACHE_SECONDS = env.int("PAGE_CACHE_SECONDS", default=600)  # public pages of offers, at most; 0: not kept at all
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # a session outlives a lost cache: nobody is logged out by it
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # what it says stays on the server

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("jpg", "jpeg", "png", "gif", "webp", "gz", "br", "woff", "woff2", "svg")

# Private files: an S3-compatible bucket where one is named, else a folder that no web server serves.
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(VAR_DIR / "media")))
S3_BUCKET = env("S3_BUCKET", default="")
_private_storage = (
    {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env("S3_ENDPOINT_URL", default=None),
            "access_key": env("S3_ACCESS_KEY", default=None),
            "secret_key": env("S3_SECRET_KEY", default=None),
            "region_name": env("S3_REGION", default="us-east-1"),
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": 60,
            "file_overwrite": False,
            "max_memory_size": 5 * 1024 * 1024,  # of a file that is read; by default, all of it
            # A storage that does not answer holds up neither a page nor a worker for minutes, botocore's default.
            "client_config": Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=3,
                read_timeout=20,
                retries={"max_attempts": 2},
            ),
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    }
)
# The seal on documents. Without a certificate, the demonstration and the tests make one that says what it is worth.
SEAL_CERTIFICATE = env("SEAL_CERTIFICATE", default="")
SEAL_KEY = env("SEAL_KEY", default="")
SEAL_TIMESTAMP_URL = env("SEAL_TIMESTAMP_URL", default="")
SEAL_SELF_SIGNED = DEMO
SEAL_FOLDER = MEDIA_ROOT.parent / "seal"
STORAGES = {
    "default": _private_storage,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after_login"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_CHANGE_EMAIL = True  # one address per account, changed once the new one is verified
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "portal.accounts.forms.SignupNames"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True  # not …SUPPORTS_CHANGE: its absence tells that an address is taken
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SITE_URL.startswith("https") else "http"

vars().update(env.email_url("EMAIL_URL", default="smtp://127.0.0.1:1025"))
EMAIL_TIMEOUT = 20
OUTBOX_PER_DOMAIN_AND_MINUTE = env.int("OUTBOX_PER_DOMAIN_AND_MINUTE", default=300)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Portail Santé-Justice <ne-pas-repondre@example.org>")
BOUNCE_ADDRESS = env("BOUNCE_ADDRESS", default="")
BOUNCE_MAILBOX = env("BOUNCE_MAILBOX", default="")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60  # a child loads its fonts first: by default, one slower than 4 s is killed
# Short: a page waits for two publications at most, each tried twice, and beat makes up for those that fail.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1800, "socket_timeout": 2, "socket_connect_timeout": 0.5}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = env("BEAT_SCHEDULE_FILE", default=str(VAR_DIR / "celerybeat-schedule"))
# What on_commit starts at once, beat starts again where the broker was away: every task is idempotent.
# One that waited for a whole period is dropped (expires): workers that come back find one of each, not a night of them.
CELERY_BEAT_SCHEDULE = {
    "drain-outbox": {
        "task": "portal.notifications.tasks.drain_outbox",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "read-bounces": {
        "task": "portal.notifications.tasks.read_bounces",
        "schedule": crontab(minute="*/5"),
        "options": {"expires": 300},
    },
    "render-missing-documents": {
        "task": "applications.tasks.render_missing_documents",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "clear-waiting-pieces": {
        "task": "dossiers.tasks.clear_waiting_pieces",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "delete-orphans": {
        "task": "dossiers.tasks.delete_orphans",
        "schedule": crontab(minute=17),
        "options": {"expires": 3000},
    },
    "send-reminders": {
        "task": "applications.tasks.send_reminders",
        "schedule": crontab(minute="*/10"),  # whatever the hour: the last day does not wait for the morning
        "options": {"expires": 600},
    },
    "settle-drafts": {
        "task": "applications.tasks.settle_drafts",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "forget-expired-sessions": {
        "task": "applications.tasks.forget_expired_sessions",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600},
    },
    "erase-abandoned-drafts": {
        "task": "applications.tasks.erase_abandoned_drafts",
        "schedule": crontab(minute="20", hour="9"),
        "options": {"expires": 3600},
    },
    "erase-idle-accounts": {
        "task": "applications.tasks.erase_idle_accounts",
        "schedule": crontab(minute="35", hour="9"),
        "options": {"expires": 3600},
    },
    "erase-what-is-over": {
        "task": "applications.tasks.erase_what_is_over",
        "schedule": crontab(minute=50, hour="1-4"),
        "options": {"expires": 3000},
    },
    # On Monday morning; again until Tuesday noon for whoever a failure left out.
    "send-digests": {
        "task": "applications.tasks.send_digests",
        "schedule": crontab(minute=10, hour="8-11", day_of_week="mon,tue"),
        "options": {"expires": 3600},
    },
    "review-links": {
        "task": "applications.tasks.review_links",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 600},
    },
    "close-offers": {
        "task": "offers.tasks.close_expired_offers",
        "schedule": crontab(minute="*"),
        "options": {"expires": 60},
    },
    "tell-news": {
        "task": "offers.tasks.tell_news",
        "schedule": crontab(minute="*/15", hour="7-19"),
        "options": {"expires": 900},
    },
    "forget-alerts": {
        "task": "offers.tasks.forget_alerts",
        "schedule": crontab(minute=40, hour=3),
        "options": {"expires": 3600},
    },
}
DRAFT_KEPT_DAYS = env.int("DRAFT_KEPT_DAYS", default=365)  # since its last activity
DRAFT_NOTICE_DAYS = env.int("DRAFT_NOTICE_DAYS", default=30)
# Candidates whose application led nowhere: two years at most after the last contact (CNIL, recruitment; the page on
# personal data says so). A setting can only shorten it.
DOSSIER_KEPT_DAYS = min(env.int("DOSSIER_KEPT_DAYS", default=730), 730)
ACCOUNT_KEPT_DAYS = env.int("ACCOUNT_KEPT_DAYS", default=730)  # without candidacy or role, since its last sign-in
MAIL_KEPT_DAYS = env.int("MAIL_KEPT_DAYS", default=365)
REMINDER_DAYS = env.list("REMINDER_DAYS", cast=int, default=[14, 7, 3, 1])

CLAMD_URL = env("CLAMD_URL", default="")  # no antivirus where it is empty
CLAMD_TIMEOUT = 60  # seconds without a word

# A signatory's pages, which save as one types: for one link, for one address of the network, for unknown links.
LINK_REQUESTS_A_MINUTE = env.int("LINK_REQUESTS_A_MINUTE", default=90)
LINKS_REQUESTS_A_MINUTE = env.int("LINKS_REQUESTS_A_MINUTE", default=900)
WRONG_LINKS_A_MINUTE = env.int("WRONG_LINKS_A_MINUTE", default=30)
EXPORTS_A_MINUTE = env.int("EXPORTS_A_MINUTE", default=10)
TYPED_TEXTS_A_MINUTE = env.int("TYPED_TEXTS_A_MINUTE", default=60)

UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=20_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # form fields; files are streamed to disk
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "portal.logs.SecretsFilter"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "loggers": {
        "django": {"level": "INFO"},  # without the handlers that Django gives it: all goes through ours, once
        # These tell every step of every document at INFO.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "pikepdf": {"level": "ERROR"},
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
