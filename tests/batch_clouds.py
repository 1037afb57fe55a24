"""Loopback servers of batches in the formats of clouds, strict about what they are sent."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

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


ROLE = "arn:aws:iam::123456789012:role/batches"
TOKEN = "ya29.0123456789abcdef"
_STATUSES = {"in_progress": "InProgress", "completed": "Completed", "failed": "Failed",
             "expired": "PartiallyCompleted", "cancelled": "Stopped"}  # fmt: skip
_STATES = {"in_progress": "RUNNING", "completed": "SUCCEEDED", "failed": "FAILED",
           "expired": "EXPIRED", "cancelled": "CANCELLED"}  # fmt: skip


@dataclass
class StoreServer(BatchServer):
    """A service with a bucket called `ours` beside it.

    Attributes:
        objects: What lies in the bucket, by key.
        jobs: What was asked for, by the batch's id.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict] = field(default_factory=dict)

    def reply(self, method, target, headers, body) -> tuple[int, object]:
        parts = urlsplit(target)
        with self.called:
            self.calls.append(f"{method} {parts.path}")
            self.keys.add(headers.get("authorization", ""))
            self.called.notify_all()
        try:
            self.check(method, target, headers, body)
            if not parts.path.startswith("/ours/"):
                return self.served(method, parts.path, parse_qs(parts.query), body)
            key = parts.path.removeprefix("/ours/")
            if method == "PUT":
                self.objects[key] = body
                return 200, b""
            return (200, self.objects[key]) if key in self.objects else (404, b"<Error/>")
        except PermissionError as error:
            return 403, {"message": str(error)}
        except RefusedError as error:
            return 400, {"message": str(error)}

    def check(self, method, target, headers, body) -> None:
        """Refuse who is not logged in."""

    def served(self, method, path, query, body) -> tuple[int, object]:
        raise NotImplementedError

    def begun(self, wanted: dict, file: str, requests: dict[str, dict]) -> Batch:
        if not file.startswith("s3://ours/") and not file.startswith("gs://ours/"):
            raise RefusedError("the file lies elsewhere")
        batch = Batch(f"batch{len(self.batches):07}", requests, {})
        self.batches[batch.id] = batch
        self.jobs[batch.id] = wanted
        self.asked.update(_asked(one) for one in requests.values())
        return batch

    def advance(self, batch: Batch) -> None:
        batch.looks += 1
        if batch.state in {"validating", "in_progress"}:
            batch.state = "in_progress" if batch.looks <= self.looks else self.ends_as

    def lines(self, uri: str) -> list[dict]:
        return [json.loads(line) for line in self.objects[uri[len("s3://ours/") :]].splitlines()]


