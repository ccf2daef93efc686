"""A session with Superset's REST API: rows of every kind made, listed, changed, deleted, and every
URL asked for. On SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from steps import failed, step


def create() -> Any:
    """The application with its models imported."""
    from superset.app import create_app

    return create_app()


def main(work: Path) -> None:
    for old in work.glob("*.db"):
        old.unlink()
    with sqlite3.connect(work / "data.db") as data:
        data.execute("CREATE TABLE sales (id INTEGER, city TEXT, total REAL, at TIMESTAMP)")
        data.execute("INSERT INTO sales VALUES (1, 'Bern', 2.5, '2024-01-01')")
    app = create()
    with app.app_context():
        from flask_appbuilder import Model
        from superset.extensions import appbuilder, db

        Model.metadata.create_all(db.engine)
        step(appbuilder.add_permissions, update_perms=True)
        security = appbuilder.sm
        step(security.sync_role_definitions)
        security.add_user(
            "ada", "Ada", "L", "ada@example.org", security.find_role("Admin"), "secret"
        )
        # Who may change things but not see all data is asked other questions.
        maker = security.add_role("Maker")
        for permission in security.find_role("Alpha").permissions:
            if permission.permission.name != "all_datasource_access":
                security.add_permission_role(maker, permission)
        security.add_user("bob", "Bob", "M", "bob@example.org", maker, "secret")
    first, second = logged_in(app, "ada"), logged_in(app, "bob")
    for client in (first, second):
        rows(client, work)
        crawl(app, client)
    for client in (second, first):
        gone(client)


def logged_in(app: Any, name: str) -> Any:
    client = app.test_client()
    step(client.post, "/login/", data={"username": name, "password": "secret"})
    return client


def rows(client: Any, work: Path) -> None:
    def make(path: str, **body: Any) -> None:
        answer = step(client.post, f"/api/v1/{path}/", json=body)
        if answer is not None and answer.status_code >= 400:
            print(path, answer.status_code, answer.data[:300], file=sys.stderr)

    make(
        "database",
        database_name="data",
        sqlalchemy_uri=f"sqlite:///{work}/data.db",
        expose_in_sqllab=True,
    )
    make("dataset", database=1, table_name="sales", schema="main")
    parameters = json.dumps({"metrics": ["count"], "viz_type": "table"})
    make(
        "chart",
        slice_name="one",
        viz_type="table",
        datasource_id=1,
        datasource_type="table",
        params=parameters,
    )
    make("dashboard", dashboard_title="all", slug="all", published=True, json_metadata="{}")
    make("css_template", template_name="plain", css="a {}")
    make("annotation_layer", name="notes", descr="more")
    make(
        "annotation_layer/1/annotation", short_descr="n", start_dttm="2024-01-01T00:00:00",
        end_dttm="2024-01-02T00:00:00",
    )  # fmt: skip
    make("saved_query", db_id=1, label="q", sql="SELECT 1", schema="main")
    make("rowlevelsecurity", name="r", filter_type="Regular", tables=[1], roles=[1], clause="1 = 1")
    make("tag", name="t", description="d", objects_to_tag=[["dashboard", 1], ["chart", 1]])
    make("theme", theme_name="th", json_data="{}")
    make(
        "report", type="Report", name="rep", crontab="0 9 * * *", chart=1, creation_method="charts",
        recipients=[{"type": "Email", "recipient_config_json": {"target": "a@example.org"}}],
    )  # fmt: skip
    make("security/roles", name="own")
    make(
        "chart", slice_name="two", viz_type="table", datasource_id=1, datasource_type="table",
        params=parameters, dashboards=[1], owners=[1],
    )  # fmt: skip
    make("dashboard/1/permalink", urlParams=[], dataMask={})
    make("explore/permalink", formData={"datasource": "1__table", "viz_type": "table"})
    make("dashboard/1/filter_state", value="{}")
    make("explore/form_data", datasource_id=1, datasource_type="table", form_data="{}", chart_id=1)
    make("sqllab/execute", database_id=1, sql="SELECT * FROM sales", schema="main", client_id="c1")
    make("chart/1/favorites")
    make("dashboard/1/favorites")
    make("dashboard/1/embedded", allowed_domains=[])
    make("dashboard/1/copy", dashboard_title="two", json_metadata=json.dumps({"positions": {}}))
    query = {"columns": ["city"], "metrics": ["count"], "row_limit": 10}
    make(
        "chart/data", datasource={"id": 1, "type": "table"}, queries=[query],
        result_format="json", result_type="full",
    )  # fmt: skip
    put = [
        ("chart/1", {"slice_name": "changed", "dashboards": [1], "owners": [1]}),
        ("dashboard/1", {"dashboard_title": "changed", "owners": [1], "roles": [1]}),
        ("dataset/1", {"description": "changed", "owners": [1]}),
        ("dataset/1/refresh", {}), ("database/1", {"database_name": "changed"}),
        ("css_template/1", {"css": "b {}"}), ("annotation_layer/1", {"name": "changed"}),
        ("annotation_layer/1/annotation/1", {"short_descr": "changed"}),
        ("saved_query/1", {"label": "changed"}), ("rowlevelsecurity/1", {"name": "changed"}),
        ("tag/1", {"name": "changed", "objects_to_tag": [["dashboard", 1]]}),
        ("theme/1", {"theme_name": "changed"}),
        ("report/1", {"name": "changed", "owners": [1], "dashboard": 1}),
        ("dataset/1", {"columns": [{"column_name": "city", "description": "where"}]}),
    ]  # fmt: skip
    for path, body in put:
        answer = step(client.put, f"/api/v1/{path}", json=body)
        if answer is not None and answer.status_code >= 400:
            print(path, answer.status_code, answer.data[:300], file=sys.stderr)


def crawl(app: Any, client: Any) -> None:
    """Every URL that can be got, with 1 for whatever it holds."""
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or "logout" in str(rule):
            continue
        url = str(rule)
        for name in rule.arguments:
            start = url.index("<")
            url = url[:start] + ("1" if name else "") + url[url.index(">", start) + 1 :]
        step(client.get, url)


def gone(client: Any) -> None:
    for path in (
        "chart/1/favorites/", "dashboard/1/favorites/", "dashboard/1/embedded", "report/1",
        "tag/1", "theme/1", "rowlevelsecurity/1", "saved_query/1",
        "annotation_layer/1/annotation/1", "annotation_layer/1", "css_template/1", "chart/1",
        "dashboard/1", "dataset/1", "database/1",
    ):  # fmt: skip
        step(client.delete, f"/api/v1/{path}")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    os.environ.setdefault("SESSION_WORK", str(folder))
    main(folder)
    print(f"{len(failed)} steps failed")
