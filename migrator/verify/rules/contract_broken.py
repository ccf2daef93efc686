"""A service's code no longer keeps the contract of a message that others send or read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrator.contracts.compare import Refusal, refusals
from migrator.contracts.messages import message_types
from migrator.contracts.schema import row
from migrator.model.contract import Contract, MessageType, Schema
from migrator.model.finding import Finding, Severity
from migrator.verify.rule import Rule
from migrator.verify.subject import CarvedService, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for service in subject.services:
        today = {message.name: message for message in _today(subject, service)}
        for contract in subject.contracts:
            if contract.service != service.name:
                continue
            message = today.get(contract.name)
            if message is None:
                yield from _removed(subject, contract)
            else:
                yield from _changed(subject, contract, message)


def _today(subject: Subject, service: CarvedService) -> tuple[MessageType, ...]:
    """What the code sends and takes now, whatever the files below ``contracts/`` say."""
    modules = {
        module.name: service.sources[module.path]
        for module in service.graph.modules
        if module.path in service.sources
    }
    manifests = [other.manifest for other in subject.services]
    return message_types(service.manifest, manifests, service.graph, modules)


def _removed(subject: Subject, contract: Contract) -> Iterator[Finding]:
    what, _, kind = contract.name.rpartition(".")
    users = _users(subject, contract.service, what, kind)
    if users:
        why = f"{contract.service} no longer has this message, which {_listed(users)} uses"
        place = _Place(contract, subject)
        yield place.finding("error", "", why, f"keep it until {_listed(users)} has moved on")


def _changed(subject: Subject, contract: Contract, message: MessageType) -> Iterator[Finding]:
    place = _Place(contract, subject)
    # Messages under the old contract wait in outboxes, at the broker and among dead letters.
    broken = list(refusals(message.data, contract.data))
    for refusal in broken:
        yield place.broken(refusal, _way_out(message))
    if message.direction == "sent":
        gone = {refusal.field for refusal in broken if refusal.kind == "removed"}
        more = {refusal.field for refusal in refusals(contract.data, message.data)} - gone
        yield from _widened(subject, message, place, more)


def _widened(
    subject: Subject, message: MessageType, place: _Place, more: set[str]
) -> Iterator[Finding]:
    """The owner may now send `more` in these fields; a reader of today may refuse it."""
    new = {refusal.field for refusal in _added(place.contract.data, message.data)}
    for name in message.peers if more - new else ():
        reader = subject.service(name)
        view = _view(reader, message) if reader else None
        if view is None:
            continue
        found = {r.field: r for r in refusals(view, _shared(message.data, view))}
        refused = sorted(found.keys() & more)
        for field in refused:
            why = f"{name} cannot hold what {message.service} sends: there it {found[field].why}"
            fix = f"change {name} first: its model and a migration"
            yield place.finding("error", field, why, fix)
        if not refused:
            fields = ", ".join(sorted(_short(field) for field in more - new))
            why = f"{message.service} sends more than it did ({fields}); {name} is ready for it"
            yield place.finding("warning", "", why, f"deploy {name} before {message.service}")


def _added(old: Schema, new: Schema) -> Iterator[Refusal]:
    """Fields that are new: whoever does not know them passes over them."""
    return (refusal for refusal in refusals(old, new) if refusal.kind == "removed")


def _view(reader: CarvedService, message: MessageType) -> Schema | None:
    """The same message as the reader's own tables would have it."""
    tables = [table for table in reader.graph.tables if table.id == message.what]
    if not tables or message.kind != "upserted":
        return None
    return {"type": "object", "properties": {"values": row(tables[0])}}


def _shared(data: Schema, view: Schema) -> Schema:
    """`data` without the fields that the reader has no column for: they are ignored there."""
    values: Mapping[str, Any] = data["properties"]["values"]
    known = view["properties"]["values"]["properties"]
    kept = {name: schema for name, schema in values["properties"].items() if name in known}
    return {"type": "object", "properties": {"values": {**values, "properties": kept}}}


def _users(subject: Subject, owner: str, what: str, kind: str) -> list[str]:
    used = []
    for service in subject.services:
        manifest = service.manifest
        reads = dict(manifest.replicas).get(what) == owner
        inserts = dict(manifest.remote_inserts).get(what) == owner
        asks = any(e.function == what and e.service == owner for e in manifest.emits)
        if {"insert": inserts, "call": asks}.get(kind, reads):
            used.append(service.name)
    return used


@dataclass(frozen=True)
class _Place:
    contract: Contract
    subject: Subject

    def broken(self, refusal: Refusal, fix: str) -> Finding:
        raised = self.subject.contract_versions.get(self.contract.path, 1) > self.contract.version
        why = f"{_short(refusal.field) or 'the message'} {refusal.why}"
        if raised:
            why += " (declared as a new version)"
            fix = "let every message of the old version be applied before the new code runs"
        return self.finding("warning" if raised else "error", refusal.field, why, fix)

    def finding(self, severity: Severity, field: str, why: str, fix: str) -> Finding:
        contract = self.contract
        line = contract.line_of(field.rpartition(".")[2].partition("[")[0]) if field else 1
        message = f"{contract.name}: {why}"
        target = f"{contract.name}#{field}"
        return Finding(
            RULE.name, severity, contract.path, line, message, fix, contract.service, target
        )


def _way_out(message: MessageType) -> str:
    if message.kind == "call":
        return f"serve a new function beside {message.what} until its senders have moved"
    return (
        "keep the old field beside the new one until its readers have moved, or raise "
        "x-version in the contract"
    )


def _short(field: str) -> str:
    """``values.email`` is the column email to people."""
    return field.removeprefix("values.").removeprefix("kwargs.")


def _listed(names: list[str]) -> str:
    return ", ".join(names)


RULE = Rule(
    name="contract-broken",
    severity="error",
    why="Messages outlive a deployment: they wait in outboxes and at the broker, and are read by "
    "services of another version.",
    good='phone: Mapped[str | None]  # a new field that may be missing, beside "mobile"',
    bad="mobile renamed to phone  # readers wait for mobile, and lose it without an error",
    check=_check,
)
