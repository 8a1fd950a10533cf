"""The GraphQL operations, by the names the client gives them. Answers hold more fields than any one query asks for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from wandb_double.filters import matches
from wandb_double.store import Store, StoredRun

Variables = dict[str, Any]


class Operations:
    """Answers one operation: `data` of the response, or a KeyError naming an operation that is unknown."""

    def __init__(self, store: Store, address: Callable[[], str]) -> None:
        self.store = store
        self._address = address

    def answer(self, name: str, variables: Variables, query: str) -> dict[str, Any]:
        method = getattr(self, f"_{name}", None)
        if method is None:
            raise KeyError(f"the double knows no operation {name}")
        made: dict[str, Any] = method(variables)
        if name == "Runs" and made["project"] and "summaryMetrics" not in query:
            for edge in made["project"]["runs"]["edges"]:
                for heavy in ("config", "summaryMetrics", "systemMetrics"):
                    del edge["node"][heavy]
        return made

    def _Viewer(self, _: Variables) -> Any:  # noqa: N802 (names of the protocol, here and below)
        return {"viewer": self._viewer()}

    _GetViewer = _Viewer

    def _viewer(self) -> dict[str, Any]:
        name = self.store.entity
        teams = {"edges": [{"node": {"name": name}}]}
        viewer = {"id": "user:1", "username": name, "name": name, "entity": name, "email": "", "flags": "{}"}
        return viewer | {"admin": False, "deletedAt": None, "teams": teams, "apiKeys": {"edges": []}}

    def _GetDefaultEntity(self, _: Variables) -> Any:  # noqa: N802
        return {"viewer": {"id": "user:1", "entity": self.store.entity}}

    def _ServerFeaturesQuery(self, _: Variables) -> Any:  # noqa: N802
        return {"serverInfo": {"features": []}}

    # Runs

    def _UpsertBucket(self, given: Variables) -> Any:  # noqa: N802
        if given.get("id"):
            run, inserted = self.store.by_storage_id(given["id"]), False
        else:
            run, inserted = self._upserted(given)
        if given.get("displayName"):  # what a client sends in between leaves the name out
            run.begin()
        if given.get("summaryMetrics"):
            run.summary = json.loads(given["summaryMetrics"])
        aliases = {"display_name": "displayName", "group": "groupName"}
        run.fields |= {aliases.get(key, key): value for key, value in given.items() if value is not None}
        return {"upsertBucket": {"bucket": self._bucket(run), "inserted": inserted}}

    def _upserted(self, given: Variables) -> tuple[StoredRun, bool]:
        if given["name"] in self.store.runs:
            return self.store.runs[given["name"]], False
        project = given.get("project") or "uncategorized"
        self.store.projects.add(project)
        run = StoredRun(len(self.store.runs), given.get("entity") or self.store.entity, project, given["name"])
        self.store.runs[run.name] = run
        return run, True

    def _RunResumeStatus(self, given: Variables) -> Any:  # noqa: N802
        run = self.store.runs.get(given["name"])
        if run is not None:
            run.resuming = True
        return {"model": {"id": "project:1", "name": given["project"], "bucket": run and self._bucket(run)}}

    def _Runs(self, given: Variables) -> Any:  # noqa: N802
        condition = json.loads(given.get("filters") or "{}")
        if given["project"] not in self.store.projects:
            return {"project": None}
        place = (given["entity"], given["project"])
        there = [run for run in self.store.runs.values() if (run.entity, run.project) == place]
        runs = [run for run in there if matches(run, condition)]
        edges = [{"node": self._bucket(run), "cursor": run.name} for run in runs]
        page = {"endCursor": None, "hasNextPage": False}
        return {"project": self._project(given["project"]) | {
            "runCount": len(runs), "readOnly": False, "runs": {"edges": edges, "pageInfo": page},
        }}  # fmt: skip

    def _Run(self, given: Variables) -> Any:  # noqa: N802
        run = self.store.runs.get(given["name"])
        return {"project": self._project(given["project"]) | {"run": run and self._bucket(run)}}

    _RunState = _Run

    def _RunParquetHistory(self, given: Variables) -> Any:  # noqa: N802
        rows = self.store.runs[given["runName"]].history
        return {"project": {"run": {"parquetHistory": {"parquetUrls": [], "liveData": rows}}}}

    _RunHistoryKeys = _Run

    def _HistoryPage(self, given: Variables) -> Any:  # noqa: N802
        rows = self.store.runs[given["run"]].history
        asked = [json.dumps(row) for row in rows if given["minStep"] <= row["_step"] < given["maxStep"]]
        return {"project": {"run": {"history": asked[: given["pageSize"]]}}}

    def _bucket(self, run: StoredRun) -> dict[str, Any]:
        stored = run.fields
        times = dict.fromkeys(("createdAt", "updatedAt", "heartbeatAt"), "2026-11-01T00:00:00")
        return times | {
            "id": f"run:{run.number}", "name": run.name, "displayName": stored.get("displayName") or run.name,
            "description": stored.get("description"), "notes": stored.get("notes"), "tags": stored.get("tags") or [],
            "config": stored.get("config") or "{}", "summaryMetrics": json.dumps(run.summary), "state": run.state,
            "group": stored.get("groupName"), "groupName": stored.get("groupName"), "jobType": stored.get("jobType"),
            "sweepName": None, "commit": None, "readOnly": False, "systemMetrics": "{}", "fileCount": len(run.files),
            "historyLineCount": len(run.lines), "logLineCount": 0, "eventsLineCount": 0,
            "historyTail": json.dumps([json.dumps(row) for row in run.history[-1:]]), "eventsTail": "[]",
            "historyKeys": {"lastStep": run.last_step, "keys": {}, "sets": []}, "wandbConfig": "{}",
            "projectId": "1", "user": {"name": run.entity, "username": run.entity},
            "project": self._project(run.project),
        }  # fmt: skip

    def _project(self, name: str) -> dict[str, Any]:
        owner = {"id": "entity:1", "name": self.store.entity}
        return {
            "id": "project:1", "internalId": "project:1", "name": name, "entityName": self.store.entity,
            "entity": owner, "createdAt": "2026-11-01T00:00:00", "isBenchmark": False,
            "user": self._viewer(),
        }  # fmt: skip

    # Files

    def _CreateRunFiles(self, given: Variables) -> Any:  # noqa: N802
        files = [
            {"name": each, "uploadUrl": f"{self._address()}/runs/{given['run']}/{each}"} for each in given["files"]
        ]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _MarkRunFilesUploaded(self, _: Variables) -> Any:  # noqa: N802
        return {"markRunFilesUploaded": {"success": True}}

    def _RunFiles(self, given: Variables) -> Any:  # noqa: N802
        run = self.store.runs[given["name"]]
        asked = [name for name in run.files if not given.get("fileNames") or name in given["fileNames"]]
        edges = [{"node": self._file(run, name), "cursor": name} for name in asked]
        page = {"endCursor": None, "hasNextPage": False}
        files = {"edges": edges, "pageInfo": page}
        return {"project": {"internalId": "project:1", "run": {"fileCount": len(run.files), "files": files}}}

    def _file(self, run: StoredRun, name: str) -> dict[str, Any]:
        url = f"{self._address()}/runs/{run.name}/{name}"
        return {
            "id": f"file:{name}", "name": name, "url": url, "directUrl": url, "sizeBytes": len(run.files[name]),
            "mimetype": "", "updatedAt": None, "md5": None, "digest": None, "storagePath": None,
        }  # fmt: skip

    # Artifacts: taken in whole; they are read in the tests, not through the client

    def _ArtifactType(self, given: Variables) -> Any:  # noqa: N802
        found = [each for each in self.store.artifacts.values() if each["name"] == given["name"].partition(":")[0]]
        return {"project": {"artifact": {"artifactType": {"name": found[0]["type"]}} if found else None}}

    def _ClientIDMapping(self, given: Variables) -> Any:  # noqa: N802
        found = [id_ for id_, each in self.store.artifacts.items() if given["clientID"] in each["clients"]]
        return {"clientIDMapping": {"serverID": found[-1]} if found else None}

    def _CreateArtifact(self, given: Variables) -> Any:  # noqa: N802
        asked = given["input"]
        name, digest = asked["artifactCollectionName"], asked["digest"]
        known = [id_ for id_, each in self.store.artifacts.items() if (each["name"], each["digest"]) == (name, digest)]
        artifact_id = known[0] if known else f"artifact:{len(self.store.artifacts)}"
        if not known:
            self.store.artifacts[artifact_id] = {
                "name": name, "type": asked["artifactTypeName"], "digest": digest, "run": asked["runName"],
                "clients": [asked["clientID"], asked["sequenceClientID"]], "files": {}, "state": "PENDING",
            }  # fmt: skip
        state = self.store.artifacts[artifact_id]["state"]
        sequence = {"id": f"sequence:{name}", "latestArtifact": {"id": artifact_id} if state == "COMMITTED" else None}
        return {"createArtifact": {"artifact": {"id": artifact_id, "state": state, "artifactSequence": sequence}}}

    def _CreateArtifactManifest(self, given: Variables) -> Any:  # noqa: N802
        return {"createArtifactManifest": {"artifactManifest": self._manifest(given["artifactID"])}}

    def _UpdateArtifactManifest(self, given: Variables) -> Any:  # noqa: N802
        manifest = self._manifest(given["artifactManifestID"].removeprefix("manifest:"))
        return {"updateArtifactManifest": {"artifactManifest": manifest}}

    def _manifest(self, artifact_id: str) -> dict[str, Any]:
        url = f"{self._address()}/blobs/{artifact_id}/wandb_manifest.json"
        file = {"id": f"file:{artifact_id}", "name": "wandb_manifest.json", "displayName": "", "uploadUrl": url}
        return {"id": f"manifest:{artifact_id}", "file": file | {"uploadHeaders": [], "directUrl": url}}

    def _CreateArtifactFiles(self, given: Variables) -> Any:  # noqa: N802
        edges = []
        for asked in given["input"]["artifactFiles"]:
            path = f"{asked['artifactID']}/{asked['name']}"
            node = {
                "id": f"file:{path}", "name": asked["name"], "displayName": asked["name"], "uploadHeaders": [],
                "uploadUrl": f"{self._address()}/blobs/{path}", "storagePath": path, "uploadMultipartUrls": None,
                "artifact": {"id": asked["artifactID"]},
            }  # fmt: skip
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _CommitArtifact(self, given: Variables) -> Any:  # noqa: N802
        self.store.artifacts[given["artifactID"]]["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": ""}}}

    def _UseArtifact(self, given: Variables) -> Any:  # noqa: N802
        return {"useArtifact": {"artifact": {"id": given["input"]["artifactID"]}}}

    def _FetchArtifactDigestAlgorithm(self, _: Variables) -> Any:  # noqa: N802
        return {"project": {"artifactType": None}}

    def _XXHashDigestsEnabled(self, _: Variables) -> Any:  # noqa: N802
        return {"entity": {"xxhashDigestsEnabled": False}}

    # Projects, workspaces and reports

    def _GetProjects(self, _: Variables) -> Any:  # noqa: N802
        edges = [{"node": self._project(name), "cursor": name} for name in sorted(self.store.projects)]
        return {"models": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}

    def _UpsertView2(self, given: Variables) -> Any:  # noqa: N802
        view_id = given.get("id") or base64.b64encode(f"View:{len(self.store.views)}".encode()).decode()
        inserted = view_id not in self.store.views
        view = {key: value for key, value in given.items() if value is not None} | {"id": view_id}
        self.store.views[view_id] = view
        return {"upsertView": {"view": self._view(view), "inserted": inserted}}

    _upsertView = _UpsertView2  # noqa: N815

    def _View(self, given: Variables) -> Any:  # noqa: N802
        found = [view for view in self.store.views.values() if view["name"] == given["viewName"]]
        return {"project": {"allViews": {"edges": [{"node": view} for view in found]}}}

    def _SpecificReport(self, given: Variables) -> Any:  # noqa: N802
        view = self.store.views.get(given["reportId"])
        return {"view": view and self._view(view)}

    def _ProjectInternalId(self, given: Variables) -> Any:  # noqa: N802
        return {"project": self._project(given["projectName"])}

    def _view(self, view: dict[str, Any]) -> dict[str, Any]:
        times = dict.fromkeys(("createdAt", "updatedAt"), "2026-11-01T00:00:00")
        return (
            view | times | {"description": view.get("description", ""), "project": self._project(view["projectName"])}
        )
