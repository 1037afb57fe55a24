import sys

import pytest


@pytest.mark.parametrize(
    "output",
    [
        "select 1",
        "SELECT 1; SELECT 2;",
        "-- a comment\nSELECT 1",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION (SELECT 2)",
        "VALUES (1)",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1 WHERE b = 2",
        "DELETE FROM t",
        "CREATE TABLE t (a INT)",
        "DROP TABLE t",
        "ALTER TABLE t ADD b INT",
        "BEGIN; COMMIT",
        "SELECT '\ud800'",
    ],
)
def test_statements_are_sql(judge, output: str) -> None:
    score = judge("is_sql", output).score

    assert score.status == "passed", score.reason


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "there is no statement"),
        (" ;; ", "there is no statement"),
        ("-- only a comment", "there is no statement"),
        ("refund", "'refund' is no statement"),
        ("hello world", "is no statement"),
        ("42", "'42' is no statement"),
        ("(1, 2)", "is no statement"),
        ("selec 1", "line 1, column 7"),
        ("SELECT * FROM", "line 1, column 13"),
        ("SELECT", "a SELECT without columns"),
        ("SELECT 'open", "a quote or a comment is not closed"),
        ("```sql\nSELECT 1\n```", "line 1"),
        ("Sure! SELECT 1", "line 1, column 5"),
        ("SELECT 1; refund", "'refund' is no statement"),
    ],
)
def test_what_is_no_sql_fails_with_its_place(judge, output: str, reason: str) -> None:
    score = judge("is_sql", output).score

    assert (score.status, reason in score.reason) == ("failed", True), score.reason
    assert "\x1b" not in score.reason


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("CALL tidy()", "sqlglot does not parse statements that start with 'CALL'"),
        ("SELECT " + "(" * 500 + "1" + ")" * 500, "the output is nested too deeply to be parsed"),
        ("SELECT 1" + " " * 100_000, "100,008 characters are too many to parse as SQL"),
    ],
)
def test_what_cannot_be_parsed_is_unscored(judge, capfd, output: str, reason: str) -> None:
    score = judge("is_sql", output).score

    assert (score.status, reason in score.reason) == ("unscored", True), score.reason
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("SELECT * FROM orders o JOIN Items ON true", None),
        ("SELECT * FROM sales.totals", None),
        ("SELECT * FROM customers", "'customers'"),
        ("SELECT * FROM public.orders", "'public.orders'"),
        ("SELECT * FROM totals", "'totals'"),
        ("SELECT * FROM orders WHERE id IN (SELECT id FROM secrets)", "'secrets'"),
        ("DROP TABLE secrets", "'secrets'"),
        ("INSERT INTO secrets SELECT * FROM orders", "'secrets'"),
        ("SELECT * FROM orders; DELETE FROM secrets", "'secrets'"),
        ("WITH big AS (SELECT * FROM orders) SELECT * FROM big", None),
        ("WITH big AS (SELECT * FROM secrets) SELECT * FROM big", "'secrets'"),
        ("WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets", "'secrets'"),
        ("WITH RECURSIVE n AS (SELECT 1 UNION SELECT * FROM n) SELECT * FROM n", None),
        ("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", "'b'"),
        ("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b", None),
        ("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) y, x", "'x'"),
        ("SELECT * FROM main.big", "'main.big'"),
        ("SELECT * FROM READ_CSV('a.csv')", "'a.csv'"),
        ("WITH big AS (SELECT 1) SELECT * FROM secrets", "'secrets'"),
        ("SELECT * FROM IDENTIFIER('secrets')", "IDENTIFIER"),
        ("SELECT * FROM orders(1)", "ORDERS(1)"),
        ("SELECT * FROM @orders", "'@orders'"),
        ("SELECT 1", None),
    ],
)
def test_only_the_tables_that_are_listed_may_appear(judge, output: str, reason) -> None:
    score = judge("is_sql: {tables: [orders, items, sales.totals]}", output).score

    assert (score.status == "passed") is (reason is None), score.reason
    if reason:
        assert reason in score.reason


def test_a_dialect_decides(status) -> None:
    output = "SELECT `a` FROM `t`"

    assert status("is_sql: mysql", output) == "passed"
    assert status("is_sql: Postgres", output) == "failed"


def test_one_statement_may_be_asked_for(judge) -> None:
    assert judge("is_sql: {single: true}", "SELECT 1;").score.status == "passed"
    assert judge("is_sql: {single: true}", "SELECT 1; SELECT 2").score.reason == (
        "there are 2 statements, not one"
    )


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("postgress", "sqlglot knows no dialect 'postgress'", "did you mean 'postgres'?"),
        ("zzz", "sqlglot knows no dialect 'zzz'", "known are "),
        ("{tables: []}", "an empty table name allows nothing", "list the tables"),
        ('{tables: [a, ""]}', "an empty table name allows nothing", "list the tables"),
    ],
)
def test_arguments_of_sql_that_make_no_sense_are_refused(
    refusals, written: str, message: str, hint: str
) -> None:
    fault = refusals(f"is_sql: {written}")[0]

    assert fault.message == message
    assert fault.hint.startswith(hint)


@pytest.mark.parametrize(
    ("written", "module", "extra"),
    [
        ("is_sql: postgres", "sqlglot", "sql"),
        ("language: en", "py3langid", "language"),
        ("no_pii: {engine: presidio}", "presidio_analyzer", "pii"),
    ],
)
def test_a_missing_extra_is_told_before_any_model_is_paid(
    refusals, monkeypatch, written: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    fault = refusals(written)[0]

    assert fault.message == f"this needs the package '{module}', which is not installed"
    assert fault.hint == f"pip install 'llmops[{extra}]'"
    assert str(fault.at) == "suite.yaml:1:3"
