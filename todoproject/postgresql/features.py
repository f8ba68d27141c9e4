from django.db.backends.postgresql.features import DatabaseFeatures as PostgresqlFeatures

from todoproject.database import MINIMUM_VERSION


class DatabaseFeatures(PostgresqlFeatures):
    minimum_database_version = (MINIMUM_VERSION,)
