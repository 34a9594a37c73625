"""A restore preview in sentences. No text from the store in them but stock's own messages."""

from __future__ import annotations

from core.chain import gap_command
from core.phrases import count
from core.restore.complaints import READS_BROKEN
from core.restore.model import Needs, RestorePreview, StockAnswer, StoreVerdict
from core.tools import tools_for


def verdict_sentence(verdict: StoreVerdict) -> str:
    """How far the store goes: restorable to V, latest L, stock fails from X because …."""
    if verdict.latest is None:
        return f"Nothing to restore: {verdict.stock_error or 'no usable transaction entry'}"
    parts = [_reach(verdict), _why(verdict), _way_on(verdict)]
    return " ".join(part for part in parts if part)


def stock_words(error: str) -> str:
    """Stock's own words, in quotes; a sentence of ours where it has none."""
    return error if error == READS_BROKEN else f'"{error}"'


def lower_failure(verdict: StoreVerdict) -> str | None:
    """Where a restore to a lower target says another thing than one of everything; None where none does."""
    target, error = verdict.stock_fails_from, verdict.stock_first_error
    if verdict.stock_restorable_to is None or target is None or error is None or error == verdict.stock_error:
        return None
    return f"From target {target:,} on it fails already: {stock_words(error)}"


def _reach(verdict: StoreVerdict) -> str:
    if verdict.works_with_target is not None:
        return f"Stock restores to {verdict.works_with_target:,} if it is given that target, and nothing without one."
    if verdict.stock_restores_latest:
        return f"Stock restores everything, up to {verdict.latest or 0:,}."
    if verdict.stock_restorable_to is None:
        return f"Stock restores nothing, latest {verdict.latest or 0:,}."
    return f"Stock restores up to {verdict.stock_restorable_to:,}, latest {verdict.latest or 0:,}."


def _why(verdict: StoreVerdict) -> str:
    if verdict.stock_error is None:
        left_out = verdict.stock_fails_from is None and not verdict.stock_restores_latest
        said = "What lies above is left out without an error." if left_out else ""
    elif verdict.stock_first_error == verdict.stock_error:
        said = f"It fails from {verdict.stock_fails_from or 0:,} on: {stock_words(verdict.stock_error)}"
    else:
        said = f"Asked for everything it fails: {stock_words(verdict.stock_error)}"
    return " ".join(part for part in (said, lower_failure(verdict)) if part)


def _way_on(verdict: StoreVerdict) -> str:
    if verdict.best_needs is Needs.NOTHING:
        return ""
    best = verdict.best_restorable_to
    overlay = "" if best in (None, verdict.stock_restorable_to) else f"With an overlay, up to {best:,}."
    if verdict.best_needs is Needs.OVERLAY:
        return overlay
    missing = "What is missing" if best is None else f"What lies above {best:,}"
    return f"{overlay} {missing} has to be backed up again.".lstrip()


def preview_sentences(preview: RestorePreview) -> tuple[str, ...]:
    """What stock does with this request, what the chain does, and how far the store goes at all."""
    return (_stock(preview.stock), _chain(preview), verdict_sentence(preview.verdict))


def gap_commands(preview: RestorePreview) -> tuple[str, ...]:
    """For each of the preview's gaps the stock command that backs it up again into this store, ready for a shell."""
    storage = tools_for(preview.snapshot.location).storage
    return tuple(str(gap_command(gap, storage)) for gap in preview.gaps)


def _stock(stock: StockAnswer) -> str:
    if stock.error == READS_BROKEN:
        return f"Stock would read {count(len(stock.reads_broken), 'manifest')} known to be broken."
    if stock.error is not None:
        when = "Stock stops after it has begun" if stock.late else "Stock stops before it restores anything"
        return f"{when}: {stock_words(stock.error)}"
    if stock.lands_at != stock.target:
        landing = "without any transaction" if stock.lands_at is None else f"at {stock.lands_at:,}"
        return f"Stock ends {landing}, below its target {stock.target or 0:,}, and says nothing."
    return f"Stock restores to {stock.target or 0:,}."


def _chain(preview: RestorePreview) -> str:
    best = preview.best
    if preview.goal is None:
        return "There are no transactions."
    if best is None:
        return "No restore is possible from what is here."
    if preview.needs is Needs.NOTHING:
        return f"The chain lands there too, with {count(best.manifests, 'manifest')}."
    if preview.needs is Needs.OVERLAY:
        return (
            f"Works with an overlay: {count(best.manifests, 'manifest leads', 'manifests lead')} to {best.lands_at:,}."
        )
    versions = sum(gap.last + 1 - gap.first for gap in preview.gaps if gap.lane is preview.transactions.lane.kind)
    missing = f"; {count(versions, 'version has', 'versions have')} to be backed up again" if versions else ""
    return f"The chain lands at {best.lands_at:,}, not at {preview.goal:,}{missing}."
