"""The exporter `bundle`: prompts in one file, for programs that run without git."""

from llmops.location import COMMAND_LINE
from llmops.versions.bundle import Wanted, make_bundle
from llmops.versions.finder import Versions
from llmops.workflows.exporters.base import Exporter, ExportOptions


def _write(versions: Versions, options: ExportOptions) -> str:
    wanted = Wanted(
        names=options.names, labels=options.labels, dirty=options.dirty, at=COMMAND_LINE
    )
    return make_bundle(versions, wanted)


BUNDLE = Exporter(
    name="bundle",
    summary="one file for programs without git",
    options=frozenset({"labels", "dirty"}),
    write=_write,
)
