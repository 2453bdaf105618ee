"""No file of data/ changes without being listed, and what changed is said in words."""

import gzip
import random
import shutil
import subprocess

import pytest
from mutations import read_sheet
from mutations_judged import CSV, loaded, save
from mutations_of_numbers import KINDS, changes, judged, share_told, written

from plcore.evidence import changes as command
from plcore.evidence import manifest
from plcore.evidence.data import DATA, read
from plcore.planner.page.numbers import OUTLINES, outlines, read_places
from plcore.report.teaching import STATES, _places
from plcore.scenarios import read_scenario


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A copy of the project's data that stands in the place of the project's own."""
    copy = tmp_path / "data"
    shutil.copytree(DATA, copy)
    monkeypatch.setattr(manifest, "DATA", copy)
    monkeypatch.setattr(command, "DATA", copy)
    return copy


def test_the_shipped_files_are_those_of_the_manifest():
    """Where this fails: `python3 run.py manifest`, read what it says, and commit it."""
    assert list(command.changes(DATA)) == []


def test_the_manifest_says_how_many_rows_each_table_has():
    for file, line in manifest.listed(DATA).items():
        if ".csv" in file:
            assert int(line.rows) == len(read_sheet(DATA / file).rows), file


def test_the_checksum_is_that_of_the_unpacked_text_whatever_its_line_ends():
    assert manifest.checksum("a\r\nb\n") == manifest.checksum("a\nb\n")
    # sha256sum of a file that holds "a" and a line end.
    known = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert manifest.checksum("a\n") == known


#: A file of each place that reads data, the reader, and a number of it that no rule can tell.
READERS = [
    ("claims.csv", lambda folder: read("claims", folder=folder), "1600000", "1700000"),
    ("observations.csv", lambda folder: read("observations", folder=folder), "0.12", "0.13"),
    ("scenarios/baseline.toml", lambda folder: read_scenario(folder=folder), "= 2005", "= 2006"),
    ("population/us_resident_2020_2023.csv", None, "1893254", "1893255"),
    ("geography/us_zip_points_2021.csv.gz", None, "42.062368", "42.062367"),
    (f"geography/{OUTLINES}", lambda folder: outlines(read_places(folder=folder), folder=folder),
     '"type":"FeatureCollection"', '"type": "FeatureCollection"'),
    (f"geography/{STATES}", _places, '"FeatureCollection"', '"FeatureCollection" '),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "reader", "old", "new"), READERS, ids=[case[0] for case in READERS]
)
def test_a_change_that_no_rule_can_tell_is_refused(ours, file, reader, old, new):
    raw = (ours / file).read_bytes()
    text = (gzip.decompress(raw) if file.endswith(".gz") else raw).decode()
    changed = text.replace(old, new, 1).encode()
    assert changed.decode() != text
    save(ours / file, gzip.compress(changed) if file.endswith(".gz") else changed)

    with pytest.raises(ValueError, match=r"is not the one that MANIFEST\.csv has listed") as error:
        loaded(file, ours) if reader is None else reader(ours)
    assert "python3 run.py manifest" in str(error.value)


def test_a_fault_that_has_a_line_is_said_with_it(ours):
    text = (ours / "claims.csv").read_text()
    save(ours / "claims.csv", text.replace("1600000", "many", 1).encode())

    with pytest.raises(ValueError, match=r"claims\.csv:4: claimed is 'many'; expected a number"):
        read("claims", folder=ours)


def test_other_line_ends_and_another_packing_are_no_change(ours):
    for file in ("claims.csv", "population/us_resident_1950_1979.csv.gz"):
        raw = (ours / file).read_bytes()
        if file.endswith(".gz"):
            save(ours / file, gzip.compress(gzip.decompress(raw), 1))
        else:
            save(ours / file, b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
        assert loaded(file, ours)


def test_in_a_folder_of_ones_own_every_change_is_meant(tmp_path):
    copy = tmp_path / "mine"
    shutil.copytree(DATA, copy)
    text = (copy / "claims.csv").read_text()
    save(copy / "claims.csv", text.replace("1600000", "1700000", 1).encode())

    assert 1.7e6 in set(read("claims", folder=copy)["claimed"])


def test_a_file_that_is_new_can_be_read_and_is_asked_for_by_the_tests(ours):
    (ours / "scenarios" / "ours.toml").write_text('title = "Ours"\n')

    assert read_scenario("ours", folder=ours).title == "Ours"
    assert list(command.changes(ours)) == ["scenarios/ours.toml: is new"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("k,a,b\nx,1,2\ny,3,4\n", "k,a,b\nx,1,2\ny,3,5\n", ["y: b was 4, is 5"]),
        ("k,a\nx,1\ny,\n", "k,a\nx,\ny,7\n", ["x: a was 1, is empty", "y: a was empty, is 7"]),
        ("k,a\nx,1\ny,2\n", "k,a\nx,1\n", ["the row y is gone"]),
        ("k,a\nx,1\n", "k,a\nz,0\nx,1\n", ["the row z is new"]),
        ("k,a\nx,1\ny,2\n", "k,a\ny,2\nx,1\n", ["the rows are in another order"]),
        ("k,a\nx,1\n", "k,c\nx,1\n", ["the column a is gone", "the column c is new"]),
        ("k,a\nx,1\n", "a,k\n1,x\n", ["the columns are in another order"]),
        ("y,s,n\n1,m,1\n1,f,2\n", "y,s,n\n1,m,1\n1,f,3\n", ["1 f: n was 2, is 3"]),
    ],
)
def test_what_changed_in_a_table_is_said_by_row_and_column(old, new, said):
    assert list(command.differences("t.csv", old, new)) == [f"t.csv: {words}" for words in said]


def test_what_changed_in_a_scenario_is_said_by_line():
    said = command.differences("s.toml", "a = 1\nb = 2\n", "a = 1\nb = 3\n")

    assert list(said) == ["s.toml: gone: b = 2", "s.toml: new: b = 3"]


def test_many_changes_are_counted():
    old = "k,a\n" + "".join(f"r{i},1\n" for i in range(100))
    said = list(command.differences("t.csv", old, old.replace(",1", ",2")))

    assert len(said) == 31
    assert said[-1] == "t.csv: ... and 70 more changes"


def test_the_command_says_what_changed_and_lists_it(ours, capsys):
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "as listed"]):
        subprocess.run([*git, *words], cwd=ours, check=True)
    text = (ours / "claims.csv").read_text()
    save(ours / "claims.csv", text.replace("1600000", "1700000", 1).encode())
    (ours / "scenarios" / "ours.toml").write_text('title = "Ours"\n')
    before = (ours / "MANIFEST.csv").read_text()
    said = [
        "claims.csv: nws_1_6_million: claimed was 1600000, is 1700000",
        "scenarios/ours.toml: is new",
    ]

    assert command.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == said
    assert (ours / "MANIFEST.csv").read_text() == before
    assert command.main([]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == said
    assert command.main(["--check"]) == 0
    changed = set((ours / "MANIFEST.csv").read_text().splitlines()) - set(before.splitlines())
    assert sorted(line.split(",")[0] for line in changed) == ["claims.csv", "scenarios/ours.toml"]
    assert 1.7e6 in set(read("claims", folder=ours)["claimed"])


def test_without_a_repository_the_file_and_its_rows_are_named(ours, monkeypatch):
    monkeypatch.setattr(command, "_git_bytes", lambda *arguments: b"")
    lines = (ours / "claims.csv").read_text().splitlines()
    save(ours / "claims.csv", ("\n".join(lines[:-1]) + "\n").encode())
    (ours / "body_mass.csv").unlink()

    gone, changed = command.changes(ours)

    assert gone == "body_mass.csv: is gone; it had 6 rows"
    assert changed.startswith(f"claims.csv: {len(lines) - 2} rows, {len(lines) - 1} before; ")


def test_a_folder_of_ones_own_is_set_against_the_projects(tmp_path, capsys):
    copy = tmp_path / "mine"
    shutil.copytree(DATA, copy)
    text = (copy / "claims.csv").read_text()
    save(copy / "claims.csv", text.replace("1600000", "1700000", 1).encode())

    assert command.main([str(copy)]) == 1
    said = capsys.readouterr().out
    assert said == "claims.csv: nws_1_6_million: claimed was 1600000, is 1700000\n"
    assert command.main([str(tmp_path / "nowhere")]) == 1
    assert "no such folder; expected a copy of data/" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["claims.csv,abc,58,2026-01-01", "claims.csv"])
def test_a_broken_manifest_is_named_by_its_line(ours, line):
    lines = (ours / "MANIFEST.csv").read_text().splitlines()
    save(ours / "MANIFEST.csv", "\n".join([*lines[:3], line, *lines[4:], ""]).encode())

    with pytest.raises(ValueError, match=r"MANIFEST\.csv:4: .*; expected a file, its checksum"):
        read("claims", folder=ours)


#: A few files an example; `python -m mutations_of_numbers 40` tries them all, many times.
SAMPLE = [
    "parameters.csv", "trials.csv", "limb_loss_estimates.csv", "body_mass.csv",
    "population/us_resident_2020_2023.csv", "geography/us_population_centres_2020.csv",
]  # fmt: skip


def test_of_changed_numbers_99_in_100_are_refused(ours):
    found = [verdict for file in SAMPLE for verdict in judged(file, ours, each=2)]

    assert len(found) > 100
    assert {verdict.kind for verdict in found} == {
        kind.__name__.strip("_").replace("_", " ") for kind in KINDS
    }
    silent = [verdict for verdict in found if verdict.became == "silent"]
    assert share_told(found) >= 0.99, silent


@pytest.mark.parametrize("file", CSV)
def test_a_changed_number_of_any_table_has_another_checksum(file):
    """What is read from each file is held to the manifest; here each file is seen to be listed."""
    sheet = read_sheet(DATA / file)
    listed = manifest.listed(DATA)[file].sha256
    found = list(changes(sheet, each=1))

    assert manifest.checksum("\n".join((*sheet.lines, ""))) == listed
    for _, change in random.Random(1).sample(found, min(3, len(found))):
        raw = written(sheet, change)
        text = (gzip.decompress(raw) if sheet.packed else raw).decode()
        assert manifest.checksum(text) != listed
