"""Readers of JSON and JSON Lines: errors name file, row and field; nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_object, read_json_rows, short


def rows(folder: Path, content: str | bytes) -> list[dict]:
    path = folder / "rows.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [dict(row.value) for row in read_json_rows(path)]


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1}, {"a": 2}]',
        '{"a": 1}\n{"a": 2}\n',
        '\n{"a": 1}\r\n\n{"a": 2}',
        b'\xef\xbb\xbf[{"a": 1},\n\n{"a": 2}] \n',
        '[[{"a": 1}, {"a": 2}]]',
    ],
)
def test_arrays_lines_and_arrays_of_arrays(tmp_path: Path, content: str | bytes) -> None:
    assert rows(tmp_path, content) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}, {"a" 2}]', "rows.json, row 2 is not JSON: Expecting ':' delimiter at line 1"),
        ('{"a": 1}\n{"a": 2', "rows.json, row 2 is not JSON: "),
        ('[{"a": 1}', "rows.json, row 1 ends at line 1 without ',' or ']'"),
        ('[{"a": 1}] x', "goes on after the array, behind row 1"),
        ('[{"a": 1}, 7]', "rows.json, row 2 is 7; expected an object"),
        ('{"a": 1, "a": 2}', "row 1 is not JSON: the key 'a' stands twice in one object"),
        ('{"a": NaN}', "row 1 is not JSON: NaN is no number in JSON"),
        ('[{"a": -Infinity}]', "row 1 is not JSON: -Infinity is no number in JSON"),
        (b'{"a": 1}\n{"a": "\xff"}', "rows.json, line 2 is not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1}\n' + '{"a":' * 100_000, "row 2 is not JSON: nested too deeply"),
        ("", "is empty; expected a JSON array or JSON Lines"),
        ("[]", "is empty"),
    ],
)
def test_what_is_no_row_is_located(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(BenchmarkError) as error:
        rows(tmp_path, content)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="none cannot be read: No such file"):
        list(read_json_rows(tmp_path / "none"))
    with pytest.raises(BenchmarkError, match="cannot be read: Is a directory"):
        read_json_object(tmp_path)


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("text", 3, "x.json, row 4: name is 3; expected text"),
        ("seconds", -1, "name is -1; expected seconds from 0 on"),
        ("seconds", True, "name is True; expected seconds from 0 on"),
        ("seconds", 10**400, "expected seconds from 0 on"),
        ("number", "1", "name is '1'; expected a number"),
        ("whole", 1.5, "name is 1.5; expected a whole number from 0 on"),
        ("identifier", 1.5, "name is 1.5; expected a name or a whole number"),
        ("identifier", "", "name is ''; expected a name"),
        ("texts", ["a", 1], "name[1] is 1; expected text"),
        ("numbers", [1, None], "name[1] is None; expected a number"),
        ("times", [1, -2], "name[1] is -2; expected seconds"),
        ("wholes", [-1], "name[0] is -1; expected a whole number"),
        ("interval", [5, 2], "name is [5, 2]; expected [start, end] in seconds"),
        ("interval", None, "name is missing; expected [start, end]"),
        ("intervals", [[1, 2], [3]], "name[1] is [3]; expected [start, end]"),
        ("object", [], "row 4: name is []; expected an object"),
    ],
)
def test_a_field_that_does_not_fit_is_named(method: str, value: object, message: str) -> None:
    fields = Fields({"name": value}, "x.json, row 4")
    with pytest.raises(BenchmarkError) as error:
        getattr(fields, method)("name")
    assert message in str(error.value)


def test_a_field_that_is_missing_is_named_with_its_path() -> None:
    row = Fields({"list": [{"a": {}}]}, "x.json, row 4")
    (element,) = row.objects("list")
    with pytest.raises(BenchmarkError, match=r"row 4: list\[0\].a.b is missing; expected text"):
        element.object("a").text("b")


def test_the_number_of_rows_that_do_not_fit_is_reported() -> None:
    rows = [Fields({"a": value}, f"f, row {number}") for number, value in enumerate([1, "x", "y"])]
    with pytest.raises(BenchmarkError, match=r"row 1: a is 'x'.*\(2 rows do not fit; this is"):
        parse_rows(rows, lambda row: row.number("a"))


def test_a_whole_number_and_its_text_are_one_identifier() -> None:
    for value in (7, "7", 7.0):
        assert Fields({"id": value}, "f").identifier("id") == "7"
    assert Fields({"id": "007"}, "f").identifier("id") == "007"


def test_values_in_messages_are_short() -> None:
    assert len(short("x" * 1000)) == 60
    assert short(10**5000) == "a int"
