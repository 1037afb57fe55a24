"""A collector for OTLP over HTTP, on loopback: it decodes what it is sent, and keeps it."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    def __init__(self) -> None:
        self.raw = b""
        self.spans: list = []
        self.metrics: dict[str, list] = {}
        self.resource: dict[str, object] = {}
        self.headers: list[Mapping[str, str]] = []
        self.status = 200
        self.wait = 0.0
        self.closed = threading.Event()
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.append(self.path)
                collector.headers.append(dict(self.headers))
                collector.closed.wait(collector.wait)
                if collector.status == 200:
                    if self.headers.get("Content-Encoding") == "gzip":
                        body = gzip.decompress(body)
                    collector.take(self.path, body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, path: str, body: bytes) -> None:
        self.raw += body
        if path == "/v1/traces":
            for of in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = values(of.resource.attributes)
                self.spans += [span for scope in of.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for of in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (found for scope in of.scope_metrics for found in scope.metrics):
                    self.metrics[metric.name] = list(getattr(metric, kind(metric)).data_points)

    def named(self, beginning: str) -> list:
        return [span for span in self.spans if span.name.startswith(beginning)]

    def one(self, beginning: str):
        (span,) = self.named(beginning)
        return span


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield collector
    collector.closed.set()
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


def kind(metric) -> str:
    return metric.WhichOneof("data")


def values(attributes) -> dict[str, object]:
    return {pair.key: value(pair.value) for pair in attributes}


def value(any_value):
    which = any_value.WhichOneof("value")
    found = getattr(any_value, which)
    return [value(part) for part in found.values] if which == "array_value" else found


def said(span) -> dict[str, object]:
    return values(span.attributes)
