from importlib import import_module

from django.db import migrations

SEPARATORS = import_module("tasks.migrations.0001_initial").SEPARATORS

# The digest of the owner is made once a text, not once a word.
WORDS = f"""
CREATE OR REPLACE FUNCTION tasks_words(owner text, value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(digest || left(word, 500)), '{{}}')
    FROM left(md5(owner), 10) digest, regexp_split_to_table(tasks_fold(value), '[{SEPARATORS}]+') word
    WHERE word <> ''
$$;
"""

QUERY = """
CREATE FUNCTION tasks_query(owner text, value text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg('''' || word || ''':*', ' & ')::tsquery FROM unnest(tasks_words(owner, value)) word
$$;
"""

# The words are the owner's by their digest already. An index on user_id, which the planner would join to that of the
# words, would visit all of the owner's tasks, so the comparison is spelt as one that no index can serve. Only a bitmap
# reads the words' index, and the scope of a call plans without (authn/scope.py).
SEARCH = """
CREATE OR REPLACE FUNCTION tasks_search(value text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET enable_bitmapscan = on AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
    query tsquery := tasks_query(owner, value);
BEGIN
    RETURN QUERY SELECT id FROM tasks_task WHERE user_id || '' = owner AND search @@ query;
END $$;
"""

# Replacing a function forgets its search path.
PIN = """
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION tasks_search(text) SET search_path = %I, pg_temp', current_schema());
END $$;
"""

# Plans are made for any owner. Whoever has a thousand tasks is served by each index as well as whoever has one; for an
# average owner with a handful, the planner would rather read all of somebody's tasks than look a few up by their keys.
OWNERS = """
ALTER TABLE tasks_task ALTER COLUMN user_id SET (n_distinct = -0.001);
DO $$
BEGIN
    IF EXISTS (SELECT FROM tasks_task) THEN
        ANALYZE tasks_task (user_id);
    END IF;
END $$;
"""
ANY_OWNER = "ALTER TABLE tasks_task ALTER COLUMN user_id RESET (n_distinct);"

BEFORE = import_module("tasks.migrations.0001_initial").SEARCH.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("tasks", "0004_sync")]

    operations = [
        migrations.RunSQL(WORDS + QUERY + SEARCH + PIN, BEFORE + PIN + "DROP FUNCTION tasks_query(text, text);"),
        migrations.RunSQL(OWNERS, ANY_OWNER),
    ]
