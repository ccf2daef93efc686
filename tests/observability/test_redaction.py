"""No credential, token, cookie or mail address leaves the process in a log line or a span."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from chassis.telemetry import encode
from chassis.telemetry.logging_json import JsonFormatter
from chassis.telemetry.redaction import REDACTED, redact, redact_value, sanitize_sql
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN_CONTEXT

SECRET = "s3cr3tValue99"
TEXTS = (
    f"Authorization: Bearer {SECRET}",
    f"authorization=Basic {SECRET}==",
    f"{{'Authorization': 'Bearer {SECRET}'}}",
    f"Cookie: session={SECRET}; theme=dark",
    f"Set-Cookie: id={SECRET}; HttpOnly",
    f"password={SECRET}",
    f'{{"password": "{SECRET}"}}',
    f'{{"password": "quoted \\" {SECRET}"}}',
    f"api_key: {SECRET}",
    f"client-secret={SECRET}&grant=x",
    f"https://host/reset?token={SECRET}&x=1",
    f"https://host/reset?reset_token%3D{SECRET}",
    f"postgresql+psycopg://app:{SECRET}@db:5432/jobs",
    f"amqp://app:p/{SECRET}@broker",
    f"sent to {SECRET}@mail.example.org",
    f"GET /search?q={SECRET}%40mail.example.org",
    f"jwt eyJhbGciOi.eyJz{SECRET}.{SECRET}",
    f"(psycopg.errors) boom\n[SQL: SELECT 1]\n[parameters: {{'a': [1], 'b': '{SECRET}'}}]\n(Back",
    f"DETAIL:  Key (email, name)=(a, {SECRET}) already exists.",
    f"DETAIL:  Failing row contains (1, {SECRET}, (null)).",
    f'invalid input syntax for type integer: "{SECRET}"',
    f"session_id={SECRET}",
)
INNOCENT = (
    "GET /api/jobs/17/applications",
    "outbox published 12 messages in 0.3 s",
    "SELECT accounts.id FROM accounts WHERE accounts.id = %(id_1)s",
    "http://accounts:8000/api/companies",
)


@pytest.mark.parametrize("text", TEXTS)
def test_text_loses_its_secret_and_keeps_its_sense(text: str) -> None:
    found = redact(text)
    assert SECRET not in found
    assert redact(found) == found or SECRET not in redact(found)


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text: str) -> None:
    assert redact(text) == text


LOCAL = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789._+-", min_size=1, max_size=20)
LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)
VALUE = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-./+", min_size=8, max_size=40)
AROUND = st.text(max_size=30)


@given(AROUND, LOCAL, st.lists(LABEL, min_size=2, max_size=4), AROUND)
def test_mail_address_goes_wherever_it_stands(
    before: str, local: str, labels: list[str], after: str
) -> None:
    domain = ".".join(labels)
    assert f"{local}@{domain}" not in redact(f"{before} {local}@{domain} {after}")


@given(
    AROUND,
    st.sampled_from(["password", "api_key", "access_token", "client-secret", "API-KEY", "apiKey"]),
    st.sampled_from(["=", ": ", '": "', "': '", " = "]),
    VALUE,
)
def test_value_of_a_secret_name_goes(before: str, name: str, between: str, value: str) -> None:
    assert value not in redact(f"{before} {name}{between}{value}").removeprefix(before)


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


NESTED = st.recursive(
    st.just(SECRET) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(LABEL, inner)
)


@given(st.sampled_from(["password", "X-Api-Key", "cookie", "refresh_token", "sessionId"]), NESTED)
def test_field_with_a_secret_name_says_nothing(name: str, value: object) -> None:
    assert SECRET not in json.dumps(redact_value("body", {"deep": [{name: value}]}))


@given(st.text(max_size=60), st.sampled_from(["'", "E'", "e'"]))
def test_text_literals_leave_no_sql(content: str, opening: str) -> None:
    quoted = content.replace("\\", "\\\\").replace("'", "''")
    found = sanitize_sql(f"SELECT id FROM t WHERE a = {opening}{quoted}' AND b = %(b)s")
    assert found == "SELECT id FROM t WHERE a = ? AND b = %(b)s"


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO t VALUES ('{SECRET}', $${SECRET}$$, $x$a'{SECRET}$x$)",
        f"SELECT 1 -- it's {SECRET}@mail.example.org",
        f"SELECT \"odd'name\" FROM t WHERE a = '{SECRET}'",
        f"SELECT 'unterminated {SECRET}",
    ],
)
def test_sql_keeps_its_shape_without_literals(statement: str) -> None:
    found = sanitize_sql(statement)
    assert SECRET not in found
    assert found.startswith(statement.split()[0])


def ended_spans(provider: TracerProvider) -> InMemorySpanExporter:
    inner = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(inner))
    return inner


def exported(span: ReadableSpan) -> Any:
    """The span as it leaves, read by OpenTelemetry's own classes."""
    body = encode.request(Resource({}), [encode.span(span)])
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    return resource.scope_spans[0].spans[0]


