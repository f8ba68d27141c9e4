"""Settings of both Django peers, as fast as stock ones are: no middleware, psycopg's pool instead of reconnecting."""

import os

SECRET_KEY = BETTER_AUTH_SECRET = os.environ["BETTER_AUTH_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["bench.peers.django_orm", "django_bolt"]
BOLT_API = ["bench.peers.django_orm.bolt_api:api"]
DJANGO_BOLT_LOG_LEVEL = "ERROR"
ROOT_URLCONF = "bench.peers.django_orm.urls"
MIDDLEWARE: list[str] = []
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "OPTIONS": {"pool": {"min_size": 4, "max_size": int(os.environ["BENCH_POOL"])}},
    }
}
