import json

import pytest
from opened import Opened, suite

from llmops.domain.case_names import derived_id
from llmops.errors import Fault, InvalidInputError
from llmops.running.planning.cases import case_hash

DATASET = """\
- dataset: data.jsonl
  id: '{{ row.id }}'
  inputs: {word: '{{ row.word }}'}
"""


def rows(*found: object) -> dict[str, str]:
    return {"data.jsonl": "".join(json.dumps(row) + "\n" for row in found)}


def fault_of(opened: Opened, **overrides: object) -> Fault:
    with pytest.raises(InvalidInputError) as caught:
        opened.cases(**overrides)
    return caught.value.faults[0]


def test_a_case_written_out_keeps_its_words(tmp_path) -> None:
    files = suite("""\
      - id: red
        tags: [smoke]
        skip: not yet
        cluster: colours
        inputs: {word: 1.20, tone: '{{ kept }}'}
        assert: [{equals: b}]
    """, head="prompt: say\ntags: [all]\n")  # fmt: skip

    (case,) = Opened(tmp_path, files).cases()

    assert (case.suite, case.id, case.skip, case.cluster) == ("s", "red", "not yet", "colours")
    assert case.inputs == {"word": "1.20", "tone": "{{ kept }}"}
    assert case.tags == ("all", "smoke")
    assert [claim.scorer for claim in case.assertions] == ["contains", "equals"]
    assert str(case.at) == "suites/s.yaml:5:3"
    assert case.row is None


def test_a_case_without_inputs_has_none(tmp_path) -> None:
    (case,) = Opened(tmp_path, suite("  - id: red\n")).cases()

    assert case.inputs == {}


def test_a_row_is_a_case_and_keeps_its_types(tmp_path) -> None:
    entry = """\
      - dataset: data.jsonl
        id: 'n{{ row.id }}'
        cluster: 'c{{ row.id }}'
        inputs: {word: 'say {{ row.word }}', tone: '{{ row.tones }}'}
    """
    made = rows(
        {"id": 1, "word": "a", "tones": ["x", 2]}, {"id": 2, "word": "{{ 7*7 }}", "tones": {}}
    )

    first, second = Opened(tmp_path, {**suite(entry), **made}).cases()

    assert (first.id, first.cluster) == ("n1", "c1")
    assert first.inputs == {"word": "say a", "tone": ["x", 2]}
    assert second.inputs == {"word": "say {{ 7*7 }}", "tone": {}}
    assert second.row == {"id": 2, "word": "{{ 7*7 }}", "tones": {}}


def test_a_cell_is_text_where_the_prompt_wants_text(tmp_path) -> None:
    made = rows({"id": "a", "word": 1.5})

    (case,) = Opened(tmp_path, {**suite(DATASET), **made}).cases()

    assert case.inputs == {"word": "1.5"}


def test_an_input_can_stand_in_a_file(tmp_path) -> None:
    files = suite("  - id: red\n    inputs: {word: {file: data/red.txt}}\n")
    files["data/red.txt"] = "\ufeffone\r\ntwo\n"

    (case,) = Opened(tmp_path, files).cases()

    assert case.inputs == {"word": "one\ntwo\n"}


def test_the_suite_may_name_a_file_by_its_row(tmp_path) -> None:
    entry = DATASET.replace("'{{ row.word }}'", "{file: 'data/{{ row.word }}.txt'}")
    files = {**suite(entry), **rows({"id": "a", "word": "red"}), "data/red.txt": "hello"}

    (case,) = Opened(tmp_path, files).cases()

    assert case.inputs == {"word": "hello"}


def test_a_cell_that_looks_like_a_file_is_data(tmp_path) -> None:
    entry = DATASET.replace("word:", "tone:")
    files = {**suite(entry), **rows({"id": "a", "word": {"file": ".env"}}), ".env": "KEY=secret"}

    (case,) = Opened(tmp_path, files).cases()

    assert case.inputs == {"tone": {"file": ".env"}}


