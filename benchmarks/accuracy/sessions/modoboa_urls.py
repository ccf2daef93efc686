"""As the deployment of modoboa writes them."""

from django.urls import include, path

urlpatterns = [path("", include("modoboa.urls"))]
