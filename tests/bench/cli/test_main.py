"""The entry point of the command line."""

import pytest

from bench.cli import app
from bench.processes import orphans
from reports.exit_status import Exit


def test_a_fault_of_looprace_itself_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own status is 1, which tells CI of a regression."""

    def fails() -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr(app, "app", fails)
    monkeypatch.setattr(orphans, "adopt", lambda: None)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == Exit.BROKEN
    said = capsys.readouterr().err
    assert "KeyError: 'nobody expected this'" in said
    assert "a fault of looprace itself" in said
