from django.urls import path

from bench.peers.django_orm.ninja_api import api

urlpatterns = [path("api/", api.urls)]
