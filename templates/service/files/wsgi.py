"""The service for a WSGI server: the carved application inside the chassis."""

import gc

from chassis.web import create_app

app = create_app()
# What is loaded by now stays: to look at all of it for garbage took a tenth of a second, in the
# midst of a request, every few hundred requests.
gc.collect()
gc.freeze()