@dataclass
class BedrockServer(StoreServer):
    """Bedrock's control plane and S3; knows a signature when it sees one."""

    secret: str = "llmops-no-key"
    bearer: str | None = None

    def check(self, method, target, headers, body) -> None:
        said = headers.get("authorization", "")
        if self.bearer is not None:
            if said != f"Bearer {self.bearer}":
                raise PermissionError("no such key")
            return
        service = "s3" if target.startswith("/ours/") else "bedrock"
        if self._signature(service, method, target, headers, body) not in said:
            raise PermissionError("SignatureDoesNotMatch")

    def _signature(self, service, method, target, headers, body) -> str:
        signed = re.search("SignedHeaders=([^,]+)", headers.get("authorization", ""))
        names = signed[1].split(";") if signed else []
        request = AWSRequest(
            method=method,
            url=self.base + target,
            data=body,
            headers={name: headers[name] for name in names if name != "host"},
        )
        request.context["timestamp"] = headers.get("x-amz-date", "")
        make = S3SigV4Auth if service == "s3" else SigV4Auth
        auth = make(Credentials(self.secret, self.secret), service, "eu-west-1")
        whole = auth.canonical_request(request)
        return "Signature=" + auth.signature(auth.string_to_sign(request, whole), request)

    def served(self, method, path, query, body) -> tuple[int, object]:
        if (method, path) == ("POST", "/model-invocation-job"):
            return 200, {"jobArn": self._arn(self._job(json.loads(body)))}
        if path == "/model-invocation-jobs":
            named = [
                {"jobArn": self._arn(self.batches[name]), "jobName": job["jobName"]}
                for name, job in self.jobs.items()
                if query["nameContains"][0] in job["jobName"]
            ]
            return 200, {"invocationJobSummaries": named}
        name = path.removeprefix("/model-invocation-job/").removesuffix("/stop")
        if name not in self.batches:
            return 404, {"message": "no such job"}
        if method == "POST":
            self.batches[name].state = "cancelled"
            return 200, b""
        self.advance(self.batches[name])
        return 200, self._told(self.batches[name])

    def _arn(self, batch: Batch) -> str:
        return f"arn:aws:bedrock:eu-west-1:123456789012:model-invocation-job/{batch.id}"

    def _job(self, wanted: dict) -> Batch:
        for job, known in self.jobs.items():
            if known["clientRequestToken"] == wanted["clientRequestToken"]:
                return self.batches[job]
        if wanted["roleArn"] != ROLE or not re.fullmatch("[a-zA-Z0-9-]{1,63}", wanted["jobName"]):
            raise RefusedError("a bad role or name")
        uri = wanted["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
        requests = {one["recordId"]: one["modelInput"] for one in self.lines(uri)}
        return self.begun(wanted, uri, requests)

    def _told(self, batch: Batch) -> dict:
        job = self.jobs[batch.id]
        told = {**job, "jobArn": self._arn(batch), "status": _STATUSES[batch.state]}
        if batch.state == "failed":
            return {**told, "message": "Line 1 is no JSON."}
        if batch.state != "in_progress":
            folder = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
            lines = [self._line(*one) for one in batch.requests.items()]
            key = f"{folder[len('s3://ours/') :]}{batch.id}/requests.jsonl.out"
            self.objects[key] = self.twist([json.dumps(line).encode() for line in lines if line])
        return told

    def _line(self, name: str, asked: dict) -> dict:
        answer = self.answer(_asked(asked))
        line = {"recordId": name, "modelInput": asked}
        if "text" in answer:
            message = {"role": "assistant", "content": [{"text": answer["text"]}]}
            usage = {"inputTokens": 1000, "outputTokens": 200, "totalTokens": 1200}
            said = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
            return {**line, "modelOutput": {**said, "metrics": {"latencyMs": 5}}}
        if "status" in answer:
            message = answer["body"]["error"]["message"]
            return {**line, "error": {"errorCode": answer["status"], "errorMessage": message}}
        return {}


@dataclass
class VertexServer(StoreServer):
    """Vertex AI, Google's storage, and where Google's logins get their tokens."""

    bearer: str = KEY

    def check(self, method, target, headers, body) -> None:
        if target != "/token" and headers.get("authorization") != f"Bearer {self.bearer}":
            raise PermissionError("no such token")

    def served(self, method, path, query, body) -> tuple[int, object]:  # noqa: PLR0911 - one a route
        if path == "/token":
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        jobs = "/v1/projects/p/locations/europe-west1/batchPredictionJobs"
        if not path.startswith(jobs):
            return 404, {"error": {"message": "no such place"}}
        name = path.removeprefix(f"{jobs}/").removesuffix(":cancel")
        if (method, path) == ("POST", jobs):
            return 200, self._told(self._job(json.loads(body)))
        if path == jobs:
            wanted = query["filter"][0].removeprefix('displayName="').removesuffix('"')
            found = [one for one, job in self.jobs.items() if job["displayName"] == wanted]
            return 200, {"batchPredictionJobs": [self._told(self.batches[one]) for one in found]}
        if name not in self.batches:
            return 404, {"error": {"message": "no such job"}}
        if method == "POST":
            self.batches[name].state = "cancelled"
            return 200, {}
        self.advance(self.batches[name])
        return 200, self._told(self.batches[name])

    def _job(self, wanted: dict) -> Batch:
        if wanted["model"] != "publishers/google/models/gemini-2.5-flash":
            raise RefusedError("no such model")
        (uri,) = wanted["inputConfig"]["gcsSource"]["uris"]
        rows = [one["request"] for one in self.lines(uri)]
        if any(not re.fullmatch("[a-z0-9_-]{1,63}", row["labels"]["llmops"]) for row in rows):
            raise RefusedError("a bad label")
        return self.begun(wanted, uri, {row["labels"]["llmops"]: row for row in rows})

    def _told(self, batch: Batch) -> dict:
        job = self.jobs[batch.id]
        state = _STATES.get(batch.state, "PENDING")
        name = f"projects/1/locations/europe-west1/batchPredictionJobs/{batch.id}"
        told = {**job, "name": name, "state": f"JOB_STATE_{state}"}
        if batch.state == "failed":
            return {**told, "error": {"code": 3, "message": "Line 1 is no JSON."}}
        if state not in {"PENDING", "RUNNING"}:
            start = job["outputConfig"]["gcsDestination"]["outputUriPrefix"]
            folder = f"{start}/prediction-model-2026"
            lines = [json.dumps(self._line(one)).encode() for one in batch.requests.values()]
            self.objects[f"{folder[len('gs://ours/') :]}/predictions.jsonl"] = self.twist(lines)
            told["outputInfo"] = {"gcsOutputDirectory": folder}
        return told

    def _line(self, asked: dict) -> dict:
        answer = self.answer(_asked(asked))
        line = {"status": "", "processed_time": "2026-11-21T00:00:00Z", "request": asked}
        if "text" in answer:
            content = {"role": "model", "parts": [{"text": answer["text"]}]}
            usage = {"promptTokenCount": 1000, "candidatesTokenCount": 200, "totalTokenCount": 1200}
            candidate = {"content": content, "finishReason": "STOP", "index": 0}
            return {**line, "response": {"candidates": [candidate], "usageMetadata": usage}}
        if "status" in answer:
            error = {"error": {"code": answer["status"], **answer["body"]["error"]}}
            return {**line, "status": f"Bad Request: {json.dumps(error)}", "response": {}}
        return {**line, "response": {}}


def _asked(body: dict) -> str:
    """The text that was asked last, of Converse or Gemini."""
    if "contents" in body:
        return body["contents"][-1]["parts"][0]["text"]
    return body["messages"][-1]["content"][0]["text"]
