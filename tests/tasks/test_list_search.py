"""GET /tasks?q=…: every word, from its start, in title or description."""

from collections.abc import Iterator

import pytest

from tasks import listing
from tests.support.clients import User

from .refusals import bad_locations


@pytest.fixture(autouse=True, params=[10, 0], ids=["near by", "in the index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways to find a task: among those near by, and when none counts as near by, in the words' index."""
    monkeypatch.setattr(listing, "NEAR", request.param)
    listing.listing.cache_clear()
    yield
    listing.listing.cache_clear()


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Buy oat milk", "milk"),
        ("Buy oat milk", "mil"),
        ("Buy oat milk", "m"),
        ("Buy oat milk", "MILK buy"),
        ("Buy oat milk", " milk  oat "),
        ("the and of", "the"),
        ("running", "running"),
        ("Straße", "STRASSE"),
        ("STRASSE", "straße"),
        ("Äpfel", "äPF"),
        ("ЖУК", "жу"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("日本語の本", "日本"),
        ("naïve café", "CAFÉ"),
        ("50%_off", "off"),
        ("50%_off", "50%_off"),
        ("it's", "it's"),
        ("it's", "s"),
        ('say "cheese"', "cheese"),
        (r"c:\temp", r"c:\temp"),
        ("a&b|c!d:e*f(g)", "a b c d e f g"),
        ("a&b|c!d:e*f(g)", "g!f:*"),
        ("milk", "mi:*"),
        ("milk", "!milk"),
        ("milk", "(milk"),
        ("milk", "milk & "),
        ("milk", "'milk'"),
        ("milk", "%milk%"),
        ("foo-bar_baz.qux/quux", "bar baz quux"),
        ("well-known", "well-known"),
        ("2024-01-05", "2024 05"),
        ("10.5", "10.5"),
        ("e@example.com", "example.com"),
        ("https://example.com/a?b=c", "example b"),
        ("tab\tseparated\nlines", "separated lines"),
        ("no\u00a0break\u2003space\u3000wide", "break space wide"),
        ("“quoted” — dash…", "quoted dash"),
        ("x" * 200, "x" * 200),
        ("🐘 elephant", "🐘"),
        ("x²", "x²"),
        ("ok", "ok ok ok"),
    ],
)
def test_a_task_is_found(alice: User, title: str, query: str) -> None:
    alice.create_task(title)
    alice.create_task("unrelated zzz")

    assert alice.titles(q=query) == [title]


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Buy oat milk", "ilk"),
        ("Buy oat milk", "milky"),
        ("Buy oat milk", "milk bread"),
        ("running", "ran"),
        ("running", "run fast"),
        ("runs", "running"),
        ("50 off", "0"),
        ("abc", "a%c"),
        ("abc", "a_c"),
        ("milk", "milk | bread"),
        ("milk", "!bread"),
        ("milk", "x' OR 'a'='a"),
        ("cafe", "café"),
        ("ab", "a b"),
        ("x" * 199, "x" * 200),
    ],
)
def test_a_task_is_not_found(alice: User, title: str, query: str) -> None:
    alice.create_task(title)

    assert alice.titles(q=query) == []


@pytest.mark.parametrize("query", ["", " ", "%", "_", "'", '"', "\\", "&|!:*()", "' OR 1=1 --", "\t\n", "-", "\u3000"])
def test_separators_alone_filter_nothing(alice: User, query: str) -> None:
    alice.create_task("1 or 1")
    alice.create_task("or 1 2")

    assert len(alice.tasks(q=query)) == 2


def test_words_are_found_across_title_and_description(alice: User) -> None:
    alice.create_task("Groceries", description="oat milk\nand bread")

    assert alice.titles(q="grocer bread") == ["Groceries"]
    assert alice.titles(q="bread cheese") == []


def test_the_end_of_a_title_and_the_start_of_a_description_are_no_word(alice: User) -> None:
    alice.create_task("foo", description="bar")

    assert alice.titles(q="foobar") == []


def test_what_is_found_follows_every_change(alice: User) -> None:
    task = alice.create_task("old", description="old")
    path = f"/tasks/{task['id']}"

    alice.patch(path, json={"title": "new"})
    assert (alice.titles(q="new"), alice.titles(q="old")) == (["new"], ["new"])
    alice.put(path, json={"title": "new"})
    assert alice.titles(q="old") == []
    alice.patch(f"{path}/complete")
    assert alice.titles(q="new", completed="true") == ["new"]
    alice.trash(task["id"])
    assert (alice.titles(q="new"), alice.titles(q="new", trashed="true")) == ([], ["new"])


def test_long_texts_are_searched_to_their_end(alice: User) -> None:
    alice.create_task("x", description=" ".join(f"word{number}" for number in range(900)) + " ending")

    assert alice.titles(q="word899 ending") == ["x"]


def test_a_very_long_word_is_found_by_its_beginning(alice: User) -> None:
    alice.create_task("x", description="y" * 10_000)

    assert alice.titles(q="y" * 100) == ["x"]
    assert alice.titles(q="y" * 1000) == ["x"]


def test_an_overlong_query_is_refused_not_cut(alice: User) -> None:
    assert bad_locations(alice.get("/tasks", params={"q": "x" * 1001})) == [["query", "q"]]


@pytest.mark.parametrize("query", ["%ED%A0%80", "%FF", "%C0%80"])
def test_a_query_in_no_valid_utf_8_is_no_server_error(alice: User, query: str) -> None:
    assert alice.get(f"/tasks?q={query}").status_code in (200, 400, 422)


def test_many_words_are_searched(alice: User) -> None:
    alice.create_task("a b c")

    assert alice.titles(q="a b c " * 166) == ["a b c"]
