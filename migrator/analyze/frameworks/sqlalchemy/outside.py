"""What is mapped outside of the bodies of classes."""

from __future__ import annotations

from migrator.analyze.facts.shape import SET
from migrator.analyze.frameworks.sqlalchemy.classes import MappedClasses
from migrator.analyze.frameworks.sqlalchemy.columns import is_call, keyword, last
from migrator.analyze.frameworks.sqlalchemy.declared import RELATIONS, TableFact, calls, pairs
from migrator.analyze.project.classes import Class
from migrator.analyze.project.modules import Module


class MappedFromOutside(MappedClasses):
    """Imperative mappings, and attributes that a module gives to a class after its body."""

    def _attached(self, module: Module) -> None:
        """``User.posts = relationship(…)``, ``Post.user_id = Column(…)`` at module level."""
        for statement in module.facts.interface.body:
            if statement[0] != SET or not is_call(statement[3]):
                continue
            for target in statement[2]:
                owner, _, name = target.rpartition(".") if type(target) is str else ("", "", "")
                fact = self.models.get(self.project.resolve(module.name, owner) or "")
                if not owner or fact is None:
                    continue
                known = self.project.classes.by_id[fact.id]
                around = Class(known.id, module, known.statement, known.bases)
                before = set(fact.relations)
                self._member(
                    around, fact, self.reader(module), name, None, statement[3], statement[1]
                )
                for added in set(fact.relations) - before:
                    self._inherited(fact, added)

    def _inherited(self, fact: TableFact, relation: str) -> None:
        for heir in self.models.values():
            if heir.id != fact.id and fact.id in self.project.classes.by_id[heir.id].mro:
                heir.relations.setdefault(relation, fact.relations[relation])

    def _imperative(self) -> None:
        """``registry.map_imperatively(Class, table)`` and the older ``mapper(Class, table)``."""
        for module in self.project.code:
            for call in calls(self.project, module):
                func = call[2]
                if type(func) is not str or last(func) not in ("map_imperatively", "mapper", "map"):
                    continue
                if len(call[3]) < 2 or not all(type(a) is str for a in call[3][:2]):
                    continue
                cls, table = (self.project.resolve(module.name, a) for a in call[3][:2])
                class_ = self.project.classes.get(cls or "")
                core = self.core.get(table or "")
                if class_ is None or core is None:
                    continue
                fact = TableFact(
                    class_.id, class_.module, class_.line, core.name, core.schema, "orm"
                )
                fact.parent = core.id
                fact.columns |= core.columns
                for key, value in pairs(keyword(call, "properties")):
                    if not is_call(value):
                        continue
                    if last(self.project.resolved(module.name, value[2])) in RELATIONS:
                        around = Class(class_.id, module, class_.statement, class_.bases)
                        self._relation(around, fact, key, None, value)
                self.models[class_.id] = fact
