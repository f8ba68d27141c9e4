"""Django's settings, made from the typed environment."""

from todoproject import database, env, startup

try:
    environment = env.read()
    DATABASES = {"default": database.configuration(environment.DATABASE_URL, env.BASE_DIR / ".data" / "postgres")}
except env.ConfigurationError as error:
    startup.fail(str(error))

BASE_DIR = env.BASE_DIR
DEBUG = environment.DJANGO_DEBUG
SECRET_KEY = environment.DJANGO_SECRET_KEY or env.DEVELOPMENT_SECRET_KEY
ALLOWED_HOSTS = environment.ALLOWED_HOSTS

BETTER_AUTH_SECRET = environment.BETTER_AUTH_SECRET
BETTER_AUTH_URL = environment.BETTER_AUTH_URL
BETTER_AUTH_JWKS_URL = environment.BETTER_AUTH_JWKS_URL
BETTER_AUTH_ISSUER = environment.BETTER_AUTH_ISSUER
BETTER_AUTH_AUDIENCE = environment.BETTER_AUTH_AUDIENCE
DATABASE_POOL_MAX = environment.DATABASE_POOL_MAX
DATABASE_POOL_QUEUE = environment.DATABASE_POOL_QUEUE
DATABASE_POOL_TIMEOUT = environment.DATABASE_POOL_TIMEOUT
DATABASE_STATEMENT_TIMEOUT_MS = environment.DATABASE_STATEMENT_TIMEOUT_MS
DATABASE_PREPARE = environment.DATABASE_PREPARE
DATABASE_POOL_QUEUE = 2000  # requests that may wait for a connection; more are answered 503 at once
DATABASE_POOL_TIMEOUT = 5.0  # seconds that one of them waits at most
DATABASE_STATEMENT_TIMEOUT_MS = 5000
DATABASE_WAIT = environment.DATABASE_WAIT
TRASH_RETENTION_DAYS = environment.TRASH_RETENTION_DAYS
REQUIRE_IF_MATCH = environment.REQUIRE_IF_MATCH
RATE_LIMIT_USER = environment.RATE_LIMIT_USER
RATE_LIMIT_ANONYMOUS = environment.RATE_LIMIT_ANONYMOUS
REDIS_URL = environment.REDIS_URL
TRUSTED_PROXIES = environment.TRUSTED_PROXIES
METRICS_TOKEN = environment.METRICS_TOKEN
HOST = environment.HOST
PORT = environment.PORT
WORKERS = environment.WORKERS

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "ninja",
    "authn",
    "tasks",
]
# The admin's path only: /api has its own, async-native list (todoproject/asgi.py).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "todoproject.urls"
ASGI_APPLICATION = "todoproject.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".data" / "static"
WHITENOISE_USE_FINDERS = True  # nothing has to be collected before the server can serve

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 10

CORS_ALLOWED_ORIGINS = environment.CORS_ALLOWED_ORIGINS
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "idempotency-key",
    "x-request-id",
    "traceparent",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
]

CSRF_TRUSTED_ORIGINS = environment.CSRF_TRUSTED_ORIGINS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
