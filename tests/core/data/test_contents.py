"""What records hold, file by file."""

from __future__ import annotations

import pandas as pd

from components.core.data.contents import file_hashes, file_rows, has_contents


def test_each_file_of_a_record_has_its_row() -> None:
    frame = pd.DataFrame({
        "patient_id": ["p", "q", "r"], "sha256.pcg": ["ab", None, "c"],
        "files_sha256.pcg": [["a", "b"], None, ["c"]],
    })  # fmt: skip
    assert has_contents(frame, "pcg")
    assert not has_contents(frame, "ecg_image")
    rows = file_rows(frame, "pcg")
    assert rows["patient_id"].tolist() == ["p", "p", "r"]
    assert file_hashes(frame, "pcg").to_dict() == {0: "b", 2: "c"}
    assert file_hashes(frame, "pcg").tolist() == ["a", "b", "c"]
    assert frame["sha256.pcg"].dropna().tolist() == ["ab", "c"]


def test_without_them_the_hash_is_of_the_record() -> None:
    frame = pd.DataFrame({"sha256.pcg": ["ab", None]})
    assert has_contents(frame, "pcg")
    assert file_hashes(frame, "pcg").to_dict() == {0: "ab"}
