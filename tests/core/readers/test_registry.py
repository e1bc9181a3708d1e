"""Readers are found beside the registry and chosen by content."""

from __future__ import annotations

import sys
import types

import pytest

from components.core import readers
from components.core.errors import ConfigError, RecordError
from components.core.readers import registry
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal, readers_by_name


def test_every_reader_module_is_found() -> None:
    known = {"csv", "dicom_waveform", "hl7_aecg", "matlab", "muse", "npy", "philips_sierra", "wfdb"}
    assert known <= set(readers_by_name())
    assert list(readers_by_name()) == sorted(readers_by_name())


def test_each_format_is_recognised_by_content(ecg, muse_xml, wfdb_record, csv_bytes) -> None:
    counts = ecg()
    declared = Declared(fs=500, unit="uV")
    for content in (muse_xml(counts), csv_bytes(counts)):
        assert read_signal(MemoryFile("a.bin", content), declared).samples == counts.shape[1]
    assert read_signal(wfdb_record(counts)).leads[0] == "I"


def test_unknown_content_lists_the_formats_tried() -> None:
    with pytest.raises(RecordError, match=r"formats tried: .*csv.*muse.*wfdb") as caught:
        read_signal(MemoryFile("ecg.xml", b"\x89PNG\r\n\x1a\n"))
    assert (caught.value.code, caught.value.value) == ("unknown_format", "89504e47")
    with pytest.raises(RecordError) as text:
        read_signal(MemoryFile("ecg.txt", b"QUILLFEATHRY, ELOWYNNA"))
    assert text.value.value == ""  # its first bytes might be a name


def test_a_format_may_be_named_and_a_wrong_name_gets_a_hint(ecg, csv_bytes) -> None:
    raw = MemoryFile("a", csv_bytes(ecg()))
    assert read_signal(raw, Declared(fs=500, unit="uV"), format="csv").fs == 500
    with pytest.raises(ConfigError, match="no reader is named 'mus'; did you mean 'muse'"):
        read_signal(raw, format="mus")


def _fake(name: str) -> types.ModuleType:
    module = types.ModuleType("fake")
    module.NAME = name  # type: ignore[attr-defined]
    module.sniff = lambda head, name: True  # type: ignore[attr-defined]
    module.read = lambda raw, declared: None  # type: ignore[attr-defined]
    return module


def test_content_that_two_readers_claim_is_refused(monkeypatch) -> None:
    both = {"a": _fake("a"), "b": _fake("b")}
    monkeypatch.setattr(registry, "readers_by_name", lambda: both)
    with pytest.raises(RecordError, match="could be any of a, b; declare its format"):
        read_signal(MemoryFile("x", b"x"))


def test_a_new_module_is_a_new_format_and_names_are_unique(monkeypatch, tmp_path) -> None:
    for name, label in (("holter_x", "holter"), ("holter_y", "muse")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(
            f"NAME = '{label}'\ndef sniff(head, name): return False\ndef read(raw, declared): ...\n"
        )
    plain = list(readers.__path__)
    try:
        monkeypatch.setattr(readers, "__path__", [*plain, str(tmp_path / "holter_x")])
        assert "holter" in registry.readers_by_name.__wrapped__()
        monkeypatch.setattr(readers, "__path__", [*plain, str(tmp_path / "holter_y")])
        with pytest.raises(ConfigError, match="two readers are named 'muse'"):
            registry.readers_by_name.__wrapped__()
    finally:
        for name in ("holter_x", "holter_y"):
            sys.modules.pop(f"components.core.readers.{name}", None)
