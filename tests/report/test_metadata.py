"""The descriptions of the data and the software for other programs are those of today."""

import csv
import gzip
import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from plcore.evidence import changes
from plcore.evidence.manifest import DATA, listed
from plcore.report import metadata

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
RENEW = "is old; renew it with: python3 run.py manifest"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_stored_files_are_what_the_data_and_the_project_ask_for():
    stored = (DATA / "datapackage.json").read_text(encoding="utf-8")
    assert stored == metadata.datapackage(), f"data/datapackage.json {RENEW}"
    stored = (ROOT / "codemeta.json").read_text(encoding="utf-8")
    assert stored == metadata.codemeta(), f"codemeta.json {RENEW}"


def test_every_csv_file_of_the_data_is_described_once():
    paths = [resource["path"] for resource in PACKAGE["resources"]]

    assert paths == sorted(file for file in changes.files(DATA) if ".csv" in file)
    names = [resource["name"] for resource in PACKAGE["resources"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)


@pytest.mark.parametrize("resource", PACKAGE["resources"], ids=lambda each: each["name"])
def test_a_description_is_true_of_its_file(resource):
    raw = (DATA / resource["path"]).read_bytes()
    text = (gzip.decompress(raw) if resource.get("compression") == "gz" else raw).decode("utf-8")
    header, *rows = csv.reader(text.splitlines())
    fields = resource["schema"]["fields"]

    assert resource["bytes"] == len(raw)
    assert resource["hash"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert resource["rows"] == len(rows) == int(listed(DATA)[resource["path"]].rows)
    assert [field["name"] for field in fields] == header
    for place, field in enumerate(fields):
        # The files of ages hold two million cells, which their readers check by the same schema.
        cells = {row[place] for row in rows[:2000]}
        assert [cell for cell in sorted(cells) if not fits(cell, field)] == [], field
    keys = [header.index(name) for name in resource["schema"].get("primaryKey", [])]
    assert not keys or len({tuple(row[key] for key in keys) for row in rows}) == len(rows)


def fits(cell, field):
    """Whether a cell is what a Frictionless field says."""
    limits = field.get("constraints", {})
    if cell == "":
        return not limits.get("required", False)
    if field["type"] == "string":
        return cell in limits.get("enum", [cell]) and (
            re.fullmatch(limits.get("pattern", ".*"), cell) is not None
        )
    value = int(cell) if field["type"] == "integer" else float(cell)
    return limits.get("minimum", value) <= value <= limits.get("maximum", value)


def test_every_column_has_a_meaning_and_every_number_a_unit():
    for resource in PACKAGE["resources"]:
        for field in resource["schema"]["fields"]:
            where = f"{resource['path']}: {field['name']}"
            assert len(field["description"]) >= 3, where
            assert field["type"] in ("string", "integer", "number"), where
            assert ("unit" in field) == (field["type"] != "string"), where
            assert not re.search(
                r"[`*]|\bsee below\b|(^|: )as (above|elsewhere)", field["description"]
            ), where
        assert resource["description"].startswith("One row is ")


def test_a_column_that_the_readme_does_not_explain_is_refused(monkeypatch):
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    described = metadata._described()
    assert described["searches.csv"]["results"] in readme
    del described["searches.csv"]["results"]
    monkeypatch.setattr(metadata, "_described", lambda: described)

    with pytest.raises(ValueError, match=r"searches\.csv: README\.md .* the column results"):
        metadata.datapackage()


def test_the_manifest_job_says_what_is_old_and_renews_it(monkeypatch, capsys, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    written = {data / "datapackage.json": "{}\n", tmp_path / "codemeta.json": "{}\n"}
    (data / "datapackage.json").write_text("old\n")
    (tmp_path / "codemeta.json").write_text("{}\n")
    monkeypatch.setattr(metadata, "DATA", data)
    monkeypatch.setattr(metadata.changes, "main", lambda arguments: 0)
    for name in ("datapackage", "codemeta"):
        monkeypatch.setattr(metadata, name, lambda: "{}\n")

    assert metadata.main(["--check"]) == 1
    assert capsys.readouterr().out == "datapackage.json: is not as the data are\n"
    assert metadata.main([]) == 0
    assert capsys.readouterr().out == "datapackage.json: written anew\n"
    assert {path: path.read_text() for path in written} == written
    assert metadata.main(["--check"]) == 0


def test_citation_and_codemeta_say_what_the_project_says():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    code = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))

    # What version 1.2.0 of the format requires, and what a citation needs.
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["type"] == "software"
    assert citation["title"].startswith("plcore: ")
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(citation["date-released"]))
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]
    for key in ("version", "license", "keywords"):
        assert citation[key] == PROJECT[key], key
    assert code["@context"] == "https://w3id.org/codemeta/3.0"
    assert code["@type"] == "SoftwareSourceCode"
    assert code["version"] == PROJECT["version"]
    assert [need["identifier"] for need in code["softwareRequirements"]] == [
        re.match(r"[\w-]+", each)[0] for each in PROJECT["dependencies"]
    ]
