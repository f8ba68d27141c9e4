"""The look of the admin (unfoldadmin.com/docs/configuration)."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{url}_changelist"),
        "permission": lambda request: request.user.has_perm(permission),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Todo administration",
    "SITE_HEADER": "Todo",
    "SITE_SUBHEADER": "Support and operations",
    "SITE_SYMBOL": "task_alt",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
    "SITE_URL": "/api/docs",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "todoproject.dashboard.dashboard",
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 237)",
            "100": "oklch(94.2% .028 237)",
            "200": "oklch(89% .055 237)",
            "300": "oklch(81% .1 237)",
            "400": "oklch(73% .14 240)",
            "500": "oklch(64% .155 245)",
            "600": "oklch(54.5% .16 250)",
            "700": "oklch(47.5% .145 252)",
            "800": "oklch(40.5% .12 254)",
            "900": "oklch(35% .095 255)",
            "950": "oklch(26% .07 256)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {"title": "Dashboard", "icon": "monitoring", "link": reverse_lazy("admin:index")},
                    _item("Accounts", "person_search", "authn_account", "authn.view_account"),
                    _item("Tasks", "checklist", "tasks_task", "tasks.view_task"),
                    _item("Audit log", "policy", "authn_auditentry", "authn.view_auditentry"),
                ],
            },
            {
                "title": "Staff",
                "separator": True,
                "items": [
                    _item("People", "badge", "auth_user", "auth.view_user"),
                    _item("Groups", "groups", "auth_group", "auth.view_group"),
                ],
            },
        ],
    },
}