@pytest.mark.parametrize(
    ("path", "code"), [("gone.txt", "missing-file"), ("../out.txt", None), ("bad.txt", "encoding")]
)
def test_a_file_that_cannot_be_an_input_is_told_where_it_is_named(tmp_path, path, code) -> None:
    opened = Opened(tmp_path, suite(f"  - id: red\n    inputs: {{word: {{file: {path}}}}}\n"))
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")

    fault = fault_of(opened)

    assert str(fault.at) == "suites/s.yaml:5:25"
    assert code in {None, fault.code}


def test_a_condition_picks_rows(tmp_path) -> None:
    entry = DATASET + "  where: row.word == 'b' or row.id == 3\n"
    made = rows(*[{"id": number, "word": word} for number, word in enumerate("abcd")])

    cases = Opened(tmp_path, {**suite(entry), **made}).cases()

    assert [case.id for case in cases] == ["1", "3"]


def test_a_condition_that_picks_nothing_is_never_silent(tmp_path) -> None:
    entry = DATASET + "  where: row.word == 'z'\n"

    fault = fault_of(Opened(tmp_path, {**suite(entry), **rows({"id": 1, "word": "a"})}))

    assert fault.code == "no-cases"
    assert str(fault.at) == "suites/s.yaml:7:10"
    assert "data.jsonl" in fault.message


@pytest.mark.parametrize(
    "entry",
    [
        DATASET + "  where: row.missing.deep == 1\n",
        DATASET.replace("row.word", "row.missing"),
        DATASET.replace("row.id", "row.missing"),
        DATASET + "  cluster: '{{ row.missing }}'\n",
    ],
)
def test_a_template_that_fails_tells_the_row_it_failed_on(tmp_path, entry) -> None:
    made = rows({"id": 1, "word": "a", "missing": {"deep": 2}}, {"id": 2, "word": "b"})

    fault = fault_of(Opened(tmp_path, {**suite(entry), **made}))

    assert fault.at is not None
    assert fault.at.path == "suites/s.yaml"
    assert fault.message.endswith("(in the row at data.jsonl:2)")


def test_an_empty_id_is_no_id(tmp_path) -> None:
    fault = fault_of(Opened(tmp_path, {**suite(DATASET), **rows({"id": " ", "word": "a"})}))

    assert fault.code == "empty-id"
    assert str(fault.at) == "suites/s.yaml:5:7"


def test_two_cases_of_one_id_are_told_with_both_places(tmp_path) -> None:
    files = {**suite("- id: '1'\n" + DATASET), **rows({"id": 1, "word": "a"})}

    fault = fault_of(Opened(tmp_path, files))

    assert (fault.code, str(fault.at)) == ("duplicate-id", "suites/s.yaml:5:3")
    assert "the first is at suites/s.yaml:4:3" in str(fault.hint)


def sampled(tmp_path, seed: int, n: int = 5) -> list[str]:
    entry = DATASET + f"  sample: {{n: {n}, seed: {seed}}}\n"
    made = rows(*[{"id": f"{number:03}", "word": "a"} for number in range(100)])
    return [case.id for case in Opened(tmp_path, {**suite(entry), **made}).cases()]


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order(tmp_path) -> None:
    first, again, other = (sampled(tmp_path, seed) for seed in (7, 7, 8))

    assert first == again == sorted(first)
    assert len(first) == 5
    assert first != other


def test_every_row_has_an_equal_chance_to_be_sampled(tmp_path) -> None:
    counts = [0] * 10
    made = rows(*[{"id": number, "word": "a"} for number in range(10)])
    for seed in range(100):
        entry = DATASET + f"  sample: {{n: 5, seed: {seed}}}\n"
        for case in Opened(tmp_path, {**suite(entry), **made}).cases():
            counts[int(case.id)] += 1

    assert all(30 <= count <= 70 for count in counts)


def test_a_sample_of_more_than_there_is_is_all(tmp_path) -> None:
    assert len(sampled(tmp_path, 7, n=1000)) == 100


def test_every_case_meets_every_combination_of_the_matrix(tmp_path) -> None:
    head = "prompt: say\nmatrix: {tone: [calm, loud], word: [x, y]}\n"

    cases = Opened(tmp_path, suite("  - id: red\n  - id: blue\n", head=head)).cases()

    assert [case.id for case in cases][:4] == [
        "red[tone=calm,word=x]", "red[tone=calm,word=y]",
        "red[tone=loud,word=x]", "red[tone=loud,word=y]",
    ]  # fmt: skip
    assert cases[1].inputs == {"tone": "calm", "word": "y"}
    assert len(cases) == 8


