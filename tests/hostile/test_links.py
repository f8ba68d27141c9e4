"""Schemathesis walks the links of the contract in any order: no 5xx, what is documented, in bounded time and memory.

`todoproject/test_schemathesis.py` tries every operation alone, with what is forbidden too. Here a call takes its values
from the answers before it, and gets to tasks that exist, have changed since, are in the trash or are gone.
"""

from copy import deepcopy
from typing import Any, ClassVar, cast

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.generation.stateful.state_machine import RecordingStateMachine, Transition

from tests.support.clients import fresh_subject, mint
from tests.support.contract import document
from tests.support.server_process import ServerProcess, server_process

STEPS = 20  # of one walk, at most
WARM_UP = 100  # calls, after which the process has the memory that it needs
GROWTH = 16 * 2**20
CONFIG = {
    "checks": {
        "max_response_time": 5,
        # Beyond the usual: the ETag that a link carries may be stale. 422 is not among them.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "403", "404", "409", "410", "412"]},
        "ignored_auth": {"enabled": False},  # needs no state: the test of single operations has it
        # These two know no trash, no PUT, and no parameter that is not a link's (the token); see `found_while_there`.
        "use_after_free": {"enabled": False},
        "ensure_resource_availability": {"enabled": False},
    },
    "phases": {
        "stateful": {
            "inference": {"algorithms": []},  # the contract's own links and none that are guessed
            "generation": {"mode": "positive"},  # the invalid is refused before any state is looked at
        }
    },
}
SETTINGS = settings(
    stateful_step_count=STEPS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
Case = schemathesis.Case[Any]


class Walker(RecordingStateMachine):
    """A new user with four tasks, who follows links to the letter."""

    server: ClassVar[ServerProcess]
    session: ClassVar[requests.Session]
    followed: ClassVar[set[str]]
    memory: ClassVar[list[int]]

    def setup(self) -> None:
        self.subject = fresh_subject("walker")
        self.carried = False
        self.headers = {"Authorization": f"Bearer {mint(self.subject)}"}
        tasks = [{"title": "Walk on", "completed": completed} for completed in (True, True, False, False)]
        batch: Any = {"operations": [{"op": "create", "task": task} for task in tasks]}
        made = self.session.post(f"{self.server.url}/api/tasks/batch", json=batch, headers=self.headers).json()
        self.there = {task["id"]: True for task in made["results"]}

    def get_call_kwargs(self, case: Case) -> dict[str, Any]:
        return {"base_url": self.server.url, "session": self.session, "headers": self.headers}

    def before_call(self, case: Case) -> None:
        keep_what_a_client_can_know(case, self.subject)
        transition = self.recorder.cases[case.id].transition
        self.carried = transition is not None and carry(transition, case)

    def after_call(self, response: Response, case: Case) -> None:
        super().after_call(response, case)
        self.memory.append(self.server.resident_bytes)
        if response.status_code >= 400:
            return
        if self.carried:
            self.followed.add(name_of(self.recorder.cases[case.id].transition))
        match case.operation.label:
            case "POST /api/tasks":
                self.there[response.json()["id"]] = True
            case "POST /api/tasks/{task_id}/restore":
                self.there[case.path_parameters["task_id"]] = True
            case "DELETE /api/tasks/{task_id}":
                self.there[case.path_parameters["task_id"]] = False

    def validate_response(self, response: Response, case: Case, *args: Any, **kwargs: Any) -> None:
        super().validate_response(response, case, [self.found_while_there], **kwargs)

    def found_while_there(self, _: Any, response: Response, case: Case) -> None:
        there = self.there.get(case.path_parameters.get("task_id", ""))
        if there is not None and case.method in ("GET", "PUT", "PATCH") and response.status_code != 403:
            assert (response.status_code != 404) == there, f"{there=}, and the answer is another"


def keep_what_a_client_can_know(case: Case, subject: str) -> None:
    """What no schema says: which tokens the server has made, who is asking, what has been used or does not exist."""
    for values in (case.query, case.headers):
        for made_by_the_server in ("cursor", "since", "If-Match", "If-None-Match"):
            values.pop(made_by_the_server, None)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = fresh_subject("key")
    if case.operation.label == "GET /api/tasks":
        case.query["limit"] = 1  # so that pages follow, of any list but the trash
        if "q" in case.query:
            case.query["q"] = "walk"
    if case.operation.label == "DELETE /api/me":
        case.body = {"confirm": subject}
    if case.operation.label == "POST /api/tasks/batch":  # one id that is made up refuses all of it
        batch: Any = case.body
        created = [operation for operation in batch["operations"] if operation["op"] == "create"]
        case.body = {"operations": created} if created else batch


def carry(transition: Transition, case: Case) -> bool:
    """Give ``case`` what its link says, no more and no less. False if the answer has less (the last page no cursor)."""
    complete = True
    for container, parameters in transition.parameters.items():
        values = getattr(case, container)
        for name, extracted in parameters.items():
            value = extracted.value.ok() if isinstance(extracted.value, Ok) else None
            found = isinstance(value, str | int)
            if found:
                values[name] = str(value).lower() if isinstance(value, bool) else value
            elif container != "path_parameters":  # a path keeps the one that was made up
                values.pop(name, None)
            complete &= found or not str(extracted.definition).startswith("$response")
    return complete


def name_of(transition: Transition | None) -> str:
    """`GetTask` of "POST /api/tasks -> [201] GetTask -> GET /api/tasks/{task_id}"."""
    assert transition is not None
    return transition.id.partition("] ")[2].partition(" -> ")[0]


def walk(schema: Any, server: ServerProcess, walks: int) -> set[str]:
    """The names of the links that led to a success."""
    with requests.Session() as session:
        known = {"server": server, "session": session, "followed": set(), "memory": []}
        walker = cast("type[Walker]", type("Walk", (Walker, schema.as_state_machine()), known))
        walker.run(settings=settings(SETTINGS, max_examples=walks))
    assert walker.memory[-1] - walker.memory[WARM_UP] < GROWTH
    return walker.followed


def test_every_link_leads_somewhere(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    contract = deepcopy(document())  # schemathesis writes into what it is given
    schema = schemathesis.openapi.from_dict(contract, config=schemathesis.Config.from_dict(CONFIG))

    with django_db_blocker.unblock(), server_process() as server:
        followed = walk(schema.exclude(operation_id="eraseMe"), server, 40)
        followed |= walk(schema, server, 6)  # few: an account that is erased early answers nothing but 403

    assert followed == document()["components"]["links"].keys(), "what is missing needs more walks, or leads nowhere"
