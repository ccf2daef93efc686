"""modoboa's own template of settings, filled in as its deployment does, then its test settings."""

import threading
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.template import Context, Engine
from fakeredis import TcpFakeServer

_server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
threading.Thread(target=_server.serve_forever, daemon=True).start()
_key = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
_template = Path(next(iter(find_spec("modoboa").submodule_search_locations))) / (
    "core/commands/templates/settings.py.tpl"
)
_filled = (
    Engine()
    .from_string(_template.read_text("utf-8"))
    .render(
        Context(
            {
                "name": "modoboa",
                "secret_key": "of-no-use",
                "devmode": "True",
                "lang": "en",
                "allowed_host": "localhost",
                "timezone": "UTC",
                "extensions": ["modoboa.amavis"],
                "db_connections": {},
                "extra_settings": [],
                "amavis_enabled": True,
                "server_domain": "localhost",
                "redis_url": f"redis://127.0.0.1:{_server.server_address[1]}/0",
            }
        )
    )
    .replace("env.str('OIDC_RSA_PRIVATE_KEY', multiline=True)", repr(_key.decode()))
)
exec(compile(_filled, str(_template), "exec"))

from modoboa.test_settings import *  # noqa: E402, F403

DATABASES["amavis"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "amavis.db"}  # noqa: F405
ROOT_URLCONF = "modoboa_urls"
