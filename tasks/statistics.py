"""Numbers of tasks, each from one query; days are UTC. Tasks deleted for good are not among them."""

from authn.statistics import Daily, per_day

from .models import Task


def created_tasks(days: int) -> Daily:
    return per_day(Task.unscoped.all(), "created_at", days)


def completed_tasks(days: int) -> Daily:
    """By the day of their completion, for tasks that are completed still."""
    return per_day(Task.unscoped.all(), "completed_at", days)
