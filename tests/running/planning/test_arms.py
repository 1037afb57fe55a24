import pytest
from msgspec.structs import replace
from opened import Opened, suite

from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.location import Location
from llmops.running.planning.arms import ArmOptions, arms_of
from llmops.versions.version import PromptVersion

AT = Location("command line")
ONE = "  - {id: red, inputs: {word: a}}\n"


def labels(opened: Opened, options: ArmOptions | None = None) -> list[str]:
    return [made.planned.arm.label for made in opened.arms(options=options)]


def test_a_suite_without_models_asks_the_prompts_own(tmp_path) -> None:
    (made,) = Opened(tmp_path, suite(ONE)).arms()

    arm = made.planned.arm
    assert (arm.prompt, arm.model, arm.version) == ("say", "fast", "1.2.0")
    assert arm.content_hash == made.versions[0].content_hash
    assert made.planned.model is not None
    assert made.planned.model.name == "openai/fast"
    assert str(made.planned.at) == "prompts/say.yaml:2:8"


def test_every_prompt_meets_every_model_in_the_files_order(tmp_path) -> None:
    files = suite(ONE, head="prompt: [say, other]\nmodels: [slow, fast]\n")
    files["prompts/other.yaml"] = "inputs: {word: {}}\nuser: 'Other {{ word }}'\n"

    assert labels(Opened(tmp_path, files)) == [
        "say × slow", "say × fast", "other × slow", "other × fast"
    ]  # fmt: skip


def test_the_command_lines_models_take_the_place_of_the_suites(tmp_path) -> None:
    opened = Opened(tmp_path, suite(ONE, head="prompt: say\nmodels: [fast]\n"))
    named = (Text("slow", AT), Text("openai/else", AT), Text("slow", AT))

    assert labels(opened, ArmOptions(models=named)) == ["say × slow", "say × openai/else"]


def test_parameters_lie_over_each_other_prompt_model_suite_command_line(tmp_path) -> None:
    head = "prompt: say\nparameters: {seed: 2, top_p: 0.5}\n"
    opened = Opened(tmp_path, suite(ONE, head=head))

    (made,) = opened.arms(options=ArmOptions(sweep={"top_p": (0.9,)}))
    request = made.request(made.versions[0], [{"role": "user", "content": "a"}])

    expected = {"temperature": 0.5, "max_tokens": 9, "seed": 2, "top_p": 0.9}
    assert dict(request.parameters) == dict(made.planned.arm.parameters) == expected
    assert request.model == "openai/fast"


def test_a_sweep_is_an_arm_for_each_combination_and_none_twice(tmp_path) -> None:
    sweep = {"temperature": (0, 0.7, 0), "top_p": (1, 0.5)}

    arms = Opened(tmp_path, suite(ONE)).arms(options=ArmOptions(sweep=sweep))

    points = [made.planned.arm.parameters for made in arms]
    assert [(point["temperature"], point["top_p"]) for point in points] == [
        (0, 1), (0, 0.5), (0.7, 1), (0.7, 0.5)
    ]  # fmt: skip


def test_a_chain_is_one_arm_of_all_its_prompts(tmp_path) -> None:
    head = "steps:\n  - {id: one, prompt: say}\n  - {id: two, prompt: other}\n"
    files = suite(ONE, head=head)
    files["prompts/other.yaml"] = "model: slow\ninputs: {one: {}}\nuser: '{{ one }}'\n"

    (made,) = Opened(tmp_path, files).arms()

    assert made.planned.arm.label == "say → other × fast"
    assert made.planned.arm.version is None
    assert made.planned.arm.content_hash == "+".join(v.content_hash for v in made.versions)
    assert len(made.versions) == 2


def test_a_target_is_an_arm_without_a_model(tmp_path) -> None:
    opened = Opened(tmp_path, suite(ONE, head="target: {python: 'app.py:answer'}\n"))

    (made,) = opened.arms(options=ArmOptions(models=(Text("slow", AT),)))

    assert made.planned.arm.label == "python app.py:answer"
    assert (made.planned.model, made.versions) == (None, ())
    assert str(made.planned.at) == "suites/s.yaml:1:9"


def test_what_is_sent_holds_tools_and_the_form_of_the_output(tmp_path) -> None:
    files = suite(ONE)
    files["prompts/say.yaml"] = (
        "model: fast\ninputs: {word: {}}\nuser: '{{ word }}'\ntool_choice: auto\n"
        "tools: [{type: function, function: {name: f, parameters: {type: object}}}]\n"
        "output: {format: json}\n"
    )
    (made,) = Opened(tmp_path, files).arms()

    request = made.request(made.versions[0], [{"role": "user", "content": "a"}])

    assert request.tool_choice == "auto"
    assert len(request.tools) == 1
    assert request.response_format == {"type": "json_object"}
    assert request.messages == ({"role": "user", "content": "a"},)


def test_a_model_that_nobody_knows_is_told_where_it_is_named(tmp_path) -> None:
    opened = Opened(tmp_path, suite(ONE))

    with pytest.raises(InvalidInputError) as caught:
        opened.arms(options=ArmOptions(models=(Text("fsat", AT),)))

    fault = caught.value.faults[0]
    assert (str(fault.at), fault.hint) == ("command line:1:1", "did you mean 'fast'?")


def test_a_prompt_without_a_model_is_told_where_the_suite_names_it(tmp_path) -> None:
    opened = Opened(tmp_path, suite(ONE))

    def find_mute(text: Text) -> PromptVersion:
        version = opened.find(text)
        return replace(version, prompt=replace(version.prompt, model=None))

    with pytest.raises(InvalidInputError) as caught:
        arms_of(opened.project.suites["s"], opened.project.config, find_mute, ArmOptions())

    fault = caught.value.faults[0]
    assert (fault.code, str(fault.at)) == ("no-model", "suites/s.yaml:1:9")
