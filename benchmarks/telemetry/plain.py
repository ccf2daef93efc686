"""The service as it is generated, but for its telemetry: no spans, metrics or log lines."""

from chassis import telemetry


def _nothing(*_: object) -> None:
    return


telemetry.setup = telemetry.instrument_flask = _nothing  # type: ignore[assignment]

from chassis.web import create_app  # noqa: E402

app = create_app()
