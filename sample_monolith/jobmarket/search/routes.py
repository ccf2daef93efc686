from typing import Any

from flask import Blueprint, request

from jobmarket.search import queries, service
from jobmarket.search.serializers import saved_search_json
from jobmarket.security import current_user, load_user, login_required, role_required
from jobmarket.utils import json_body

bp = Blueprint("search", __name__)


@bp.get("/api/search")
def search() -> Any:
    viewer = load_user()
    found = service.run_search(request.args.get("q", ""), viewer.id if viewer else None)
    return {"items": found, "total": len(found)}


@bp.get("/api/search/suggest")
def suggest() -> Any:
    return {"items": queries.suggest(request.args.get("q", ""))}


@bp.get("/api/searches")
@login_required
def list_saved() -> Any:
    found = service.saved_searches(current_user().id)
    return {"items": [saved_search_json(saved) for saved in found]}


@bp.post("/api/searches")
@login_required
def save() -> Any:
    body = json_body("name")
    saved = service.save_search(
        current_user().id, body["name"], body.get("terms", ""), body.get("filters", {})
    )
    return saved_search_json(saved), 201


@bp.get("/api/searches/<int:search_id>/results")
@login_required
def results(search_id: int) -> Any:
    saved = service.own_search(current_user().id, search_id)
    found = service.run_search(saved.terms, current_user().id)
    return {"items": found, "total": len(found)}


@bp.patch("/api/searches/<int:search_id>")
@login_required
def change(search_id: int) -> Any:
    alerts = bool(json_body().get("alerts", True))
    return saved_search_json(service.set_alerts(current_user().id, search_id, alerts))


@bp.delete("/api/searches/<int:search_id>")
@login_required
def delete(search_id: int) -> Any:
    service.delete_search(current_user().id, search_id)
    return "", 204


@bp.get("/api/admin/search/popular")
@role_required("admin")
def popular() -> Any:
    return {"items": queries.popular_terms()}
