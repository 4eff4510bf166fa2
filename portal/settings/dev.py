"""`make demo` and daily work: plain HTTP on this machine, the embedded services of `portal.embedded`."""

from portal.settings.base import *
from portal.settings.base import DEMO, env

SECRET_KEY = env("SECRET_KEY", default="not-secret-for-development-only-0123456789-abcdefghij")
DEBUG = env.bool("DEBUG", default=not DEMO)
SEAL_SELF_SIGNED = True
