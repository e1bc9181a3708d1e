"""Random batches of ECG pictures and heart sounds, from disk to what the network takes in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from benchmarks.harness.row import Comparison, Outcome, Row
from benchmarks.harness.signals import recording
from components.core.data import foldstats
from components.core.data.arrays import (
    ArrayShard,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.cohort import Rows
from components.core.media.config import ImageConfig, SoundConfig
from components.core.modalities import ArrayModality
from components.core.readers.rawfile import DiskFile
from components.core.schemas import ROW_PREFIX, SHARD_PREFIX
from components.core.signals.leads import LEADS8

# As the specification of the balanced model has it.
BATCH = 16
# Batches that a side is timed on at most; the epoch is extrapolated from them.
TIMED = 24
# Batches before that: worker processes have started and their queues are full.
WARM = 4
# A page at 100 dots per inch, and an auscultation of ten seconds at the usual rate.
PAGE = (850, 1100)
FS, SECONDS = 4000, 10
_SHARD = 128
IMAGE, SOUND = ImageConfig(), SoundConfig(windows=2)
Values = npt.NDArray[np.float32]


def _page(number: int) -> npt.NDArray[np.uint8]:
    """Return a page with a grid and eight traces, in red, green and blue."""
    page = np.full((*PAGE, 3), (255, 250, 250), np.uint8)
    page[::20], page[:, ::20] = (240, 180, 180), (240, 180, 180)
    time_, step = np.arange(PAGE[1]), PAGE[0] // len(LEADS8)
    for lead, trace in enumerate(recording(number, leads=len(LEADS8), fs=FS // 8)):
        height = np.clip(trace[: PAGE[1]] * 40, -step // 2, step // 2).astype(int)
        page[np.clip(lead * step + step // 2 - height, 0, PAGE[0] - 1), time_] = 0
    return page


def _sound(number: int) -> npt.NDArray[np.int16]:
    beats = recording(number, leads=1, fs=FS)[0, : FS * SECONDS]
    noise = np.random.default_rng(number).normal(0, 0.05, FS * SECONDS)
    return ((np.resize(beats, FS * SECONDS) + noise).clip(-2, 2) * 8000).astype(np.int16)


def _prepare(folder: Path, size: int) -> None:
    import soundfile
    from PIL import Image

    for number in range(size):
        Image.fromarray(_page(number)).save(folder / f"{number}.png")
        soundfile.write(folder / f"{number}.wav", _sound(number), FS, subtype="PCM_16")
    _prepare_arrays(folder, size)


def _prepare_arrays(folder: Path, size: int) -> None:
    """Write what preprocess would, one record after the other."""
    from components.core.media.image import image_array
    from components.core.media.sound import log_mel
    from components.core.readers.audio import read_audio
    from components.core.readers.image import read_image

    for name in ("ecg_image", "pcg"):
        shard_folder(folder, name).mkdir(parents=True)
    for shard, first in enumerate(range(0, size, _SHARD)):
        files = [folder / f"{n}" for n in range(first, min(first + _SHARD, size))]
        pages = np.stack([image_array(read_image(DiskFile(f.with_suffix(".png"), folder)), IMAGE)
                          for f in files])  # fmt: skip
        heard = [log_mel([read_audio(DiskFile(f.with_suffix(".wav"), folder))], SOUND)
                 for f in files]  # fmt: skip
        sounds = np.stack([each.values for each in heard])  # noqa: PD011 - no frame
        valid = np.stack([each.valid for each in heard])
        _write(folder, "ecg_image", shard, pages, None, axis=0)
        _write(folder, "pcg", shard, sounds, valid, axis=1)


def _write(
    folder: Path,
    name: ArrayModality,
    shard: int,
    values: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None,
    *,
    axis: int,
) -> None:
    moments = np.stack([channel_moments(each, axis) for each in values])
    made = ArrayShard(values=values, valid=valid, moments=moments, axis=axis, facts={})
    write_array(shard_folder(folder, name) / f"{shard:05d}.h5", made)


def _rows(folder: Path, size: int) -> Rows:
    number = np.arange(size)
    places = {
        f"{prefix}{name}": value
        for name in ("ecg_image", "pcg")
        for prefix, value in ((SHARD_PREFIX, number // _SHARD), (ROW_PREFIX, number % _SHARD))
    }
    frame = pd.DataFrame(
        {
            "sample_id": [f"r{n}" for n in number],
            "patient_id": [f"p{n}" for n in number],
            "label": (number % 3 > 0).astype(np.int64),
            "weight": 1.0,
            **places,
        }
    )
    arrays = open_arrays(folder, frame)
    nothing = np.zeros((size, 0), np.float32)
    return Rows(
        frame=frame,
        reader=None,
        tabular=nothing,
        stats=foldstats.fit_fold("all", frame, [], None, (), arrays=arrays),
        text=nothing,
        text_mask=np.zeros(size, np.bool_),
        arrays=arrays,
    )


def _checked(size: int) -> npt.NDArray[np.int64]:
    """Return the records of the batch that both sides report."""
    return np.arange(BATCH) * 7 % size


def _timed(epoch: Callable[[], Iterable[Any]], size: int) -> tuple[float, int]:
    """Return seconds and number of batches of a second epoch, without its first few."""
    for _ in islice(epoch(), WARM):
        pass
    iterator = iter(epoch())
    for _ in islice(iterator, min(WARM, size // BATCH // 2)):
        pass
    start = time.perf_counter()
    done = sum(1 for _ in islice(iterator, TIMED))
    return time.perf_counter() - start, done


def _result(image: torch.Tensor, sound: torch.Tensor) -> npt.NDArray[np.float64]:
    """Return what both sides must agree on: each record's picture and sound in coarse means."""
    rows = torch.nn.functional.adaptive_avg_pool2d(image, (4, 6)).flatten(1)
    bands = sound.mean(3).flatten(1)
    return torch.cat([rows, bands], dim=1).double().numpy()


