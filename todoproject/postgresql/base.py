"""Django's PostgreSQL backend, which starts the embedded server on the first connection and asks for version 15."""

from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgresqlWrapper

from todoproject import embedded
from todoproject.postgresql.features import DatabaseFeatures


class DatabaseWrapper(PostgresqlWrapper):
    features_class = DatabaseFeatures

    def get_connection_params(self) -> dict[str, Any]:
        """The arguments of `psycopg.connect`; the embedded server, when it is used, runs once they are known.

        Raises EmbeddedDatabaseError when it cannot.
        """
        parameters: dict[str, Any] = super().get_connection_params()
        data = self.settings_dict.get("EMBEDDED")
        if data is not None:
            parameters["host"] = str(embedded.start(data))
        return parameters
