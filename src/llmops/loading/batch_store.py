"""`batch:` of a model: which bucket its batches lie in, and who may read it."""

import re

from llmops.domain.config import BatchStore
from llmops.domain.node import Node
from llmops.loading.readers import Faults, refuse

_SCHEMES = {"bedrock": "s3", "vertex_ai": "gs"}
_BUCKET = re.compile(r"(?:s3|gs)://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[A-Za-z0-9._-]+)*/?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")


def bucket(address: str, node: Node, faults: Faults) -> object:
    """Check the address of a bucket."""
    if not _BUCKET.fullmatch(address) or "/." in address:
        hint = "write one such as s3://our-bucket/llmops or gs://our-bucket"
        return refuse(node, "bucket", f"'{address}' is no bucket", faults, hint)
    return address.rstrip("/")


def role(name: str, node: Node, faults: Faults) -> object:
    """Check the ARN of a role."""
    if not _ROLE.fullmatch(name):
        hint = "write one such as arn:aws:iam::123456789012:role/llmops-batches"
        return refuse(node, "role", f"'{name}' is no ARN of a role", faults, hint)
    return name


def read_store(
    node: Node, name: str, store: BatchStore | None, faults: Faults
) -> BatchStore | None:
    """Check that the keys of `batch` fit the model beside which they stand.

    Args:
        node: The model.
        name: The provider's for it.
        store: As it was read.
        faults: Takes what is wrong.
    """
    written = node.get("batch")
    if store is None or written is None:
        return None
    provider = name.partition("/")[0]
    scheme = _SCHEMES.get(provider)
    if scheme is None:
        message = f"batches of '{name}' need no bucket"
        refuse(written, "unused-key", message, faults, "leave 'batch' out; '--batch' needs nothing")
    elif not store.bucket.startswith(f"{scheme}://"):
        message = f"batches of {provider} lie in a bucket of {scheme}://, not in '{store.bucket}'"
        refuse(
            written.get("bucket") or written, "bucket", message, faults, f"name a {scheme}:// one"
        )
    else:
        _check_role(written, provider, store, faults)
        _check_storage(node, written, store, faults)
    return store


def _check_role(written: Node, provider: str, store: BatchStore, faults: Faults) -> None:
    if provider == "bedrock" and store.role is None:
        hint = "add 'role: arn:aws:iam::…', which may read and write the bucket"
        refuse(written, "missing-key", "batches of bedrock need a 'role'", faults, hint)
    elif provider != "bedrock" and store.role is not None:
        message = f"'role' means nothing to {provider}"
        refuse(written.get("role") or written, "unused-key", message, faults, "leave it out")


def _check_storage(node: Node, written: Node, store: BatchStore, faults: Faults) -> None:
    """A login goes to the provider's own hosts, or to those that are named; never to both."""
    if node.get("api_base") is not None and store.storage is None:
        hint = "add 'storage', the address where the bucket is"
        refuse(written, "missing-key", "beside 'api_base', 'batch' needs 'storage'", faults, hint)
    elif node.get("api_base") is None and store.storage is not None:
        message = "'storage' means nothing without 'api_base'"
        hint = "add 'api_base', or leave it out"
        refuse(written.get("storage") or written, "unused-key", message, faults, hint)
