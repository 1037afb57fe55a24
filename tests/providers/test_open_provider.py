import asyncio

import pytest

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.domain.node import Text
from llmops.domain.suite import HttpTarget, Target
from llmops.loading.nodes import parse_yaml
from llmops.location import Location
from llmops.providers.exec import ExecTarget
from llmops.providers.http import HttpApplication
from llmops.providers.litellm import LitellmProvider
from llmops.providers.python import PythonTarget
from llmops.providers.recorded import RecordedProvider
from llmops.providers.registry import TargetContext, open_provider, open_target

AT = Location("suites/s.yaml")


def test_a_scripted_model_follows_its_script():
    script = parse_yaml(b"default: hello", "models/m.yaml")

    provider = open_provider("scripted", environment={}, script=script)
    asked = Request(model="m", messages=())
    model = Model(label="m", name="m")

    assert asyncio.run(provider.complete(asked, model=model, sample=0)).text == "hello"


def test_a_scripted_model_without_a_script_is_our_bug():
    with pytest.raises(ValueError, match="script"):
        open_provider("scripted", environment={})


def test_the_other_providers_open_without_loading_anything():
    assert isinstance(open_provider("litellm", environment={}), LitellmProvider)
    assert isinstance(open_provider("recorded", environment={}), RecordedProvider)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (Target(at=AT, python=Text("m:f", AT)), PythonTarget),
        (Target(at=AT, http=HttpTarget(url=Text("http://h", AT))), HttpApplication),
        (Target(at=AT, exec=(Text("true", AT),)), ExecTarget),
    ],
)
def test_a_target_is_opened_by_its_kind(target, kind):
    context = TargetContext(
        root=".",
        environment={},
        load=lambda _reference, _at: len,
        render=lambda template, _inputs: template,
    )

    assert isinstance(open_target(target, context), kind)
