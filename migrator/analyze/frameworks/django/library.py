"""Models of Django itself and abstract bases of packages that much of its world builds on.

What a package declares is no table of the monolith, but a model may inherit from it or point to
it. One model a paragraph: ``label.Name (bases) table``, then a field a line: name, class, and
what matters to columns. ``abstract`` stands in place of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

_MODELS = """
django.contrib.contenttypes.models ContentType contenttypes django_content_type
  app_label CharField max_length=100
  model CharField max_length=100
django.contrib.auth.models Permission auth auth_permission
  name CharField max_length=255
  content_type ForeignKey contenttypes.ContentType
  codename CharField max_length=100
django.contrib.auth.models Group auth auth_group
  name CharField max_length=150 unique
  permissions ManyToManyField auth.Permission
django.contrib.auth.base_user AbstractBaseUser auth abstract
  password CharField max_length=128
  last_login DateTimeField null
django.contrib.auth.models PermissionsMixin auth abstract
  is_superuser BooleanField
  groups ManyToManyField auth.Group related_name=user_set related_query_name=user
  user_permissions ManyToManyField auth.Permission related_name=user_set related_query_name=user
django.contrib.auth.models AbstractUser(AbstractBaseUser,PermissionsMixin) auth abstract
  username CharField max_length=150 unique
  first_name CharField max_length=150
  last_name CharField max_length=150
  email EmailField
  is_staff BooleanField
  is_active BooleanField
  date_joined DateTimeField
django.contrib.auth.models User(AbstractUser) auth auth_user swappable=AUTH_USER_MODEL
django.contrib.sessions.base_session AbstractBaseSession sessions abstract
  session_key CharField max_length=40 primary_key
  session_data TextField
  expire_date DateTimeField
django.contrib.sessions.models Session(AbstractBaseSession) sessions django_session
django.contrib.sites.models Site sites django_site
  domain CharField max_length=100 unique
  name CharField max_length=50
django.contrib.admin.models LogEntry admin django_admin_log
  action_time DateTimeField
  user ForeignKey settings.AUTH_USER_MODEL
  content_type ForeignKey contenttypes.ContentType null on_delete=SET_NULL
  object_id TextField null
  object_repr CharField max_length=200
  action_flag PositiveSmallIntegerField
  change_message TextField
django.contrib.flatpages.models FlatPage flatpages django_flatpage
  url CharField max_length=100
  title CharField max_length=200
  content TextField
  enable_comments BooleanField
  template_name CharField max_length=70
  registration_required BooleanField
  sites ManyToManyField sites.Site
django.contrib.redirects.models Redirect redirects django_redirect
  site ForeignKey sites.Site
  old_path CharField max_length=200
  new_path CharField max_length=200
rest_framework.authtoken.models Token authtoken authtoken_token
  key CharField max_length=40 primary_key
  user OneToOneField settings.AUTH_USER_MODEL related_name=auth_token
  created DateTimeField
treebeard.models Node treebeard abstract
treebeard.mp_tree MP_Node(Node) treebeard abstract
  path CharField max_length=255 unique
  depth PositiveIntegerField
  numchild PositiveIntegerField
treebeard.ns_tree NS_Node(Node) treebeard abstract
  lft PositiveIntegerField
  rgt PositiveIntegerField
  tree_id PositiveIntegerField
  depth PositiveIntegerField
treebeard.al_tree AL_Node(Node) treebeard abstract
mptt.models MPTTModel mptt abstract
  lft PositiveIntegerField
  rght PositiveIntegerField
  tree_id PositiveIntegerField
  level PositiveIntegerField
tree_queries.models TreeNode tree_queries abstract
  parent ForeignKey self null related_name=children
tree_queries.models OrderableTreeNode(TreeNode) tree_queries abstract
  position PositiveIntegerField
modelcluster.models ClusterableModel modelcluster abstract
taggit.models TagBase taggit abstract
  name CharField max_length=100 unique
  slug SlugField unique
taggit.models Tag(TagBase) taggit taggit_tag
taggit.models ItemBase taggit abstract
taggit.models TaggedItemBase(ItemBase) taggit abstract
  tag ForeignKey taggit.Tag related_name=%(app_label)s_%(class)s_items
