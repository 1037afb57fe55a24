import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, SUITE, Project, Run

LLMOPS = Path(sys.executable).with_name("llmops")


def trials(folder: Path) -> list[dict[str, object]]:
    """The trials of the newest run, from its file."""
    newest = max((folder / ".llmops" / "runs").iterdir())
    lines = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    return [line["trial"] for line in lines if "trial" in line]


def test_a_conversation_sends_all_that_was_said(project: Project, run: Run) -> None:
    suite = (
        "prompt: chat\nassert: [{contains: Bo}]\ncases:\n  - id: names\n"
        "    inputs: {name: Bo}\n    conversation:\n"
        "      - {user: 'I am {{ name }}', assert: [{contains: I am}]}\n"
        "      - {user: 'Who is {{ name }}?', assert: [{contains: '{{ name }}?'}]}\n"
    )
    prompt = "model: echo\ninputs: {name: {type: string}}\nsystem: You know {{ name }}.\n"
    folder = project({"suites/say.yaml": suite, "prompts/chat.yaml": prompt})

    done = run("test", "--samples", "1")

    assert done.code == 0
    (trial,) = trials(folder)
    second = trial["exchanges"][1]["request"]["messages"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert second[1]["content"] == second[2]["content"] == "I am Bo"
    assert second[3]["content"] == "Who is Bo?"


def test_a_turn_that_fails_is_named(project: Project, run: Run) -> None:
    suite = (
        "prompt: say\ncases:\n  - id: a\n    inputs: {word: red}\n    conversation:\n"
        "      - {user: first, assert: [{contains: first}]}\n"
        "      - {user: second, assert: [{contains: third}, {contains: '{{ word }}'}]}\n"
    )
    project({"suites/say.yaml": suite})

    done = run("test")

    assert done.code == 1
    assert "turn 2: contains 'third'" in done.out


CHAIN = {
    "prompts/extract.yaml": (
        'model: echo\ninputs: {mail: {type: string}}\nuser: \'{"city": "{{ mail }}"}\'\n'
    ),
    "prompts/greet.yaml": (
        "model: echo\ninputs: {place: {}, extract: {default: none}}\n"
        "user: 'Hello {{ place }} from {{ extract }}'\n"
    ),
}
STEPS = (
    "steps:\n  - prompt: extract\n    assert: [{equals: Oslo, on: json.city}]\n"
    "  - prompt: greet\n    inputs: {place: '{{ steps.extract.json.city }}'}\n"
    "    assert: [{contains: Hello Oslo}]\n"
    "cases:\n  - {id: a, inputs: {mail: Oslo}, assert: [{contains: none}]}\n"
)


def test_the_steps_of_a_chain_hand_their_outputs_on(project: Project, run: Run) -> None:
    project({**CHAIN, "suites/say.yaml": STEPS})

    done = run("test")

    assert done.code == 0
    assert "extract → greet" in run("suites").out


def test_a_step_takes_inputs_and_earlier_outputs_by_name(project: Project, run: Run) -> None:
    steps = STEPS.replace("    inputs: {place: '{{ steps.extract.json.city }}'}\n", "")
    by_name = steps.replace("Hello Oslo", "Hello").replace("contains: none", "contains: city")
    missing = by_name
    given = by_name.replace("{mail: Oslo}", "{mail: Oslo, place: Rome}")
    folder = project({**CHAIN, "suites/say.yaml": missing})

    refused = run("test")
    (folder / "suites/say.yaml").write_text(given, encoding="utf-8")
    done = run("test")

    assert refused.code == 2
    assert "gives no value for the input 'place'" in refused.err
    assert done.code == 0


def test_an_application_is_tested_in_place_of_a_prompt(project: Project, run: Run) -> None:
    app = "def shout(word):\n    return {'said': word.upper()}\n"
    suite = SUITE.replace("prompt: say", "target: {python: 'app.py:shout'}")
    project({"app.py": app, "suites/say.yaml": suite.replace("red}]", "RED}]")})

    done, untrusted = run("test"), run("test", "--untrusted")
    replayed = run("test", "--replay")

    assert done.code == 0
    assert untrusted.code == 2
    assert "suites/say.yaml:1:9" in untrusted.err
    assert replayed.code == 3
    assert "a target is not recorded" in replayed.out


def test_a_command_is_an_application_too(project: Project, run: Run) -> None:
    code = "import json, sys; print(json.load(sys.stdin)['word'] * 2)"
    target = json.dumps([sys.executable, "-c", code])
    suite = SUITE.replace("prompt: say", f"target: {{exec: {target}}}")
    project({"suites/say.yaml": suite.replace("red}]", "redred}]")})

    assert run("test").code == 0


def test_an_application_behind_a_url_is_called(project: Project, run: Run, parrot: str) -> None:
    target = (
        f"target: {{http: {{url: '{parrot}', output: choices.0.message.content,\n"
        "  body: {messages: [{content: 'You said {{ word }}'}]}}}"
    )
    project({"suites/say.yaml": SUITE.replace("prompt: say", target)})

    done = run("test")

    assert done.code == 0, done.out + done.err


def test_a_broken_application_is_an_error_at_its_own_line(project: Project, run: Run) -> None:
    suite = SUITE.replace("prompt: say", "target: {python: 'app.py:broken'}")
    project({"app.py": "def broken(word):\n    raise OSError(word)\n", "suites/say.yaml": suite})

    done = run("test")

    assert done.code == 3
    assert "app.py:2" in done.out


def test_cells_of_a_dataset_are_never_templates(project: Project, run: Run) -> None:
    suite = (
        "prompt: say\ncases:\n  - dataset: d.csv\n    id: '{{ row.id }}'\n"
        "    where: row.lang == 'en'\n    inputs: {word: '{{ row.word }}'}\n"
        "    assert: [{equals: 'Say {{ row.word }}.', metric: '{{ row.lang }}'}]\n"
    )
    data = "id,lang,word\n1,en,{{ 7*7 }}\n2,no,x\n3,en,{% raw %}\n"
    folder = project({"suites/say.yaml": suite, "d.csv": data})

    done = run("test")

    assert done.code == 0
    sent = [t["exchanges"][0]["request"]["messages"][0]["content"] for t in trials(folder)]
    assert sent == ["Say {{ 7*7 }}.", "Say {% raw %}."]
    assert "en" in done.out


def test_a_matrix_runs_every_combination(project: Project, run: Run) -> None:
    project(
        {
            "suites/say.yaml": SUITE.replace("    inputs: {word: red}\n", "").replace(
                "cases:", "matrix: {word: [red, infrared]}\ncases:"
            )
        }
    )

    done = run("suites", "--cases")

    assert run("test").code == 0
    assert "one[word=red]" in done.out
    assert "one[word=infrared]" in done.out


def test_the_output_a_prompt_asks_for_is_asserted(project: Project, run: Run) -> None:
    project({"prompts/say.yaml": PROMPT + "output: {format: json}\n"})

    done = run("test")

    assert done.code == 1
    assert "the prompt's output format" in done.out
    assert "prompts/say.yaml:5:" in done.out


def test_a_skipped_case_is_counted_and_alone_is_never_green(project: Project, run: Run) -> None:
    skipped = SUITE.replace("    inputs:", "    skip: not today\n    inputs:")
    more = "  - id: two\n    inputs: {word: blue}\n    assert: [{contains: blue}]\n"
    folder = project({"suites/say.yaml": skipped})
    alone = run("test")
    (folder / "suites/say.yaml").write_text(skipped + more, encoding="utf-8")

    both = run("test")

    assert alone.code == 5
    assert both.code == 0
    assert "1 skipped" in both.out


def test_a_template_bomb_ends_its_case_and_the_next_one_runs(project: Project, run: Run) -> None:
    prompt = (
        "model: echo\ninputs: {word: {type: string}, n: {type: integer, default: 1}}\n"
        "user: \"{{ word }}{{ 'a' * n }}\"\n"
    )
    bomb = SUITE + (
        "  - id: bomb\n    inputs: {word: red, n: 1000000000}\n    assert: [{contains: red}]\n"
    )
    project({"prompts/say.yaml": prompt, "suites/say.yaml": bomb})

    done = run("test")

    assert done.code == 3
    assert "1 passed · 0 failed · 1 error" in done.out
    assert "prompts/say.yaml:3:7" in done.out
    assert "template-limit" in done.out


def test_two_equal_requests_are_asked_once(project: Project, run: Run, parrot: str) -> None:
    twice = SUITE + "  - id: two\n    inputs: {word: red}\n    assert: [{contains: Say}]\n"
    config = f"models: {{echo: {{model: openai/parrot, api_base: '{parrot}'}}}}\n"
    project({"llmops.yaml": config, "suites/say.yaml": twice})

    done = run("test", "--json")

    totals = json.loads(done.out)["verdict"]["totals"]
    assert totals["passed"] == 2
    assert totals["calls"] == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_run_with_all_it_had(project: Project, number: int, code: int) -> None:
    script = (
        "rules:\n  - {when: {contains: slow}, reply: {text: slow, latency: 30, wait: true}}\n"
        "  - {echo: true}\n"
    )
    slow = SUITE + "  - id: two\n    inputs: {word: slow}\n    assert: [{contains: slow}]\n"
    folder = project({"echo.yaml": script, "suites/say.yaml": slow})
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [LLMOPS, "test", "--report", "json"], stdout=subprocess.PIPE, env=environment, text=True
    )
    runs = folder / ".llmops" / "runs"
    while not (runs.is_dir() and any(b'"trial"' in p.read_bytes() for p in runs.iterdir())):
        time.sleep(0.02)
        assert process.poll() is None

    process.send_signal(number)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == code
    assert "1 passed" in out
    verdict = json.loads((folder / "report.json").read_text(encoding="utf-8"))["verdict"]
    assert (verdict["status"], verdict["exit_code"]) == ("interrupted", code)


def test_what_is_all_known_loads_nothing_that_asking_takes(project: Project, run: Run) -> None:
    folder = project({"llmops.yaml": CONFIG.replace("scripted/echo", "openai/echo", 0)})
    run("record")
    code = (
        "import sys\nfrom llmops.cli.app import program\n"
        "try:\n    program()(['test', '--replay'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "rare = ('aiohttp', 'asyncio', 'git', 'litellm', 'sqlglot', 'llmops.scoring.sql')\n"
        "print([name for name in rare if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )

    assert done.stderr.strip() == "[]"
