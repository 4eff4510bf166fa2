# The portal's one image: web server, worker, scheduler and one-shot commands differ by their command alone.
FROM python:3.11-slim-bookworm AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install --no-cache-dir "uv>=0.9"
WORKDIR /srv/portail
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-cache


FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fontconfig fonts-dejavu-core fonts-liberation libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && fc-cache --system-only \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/portail --shell /usr/sbin/nologin portail
WORKDIR /srv/portail
ENV PATH=/srv/portail/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=portal.settings.production STATIC_ROOT=/srv/static \
    BEAT_SCHEDULE_FILE=/var/lib/portail/celerybeat-schedule XDG_CACHE_HOME=/tmp
COPY --from=build /srv/portail/.venv .venv
COPY manage.py ./
COPY deploy/gunicorn.conf.py deploy/healthcheck.py deploy/create_bucket.py deploy/
COPY portal portal
COPY dossiers dossiers
COPY offers offers
COPY applications applications
COPY templates templates
COPY static static
# The values are no secrets: collectstatic reads the settings and reaches nothing.
RUN SECRET_KEY=build ALLOWED_HOSTS=build python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q portal dossiers offers applications
USER portail
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi:application", "--config", "deploy/gunicorn.conf.py", "--bind", "0.0.0.0:8000"]
