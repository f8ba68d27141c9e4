"""The suite's environment and cast, the same for everybody: of the shell only the database's are heeded.

Data is committed and never rolled back; tests keep apart by using fresh users, which isolation makes free.
"""

import os
from collections.abc import Iterator

import django
import pytest
from pytest_django.plugin import DjangoDbBlocker

from todoproject.env import Environment

from .support import threads as thread_watch
from .support import wire
from .support.clients import BETTER_AUTH_SECRET, Client, NewUser, User, fresh_subject
from .support.live_server import LiveServer, serving
from .support.slots import free_slot

Environment.model_config["env_file"] = None
for name in Environment.model_fields:
    if name not in ("DATABASE_URL", "DATABASE_PREPARE"):
        os.environ.pop(name, None)
os.environ.update(
    DJANGO_SETTINGS_MODULE="todoproject.settings",
    DJANGO_DEBUG="true",
    DJANGO_SECRET_KEY="a-key-that-only-the-tests-sign-with-0123456789",
    BETTER_AUTH_SECRET=BETTER_AUTH_SECRET,
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    CORS_ALLOWED_ORIGINS="https://app.example.com",
    DATABASE_POOL_MAX="5",
    RATE_LIMIT_USER="1000000/minute",
    RATE_LIMIT_ANONYMOUS="1000000/minute",
)

django.setup()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A test database of this process, made by the migrations; pytest-django would make it for marked tests only."""
    from django.conf import settings
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"test_todo_{free_slot()}"
    connections["default"].settings_dict["TEST"]["NAME"] = settings.DATABASES["default"]["TEST"]["NAME"]
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    yield
    with django_db_blocker.unblock():
        connections["default"].ensure_connection()
        with connections["default"].cursor() as cursor:  # threads that ended may have left a session behind
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    """The real server on this process's test database."""
    wire.remember_connections()
    from todoproject.asgi import application

    with django_db_blocker.unblock(), serving(application) as live:
        yield live


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's own, synchronous connection to the server's database, without a transaction around the test."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def new_user(server: LiveServer) -> Iterator[NewUser]:
    """Make a signed-in person: ``new_user("carol", email="carol@example.com")``."""
    made: list[User] = []

    def make(prefix: str = "user", /, *, subject: str | None = None, **claims: object) -> User:
        made.append(User(server.url, fresh_subject(prefix) if subject is None else subject, **claims))
        return made[-1]

    yield make
    for user in made:
        user.close()


@pytest.fixture
def alice(new_user: NewUser) -> User:
    return new_user("alice")


@pytest.fixture
def bob(new_user: NewUser) -> User:
    return new_user("bob")


@pytest.fixture
def anonymous(server: LiveServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def statements(server: LiveServer) -> Iterator[wire.Trace]:
    """Counts round trips to the database: ``statements.reset()``, call, ``statements.round_trips``."""
    with wire.traced() as trace:
        yield trace


@pytest.fixture
def threads(server: LiveServer) -> Iterator[list[str]]:
    """Stacks of whoever starts a thread, or hands work to one, during the test."""
    with thread_watch.watched() as found:
        yield found
