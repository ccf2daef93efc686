"""What every generated service shares: outbox, inbox, replicas, remote calls, telemetry."""