def _ours(folder: Path, size: int) -> Outcome:
    from components.core.data.batches import loader, raw_batch
    from components.core.data.finish import Finisher

    rows = _rows(folder, size)
    finish = Finisher(rows.stats)
    batches = loader(rows, batch=BATCH, seed=0, shuffle=True)
    seconds, done = _timed(lambda: map(finish, batches), size)
    ready = finish(raw_batch(rows, _checked(size)))
    waiting = seconds / done
    step = _step_seconds(rows, ready)
    return Outcome(
        seconds=seconds,
        units=done,
        result=_result(ready["ecg_image"], ready["pcg"]),
        facts={
            "takes": f"{waiting * 1e3:.2f} ms per batch",
            "training waits for data": f"{waiting / (waiting + step):.1%} of an epoch, a step of "
            f"the default network taking {step * 1e3:.0f} ms",
        },
    )


def _step_seconds(rows: Rows, batch: dict[str, torch.Tensor]) -> float:
    """Return the seconds of one training step of the network at its default settings."""
    from components.core.members import data_spec
    from components.core.models.registry import build_model

    spec = data_spec(rows, leads=0, length=0, heads={"abnormal": 2})
    model = build_model({"name": "multimodal"}, spec).train()
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    taken = 0.0
    for number in range(WARM + 4):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = sum(torch.nn.functional.cross_entropy(each.float(), batch["label"])
                       for each in model(batch).values())  # fmt: skip
        optimiser.zero_grad()
        torch.as_tensor(loss).backward()
        optimiser.step()
        taken += time.perf_counter() - start if number >= WARM else 0.0
    return taken / 4


def _per_item(folder: Path, size: int) -> Outcome:
    import soundfile
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    from components.core.compat import import_torchaudio

    transforms = import_torchaudio().transforms
    stats = _rows(folder, size).stats.arrays
    mean, sd = (torch.tensor(getattr(stats["pcg"], each))[:, None] for each in ("mean", "sd"))
    white, grey = stats["ecg_image"].mean[0], stats["ecg_image"].sd[0]
    to_rate = transforms.Resample(FS, SOUND.fs)
    mel = transforms.MelSpectrogram(
        SOUND.fs, n_fft=512, win_length=round(SOUND.frame_s * SOUND.fs), hop_length=SOUND.hop,
        f_min=SOUND.low_hz, f_max=SOUND.high_hz, n_mels=SOUND.mels,
    )  # fmt: skip
    decibels = transforms.AmplitudeToDB()

    class Items(Dataset[tuple[torch.Tensor, torch.Tensor]]):
        """One picture and one sound per item, decoded and transformed when they are asked for."""

        def __len__(self) -> int:
            return size

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            with Image.open(folder / f"{index}.png") as opened:
                page = opened.convert("L")
            page.thumbnail((IMAGE.width, IMAGE.height), Image.Resampling.LANCZOS)
            made = Image.new("L", (IMAGE.width, IMAGE.height), 255)
            place = ((IMAGE.width - page.width) // 2, (IMAGE.height - page.height) // 2)
            made.paste(page, place)
            image = (torch.from_numpy(np.array(made, np.float32))[None] - white) / grey
            sound, _ = soundfile.read(folder / f"{index}.wav", dtype="float32")
            even = to_rate(torch.from_numpy(sound - sound.mean()))
            windows = (even / even.square().mean().sqrt()).reshape(SOUND.windows, SOUND.samples)
            return image, (decibels(mel(windows)) - mean) / sd

    items = Items()
    batches = DataLoader(items, batch_size=BATCH, shuffle=True, num_workers=2, drop_last=True)
    seconds, done = _timed(lambda: batches, size)
    image, sound = (
        torch.stack(each) for each in zip(*(items[int(i)] for i in _checked(size)), strict=True)
    )
    return Outcome(
        seconds=seconds,
        units=done,
        result=_result(image, sound),
        facts={"takes": f"{seconds / done * 1e3:.1f} ms per batch"},
    )


ROW = Row(
    name="multimodal_feed",
    unit="batches of 16",
    sizes=(128, 512, 2048),
    quick=(32, 48, 64),
    prepare=_prepare,
    work=lambda size: size // BATCH,
    sides={"ours": _ours, "per item": _per_item},
    comparisons=(
        Comparison(
            work="random batches out of {size} ECG pictures and heart sounds, from disk to what "
            "the network takes in",
            ours="ours", other="per item", ratio=5, tolerance=0.05,
            peer="Pillow, soundfile and torchaudio transforms per item, torch `DataLoader` with "
            "2 workers",
        ),
    ),
    notes=(
        f"The second epoch, extrapolated from {TIMED} batches; the files lie in the page cache. "
        "Ours reads prepared arrays in the training process itself; the peer decodes and "
        "transforms each file anew in each epoch, as data sets of files do.",
    ),
)  # fmt: skip
