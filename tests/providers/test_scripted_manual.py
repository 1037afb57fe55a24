import re
from pathlib import Path

from llmops.loading.nodes import parse_yaml
from llmops.providers import script
from llmops.providers.script import read_script

MANUAL = Path(__file__).parents[2] / "docs" / "scripted.md"


def test_the_script_in_the_manual_can_be_read():
    text = MANUAL.read_text(encoding="utf-8")
    examples = [found for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]

    read = read_script(parse_yaml(examples[1].encode(), "models/demo.yaml"))

    assert len(read.rules) == 4


def test_the_manual_names_every_key_and_kind():
    text = MANUAL.read_text(encoding="utf-8")
    known = {*script._SCRIPT, *script._RULE, *script._CONDITION, *script._REPLY, *script._ERROR}

    missing = [name for name in {*known, *script._KINDS} if name not in text]

    assert missing == []
