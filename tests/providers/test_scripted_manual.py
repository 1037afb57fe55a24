import re
from pathlib import Path

from llmops.loading.nodes import parse_yaml
from llmops.providers.script import _CONDITION, _ERROR, _KINDS, _REPLY, _RULE, _SCRIPT, read_script

MANUAL = Path(__file__).parents[2] / "docs" / "scripted.md"


def test_the_script_in_the_manual_can_be_read():
    text = MANUAL.read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    read = read_script(parse_yaml(examples[1].encode(), "models/demo.yaml"))

    assert len(read.rules) == 4


def test_the_manual_names_every_key_and_kind():
    text = MANUAL.read_text(encoding="utf-8")
    known = {*_SCRIPT, *_RULE, *_CONDITION, *_REPLY, *_ERROR, *_KINDS}

    missing = [name for name in known if name not in text]

    assert missing == []
