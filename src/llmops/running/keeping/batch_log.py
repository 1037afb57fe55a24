"""What happened to a run's batches, so that nothing is sent twice when it is gone on with."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from llmops.providers.batch.base import Tag


class BatchEvent(Struct, frozen=True, kw_only=True):
    """One thing that happened to a batch.

    Attributes:
        name: The batch's, one of a kind in its run.
        keys: Of its requests, when it is about to be sent; empty for a later event.
        id: The provider's, when it was sent.
        failed: Keys that got no answer, when it is over.
    """

    name: str
    keys: tuple[str, ...] = ()
    id: str | None = None
    failed: tuple[str, ...] = ()


class SentBatch(Struct, kw_only=True):
    """A batch that was sent, or about to be, by an earlier command of the same run.

    Attributes:
        id: None if the command ended before it knew.
    """

    name: str
    id: str | None = None


class BatchLog(Struct, kw_only=True):
    """Tells of the batches of one run.

    Attributes:
        run: The run's id.
        keep: Writes an event where it outlives this process.
        out: By key of a request, the batch that it was sent with and that may hold its answer.
        number: Batches so far.
    """

    run: str
    keep: Callable[[BatchEvent], None]
    out: dict[str, SentBatch]
    number: int

    def begin(self, keys: Sequence[str]) -> Tag:
        """A batch is about to be sent."""
        self.number += 1
        digest = hashlib.sha256(" ".join((self.run, *keys)).encode()).hexdigest()
        name = f"{self.number}-{digest[:12]}"
        self.keep(BatchEvent(name=name, keys=tuple(keys)))
        return Tag(run=self.run, name=name)

    def sent(self, tag: Tag, id_: str) -> None:
        """A batch was accepted."""
        self.keep(BatchEvent(name=tag.name, id=id_))

    def over(self, tag: Tag, failed: Iterable[str]) -> None:
        """All answers of a batch were taken; those that failed may be asked for again."""
        self.keep(BatchEvent(name=tag.name, failed=tuple(failed)))


def open_log(
    run: str, events: Sequence[BatchEvent], keep: Callable[[BatchEvent], None]
) -> BatchLog:
    """Go on with the log of a run.

    Args:
        run: Its id.
        events: What happened so far.
        keep: Writes an event where it outlives this process.
    """
    batches: dict[str, SentBatch] = {}
    out: dict[str, SentBatch] = {}
    for event in events:
        batch = batches.setdefault(event.name, SentBatch(name=event.name))
        batch.id = event.id or batch.id
        out |= dict.fromkeys(event.keys, batch)
        for key in event.failed:
            if out.get(key) is batch:
                del out[key]
    return BatchLog(run=run, keep=keep, out=out, number=len(batches))


def event_to_json(event: BatchEvent) -> dict[str, Any]:
    """An event as plain JSON values."""
    whole = {
        "name": event.name,
        "keys": list(event.keys),
        "id": event.id,
        "failed": list(event.failed),
    }
    return {key: value for key, value in whole.items() if value not in (None, [])}


def event_from_json(value: Mapping[str, Any]) -> BatchEvent:
    """Read what `event_to_json` wrote.

    Raises:
        KeyError: It has no name.
        TypeError: It is no mapping, or holds other values.
    """
    return BatchEvent(
        name=str(value["name"]),
        keys=tuple(map(str, value.get("keys", ()))),
        id=value.get("id"),
        failed=tuple(map(str, value.get("failed", ()))),
    )
