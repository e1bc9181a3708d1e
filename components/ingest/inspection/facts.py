"""What an inspection says: counts, columns and reasons, and nothing that names a patient."""

from __future__ import annotations

from pydantic import Field

from components.core.config.base import Frozen


class Column(Frozen):
    """One column of a table.

    Attributes:
        name: as in the header, or `column N` where the header looks like data.
        kind: `numeric`, `time`, `text` or `empty`.
        missing: share of the rows without a value.
        distinct: number of different values, `50+` from there on.
        use: what the source takes it for; empty if it is not used.
    """

    name: str
    kind: str
    missing: float
    distinct: str
    use: str = ""


class Extension(Frozen):
    """Files of one extension.

    Attributes:
        extension: in lower case, with its dot.
        files: how many there are.
        inspected: how many of them were opened, spread evenly over all.
        companions: signal and annotation files beside a WFDB header, read with it.
    """

    extension: str
    files: int
    inspected: int
    companions: int = 0


class Recognised(Frozen):
    """Inspected files of one format.

    Attributes:
        reader: its name.
        files: how many.
        fs: sampling rate in Hz → files.
        leads: lead names in file order → files.
        pixels: width and height of pictures → files.
        seconds: shortest, median and longest duration, None where no rate is known.
        needs: value that the manifest must declare → files.
    """

    reader: str
    files: int
    fs: dict[str, int] = Field(default_factory=dict[str, int])
    leads: dict[str, int] = Field(default_factory=dict[str, int])
    pixels: dict[str, int] = Field(default_factory=dict[str, int])
    seconds: tuple[float, float, float] | None = None
    needs: dict[str, int] = Field(default_factory=dict[str, int])


class Refused(Frozen):
    """Files or rows that ingest would refuse, by reason.

    Attributes:
        what: `row` or the files' extension.
        code: of the reason.
        count: how many.
        advice: what to do.
        rows: the first few lines of the table.
        names: files, only where names were asked for.
    """

    what: str
    code: str
    count: int
    advice: str
    rows: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


class HdfData(Frozen):
    """One data set of an HDF5 file, or many members of one group told together.

    Attributes:
        file: its name.
        name: of the data set within it; of many members their group and how many they are.
        kind: `text` or the type of its numbers.
        shape: of the data set; of many members of the first one.
        ids: what its texts or the members' names look like → how many, the most frequent first.
        repeated: a text or number stands in several rows.
        problem: why it cannot be read.
        group: the group that holds many members.
        inner: data set of floats within each of them.
        members: how many; 0 of one data set.
        nested: their vectors lie under further names that are not shown, or among ids of their own.
    """

    file: str
    name: str
    kind: str
    shape: tuple[int, ...] = ()
    ids: dict[str, int] = Field(default_factory=dict[str, int])
    repeated: bool = False
    problem: str = ""
    group: str = ""
    inner: str = ""
    members: int = 0
    nested: bool = False


class Inspection(Frozen):
    """What a path holds.

    Attributes:
        source: that would read it.
        what: `table`, `folder` (of files without a table) or `generated`.
        records: rows that ingest would take, before any file is read.
        patients: different patients; None where the table does not say.
        labels: `1`, `0` and `unknown` → rows.
        event_patients: patients with a label of 1 or an event time.
        times: column of a time → rows that have it.
        media: what pictures and sounds are of → rows that name such files.
        columns: of the table.
        extensions: of the files.
        recognised: formats.
        refused: rows and files.
        embeddings: data sets of the HDF5 files.
        declaration: of those files, as YAML for the source's options.
        problems: sentences, each with what to do.
    """

    source: str
    what: str
    records: int = 0
    patients: int | None = None
    labels: dict[str, int] = Field(default_factory=dict[str, int])
    event_patients: int = 0
    times: dict[str, int] = Field(default_factory=dict[str, int])
    media: dict[str, int] = Field(default_factory=dict[str, int])
    columns: tuple[Column, ...] = ()
    extensions: tuple[Extension, ...] = ()
    recognised: tuple[Recognised, ...] = ()
    refused: tuple[Refused, ...] = ()
    embeddings: tuple[HdfData, ...] = ()
    declaration: str = ""
    problems: tuple[str, ...] = ()
