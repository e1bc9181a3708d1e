"""What a service may be started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import ConfigError, InputError
from components.serve.settings import (
    SHORTEST_TOKEN,
    TOKEN_VARIABLE,
    Settings,
    check_reach,
    is_loopback,
    names,
    settings_of,
    token_of,
)

TOKEN = "t" * SHORTEST_TOKEN


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("192.0.2.1", False), ("", False), ("0", False), ("127.1", False), ("::", False),
        ("10.0.0.1", False), ("127.0.0.1.example.org", False), ("localhost.example.org", False),
    ],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_its_own(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_other_machines_are_listened_to_with_a_token_alone() -> None:
    public = Settings(models=("toy",), host="::")
    with pytest.raises(ConfigError, match=r"'host' is '::', which other machines can reach"):
        check_reach(public)
    check_reach(Settings.model_validate({**public.model_dump(), "token": TOKEN}))
    check_reach(Settings(models=("toy",)))


def test_a_token_comes_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert token_of("") is None
    monkeypatch.setenv(TOKEN_VARIABLE, f" {TOKEN}\n")
    found = token_of("")
    assert found is not None
    assert found.get_secret_value() == TOKEN
    (tmp_path / "token").write_text("f" * SHORTEST_TOKEN + "\n")
    own = token_of(str(tmp_path / "token"))
    assert own is not None
    assert own.get_secret_value() == "f" * SHORTEST_TOKEN
    assert TOKEN not in repr(settings_of("toy", "", ""))


@pytest.mark.parametrize("text", ["", "short", "ä" * SHORTEST_TOKEN, "t" * (SHORTEST_TOKEN - 1)])
def test_a_token_that_can_be_tried_out_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"the token has {len(text)} characters") as refused:
        token_of(str(tmp_path / "token"))
    assert not text or text not in str(refused.value)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the token file '.*absent' cannot be read"):
        token_of(str(tmp_path / "absent"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match=r"cannot be read \(UnicodeDecodeError\)"):
        token_of(str(tmp_path / "bytes"))


def test_further_settings_are_read_and_checked() -> None:
    found = settings_of("a, b,a", "upload_mb=0.5 seconds=2", "", port=0, alias="candidate")
    assert (found.models, found.upload_bytes, found.batch_bytes) == (("a", "b"), 500_000, 10**9)
    assert (found.seconds, found.port, found.alias) == (2, 0, "candidate")
    with pytest.raises(ConfigError, match="did you mean 'upload_mb'"):
        settings_of("a", "upload_bm=1", "")
    with pytest.raises(ConfigError, match="'set' holds 'port', which has an option of its own"):
        settings_of("a", "port=1", "", port=0)
    with pytest.raises(ConfigError, match="'set' holds 'token'"):
        settings_of("a", f"token={TOKEN}", "")


@pytest.mark.parametrize("given", ["seconds=inf", "upload_mb=.inf", "batch_mb=nan", "seconds=0",
                                   "keep_minutes=-1", "batch_rows=0"])  # fmt: skip
def test_a_limit_is_a_number_above_zero(given: str) -> None:
    with pytest.raises(ConfigError, match=f"'{given.split('=')[0]}' in serve is"):
        settings_of("a", given, "")


def test_a_list_of_no_models_is_refused() -> None:
    with pytest.raises(ConfigError, match="'model' is ' , '; name a registered model"):
        names(" , ")
