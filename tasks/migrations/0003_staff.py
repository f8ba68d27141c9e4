import django.contrib.postgres.indexes
from django.db import migrations, models

from authn.groups import SUPPORT_MANAGE, SUPPORT_READ, grant, revoke

# One bump a statement, not one a row: every bump leaves a dead version of the account's row for the next to step over,
# so that deleting n rows one by one costs n².
DELETED = """
CREATE FUNCTION tasks_task_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE authn_account a SET revision = a.revision + 1, purged_revision = greatest(a.purged_revision, d.newest)
        FROM (SELECT user_id, max(revision) AS newest FROM deleted GROUP BY user_id) d WHERE a.id = d.user_id;
    RETURN NULL;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION tasks_task_deleted() SET search_path = %I, pg_temp', current_schema());
END $$;

DROP TRIGGER tasks_task_stamp ON tasks_task;
CREATE TRIGGER tasks_task_stamp BEFORE INSERT OR UPDATE ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION tasks_task_stamp();
CREATE TRIGGER tasks_task_deleted AFTER DELETE ON tasks_task REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION tasks_task_deleted();
"""

DROP_DELETED = """
DROP TRIGGER tasks_task_deleted ON tasks_task;
DROP FUNCTION tasks_task_deleted();
DROP TRIGGER tasks_task_stamp ON tasks_task;
CREATE TRIGGER tasks_task_stamp BEFORE INSERT OR UPDATE OR DELETE ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION tasks_task_stamp();
"""

VIEW_TASK = {"view_task": "Can view task"}
MANAGE_TASK = {
    **VIEW_TASK,
    "restore_task": "Can restore tasks from the trash",
    "show_content": "Can show the content of tasks",
}


class Migration(migrations.Migration):
    dependencies = [
        ("authn", "0003_staff"),
        ("tasks", "0002_idempotency"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="task",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("restore_task", "Can restore tasks from the trash"),
                    ("show_content", "Can show the content of tasks"),
                ],
            },
        ),
        migrations.AlterModelOptions(name="idempotencyrecord", options={"default_permissions": ()}),
        migrations.AddIndex(
            model_name="task",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="tasks_created_day"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", False)), fields=["completed_at"], name="tasks_completed_day"
            ),
        ),
        migrations.RunSQL(DELETED, DROP_DELETED),
        migrations.RunPython(grant(SUPPORT_READ, "tasks", "task", VIEW_TASK), revoke("tasks", "task")),
        migrations.RunPython(grant(SUPPORT_MANAGE, "tasks", "task", MANAGE_TASK), migrations.RunPython.noop),
    ]
