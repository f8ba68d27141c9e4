"""Django's settings, made from the typed environment."""

from datetime import timedelta

from todoproject import admin_theme, database, env, startup

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
DATABASE_WAIT = environment.DATABASE_WAIT
TRASH_RETENTION_DAYS = environment.TRASH_RETENTION_DAYS
REQUIRE_IF_MATCH = environment.REQUIRE_IF_MATCH
RATE_LIMIT_USER = environment.RATE_LIMIT_USER
RATE_LIMIT_ANONYMOUS = environment.RATE_LIMIT_ANONYMOUS
REDIS_URL = environment.REDIS_URL
TRUSTED_PROXIES = environment.TRUSTED_PROXIES
METRICS_TOKEN = environment.METRICS_TOKEN
SHUTDOWN_DELAY = environment.SHUTDOWN_DELAY
HOST = environment.HOST
PORT = environment.PORT
WORKERS = environment.WORKERS

INSTALLED_APPS = [
    "todoproject",  # before the theme, whose templates it overrides
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "ninja",
    "authn",
    "tasks",
]
# The admin's path only: /api has its own, async-native list (todoproject/asgi.py).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "todoproject.admin_headers.AdminHeadersMiddleware",
    "todoproject.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last, so that it answers what the sign-in view has refused
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
FORMAT_MODULE_PATH = "todoproject.formats"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".data" / "static"
WHITENOISE_USE_FINDERS = True  # nothing has to be collected before the server can serve

# Staff sign-in. The API knows no password and never comes here.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_FAILURE_LIMIT = 10  # attempts from one address
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "todoproject.admin_sign_in.sign_in_address"
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
UNFOLD = admin_theme.UNFOLD

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
# The cookies of the admin go to the admin only.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
# The admin only: without a proxy to vouch for it, a header of this name is the client's own invention.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^static/"]  # the contract's page, which is of the API, takes its assets from there
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOG_FORMAT = environment.LOG_FORMAT or ("text" if DEBUG else "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "todoproject.logs.JSONFormatter"},
        "text": {"()": "todoproject.logs.TextFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": environment.LOG_LEVEL},
    # At INFO these tell of every single call.
    "loggers": {name: {"level": "WARNING"} for name in ("psycopg.pool", "httpx", "httpcore", "axes")},
}
