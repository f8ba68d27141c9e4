from django.db.backends.postgresql.features import DatabaseFeatures as PostgresqlFeatures


class DatabaseFeatures(PostgresqlFeatures):
    minimum_database_version = (15,)
