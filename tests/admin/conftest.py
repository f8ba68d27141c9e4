from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.support.live_server import LiveServer

from .browsing import browser, sign_in  # noqa: F401  (fixtures)
from .people import MANAGE, READ, Staff, make_staff

NewStaff = Callable[..., Staff]


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing that is slow by design would be most of the time of these tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def new_staff(server: LiveServer, database: None) -> Iterator[NewStaff]:
    """Make somebody of the staff who is signed in: ``new_staff("Support (read)")``."""
    made: list[Staff] = []

    def make(*groups: str, superuser: bool = False) -> Staff:
        made.append(Staff(server.url, make_staff(*groups, superuser=superuser)))
        made[-1].sign_in()
        assert "sessionid" in made[-1].cookies
        return made[-1]

    yield make
    for staff in made:
        staff.close()


@pytest.fixture
def reader(new_staff: NewStaff) -> Staff:
    return new_staff(READ)


@pytest.fixture
def manager(new_staff: NewStaff) -> Staff:
    return new_staff(MANAGE)


@pytest.fixture
def root(new_staff: NewStaff) -> Staff:
    return new_staff(superuser=True)
