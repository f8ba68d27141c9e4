"""Schemathesis finds nothing: what the contract allows is taken, what it forbids is refused."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.openapi.checks import RejectedPositiveData

from tests.support.clients import NewUser
from tests.support.contract import document
from tests.support.live_server import LiveServer

EXAMPLES = 12  # of each operation
MADE_BY_THE_SERVER = {"cursor", "since"}
schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_its_contract(case: schemathesis.Case[Any], new_user: NewUser, server: LiveServer) -> None:
    user = new_user("schemathesis")

    try:
        case.call_and_validate(base_url=server.url, headers={"Authorization": f"Bearer {user.token}"})
    except* RejectedPositiveData:
        # No schema can say which tokens the server has made, nor who is asking.
        assert MADE_BY_THE_SERVER & case.query.keys() or case.operation.path == "/api/me"
