"""The one reader of the environment: every variable with its type and its meaning.

Values come from the process environment first, then from `.env` in the project's root. `.env.example` lists them all.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from todoproject.env_values import (
    SECRET_BYTES_MIN,
    Names,
    Networks,
    Origins,
    RateLimit,
    RedisAddress,
    Secret,
    WebAddress,
)

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DEVELOPMENT_SECRET_KEY = "development-only-key-that-protects-nothing-at-all-0000"  # noqa: S105  # nosec B105
# An empty limit must not pass for an unset one: it would be read as "no limit".
REFUSED_EMPTY = {"RATE_LIMIT_USER", "RATE_LIMIT_ANONYMOUS"}

WANTED = {"bool_parsing": "true or false", "int_parsing": "a whole number", "float_parsing": "a number"}


class ConfigurationError(Exception):
    """The environment is wrong or incomplete: one line per variable, none of them showing a value of a secret."""


class LiteralDotEnv(DotEnvSettingsSource):
    """A `.env` whose values are taken as they are written: `${NAME}` in a secret is those seven characters."""

    def _read_env_file(self, file_path: Path) -> dict[str, str | None]:
        return dotenv_values(file_path, interpolate=False, encoding="utf-8")


class Environment(BaseSettings):
    """Every variable that the project reads. An empty value means unset, but for the two rate limits."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=BASE_DIR / ".env", case_sensitive=True, extra="ignore", hide_input_in_errors=True, frozen=True
    )

    DJANGO_DEBUG: bool = Field(False, description="true for development only: relaxed security, detailed error pages")
    DJANGO_SECRET_KEY: str | None = Field(
        None, description="signs sessions and list cursors; at least 32 bytes; required when DJANGO_DEBUG is false"
    )
    ALLOWED_HOSTS: Names = Field(LOCAL_HOSTS, description="host names this server answers to, comma-separated")
    CSRF_TRUSTED_ORIGINS: Origins = Field(
        [], description="origins the admin accepts forms from, comma-separated (https://admin.example.com)"
    )
    CORS_ALLOWED_ORIGINS: Origins = Field(
        [], description="origins of the front ends that may call the API from a browser, comma-separated"
    )
    BETTER_AUTH_SECRET: Secret | None = Field(
        None, description="the front end's Better Auth secret, for HS256 tokens; at least 32 bytes, used as it is"
    )
    BETTER_AUTH_URL: WebAddress | None = Field(
        None, description="address of the Better Auth server; its keys are read from <origin>/api/auth/jwks"
    )
    BETTER_AUTH_JWKS_URL: WebAddress | None = Field(
        None, description="address of the key set, when it is not the one under BETTER_AUTH_URL"
    )
    BETTER_AUTH_ISSUER: str | None = Field(
        None, description="expected `iss` of tokens; default: the origin of BETTER_AUTH_URL"
    )
    BETTER_AUTH_AUDIENCE: str | None = Field(
        None, description="expected `aud` of tokens; default: the origin of BETTER_AUTH_URL"
    )
    DATABASE_URL: str | None = Field(
        None, description="PostgreSQL 15 or newer, as a libpq address; unset: the embedded server under .data/postgres"
    )
    DATABASE_POOL_MAX: int = Field(
        10, ge=1, le=1000, description="connections of one API process to the database, at most"
    )
    DATABASE_POOL_QUEUE: int = Field(
        2000,
        ge=1,
        le=100_000,
        description="calls of one API process that may wait for a connection; more are answered 503",
    )
    DATABASE_POOL_TIMEOUT: float = Field(
        5, gt=0, le=60, description="seconds that a call waits for a connection before it is answered 503"
    )
    DATABASE_STATEMENT_TIMEOUT_MS: int = Field(
        5000, ge=100, le=600_000, description="milliseconds that one statement of the API may take"
    )
    DATABASE_PREPARE: bool = Field(
        True, description="false behind a pooler that does not support prepared statements in transaction mode"
    )
    DATABASE_WAIT: float = Field(
        30, ge=0, le=3600, description="seconds that a start waits for the database to become reachable"
    )
    TRASH_RETENTION_DAYS: int = Field(30, ge=0, le=36500, description="days a deleted task stays in the trash")
    REQUIRE_IF_MATCH: bool = Field(False, description="true: a change of a task without If-Match is refused with 428")
    RATE_LIMIT_USER: RateLimit = Field("600/minute", description="calls per user; can be raised, not switched off")
    RATE_LIMIT_ANONYMOUS: RateLimit = Field(
        "60/minute", description="refused (401) calls per client address; can be raised, not switched off"
    )
    REDIS_URL: RedisAddress | None = Field(
        None, description="Redis that counts the limits for all processes together; unset: counted in each process"
    )
    TRUSTED_PROXIES: Networks = Field(
        [], description="proxies whose X-Forwarded-For is believed: addresses or CIDRs, comma-separated"
    )
    METRICS_TOKEN: str | None = Field(None, description="bearer token of /metrics; unset: no metrics are served")
    SHUTDOWN_DELAY: float = Field(
        1, ge=0, le=60, description="seconds that a process told to stop still serves, while it reports not to be ready"
    )
    LOG_FORMAT: Literal["json", "text"] | None = Field(
        None, description="json or text; default: text when DJANGO_DEBUG is true, else json"
    )
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR; a line for every call from INFO on"
    )
    HOST: str = Field("127.0.0.1", description="address that `make run` listens on")
    PORT: int = Field(8000, ge=1, le=65535, description="port that `make run` listens on")
    WORKERS: int = Field(1, ge=1, le=512, description="processes that `make run` serves with")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, LiteralDotEnv(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != "" or name in REFUSED_EMPTY}


def read() -> Environment:
    """Read and check the environment.

    Raises ConfigurationError with one line per wrong or missing variable.
    """
    try:
        environment = Environment()
    except ValidationError as error:
        raise ConfigurationError("\n".join(explain(detail) for detail in error.errors())) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{BASE_DIR / '.env'} cannot be read as UTF-8 text ({error}).") from None
    wrong = wrong_in_production(environment)
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return environment


def explain(detail: Any) -> str:
    """One sentence for one of Pydantic's errors; never the value, which may be a secret."""
    if not detail["loc"]:
        return f"The environment is wrong: {detail['msg']}."
    name = str(detail["loc"][0])
    if detail["type"] == "configuration":
        return f"{name} {detail['msg']}."
    wanted = WANTED.get(detail["type"]) or detail["msg"].removeprefix("Input should be ")
    return f"{name} should be {wanted} ({Environment.model_fields[name].description})."


def wrong_in_production(environment: Environment) -> list[str]:
    if environment.DJANGO_DEBUG:
        return []
    wrong = []
    how = "generate one with `openssl rand -hex 32` (or set DJANGO_DEBUG=true for development)"
    if environment.DJANGO_SECRET_KEY is None:
        wrong.append(f"DJANGO_SECRET_KEY is not set: {how}.")
    elif len(environment.DJANGO_SECRET_KEY.encode(errors="replace")) < SECRET_BYTES_MIN:
        wrong.append(f"DJANGO_SECRET_KEY has fewer than {SECRET_BYTES_MIN} bytes: {how}.")
    keys = (environment.BETTER_AUTH_SECRET, environment.BETTER_AUTH_URL, environment.BETTER_AUTH_JWKS_URL)
    if not any(keys):
        wrong.append(
            "BETTER_AUTH_SECRET is not set, and neither is BETTER_AUTH_URL nor BETTER_AUTH_JWKS_URL: "
            "set one of them so that tokens can be verified."
        )
    return wrong
