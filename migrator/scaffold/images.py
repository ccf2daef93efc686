"""Container images, pinned in one place."""

IMAGES = {
    "postgres": "postgres:18.4",
    "nats": "nats:2.14-alpine",
    "collector": "otel/opentelemetry-collector-contrib:0.159.0",
    "jaeger": "quay.io/jaegertracing/jaeger:2.19.0",
    "loki": "grafana/loki:3.7.6",
    "prometheus": "prom/prometheus:v3.13.1",
    "alertmanager": "prom/alertmanager:v0.32.1",
    "grafana": "grafana/grafana:13.1.0",
}
