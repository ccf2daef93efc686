"""Tables, columns and keys that Django's models declare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.analyze.django.support import columns, keys, project, tables, touched, untold

BLOG = """
class Author(models.Model):
    name = models.CharField(max_length=80, unique=True)

class Post(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    editor = models.ForeignKey("Author", models.SET_NULL, null=True, related_name="+", db_column="ed")
    body = models.TextField(db_column="text")
    tags = models.ManyToManyField("Tag")
    follows = models.ManyToManyField("self")

class Tag(models.Model):
    slug = models.SlugField(primary_key=True)
"""  # noqa: E501


def test_default_names_keys_and_automatic_tables(tmp_path: Path) -> None:
    graph = project(tmp_path, {"blog/models.py": BLOG})
    assert set(tables(graph)) == {
        "blog_author", "blog_post", "blog_tag", "blog_post_tags", "blog_post_follows",
    }  # fmt: skip
    assert columns(graph, "blog_post") == {"id", "author_id", "ed", "text"}
    assert columns(graph, "blog_post_tags") == {"id", "post_id", "tag_id"}
    assert columns(graph, "blog_post_follows") == {"id", "from_post_id", "to_post_id"}
    assert keys(graph) == {
        ("blog_post", "author_id", "blog_author", "id"),
        ("blog_post", "ed", "blog_author", "id"),
        ("blog_post_tags", "post_id", "blog_post", "id"),
        ("blog_post_tags", "tag_id", "blog_tag", "slug"),
        ("blog_post_follows", "from_post_id", "blog_post", "id"),
        ("blog_post_follows", "to_post_id", "blog_post", "id"),
    }
    assert not untold(graph)
    author = next(k for k in graph.foreign_keys if k.columns == ("author_id",))
    assert author.on_delete == "CASCADE"
    slug = next(c for c in tables(graph)["blog_post_tags"].columns if c.name == "tag_id")
    assert slug.type == "String(50)"  # a key has the type of what it points to


def test_an_index_over_an_expression_has_no_columns(tmp_path: Path) -> None:
    meta = (
        "class Word(models.Model):\n    text = models.TextField()\n    class Meta:\n"
        "        indexes = [models.Index(Upper('text'), name='upper'), "
        "models.Index(fields=['text'], name='plain')]\n"
    )
    graph = project(tmp_path, {"blog/models.py": meta})
    assert columns(graph, "blog_word") == {"id", "text"}


def test_labels(tmp_path: Path) -> None:
    """A configuration's label, Meta's, the installed configuration, and the package's name."""
    one = "class One(models.Model):\n    pass\n"
    config = "from django.apps import AppConfig\nclass {}(AppConfig):\n    name = '{}'\n"
    graph = project(
        tmp_path,
        {
            "site/settings.py": "INSTALLED_APPS = ['site.pay.apps.New', 'site.plain']",
            "site/shop/apps.py": config.format("Shop", "site.shop") + "    label = 'store'\n",
            "site/shop/models/things.py": "from django.db import models\n" + one,
            "site/pay/apps.py": config.format("Old", "site.pay")
            + config.format("New", "site.pay").partition("\n")[2]
            + "    label = 'paying'\n",
            "site/pay/models.py": one,
            "site/plain/models.py": one + "    class Meta:\n        app_label = 'other'\n"
            "class Two(models.Model):\n    pass\n",
        },
    )
    assert set(tables(graph)) == {"store_one", "paying_one", "other_one", "plain_two"}


def test_inheritance(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "a/models.py": """
            class Dated(models.Model):
                made = models.DateTimeField()
                by = models.ForeignKey("Place", models.CASCADE, related_name="%(class)s_by")
                class Meta:
                    abstract = True
                    db_table = "x"

            class Mixin:
                ignored = models.CharField(max_length=3)

            class Place(models.Model):
                name = models.CharField(max_length=50)

            class Pub(Place, Mixin):
                beer = models.BooleanField()
                class Meta:
                    db_table = "pubs"

            class Bar(Pub):
                pub = models.OneToOneField(Pub, models.CASCADE, parent_link=True)

            class Seen(Place):
                class Meta:
                    proxy = True

            class Event(Dated):
                made = None
                at = models.TimeField()
                class Meta(Dated.Meta):
                    db_table = "events"

            class View(models.Model):
                n = models.IntegerField(primary_key=True)
                class Meta:
                    managed = False
                    db_table = "a_view"
            """
        },
    )
    assert set(tables(graph)) == {"a_place", "pubs", "a_bar", "events", "a_view"}
    assert columns(graph, "pubs") == {"place_ptr_id", "beer"}
    assert columns(graph, "a_bar") == {"pub_id"}
    assert columns(graph, "events") == {"id", "by_id", "at"}
    assert columns(graph, "a_view") == {"n"}
    assert ("a_bar", "pub_id", "pubs", "place_ptr_id") in keys(graph)
    assert ("pubs", "place_ptr_id", "a_place", "id") in keys(graph)


