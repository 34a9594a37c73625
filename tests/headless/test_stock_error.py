"""One error for one question: what stock says of a full restore is the same wherever it is asked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.demo import SCENARIOS
from core.model import U64_MAX
from tests.support.commands import seamline
from tests.support.data import data_path
from tests.support.hazards import example_store, hazard_store
from tests.support.stores import epoch, lines, state, txn

HAZARDS = sorted(path.name for path in data_path("hazard-stores").iterdir() if path.is_dir())
EXAMPLES = sorted(path.name.removesuffix(".tar.gz") for path in data_path("stores").glob("*.tar.gz"))
#: At this level plans look at manifests that compete.
LOOKED_INTO = 3
OVERFLOW = "attempt to add with overflow"


def require_one_answer(stock: dict[str, Any]) -> None:
    """Stock works or says why not, and never both or neither."""
    assert stock["ok"] == (stock["error"] is None)
    if "first_error" in stock:
        assert (stock["first_failing_target"] is None) == (stock["first_error"] is None)
        assert stock["ok"] or stock["first_error"]


def checked(store: Path, level: int = 1) -> dict[str, Any]:
    stock: dict[str, Any] = seamline("check", store, "--level", str(level), "--json").document["stock"]
    return stock


def planned(store: Path, *wishes: str) -> dict[str, Any]:
    stock: dict[str, Any] = seamline("restore-plan", store, *wishes, "--json").document["stock"]
    return stock


@pytest.mark.parametrize("name", HAZARDS)
def test_no_hazard_leaves_stock_without_an_answer(name: str, tmp_path: Path) -> None:
    store = hazard_store(name, tmp_path)
    answers = [checked(store, level) for level in range(6)]
    answers += [planned(store, "--target-version", target) for target in ("0", "150", "200", str(U64_MAX))]
    for answer in answers:
        require_one_answer(answer)
    # What stops stock before it reads any manifest does so whatever is looked at.
    assert answers[1]["error"] in (None, planned(store)["error"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_store_that_stock_wrote_leaves_it_without_an_answer(name: str, tmp_path: Path) -> None:
    store = example_store(name, tmp_path)
    for level in (1, 2):
        require_one_answer(checked(store, level))
    assert planned(store)["error"] == checked(store)["error"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_document_of_a_demo_store_gives_the_same_answer(name: str, demo_stores: Path) -> None:
    store = demo_stores / name
    answers = [checked(store, level) for level in range(6)]
    for answer in answers:
        require_one_answer(answer)
    plan = planned(store)
    require_one_answer(plan)
    assert answers[LOOKED_INTO]["error"] == plan["error"]
    for command, asked_at in (("repair", LOOKED_INTO), ("compact", 1)):
        before = seamline(command, store, "--dry-run", "--json").document["stock_before"]
        assert before["error"] == answers[asked_at]["error"]


def store_of(folder: Path, **files: bytes) -> Path:
    (folder / "metadata").mkdir()
    for name, content in files.items():
        (folder / "metadata" / f"{name}.meta").write_bytes(content)
    return folder


def test_where_two_lanes_are_broken_the_error_is_that_of_the_full_restore(tmp_path: Path) -> None:
    """Epochs stop stock from target 100 on; a restore of everything stops at the transactions, which come first."""
    epochs = lines(epoch(0, 0, 0, 0), epoch(2, 2, 100, 100))
    transactions = lines(txn(0, 0), txn(1, 150), txn(140, 200))
    store = store_of(tmp_path, e=epochs, s=lines(state(0, 0)), t=transactions)
    stock = checked(store)
    assert stock["error"] == "Transaction backup ranges not continuous, expecting version 151, got 140."
    assert stock["error"] == planned(store)["error"]
    assert stock["first_failing_target"] == 100
    assert stock["first_error"] == "Epoch ending backup ranges not continuous, expecting epoch 1, got 2."
    assert stock["first_error"] == planned(store, "--target-version", "100")["error"]
    assert planned(store, "--target-version", "99")["ok"]
    told = " ".join(seamline("check", store).out.split())
    assert f'stock "{stock["error"]}"' in told
    assert f'From target 100 on it fails already: "{stock["first_error"]}"' in told


def test_from_level_2_on_the_error_names_the_step_that_fails(demo_stores: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_stores / "clean", tmp_path / "clean"))
    missing = "No such file or directory (os error 2)"
    plan = seamline("restore-plan", store, "--json").document["stock"]["plan"]
    steps = (
        (plan["transaction_backups"][0], "transaction restore failed: Error: "),
        (plan["tree_snapshot"], "state snapshot restore failed: "),
        (
            plan["epoch_ending_backups"][0],
            "epoch history restore failed: epoch ending restore failed: Preheat failed: ",
        ),
    )
    for backup, prefix in steps:
        # What stock reads earlier fails first, so each loss hides those before it.
        (store / backup["manifest"]).unlink()
        assert checked(store, 1)["error"] is None
        assert checked(store, 2)["error"] == prefix + missing
        assert checked(store, 3)["error"] == prefix + missing


def test_broken_manifests_that_stock_has_no_words_for_are_no_success(demo_stores: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_stores / "clean", tmp_path / "clean"))
    tree = seamline("restore-plan", store, "--json").document["stock"]["plan"]["tree_snapshot"]
    manifest = store / tree["manifest"]
    start, _, rest = manifest.read_text().partition('"chunks":[')
    manifest.write_text(start + '"chunks":[]' + rest[rest.index("]") + 1 :])
    stock = checked(store, 2)
    assert not stock["ok"]
    assert stock["error"] == "no words of stock's are known: it would read manifests that are known to be broken"
    assert f'"{stock["error"]}"' not in seamline("check", store, "--level", "2").out


def test_a_store_that_ends_at_the_last_number_is_restored_only_with_a_target(tmp_path: Path) -> None:
    store = hazard_store("version-u64-max", tmp_path)
    outcome = seamline("check", store, "--json")
    document = outcome.document
    assert (outcome.code, document["verdict"]) == (4, "broken")
    stock = document["stock"]
    assert (stock["ok"], stock["error"], stock["restorable_to"]) == (False, OVERFLOW, 200)
    assert document["best"]["needs"] == "overlay"
    with_target = f"seamline restore-plan {store} --target-version 200"
    assert document["next_steps"][0] == with_target

    default = seamline("restore-plan", store, "--json")
    assert (default.code, default.document["stock"]["error"], default.document["stock"]["panic"]) == (4, OVERFLOW, True)
    assert default.document["next_steps"][0] == with_target
    works = seamline("restore-plan", store, "--target-version", "200", "--json")
    assert (works.code, works.document["stock"]["ok"], works.document["stock"]["lands_at"]) == (0, True, 200)
    for higher in ("201", str(U64_MAX - 1)):
        assert planned(store, "--target-version", higher)["error"] == OVERFLOW

    told = seamline("check", store).out
    assert told.startswith("BROKEN  stock stops unless it is given a target")
    assert with_target in told


def test_a_torn_store_says_how_much_more_can_be_recovered(tmp_path: Path) -> None:
    store = example_store("torn-compacted", tmp_path)
    outcome = seamline("check", store)
    assert outcome.out.startswith("RESTORABLE  stock restores to 23,000,000; 13,000,000 more can be recovered\n")
    assert outcome.code == 3
    best = seamline("check", store, "--json").document["best"]
    assert best == {"restorable_to": 36_000_000, "needs": "overlay", "recoverable": 13_000_000}
    assert seamline("restore-plan", store, "--json").document["chain"]["reaches"] == 36_000_000


def test_nothing_is_said_to_be_recoverable_where_nothing_is(demo_stores: Path) -> None:
    best = seamline("check", demo_stores / "clean", "--json").document["best"]
    assert best["recoverable"] == 0
    assert "recovered" not in seamline("check", demo_stores / "clean").out.partition("\n")[0]
