"""The kinds of values that variables have; what is wrong with one reads on from its name: "PORT is not …"."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

import limits
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

SECRET_BYTES_MIN = 32  # RFC 7518, 3.2: a key of HS256 has at least the size of its hash


def problem(message: str) -> PydanticCustomError:
    return PydanticCustomError("configuration", "{message}", {"message": message})


def split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def long_enough(value: str) -> str:
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise problem("is not valid UTF-8: set it to the very text the front end uses") from None
    if length < SECRET_BYTES_MIN:
        raise problem(f"has {length} bytes and needs at least {SECRET_BYTES_MIN}: make one with `openssl rand -hex 32`")
    return value


def is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return usable and not any(character.isspace() for character in value)


def web_address(value: str) -> str:
    if not is_web_address(value):
        raise problem("is not a web address: write it like https://app.example.com")
    return value


def origins(values: list[str]) -> list[str]:
    for value in values:
        if not is_web_address(value) or "{0.scheme}://{0.netloc}".format(urlsplit(value)) != value or "@" in value:
            raise problem(f"holds {value!r}, which is not an origin: write it like https://app.example.com")
    return values


def networks(values: list[str]) -> list[str]:
    for value in values:
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise problem(f"holds {value!r}, which is no address or network: write it like 10.0.0.0/8") from None
    return values


def rate_limit(value: str) -> str:
    try:
        amount = limits.parse(value).amount
    except ValueError:
        amount = 0
    if amount < 1:
        raise problem("is not a limit above zero: write it like 600/minute (a limit cannot be switched off)")
    return value


def redis_address(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise problem("is not a Redis address: write it like redis://localhost:6379/0")
    return value


Names = Annotated[list[str], NoDecode, BeforeValidator(split_commas)]
Secret = Annotated[str, AfterValidator(long_enough)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Origins = Annotated[Names, AfterValidator(origins)]
Networks = Annotated[Names, AfterValidator(networks)]
RateLimit = Annotated[str, AfterValidator(rate_limit)]
RedisAddress = Annotated[str, AfterValidator(redis_address)]
