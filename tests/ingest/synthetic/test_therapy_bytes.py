"""The therapy part is what it was before there was another one, to the byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions

# Of the files written by the generator before it had parts, 60 patients, default options.
BEFORE = {
    "manifest.csv": "288f2548564637d299cce7d01274d2002aeaa17f664ea99708dddd958d13e05c",
    "measurements.csv": "4c718e02ca9ad4e92620ff13c486979c2e09bdf2d2977ec31a4304de567eb6c4",
    "truth.json": "840af322a7d402df5280739601d72cec32c0cd2fe9990395e92f64c87a579f4b",
    "ecg": "603cff582be7fd6c55a10f647f157aa417a0fe182169c70927821ed4a2bda267",
    "truth.parquet": "28f602b5240f198952251b8ea8aab1178ea0e0fd9e3c183569d5c680ba0341b7",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("therapy")
    generate(made, SyntheticOptions(patients=60))
    return made


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["manifest.csv", "measurements.csv", "truth.json"])
def test_tables_are_those_of_before(folder: Path, name: str) -> None:
    assert _sha256((folder / name).read_bytes()) == BEFORE[name]


def test_recordings_are_those_of_before(folder: Path) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.glob("ecg/*/*"))
    lines = (f"{name} {_sha256((folder / name).read_bytes())}\n" for name in names)
    assert _sha256("".join(lines).encode()) == BEFORE["ecg"]


def test_truth_is_that_of_before(folder: Path) -> None:
    # The values, rounded: a Parquet file also names the version of its writer.
    table = pq.read_table(folder / "truth.parquet").to_pandas().round(9)
    table["lvef_visits"] = [str(list(each)) for each in table["lvef_visits"]]
    assert _sha256(table.to_csv(index=False).encode()) == BEFORE["truth.parquet"]
