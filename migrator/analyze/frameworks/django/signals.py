"""Signals: who listens to a model's, and the monolith's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrator.analyze.facts.shape import CALL, LIST, TUPLE, Expr
from migrator.analyze.infer.values import Call
from migrator.analyze.project.modules import Module
from migrator.analyze.project.project import Project
from migrator.analyze.project.search import assigned_calls, calls, decorated
from migrator.analyze.project.walk import keyword, owner_of

_RECEIVER = ("django.dispatch.receiver", "django.dispatch.dispatcher.receiver")
SENDS = {"send", "send_robust", "asend", "asend_robust"}
_SIGNAL = ("django.dispatch.Signal", "django.dispatch.dispatcher.Signal")


@dataclass(frozen=True, slots=True)
class Connection:
    """`handler` (a definition) listens to `signal`, a dotted name of Django's or a definition of
    the monolith; `senders` are expressions of `module`, empty for any sender; `local` are names
    that the function around imports."""

    signal: str
    handler: str
    senders: tuple[Expr, ...]
    module: Module
    line: int
    local: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.signal.rpartition(":")[2].rpartition(".")[2]


def own_signals(project: Project) -> set[str]:
    """The signals that the monolith itself declares."""
    return {id_ for id_, _, _, made in assigned_calls(project) if made in _SIGNAL}


def connections(project: Project) -> Iterator[Connection]:
    """``@receiver(post_save, sender=Post)`` and ``post_save.connect(handler, sender=Post)``."""
    own = own_signals(project)
    for one in decorated(project):
        decorator = one.decorator
        if type(decorator) is not tuple or decorator[0] != CALL or not decorator[3]:
            continue
        if project.resolved(one.module.name, decorator[2]) not in _RECEIVER:
            continue
        for written in _each(decorator[3][0]):
            signal = project.resolved(one.module.name, written)
            if is_signal(signal, own):
                senders = _each(keyword(decorator, "sender"))
                yield Connection(signal, one.definition, senders, one.module, one.line)
    for found in calls(project, ("connect",)):
        owner, call = owner_of(found.call[2]), found.call
        handler = keyword(call, "receiver") or (call[3][0] if call[3] else None)
        if type(owner) is not str or type(handler) is not str:
            continue
        signal = project.names.resolve(found.module.name, owner, found.local) or ""
        target = project.names.resolve(found.module.name, handler, found.local)
        definition = project.names.definition_of(target)
        if definition is not None and is_signal(signal, own):
            sender = keyword(call, "sender") or (call[3][1] if len(call[3]) > 1 else None)
            senders = _each(sender)
            yield Connection(signal, definition, senders, found.module, call[1], found.local)


def listening(project: Project) -> dict[str, list[str]]:
    """The functions that listen to each of the monolith's own signals, whoever sends it."""
    own = own_signals(project)
    found: dict[str, list[str]] = {}
    for one in connections(project) if own else ():
        if one.signal in own and project.function(one.handler) is not None:
            found.setdefault(one.signal, []).append(one.handler)
    return found


def sending(call: Call) -> Call:
    """``signal.send(sender, other=x)`` as the call that each handler gets."""
    named = dict(call.named)
    if call.values:
        named["sender"] = call.values[0]
    return Call(call.line, call.expr, (), (), call.keywords, named)


def is_signal(name: str, own: set[str]) -> bool:
    return name in own or (".signals." in name and ":" not in name)


def _each(expr: Expr) -> tuple[Expr, ...]:
    if expr is None:
        return ()
    if type(expr) is tuple and expr[0] in (LIST, TUPLE):
        return tuple(expr[1])
    return (expr,)