taggit.models CommonGenericTaggedItemBase(ItemBase) taggit abstract
  content_type ForeignKey contenttypes.ContentType related_name=%(app_label)s_%(class)s_tagged_items
taggit.models GenericTaggedItemBase(CommonGenericTaggedItemBase) taggit abstract
  object_id IntegerField
taggit.models GenericUUIDTaggedItemBase(CommonGenericTaggedItemBase) taggit abstract
  object_id UUIDField
taggit.models TaggedItem(GenericTaggedItemBase,TaggedItemBase) taggit taggit_taggeditem
model_utils.models TimeStampedModel model_utils abstract
  created DateTimeField
  modified DateTimeField
model_utils.models TimeFramedModel model_utils abstract
  start DateTimeField null
  end DateTimeField null
model_utils.models StatusModel model_utils abstract
  status CharField max_length=100
  status_changed DateTimeField
model_utils.models SoftDeletableModel model_utils abstract
  is_removed BooleanField
model_utils.models UUIDModel model_utils abstract
  id UUIDField primary_key
django_extensions.db.models TimeStampedModel django_extensions abstract
  created DateTimeField
  modified DateTimeField
django_extensions.db.models TitleDescriptionModel django_extensions abstract
  title CharField max_length=255
  description TextField null
django_extensions.db.models TitleSlugDescriptionModel(TitleDescriptionModel) django_extensions abstract
  slug SlugField
django_extensions.db.models ActivatorModel django_extensions abstract
  status IntegerField
  activate_date DateTimeField null
  deactivate_date DateTimeField null
polymorphic.models PolymorphicModel polymorphic abstract
  polymorphic_ctype ForeignKey contenttypes.ContentType null related_name=polymorphic_%(app_label)s.%(class)s_set+
"""  # noqa: E501

_HOMES = {
    "django.contrib.auth.models.AbstractBaseUser": "django.contrib.auth.base_user.AbstractBaseUser",
    "model_utils.models.TimeStampedModel": "model_utils.models.TimeStampedModel",
    "polymorphic.PolymorphicModel": "polymorphic.models.PolymorphicModel",
}
ROOTS = frozenset({"django.db.models.Model", "django.db.models.base.Model"})


@dataclass(frozen=True, slots=True)
class LibraryField:
    name: str
    kind: str
    target: str | None
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """`id` is the dotted name; `bases` are ids; `table` is None where it is abstract."""

    id: str
    label: str
    bases: tuple[str, ...]
    table: str | None
    swappable: str | None
    fields: tuple[LibraryField, ...]

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]


def canonical(dotted: str) -> str:
    """The name under which the table above has a class that is also exported elsewhere."""
    return _HOMES.get(dotted, dotted)


@cache
def library_models() -> dict[str, LibraryModel]:
    """All models of the table above, by dotted name."""
    found: dict[str, LibraryModel] = {}
    lines = [line for line in _MODELS.splitlines() if line]
    starts = [i for i, line in enumerate(lines) if not line.startswith(" ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        module, head, label, table, *options = lines[start].split()
        name, _, inner = head.partition("(")
        bases = tuple(_home(found, b) for b in inner.rstrip(")").split(",") if b)
        swappable = options[0].partition("=")[2] if options else None
        model = LibraryModel(
            f"{module}.{name}", label, bases, None if table == "abstract" else table, swappable,
            tuple(_field(line) for line in lines[start + 1 : end]),
        )  # fmt: skip
        found[model.id] = model
    return found


def _home(found: dict[str, LibraryModel], name: str) -> str:
    return next(id_ for id_ in reversed(list(found)) if id_.rpartition(".")[2] == name)


def _field(line: str) -> LibraryField:
    name, kind, *rest = line.split()
    target = rest.pop(0) if kind in ("ForeignKey", "OneToOneField", "ManyToManyField") else None
    options = tuple((p.partition("=")[0], p.partition("=")[2] or "True") for p in rest)
    return LibraryField(name, kind, target, options)
