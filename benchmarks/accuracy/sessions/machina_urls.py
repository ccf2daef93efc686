"""The URLs of a project that has django-machina."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("forum/", include("machina.urls"))]
