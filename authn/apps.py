from django.apps import AppConfig


class AuthnConfig(AppConfig):
    name = "authn"
    verbose_name = "Callers and ownership"

    def ready(self) -> None:
        from . import checks, checks_tokens  # noqa: F401  (registers the system checks)