def test_spans_are_exported_without_secrets() -> None:
    provider = TracerProvider()
    ended = ended_spans(provider)
    tracer = provider.get_tracer("test")
    with pytest.raises(RuntimeError), tracer.start_as_current_span(f"mail {SECRET}@x.org") as span:
        span.set_attribute("http.request.header.authorization", [f"Bearer {SECRET}"])
        span.set_attribute("http.request.header.x-api-key", SECRET)
        span.set_attribute("url.query", f"token={SECRET}&page=2")
        span.set_attribute("db.query.text", f"SELECT 1 FROM t WHERE name = '{SECRET}'")
        span.add_event("login", {"user.email": f"{SECRET}@x.org", "password": SECRET})
        raise RuntimeError(f"password={SECRET}")
    [given] = ended.get_finished_spans()
    assert SECRET in given.to_json()
    found = exported(given)
    assert SECRET not in str(found)
    attributes = {pair.key: pair.value.string_value for pair in found.attributes}
    assert attributes["db.query.text"] == "SELECT 1 FROM t WHERE name = ?"
    assert attributes["url.query"] == f"token={REDACTED}&page=2"
    assert int.from_bytes(found.span_id) == span.get_span_context().span_id
    assert [event.name for event in found.events] == ["login", "exception"]


def failing_statement(url: str) -> BaseException:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TEMP TABLE people (email text UNIQUE)"))
            row = {"email": f"{SECRET} {SECRET}"}
            connection.execute(sa.text("INSERT INTO people VALUES (:email)"), [row])
            connection.execute(sa.text("INSERT INTO people VALUES (:email)"), [row])
    except sa.exc.IntegrityError as error:
        return error
    finally:
        engine.dispose()
    raise AssertionError("the second row must be refused")


def test_parameters_of_a_failed_statement_leave_by_no_way(postgres_url: str) -> None:
    error = failing_statement(postgres_url)
    assert SECRET in str(error)
    provider = TracerProvider()
    ended = ended_spans(provider)
    span = provider.get_tracer("test").start_span("INSERT")
    span.record_exception(error)
    span.end()
    [given] = ended.get_finished_spans()
    found = str(exported(given))
    assert "UniqueViolation" in found
    assert SECRET not in found
    assert SECRET not in JsonFormatter("accounts", "web").format(record("failed", error=error))


def record(message: str, *args: Any, error: BaseException | None = None, **extra: Any) -> Any:
    info: Any = (type(error), error, error.__traceback__) if error else None
    found = logging.LogRecord("test", logging.ERROR, __file__, 1, message, args, info)
    vars(found).update(extra)
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_log_line_has_no_secret(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        error = sys.exc_info()[1]
    line = JsonFormatter("accounts", "web").format(
        record("got %s", text, error=error, details={"raw": [text]}, password=SECRET)
    )
    assert SECRET not in line
    found = json.loads(line)
    assert found["service.name"] == "accounts"
    assert found["severity"] == "ERROR"
    assert found["password"] == REDACTED


def test_extra_fields_cannot_pose_as_the_lines_own() -> None:
    line = json.loads(JsonFormatter("accounts", "web").format(record("x", severity="INFO")))
    assert line["severity"] == "ERROR"


@pytest.mark.parametrize("text", TEXTS)
def test_logs_are_exported_without_secrets(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        error = sys.exc_info()[1]
    given = record("got %s", text, error=error, details=text, api_key=SECRET)
    scope, content = encode.log(given, INVALID_SPAN_CONTEXT)
    assert b"exception.stacktrace" in content
    assert SECRET.encode() not in scope + content
