"""The service for a WSGI server: the carved application inside the chassis."""

from chassis.web import create_app

app = create_app()
