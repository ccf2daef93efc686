"""A session with mlflow's own stores: experiments, runs, models, traces, jobs, users. On SQLite."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mlflow.entities import (
    AssessmentSource,
    Dataset,
    DatasetInput,
    Expectation,
    Feedback,
    InputTag,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.entities.experiment_tag import ExperimentTag
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent, WebhookStatus
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from steps import failed, step

work = Path(sys.argv[1])
for old in work.glob("*.db*"):
    old.unlink()
url = f"sqlite:///{work}/mlflow.db"


def tracking() -> None:
    store = Tracking(url, str(work / "artifacts"))
    now = int(time.time() * 1000)
    first = store.create_experiment("first", tags=[ExperimentTag("a", "1")])
    second = store.create_experiment("second")
    step(store.set_experiment_tag, first, ExperimentTag("b", "2"))
    step(store.delete_experiment_tag, first, "b")
    step(store.search_experiments, filter_string="name = 'first' AND tags.a = '1'")
    step(store.get_experiment, first)
    step(store.get_experiment_by_name, "second")
    step(store.rename_experiment, second, "renamed")
    run = store.create_run(first, "me", now, [RunTag("t", "1")], "run")
    id_ = run.info.run_id
    step(store.log_metric, id_, Metric("loss", 0.5, now, 1))
    step(store.log_metric, id_, Metric("loss", 0.4, now + 1, 2))
    step(store.log_param, id_, Param("p", "1"))
    step(store.set_tag, id_, RunTag("t", "2"))
    step(store.log_batch, id_, [Metric("acc", 0.9, now, 1)], [Param("q", "2")], [RunTag("u", "3")])
    step(store.delete_tag, id_, "u")
    step(store.get_run, id_)
    step(store.get_metric_history, id_, "loss")
    step(store.get_metric_history_bulk, [id_], "loss", 10)
    step(store.get_max_step_for_metric, id_, "loss")
    step(store.get_metric_history_bulk_interval, [id_], "loss", 10, 0, 5)
    step(
        store.search_runs, [first], "metrics.loss < 1 AND params.p = '1' AND tags.t = '2'",
        3, 10, ["metrics.loss DESC"],
    )  # fmt: skip
    data = Dataset("d", "digest", "local", "source", "schema", "profile")
    step(store.log_inputs, id_, [DatasetInput(data, [InputTag("k", "v")])])
    step(store.update_run_info, id_, RunStatus.FINISHED, now + 5, "named")
    step(store.delete_run, id_)
    step(store.restore_run, id_)
    logged = step(
        store.create_logged_model, first, "model", id_, [LoggedModelTag("k", "v")],
        [LoggedModelParameter("x", "1")],
    )  # fmt: skip
    if logged:
        model = logged.model_id
        step(store.log_logged_model_params, model, [LoggedModelParameter("y", "2")])
        step(store.set_logged_model_tags, model, [LoggedModelTag("m", "n")])
        step(store.delete_logged_model_tag, model, "m")
        step(store.finalize_logged_model, model, LoggedModelStatus.READY)
        step(store.get_logged_model, model)
        step(store.search_logged_models, [first], "name = 'model'")
        step(store.delete_logged_model, model)
    step(store.register_scorer, first, "judge", '{"name": "judge"}')
    step(store.register_scorer, first, "judge", '{"name": "judge", "v": 2}')
    step(store.list_scorers, first)
    step(store.list_scorers_across_experiments, [first, second])
    step(store.get_scorer, first, "judge")
    step(store.list_scorer_versions, first, "judge")
    step(store.get_active_online_scorers)
    step(store.delete_scorer, first, "judge", 1)
    traces(store, first, id_, now)
    datasets(store, first)
    issue = step(store.create_issue, first, "issue", "it breaks")
    if issue:
        step(store.get_issue, issue.issue_id)
        step(store.update_issue, issue.issue_id, name="renamed")
        step(store.search_issues, first, include_trace_count=True)
    reviews(store, first)
    step(store.delete_experiment, second)
    step(store.restore_experiment, second)


def traces(store: Tracking, experiment: str, run: str, now: int) -> None:
    info = TraceInfo(
        trace_id="tr-1", trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=now, execution_duration=5, state=TraceState.OK,
        trace_metadata={"mlflow.trace.session": "s"}, tags={"k": "v"},
    )  # fmt: skip
    step(store.start_trace, info)
    step(store.get_trace_info, "tr-1")
    step(store.set_trace_tag, "tr-1", "k2", "v2")
    step(store.delete_trace_tag, "tr-1", "k2")
    source = AssessmentSource("HUMAN", "me")
    made = step(
        store.create_assessment, Feedback(name="good", value=True, trace_id="tr-1", source=source)
    )
    step(store.create_assessment, Expectation(name="e", value="x", trace_id="tr-1", source=source))
    if made:
        step(store.get_assessment, "tr-1", made.assessment_id)
        step(store.update_assessment, "tr-1", made.assessment_id, rationale="because")
        step(store.delete_assessment, "tr-1", made.assessment_id)
    step(store.link_traces_to_run, ["tr-1"], run)
    step(store.search_traces, [experiment], "tags.k = 'v'")
    step(store.find_completed_sessions, experiment, 0, now + 1000)
    step(store.batch_get_trace_infos, ["tr-1"])
    step(store.batch_get_traces, ["tr-1"])
    step(store.calculate_trace_filter_correlation, [experiment], "tags.k = 'v'", "status = 'OK'")
    step(store.delete_traces, experiment, trace_ids=["tr-1"])


def datasets(store: Tracking, experiment: str) -> None:
    made = step(store.create_dataset, "data", {"k": "v"}, [experiment])
    if not made:
        return
    id_ = made.dataset_id
    step(store.upsert_dataset_records, id_, [{"inputs": {"q": "1"}, "expectations": {"a": "b"}}])
    step(store.upsert_dataset_records, id_, [{"inputs": {"q": "1"}, "tags": {"t": "1"}}])
    step(store.get_dataset, id_)
    step(store.search_datasets, [experiment], "name = 'data'")
    step(store.set_dataset_tags, id_, {"x": "y"})
    step(store.delete_dataset_tag, id_, "x")
    step(store.get_dataset_experiment_ids, id_)
    step(store.remove_dataset_from_experiments, id_, [experiment])
    step(store.add_dataset_to_experiments, id_, [experiment])
    step(store.delete_dataset, id_)


def reviews(store: Tracking, experiment: str) -> None:
    step(store.list_label_schemas, experiment)
    queue = step(store.get_or_create_user_queue, experiment, user="me")
    step(store.list_review_queues, experiment, user="me")
    if queue:
        step(store.get_review_queue, queue.queue_id)
        step(store.add_items_to_review_queue, queue.queue_id, item_ids=["tr-1"])
        step(store.list_review_queue_items, queue.queue_id)
        step(store.remove_items_from_review_queue, queue.queue_id, item_ids=["tr-1"])
        step(store.delete_review_queue, queue.queue_id)


def registry() -> None:
    store = Registry(url)
    step(store.create_registered_model, "m", [RegisteredModelTag("a", "1")], "about")
    step(store.update_registered_model, "m", "more")
    step(store.set_registered_model_tag, "m", RegisteredModelTag("b", "2"))
    step(store.delete_registered_model_tag, "m", "b")
    step(store.create_model_version, "m", "source", tags=[ModelVersionTag("x", "1")])
    step(store.create_model_version, "m", "source2")
    step(store.update_model_version, "m", "1", "better")
    step(store.transition_model_version_stage, "m", "2", "Production", True)
    step(store.set_model_version_tag, "m", "1", ModelVersionTag("y", "2"))
    step(store.delete_model_version_tag, "m", "1", "y")
    step(store.set_registered_model_alias, "m", "best", "1")
    step(store.get_model_version_by_alias, "m", "best")
    step(store.get_model_version, "m", "1")
    step(store.get_model_version_download_uri, "m", "1")
    step(store.get_latest_versions, "m")
    step(store.get_registered_model, "m")
    step(store.search_model_versions, "name = 'm'")
    step(store.search_registered_models, "name = 'm'")
    step(store.delete_registered_model_alias, "m", "best")
    step(store.delete_model_version, "m", "2")
    step(store.rename_registered_model, "m", "n")
    event = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
    hook = step(store.create_webhook, "hook", "https://93.184.215.14/hook", [event])
    if hook:
        step(store.get_webhook, hook.webhook_id)
        step(store.list_webhooks)
        step(store.list_webhooks_by_event, event)
        step(store.update_webhook, hook.webhook_id, status=WebhookStatus.DISABLED)
        step(store.delete_webhook, hook.webhook_id)
    step(store.delete_registered_model, "n")


def jobs() -> None:
    from mlflow.store.jobs.sqlalchemy_store import SqlAlchemyJobStore

    store = SqlAlchemyJobStore(url)
    made = [step(store.create_job, "work", "{}") for _ in range(4)]
    ids = [j.job_id for j in made if j]
    if len(ids) < 4:
        return
    step(store.start_job, ids[0])
    step(store.finish_job, ids[0], "done")
    step(store.start_job, ids[1])
    step(store.fail_job, ids[1], "broke")
    step(store.claim_job, ids[2], 10.0)
    step(store.renew_job_lease, ids[2], 10.0)
    step(store.retry_or_fail_job, ids[2], "again")
    step(store.cancel_job, ids[3])
    step(store.update_status_details, ids[0], {"k": "v"})
    step(store.get_job, ids[0])
    step(lambda: list(store.list_jobs("work")))
    step(store.delete_jobs, job_ids=ids)


def users() -> None:
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore as Users

    store = Users()
    store.init_db(f"sqlite:///{work}/users.db")
    one = step(store.create_user, "ada", "correct horse battery")
    step(store.create_user, "bob", "correct horse battery", True)
    step(store.authenticate_user, "ada", "correct horse battery")
    step(store.has_user, "ada")
    step(store.list_users)
    step(store.list_users_with_roles)
    step(store.update_user, "ada", is_admin=True)
    step(store.create_experiment_permission, "1", "ada", "READ")
    step(store.get_experiment_permission, "1", "ada")
    step(store.list_experiment_permissions, "ada")
    step(store.update_experiment_permission, "1", "ada", "EDIT")
    step(store.delete_experiment_permission, "1", "ada")
    step(store.create_registered_model_permission, "m", "ada", "READ")
    step(store.list_registered_model_permissions, "ada")
    step(store.delete_registered_model_permission, "m", "ada")
    role = step(store.create_role, "writers", "default")
    if role and one:
        step(store.get_role, role.id)
        step(store.list_roles)
        step(store.update_role, role.id, name="authors")
        granted = step(store.add_role_permission, role.id, "experiment", "1", "READ")
        if granted:
            step(store.update_role_permission, granted.id, "EDIT")
        step(store.list_role_permissions, role.id)
        step(store.assign_role_to_user, one.id, role.id)
        step(store.list_user_roles, one.id)
        step(store.list_role_users, role.id)
        step(store.unassign_role_from_user, one.id, role.id)
        step(store.delete_role, role.id)
    step(store.delete_user, "ada")


for part in (tracking, registry, jobs, users):
    step(part)
print(f"{len(failed)} steps failed")
