"""Stock Django Ninja on Django's own ASGI handler."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_orm.settings")
app = get_asgi_application()