def test_users_of_the_library_and_swapped_ones(tmp_path: Path) -> None:
    source = {
        "shop/models.py": """
        from django.conf import settings
        from django.contrib.auth import get_user_model
        class Order(models.Model):
            owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
            seller = models.ForeignKey(get_user_model(), models.CASCADE, related_name="sold")
        """
    }
    graph = project(tmp_path / "one", source)
    assert tables(graph)["auth_user"].source == "library"
    assert tables(graph)["auth_user"].definition is None
    assert {k[2] for k in keys(graph)} == {"auth_user"}
    graph = project(
        tmp_path / "two",
        source
        | {
            "shop/settings.py": "AUTH_USER_MODEL = 'people.Person'\nINSTALLED_APPS = ['shop']",
            "people/models.py": """
            from django.contrib.auth.models import AbstractUser
            class Person(AbstractUser):
                badge = models.UUIDField(unique=True)
                class Meta:
                    swappable = "AUTH_USER_MODEL"
            """,
        },
    )
    assert "auth_user" not in tables(graph)
    assert {k[:3] for k in keys(graph)} >= {
        ("shop_order", "owner_id", "people_person"),
        ("shop_order", "seller_id", "people_person"),
        ("people_person_groups", "person_id", "people_person"),
        ("people_person_user_permissions", "permission_id", "auth_permission"),
    }
    assert {"password", "last_login", "username", "badge"} <= columns(graph, "people_person")


def test_through_and_generic_relations(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "club/models.py": """
            from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
            class Club(models.Model):
                members = models.ManyToManyField("Person", through="Membership")
                friends = models.ManyToManyField("self", db_table="friendship", symmetrical=False)
                notes = GenericRelation("Note")
            class Person(models.Model):
                pass
            class Membership(models.Model):
                club = models.ForeignKey(Club, models.CASCADE)
                person = models.ForeignKey(Person, models.CASCADE, db_constraint=False)
                class Meta:
                    unique_together = ("club", "person")
            class Note(models.Model):
                content_type = models.ForeignKey("contenttypes.ContentType", models.CASCADE)
                object_id = models.PositiveIntegerField()
                on = GenericForeignKey()
            """
        },
    )
    assert "club_club_members" not in tables(graph)
    assert columns(graph, "club_club") == {"id"}
    assert columns(graph, "friendship") == {"id", "from_club_id", "to_club_id"}
    assert columns(graph, "club_note") == {"id", "content_type_id", "object_id"}
    assert ("club_membership", "person_id", "club_person", "id") not in keys(graph)
    unique = [c for c in tables(graph)["club_membership"].constraints if c.kind == "unique"]
    assert [c.columns for c in unique] == [("club_id", "person_id")]


