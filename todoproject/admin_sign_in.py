"""Throttling of the staff's sign-in (django-axes)."""

from django.http import HttpRequest

from .client_address import UNKNOWN, client_address


def sign_in_address(request: HttpRequest) -> str | None:
    """Where an attempt comes from; None for a peer without an address."""
    address = client_address(request)
    return None if address == UNKNOWN else address
