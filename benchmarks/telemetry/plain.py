"""The service as it is generated, but for its telemetry: no spans, metrics or log lines."""

from chassis import telemetry


def _nothing(*_: object) -> None:
    return


telemetry.setup = telemetry.instrument_flask = _nothing  # type: ignore[assignment]

from wsgi import app  # noqa: E402

__all__ = ["app"]