def test_values_of_the_matrix_are_told_apart_and_fit_in_a_line(tmp_path) -> None:
    values = [
        "plain",
        "12:30",
        1,
        "'1'",
        "true",
        "'true'",
        "[1, 2]",
        "{a: b}",
        f"'{'x' * 500}'",
        '"a\\nb"',
    ]
    head = f"prompt: say\nmatrix: {{tone: [{', '.join(map(str, values))}]}}\n"

    ids = [case.id for case in Opened(tmp_path, suite("  - id: red\n", head=head)).cases()]

    assert ids[:5] == [
        "red[tone=plain]", "red[tone=12:30]", "red[tone=1]", 'red[tone="1"]', "red[tone=true]"
    ]  # fmt: skip
    assert len(set(ids)) == len(values)
    assert all(id_.isprintable() and len(id_) < 60 for id_ in ids)


def test_a_matrix_beyond_reason_is_refused_at_once(tmp_path) -> None:
    values = ", ".join(f"i{name}: [{', '.join(map(str, range(10)))}]" for name in range(12))
    inputs = ", ".join(f"i{name}: {{}}" for name in range(12))
    files = suite("  - id: red\n", head=f"prompt: wide\nmatrix: {{{values}}}\n")
    files["prompts/wide.yaml"] = f"model: fast\ninputs: {{{inputs}}}\nuser: hello\n"

    fault = fault_of(Opened(tmp_path, files))

    assert "1,000,000,000,000 combinations" in fault.message


def test_what_the_command_line_sets_lies_over_everything(tmp_path) -> None:
    head = "prompt: say\nmatrix: {tone: [calm, loud]}\n"
    opened = Opened(tmp_path, suite("  - inputs: {word: a}\n", head=head))

    plain = opened.cases()
    set_ = opened.cases(tone="formal")

    assert [case.inputs for case in set_] == [{"word": "a", "tone": "formal"}] * 2
    assert [case.id for case in set_] == [case.id for case in plain]


def test_an_id_is_derived_from_the_first_text_and_all_inputs() -> None:
    one = derived_id({"count": 3, "mail": "  Où est mon COLIS ?! "})
    other = derived_id({"count": 4, "mail": "  Où est mon COLIS ?! "})

    assert one.startswith("ou-est-mon-colis-")
    assert one != other
    assert derived_id({"mail": "x" * 500}).startswith("x" * 30 + "-")
    assert derived_id({"mail": "???"}).startswith("case-")
    assert derived_id({}).startswith("case-")
    assert derived_id({"mail": "\ud800"}).startswith("case-")


def test_a_hash_follows_what_is_asked_and_nothing_else(tmp_path) -> None:
    files = suite("""\
      - {id: a, inputs: {word: x}}
      - {id: b, inputs: {word: x}, tags: [t]}
      - {id: c, inputs: {word: y}}
      - {id: d, inputs: {word: x}, conversation: [{user: hello}]}
      - {id: e, inputs: {word: x}, conversation: [{user: bye}]}
    """)

    hashes = [case_hash(case) for case in Opened(tmp_path, files).cases()]

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
    assert all(len(found) == 12 for found in hashes)


def test_conversations_over_two_rows_are_two_questions(tmp_path) -> None:
    entry = """\
      - dataset: data.jsonl
        id: '{{ row.id }}'
        inputs: {word: hello}
        conversation: [{user: 'my name is {{ row.id }}'}]
    """

    first, second = Opened(tmp_path, {**suite(entry), **rows({"id": "a"}, {"id": "b"})}).cases()

    assert case_hash(first) != case_hash(second)


def test_the_steps_of_a_chain_tell_how_inputs_are_read(tmp_path) -> None:
    head = "steps:\n  - {id: one, prompt: say}\n"
    files = suite("  - id: red\n    inputs: {word: 1.20}\n", head=head)

    (case,) = Opened(tmp_path, files).cases()

    assert case.inputs == {"word": "1.20"}
