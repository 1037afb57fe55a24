"""Loopback servers of batches in the formats of Azure and Mistral, strict about what they are sent."""

import json
import re
from dataclasses import dataclass, field

from batch_server import KEY, Batch, BatchServer, RefusedError

_JOBS = {"validating": "QUEUED", "in_progress": "RUNNING", "completed": "SUCCESS",
         "failed": "FAILED", "expired": "TIMEOUT_EXCEEDED", "cancelled": "CANCELLED"}  # fmt: skip


@dataclass
class AzureServer(BatchServer):
    """A resource of Azure OpenAI.

    Attributes:
        version: The version of the interface that is asked for.
        pending: So many times a file is not ready when it is looked at.
    """

    version: str = "2024-10-21"
    pending: int = 1
    looked_at: int = 0
    endpoint = "/chat/completions"

    def _routed(self, method, path, query, headers, body) -> tuple[int, object]:
        login = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if login != KEY:
            return 401, {"error": {"code": "401", "message": "Access denied."}}
        if query.get("api-version", ["v1"]) != [self.version]:
            return 404, {"error": {"code": "404", "message": "Resource not found"}}
        place = "/openai/v1" if self.version == "v1" else "/openai"
        inner = path.removeprefix(place)
        if found := re.fullmatch("/files/([^/]+)", inner):
            self.looked_at += 1
            status = "pending" if self.looked_at <= self.pending else "processed"
            return 200, {"id": found[1], "status": status}
        if (method, inner) == ("POST", "/batches") and self.looked_at <= self.pending:
            raise RefusedError("the file is not ready")
        return super()._routed(method, "/v1" + inner, query, headers, body)


@dataclass
class MistralServer(BatchServer):
    """Mistral's jobs."""

    models: set[str] = field(default_factory=set)

    def _routed(self, method, path, query, headers, body) -> tuple[int, object]:
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"detail": "Unauthorized"}
        inner = path.removeprefix("/v1/batch/jobs")
        if inner == path:
            return super()._routed(method, path, query, headers, body)
        if (method, inner) == ("POST", ""):
            return 200, self._job(self._begun(json.loads(body)))
        if (method, inner) == ("GET", ""):
            start = int(query["page"][0]) * 2
            newest = [self._job(batch) for batch in reversed(self.batches.values())]
            return 200, {"data": newest[start : start + 2], "total": len(newest)}
        name = inner.removeprefix("/").removesuffix("/cancel")
        if name not in self.batches:
            return 404, {"detail": "No such job"}
        if method == "POST":
            self.batches[name].state = "cancelled"
        else:
            self._looked(name)
        return 200, self._job(self.batches[name])

    def _begun(self, wanted: dict) -> Batch:
        if wanted["endpoint"] != self.endpoint or wanted["timeout_hours"] != 24:
            raise RefusedError("another endpoint or time-out")
        (name,) = wanted["input_files"]
        self.models.add(wanted["model"])
        requests: dict[str, dict] = {}
        for line in self.files[name].splitlines():
            one = json.loads(line)
            if one.keys() != {"custom_id", "body"} or "model" in one["body"]:
                raise RefusedError("a line of another form")
            self._add(requests, one["custom_id"], {**one["body"], "model": wanted["model"]})
        return self._kept(requests, wanted["metadata"])

    def _job(self, batch: Batch) -> dict:
        shown = self._shown(batch)
        job = {"id": batch.id, "object": "batch", "status": _JOBS[batch.state]}
        job["metadata"] = batch.metadata
        job["output_file"] = shown.get("output_file_id")
        job["error_file"] = shown.get("error_file_id")
        errors = shown.get("errors", {"data": []})["data"]
        return {**job, "errors": [{"message": one["message"], "count": 1} for one in errors]}
