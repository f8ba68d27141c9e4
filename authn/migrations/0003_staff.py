import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

from authn.groups import SUPPORT_MANAGE, SUPPORT_READ, grant, revoke

APPEND_ONLY = """
CREATE FUNCTION authn_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = 'The audit log only grows: ' || lower(TG_OP) || ' is refused.';
END $$;

CREATE TRIGGER authn_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authn_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION authn_audit_append_only();
"""

DROP_APPEND_ONLY = """
DROP TRIGGER authn_audit_append_only ON authn_auditentry;
DROP FUNCTION authn_audit_append_only();
"""

# Once a day and account, and never on the path of a task: the API writes last_seen_at once a minute at most.
ACTIVITY = """
CREATE FUNCTION authn_account_active() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    today date := (NEW.last_seen_at AT TIME ZONE 'UTC')::date;
BEGIN
    INSERT INTO authn_activity (account_id, day) VALUES (NEW.id, today) ON CONFLICT DO NOTHING;
    DELETE FROM authn_activity WHERE account_id = NEW.id AND day < today - 400;  -- KEPT_DAYS of authn.activity
    RETURN NULL;
END $$;

CREATE FUNCTION authn_account_erased() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM authn_activity WHERE account_id = NEW.id;
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['authn_account_active()', 'authn_account_erased()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;

CREATE TRIGGER authn_account_made AFTER INSERT ON authn_account
    FOR EACH ROW EXECUTE FUNCTION authn_account_active();
CREATE TRIGGER authn_account_active AFTER UPDATE OF last_seen_at ON authn_account FOR EACH ROW
    WHEN ((OLD.last_seen_at AT TIME ZONE 'UTC')::date IS DISTINCT FROM (NEW.last_seen_at AT TIME ZONE 'UTC')::date)
    EXECUTE FUNCTION authn_account_active();
CREATE TRIGGER authn_account_erased AFTER UPDATE OF status ON authn_account FOR EACH ROW
    WHEN (NEW.status = 'erased') EXECUTE FUNCTION authn_account_erased();

INSERT INTO authn_activity (account_id, day)
    SELECT id, (last_seen_at AT TIME ZONE 'UTC')::date FROM authn_account WHERE status <> 'erased';
"""

DROP_ACTIVITY = """
DROP TRIGGER authn_account_made ON authn_account;
DROP TRIGGER authn_account_active ON authn_account;
DROP TRIGGER authn_account_erased ON authn_account;
DROP FUNCTION authn_account_active();
DROP FUNCTION authn_account_erased();
"""

VIEW_ACCOUNT = {"view_account": "Can view account"}
MANAGE_ACCOUNT = {
    **VIEW_ACCOUNT,
    "suspend_account": "Can suspend and reinstate accounts",
    "export_account": "Can export everything held about an account",
    "erase_account": "Can erase accounts for good",
}
VIEW_AUDIT = {"view_auditentry": "Can view audit entry"}


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("authn", "0002_erase"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="account",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("suspend_account", "Can suspend and reinstate accounts"),
                    ("export_account", "Can export everything held about an account"),
                    ("erase_account", "Can erase accounts for good"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["created_at", "id"], name="authn_account_created"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("email"), name="text_pattern_ops"
                ),
                name="authn_account_email",
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="text_pattern_ops"
                ),
                name="authn_account_name",
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("actor", models.CharField(max_length=255)),
                ("source", models.CharField(choices=[("admin", "Admin"), ("command", "Command")], max_length=7)),
                ("action", models.CharField(max_length=64)),
                ("account", models.CharField(blank=True, db_collation="C", max_length=255)),
                ("target", models.CharField(blank=True, max_length=255, verbose_name="object")),
                ("reason", models.TextField(blank=True)),
                ("details", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["account", "-id"], name="authn_audit_account"),
                    models.Index(fields=["actor", "-id"], name="authn_audit_actor"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="authn.account",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activity",
                "default_permissions": (),
                "indexes": [models.Index(fields=["day"], name="authn_activity_day")],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
        migrations.RunSQL(ACTIVITY, DROP_ACTIVITY),
        migrations.RunPython(grant(SUPPORT_READ, "authn", "account", VIEW_ACCOUNT), revoke("authn", "account")),
        migrations.RunPython(grant(SUPPORT_MANAGE, "authn", "account", MANAGE_ACCOUNT), migrations.RunPython.noop),
        migrations.RunPython(grant(SUPPORT_MANAGE, "authn", "auditentry", VIEW_AUDIT), revoke("authn", "auditentry")),
    ]
