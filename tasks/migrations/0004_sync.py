from importlib import import_module

from django.db import migrations

# A task that is deleted while it is live leaves no tombstone: a revision that no reader has reached expires every
# token. Accounts are taken in the order of their keys, lest two deletions of several owners wait for each other.
DELETED = """
CREATE OR REPLACE FUNCTION tasks_task_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM authn_account WHERE id IN (SELECT user_id FROM deleted) ORDER BY id FOR NO KEY UPDATE;
    UPDATE authn_account a SET
        revision = a.revision + 1,
        purged_revision = greatest(a.purged_revision, CASE WHEN d.live THEN a.revision + 1 ELSE d.newest END)
    FROM (
        SELECT user_id, max(revision) AS newest, bool_or(deleted_at IS NULL) AS live FROM deleted GROUP BY user_id
    ) d
    WHERE a.id = d.user_id;
    RETURN NULL;
END $$;
"""

# A task keeps its id, as it keeps its owner: under another one, the copies of the first would never learn of its end.
STAMP = """
CREATE OR REPLACE FUNCTION tasks_task_stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.updated_at := NEW.created_at;
        NEW.completed_at := CASE WHEN NEW.completed THEN coalesce(NEW.completed_at, NEW.created_at) END;
    ELSE
        NEW.id := OLD.id;
        NEW.user_id := OLD.user_id;
        IF NEW.title = OLD.title AND NEW.description IS NOT DISTINCT FROM OLD.description
                AND NEW.completed = OLD.completed AND NEW.deleted_at IS NOT DISTINCT FROM OLD.deleted_at THEN
            RETURN OLD;
        END IF;
        NEW.created_at := OLD.created_at;
        NEW.updated_at := clock_timestamp();
        NEW.completed_at := CASE WHEN NOT NEW.completed THEN NULL
            WHEN OLD.completed THEN OLD.completed_at ELSE NEW.updated_at END;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.title <> OLD.title OR NEW.description IS DISTINCT FROM OLD.description THEN
        NEW.title_key := tasks_fold(NEW.title);
        NEW.search := array_to_tsvector(tasks_words(NEW.user_id, concat_ws(' ', NEW.title, NEW.description)));
    END IF;
    NEW.revision := authn_next_revision(NEW.user_id);
    RETURN NEW;
END $$;
"""

# Replacing a function forgets its search path.
PIN = """
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tasks_task_deleted()', 'tasks_task_stamp()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;
"""


def _earlier(migration: str, constant: str) -> str:
    """The function that the SQL of an earlier migration begins with."""
    text: str = getattr(import_module(f"tasks.migrations.{migration}"), constant)
    return text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").partition("\nDO $$")[0]


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_staff")]

    operations = [
        migrations.RunSQL(
            DELETED + STAMP + PIN, _earlier("0003_staff", "DELETED") + _earlier("0001_initial", "STAMP") + PIN
        )
    ]
