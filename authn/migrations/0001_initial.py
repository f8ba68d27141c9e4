import django.db.models.functions.datetime
from django.db import migrations, models

from authn.rls import CreateApiRole, IsolateByOwner

# Raised when an account may not act; authn.scope turns it into 403.
FUNCTIONS = """
CREATE FUNCTION authn_admit(subject text, writing boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    account record;
BEGIN
    -- A write takes the account's row first, so that writes of one owner queue up and never deadlock.
    IF writing THEN
        SELECT a.status, a.revision INTO account FROM authn_account a WHERE a.id = subject FOR NO KEY UPDATE;
    ELSE
        SELECT a.status, a.revision INTO account FROM authn_account a WHERE a.id = subject;
    END IF;
    IF account.status <> 'active' THEN
        RAISE EXCEPTION USING ERRCODE = 'AU403', MESSAGE = 'account_' || account.status;
    END IF;
    RETURN account.revision;
END $$;

-- Runs as the owner of the tables: the API role may not write accounts.
CREATE FUNCTION authn_next_revision(subject text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    stamped bigint;
BEGIN
    INSERT INTO authn_account AS a (id, revision) VALUES (subject, 1)
        ON CONFLICT (id) DO UPDATE SET revision = a.revision + 1 WHERE a.status <> 'erased'
        RETURNING a.revision INTO stamped;
    IF stamped IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AU403', MESSAGE = 'account_erased';
    END IF;
    RETURN stamped;
END $$;

-- A function that runs as its owner must not look up tables in a schema of the caller's choice.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION authn_next_revision(text) SET search_path = %I, pg_temp', current_schema());
END $$;
"""

DROP = "DROP FUNCTION authn_next_revision(text); DROP FUNCTION authn_admit(text, boolean);"


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        CreateApiRole(),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", max_length=255, primary_key=True, serialize=False, verbose_name="subject"
                    ),
                ),
                ("email", models.CharField(blank=True, max_length=320, null=True)),
                ("name", models.CharField(blank=True, max_length=255, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended"), ("erased", "Erased")],
                        db_default="active",
                        default="active",
                        max_length=9,
                    ),
                ),
                ("revision", models.BigIntegerField(db_default=0, default=0, editable=False)),
                ("purged_revision", models.BigIntegerField(db_default=0, default=0, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "last_seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "suspended", "erased"])),
                        name="authn_account_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("id", ""), _negated=True), name="authn_account_id_not_empty"
                    ),
                ],
            },
        ),
        migrations.RunSQL(FUNCTIONS, DROP),
        IsolateByOwner("Account", column="id", privileges=("SELECT",)),
    ]
