"""The same rows for every contestant: N users of M tasks each, in the peers' table and in the product's."""

from dataclasses import dataclass

import psycopg

from bench.places import BENCH

Connection = psycopg.Connection[tuple[object, ...]]

# One row is (subject, title, description, completed, created_at) of task number g of user u. A fifth of the titles
# begins with "Write", so a search for it has something to leave out; the numbers have one length, so a search for one
# finds no other.
ROWS = """
    select 'demo-' || u as subject,
           (array['Buy', 'Call', 'Plan', 'Send', 'Write'])[1 + n % 5] || ' number ' || lpad(g::text, 8, '0') as title,
           'Some description of a reasonable length for task ' || g as description,
           n % 3 = 0 as completed,
           now() - make_interval(secs => (n * 7 + u)) as created_at,
           n
    from generate_series({first}, {last}) u, generate_series(1, {tasks}) n,
         lateral (select (u - 1) * {tasks} + n as g) numbered
"""


@dataclass(frozen=True, slots=True)
class Table:
    """How the rows get into one contestant's table; `insert` takes the rows as `{rows}`."""

    name: str
    insert: str
    live: str = "true"

    def fill(self, connection: Connection, *, users: int, tasks: int, first: int = 1) -> None:
        rows = ROWS.format(first=first, last=first + users - 1, tasks=tasks)
        connection.execute(self.insert.format(rows=rows))

    def tasks_of(self, connection: Connection, first: int, users: int, per_user: int) -> list[tuple[str, str]]:
        """(subject, id) of the newest open tasks of some users: one of each user, then the next of each."""
        subjects = [f"demo-{n}" for n in range(first, first + users)]
        query = f"""
            select user_id, id::text from (
                select user_id, id, row_number() over (partition by user_id order by created_at desc) as place
                from {self.name} where user_id = any(%s) and not completed and {self.live}
            ) ranked where place <= %s order by place, length(user_id), user_id
        """
        return [(str(user), str(key)) for user, key in connection.execute(query, [subjects, per_user])]


PEERS = Table(
    name="task",
    insert="""
        insert into task (user_id, title, description, completed, created_at, updated_at)
        select subject, title, description, completed, created_at, created_at from ({rows}) r order by subject, n desc
    """,
)


def create_peers_table(connection: Connection, *, users: int, tasks: int) -> None:
    connection.execute((BENCH / "peers" / "schema.sql").read_text())
    PEERS.fill(connection, users=users, tasks=tasks)
    connection.execute("vacuum analyze task")
