"""What differs from the last look heads the list, and the operator takes it for the truth by typing a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.demo import build_demo_store
from tests.tui.support import answered, copied, pressed, running, screen_text, settle

SIZE = (160, 45)


@pytest.mark.parametrize("what", ["another store", "files are gone"])
async def test_what_differs_is_accepted_by_a_word(what: str, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, SIZE, kept_in=tmp_path / "kept"):
        pass
    if what == "another store":
        shutil.rmtree(store)
        build_demo_store("gap", store)
    else:
        next(path for path in (store / "metadata").iterdir() if path.name.startswith("transaction")).unlink()
    async with running(store, SIZE, kept_in=tmp_path / "kept") as (app, pilot):
        zone = app.session.current_zone
        assert zone is not None and zone.title == what
        assert f"first: {what}" in screen_text(app) and "A here, once its word is typed" in screen_text(app)
        await pressed(app, pilot, "A")
        await answered(app, pilot, "no")
        assert "nothing was accepted: the word is accept" in screen_text(app)
        await answered(app, pilot, "accept")
        await settle(app, pilot)
        assert all(each.title != what for each in app.session.zones)
    async with running(store, SIZE, kept_in=tmp_path / "kept") as (app, pilot):
        assert all(each.title != what for each in app.session.zones)
        await pressed(app, pilot, "A")
        assert "nothing differs from the last look" in screen_text(app)
