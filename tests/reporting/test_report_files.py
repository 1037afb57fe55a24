import os
import resource
import stat
from pathlib import Path

import pytest

from llmops.errors import InvalidInputError, UnavailableError
from llmops.reporting.files import write_report


def hello(out) -> None:
    out.write("hé\r\nllo\n")


def test_a_report_is_written_with_its_folders(tmp_path: Path):
    write_report(tmp_path / "a" / "b" / "report.xml", hello)

    assert (tmp_path / "a/b/report.xml").read_bytes() == "hé\r\nllo\n".encode()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["report.xml"]


def test_a_new_report_has_the_rights_of_any_new_file(tmp_path: Path):
    mask = os.umask(0o027)
    try:
        write_report(tmp_path / "report.xml", hello)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "report.xml").stat().st_mode) == 0o640


def test_a_report_keeps_the_rights_of_the_one_before(tmp_path: Path):
    path = tmp_path / "report.xml"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o604)

    write_report(path, hello)

    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert path.read_bytes() == "hé\r\nllo\n".encode()


def test_a_full_disk_keeps_the_old_report(tmp_path: Path):
    path = tmp_path / "report.xml"
    path.write_text("old", encoding="utf-8")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(UnavailableError) as caught:
            write_report(path, lambda out: out.write("x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.xml"]
    assert caught.value.exit_code == 3
    assert "report.xml cannot be written: File too large [report-not-written]" in str(caught.value)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_a_writer_that_fails_leaves_the_old_report_and_no_litter(tmp_path: Path, fault):
    path = tmp_path / "report.xml"
    path.write_text("old", encoding="utf-8")

    def fail(out) -> None:
        out.write("half")
        raise fault

    with pytest.raises(fault):
        write_report(path, fail)

    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.xml"]


def test_a_folder_that_cannot_be_made_is_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(UnavailableError, match="cannot be written"):
        write_report(tmp_path / "file" / "report.xml", hello)


def test_a_link_within_its_folder_is_followed(tmp_path: Path):
    (tmp_path / "latest.xml").symlink_to("report-1.xml")

    write_report(tmp_path / "latest.xml", hello)

    assert (tmp_path / "latest.xml").is_symlink()
    assert (tmp_path / "report-1.xml").read_bytes().endswith(b"llo\n")


def test_a_link_that_leaves_its_folder_is_refused(tmp_path: Path):
    outside = tmp_path / "outside.txt"
    outside.write_text("precious", encoding="utf-8")
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "report.xml").symlink_to(outside)

    with pytest.raises(InvalidInputError, match="leaves its folder"):
        write_report(inside / "report.xml", hello)

    assert outside.read_text(encoding="utf-8") == "precious"
    assert (inside / "report.xml").is_symlink()


def test_a_folder_that_links_out_of_the_project_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "reports").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InvalidInputError, match="leaves the project"):
        write_report(project / "reports" / "a" / "report.xml", hello, root=project)

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_path_outside_of_the_project_is_the_users_own_wish(tmp_path: Path):
    project = tmp_path / "project"
    project.mkdir()

    write_report(tmp_path / "out" / "report.xml", hello, root=project)
    write_report(project / "reports" / "report.xml", hello, root=project)

    assert (tmp_path / "out" / "report.xml").exists()
    assert (project / "reports" / "report.xml").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path, kind: str):
    path = tmp_path / "report.xml"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    with pytest.raises(InvalidInputError, match="is there and is no file") as caught:
        write_report(path, hello)

    assert caught.value.exit_code == 2
    assert not path.is_file()