def test_fields_of_its_own_and_of_others(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/fields.py": """
            from django.db import models
            class Money(models.DecimalField):
                pass
            class OwnerField(models.ForeignKey):
                pass
            """,
            "shop/models.py": """
            from phonenumber_field.modelfields import PhoneNumberField
            from shop.fields import Money, OwnerField
            class Owner(models.Model):
                phone = PhoneNumberField()
                objects = models.Manager()
            class Thing(models.Model):
                price = Money(max_digits=9, decimal_places=2)
                owner = OwnerField(Owner, models.CASCADE)
                size = compute()
            """,
            "shop/forms.py": """
            from django import forms
            class Form(forms.Form):
                name = forms.CharField()
            """,
        },
    )
    assert set(tables(graph)) == {"shop_owner", "shop_thing"}
    assert columns(graph, "shop_owner") == {"id", "phone"}
    assert columns(graph, "shop_thing") == {"id", "price", "owner_id"}
    assert ("shop_thing", "owner_id", "shop_owner", "id") in keys(graph)


def test_what_is_not_known_is_told(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "shop/models.py": """
            import elsewhere
            class Thing(models.Model):
                far = models.ForeignKey("elsewhere.Far", models.CASCADE)
                why = models.ForeignKey(elsewhere.pick(), models.CASCADE)
            class Odd(elsewhere.Base):
                name = models.CharField(max_length=5)
            class Named(models.Model):
                class Meta:
                    db_table = elsewhere.name()
            """
        },
    )
    assert set(tables(graph)) == {"shop_thing", "shop_odd"}
    told = "\n".join(untold(graph))
    assert "shop/models.py:5 ForeignKey Thing.far: the model elsewhere.Far is not" in told
    assert "shop/models.py:6 ForeignKey Thing.why: its target is computed" in told
    assert "shop/models.py:7 model shop.Odd: its base class elsewhere.Base" in told
    assert "shop/models.py:9 table of Named: db_table is computed" in told
    assert not graph.foreign_keys


@pytest.mark.parametrize("squashed", [False, True])
def test_migrations_fill_what_classes_do_not_show(tmp_path: Path, squashed: bool) -> None:
    head = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
    files = {
        "shop/models.py": """
        import elsewhere
        class Odd(elsewhere.Base):
            name = models.CharField(max_length=5)
        """,
        "shop/migrations/0001_initial.py": head
        + """
    operations = [
        migrations.CreateModel("Odd", [
            ("key", models.UUIDField(primary_key=True)),
            ("name", models.CharField(max_length=5)),
            ("extra", models.TextField()),
        ]),
        migrations.CreateModel(name="Gone", fields=[("id", models.AutoField(primary_key=True))]),
        migrations.CreateModel(name="Made", fields=[("id", models.AutoField(primary_key=True))],
            options={"db_table": "made_at_run_time"}),
    ]
""",
        # Its name sorts first, but it comes last.
        "shop/migrations/0000_later.py": head
        + """
    dependencies = [("shop", "0001_initial")]
    state = [migrations.DeleteModel("Gone")]
    operations = [
        migrations.AddField("made", "odd", models.ForeignKey("shop.odd", models.CASCADE)),
        migrations.RenameField("odd", "extra", "further"),
        migrations.SeparateDatabaseAndState(state_operations=state),
    ]
""",
    }
    if squashed:
        files["shop/migrations/0003_squashed.py"] = (
            head + "    replaces = [('shop', '0001_initial'), ('shop', '0000_later')]\n"
            "    operations = []\n"
        )
    graph = project(tmp_path, files)
    assert set(tables(graph)) == {"shop_odd", "made_at_run_time"}
    assert columns(graph, "shop_odd") == {"key", "name", "further"}
    assert tables(graph)["made_at_run_time"].source == "migration"
    assert keys(graph) == {("made_at_run_time", "odd_id", "shop_odd", "key")}
    assert not untold(graph)


def test_the_only_model_that_can_be_the_users_is(tmp_path: Path) -> None:
    source = {
        "people/models.py": """
        from django.contrib.auth.models import AbstractBaseUser
        class Base(AbstractBaseUser):
            class Meta:
                abstract = True
        class Person(Base):
            pass
        class Boss(Person):
            class Meta:
                proxy = True
        """,
        "shop/models.py": """
        from django.conf import settings
        class Order(models.Model):
            owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
        """,
    }
    graph = project(tmp_path / "one", source)
    assert {k[:3] for k in keys(graph)} == {("shop_order", "owner_id", "people_person")}
    source["people/models.py"] += "        class Other(AbstractBaseUser): pass\n"
    graph = project(tmp_path / "two", source)
    assert {k[:3] for k in keys(graph)} == {("shop_order", "owner_id", "auth_user")}


def test_long_names_are_cut_where_the_database_cuts_them(tmp_path: Path) -> None:
    long = "A" + "b" * 70
    source = {"shop/models.py": f"class {long}(models.Model): pass"}
    assert set(tables(project(tmp_path / "one", source))) == {f"shop_{long.lower()}"}
    engine = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n"
    source["site/settings.py"] = engine + "INSTALLED_APPS = ['shop']"
    name = f"shop_{long.lower()}"
    cut = name[:59] + hashlib.md5(name.encode()).hexdigest()[:4]
    assert set(tables(project(tmp_path / "two", source))) == {cut}


def test_nodes_of_tree_queries(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "places/models.py": """
            from tree_queries.models import TreeNode
            class Place(TreeNode):
                name = models.TextField()
            """
        },
    )
    assert columns(graph, "places_place") == {"id", "parent_id", "name"}
    assert ("places_place", "parent_id", "places_place", "id") in keys(graph)


def test_a_model_of_sqlalchemy_is_none_of_django_whatever_a_migration_is_called(
    tmp_path: Path,
) -> None:
    """Two applications in one tree, both with `users.User`."""
    head = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
    graph = project(
        tmp_path,
        {
            "web/users/migrations/0001_initial.py": head
            + """
    operations = [
        migrations.CreateModel("User", [("id", models.AutoField(primary_key=True))]),
    ]
""",
            "web/users/models.py": """
            class User(models.Model):
                name = models.TextField()
            """,
            "api/users/tables.py": """
            from flask_sqlalchemy import SQLAlchemy
            db = SQLAlchemy()
            class Email(db.Model):
                id = db.Column(db.Integer, primary_key=True)
                user_id = db.Column(db.ForeignKey("accounts.id"))
            class User(db.Model):
                __tablename__ = "accounts"
                id = db.Column(db.Integer, primary_key=True)
                emails = db.relationship("Email", lazy="joined")
            def everybody():
                return User.query.all()
            """,
        },
    )
    assert touched(graph, "everybody") == {("accounts", "read"), ("email", "read")}
    assert set(tables(graph)) == {"accounts", "email", "users_user"}


def test_a_class_made_of_an_abstract_one_is_what_migrations_name(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "core/made.py": """
            from django.apps import apps
            def model_factory(base):
                return type(base.__name__.replace("Abstract", ""), (base,), {})
            def get_model(label, name):
                return apps.get_model(label, name)
            """,
            "forum/abstract_models.py": """
            from django.db import models
            class AbstractTopic(models.Model):
                name = models.CharField(max_length=9)
                above = models.ForeignKey("self", models.CASCADE)
                class Meta:
                    abstract = True
                    app_label = "forum"
                def rename(self):
                    self.save()
            """,
            "forum/models.py": """
            from core.made import model_factory
            from forum.abstract_models import AbstractTopic
            Topic = model_factory(AbstractTopic)
            """,
            "forum/migrations/0001_initial.py": """
            from django.db import migrations, models
            class Migration(migrations.Migration):
                operations = [migrations.CreateModel(name="Topic", fields=[
                    ("id", models.AutoField(primary_key=True)),
                    ("name", models.CharField(max_length=9)),
                    ("above", models.ForeignKey(to="forum.Topic", on_delete=models.CASCADE)),
                ])]
            """,
            "forum/views.py": """
            from core.made import get_model
            from forum.models import Topic as Same
            Topic = get_model("forum", "Topic")
            def view():
                return Topic.objects.first().above.name
            def same():
                return Same.objects.first().above.name
            """,
        },
    )
    assert columns(graph, "forum_topic") == {"id", "name", "above_id"}
    assert tables(graph)["forum_topic"].definition == "forum.abstract_models:AbstractTopic"
    assert touched(graph, "AbstractTopic") == {("forum_topic", "update")}
    assert touched(graph, "view") == {("forum_topic", "read")}
    assert touched(graph, "same") == {("forum_topic", "read")}


def test_proxies_that_a_metaclass_makes(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "game/models.py": """
                class Typed(models.base.ModelBase):
                    def __new__(cls, name, bases, attrs):
                        if "Meta" not in attrs:
                            class Meta:
                                proxy = True
                            attrs["Meta"] = Meta
                        return super().__new__(cls, name, bases, attrs)

                class Plain(models.base.ModelBase):
                    def __new__(cls, name, bases, attrs):
                        return super().__new__(cls, name, bases, attrs)

                class Thing(models.Model, metaclass=Plain):
                    key = models.TextField()

                class Room(Thing, metaclass=Typed): ...

                class Cellar(Room): ...
            """,
        },
    )
    assert {t.name for t in graph.tables} == {"game_thing"}


def test_a_key_of_several_columns_is_no_further_column(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "app/models.py": """
                class Share(models.Model):
                    pk = models.CompositePrimaryKey("giver", "taker")
                    giver = models.TextField()
                    taker = models.TextField()
            """
        },
    )
    assert {t.name: [c.name for c in t.columns] for t in graph.tables} == {
        "app_share": ["giver", "taker"]
    }


def test_migrations_mean_the_class_that_surely_is_a_model(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "books/models.py": "class Book(models.Model):\n    name = models.TextField()\n",
            "books/elements.py": """
                from elsewhere import Element

                class Book(Element):
                    tag = "book"
            """,
            "books/migrations/0001_initial.py": """
                from django.db import migrations, models

                class Migration(migrations.Migration):
                    operations = [
                        migrations.CreateModel("Book", [("name", models.TextField())]),
                    ]
            """,
        },
    )
    assert {t.name: t.definition for t in graph.tables} == {"books_book": "books.models:Book"}


def test_a_target_that_a_setting_may_replace_is_its_default(tmp_path: Path) -> None:
    graph = project(
        tmp_path,
        {
            "app/conf.py": """
                from django.conf import settings
                GROUPS = getattr(settings, "APP_GROUPS", "app.Group")
            """,
            "app/models.py": """
                from app import conf

                class Group(models.Model): ...

                class Page(models.Model):
                    group = models.ForeignKey(conf.GROUPS, models.CASCADE)
            """,
        },
    )
    assert [(k.source, k.target) for k in graph.foreign_keys] == [("app_page", "app_group")]
