"""The random name of a store, which stock writes and never reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.findings import commands
from core.findings.build import finding
from core.findings.case import ENTRY_LANES, Case
from core.findings.registry import detector
from core.model import Claim, Finding, IdentityRecord, LaneKind
from core.phrases import listed, shown

_BACKUP: Final = "metadata_backup/identity.meta"


def _claims(case: Case) -> list[tuple[IdentityRecord, Claim]]:
    return [*case.index.identities, *case.retired.identities]


@detector("identity-missing", "identity-evicted")
def no_identity(case: Case) -> Iterator[Finding]:
    """A store with data and without an identity line."""
    if case.index.identities or not any(len(case.lane(kind)) for kind in ENTRY_LANES):
        return
    evicted = [claim for _, claim in case.retired.identities]
    if evicted:
        yield finding(
            "identity-evicted",
            explanation=f"The identity of the store lies in {shown(evicted[0].file)}. Stock never reads it, so nothing "
            "is wrong; it is no fingerprint to rely on.",
            cause="Compaction stamps and moves identity.meta like any other file.",
            next_step=commands.bring_back(case, [evicted[0].file]),
            claims=evicted,
        )
    else:
        yield finding(
            "identity-missing",
            explanation=f"The store has no identity line, {_where(case)}. Stock never reads it.",
            cause="It was moved or deleted; a new one is written only when the listing is completely empty.",
            next_step=commands.listing(case, "metadata_backup"),
        )


def _where(case: Case) -> str:
    if case.snapshot.retired_unseen is None:
        return "neither in metadata/ nor in metadata_backup/"
    return "at least not in metadata/; metadata_backup/ can't be listed"


@detector("identity-multiple")
def several_identities(case: Case) -> Iterator[Finding]:
    """Different identities in one store."""
    found: dict[str, Claim] = {}
    for record, claim in _claims(case):
        found.setdefault(record.id, claim)
    if len(found) > 1:
        names = listed([f"{shown(id_)[:16]}… in {shown(claim.file)}" for id_, claim in found.items()])
        yield finding(
            "identity-multiple",
            explanation=f"The store holds {len(found):,} identities: {names}. Its entries may belong to different "
            "chains.",
            cause="Two stores were merged by copying, or a listing that failed looked like an empty store and a "
            "second identity was written.",
            next_step=commands.check(case, 2) if case.evidence is None else commands.listing(case, ""),
            then="If the manifests of epoch 0 name different waypoints, that check says so: the backups of the wrong "
            "chain have to go. If it finds none such, all are of one chain, and the second identity does no harm.",
            claims=list(found.values()),
        )


@detector("identity-never-checked")
def several_chains(case: Case) -> Iterator[Finding]:
    """Manifests of epoch 0 with different waypoints: backups of different chains in one store (level 2)."""
    facts = case.evidence.of_lane(LaneKind.EPOCH_ENDINGS) if case.evidence else ()
    chains = {each.first_waypoint: each for each in facts if each.first == 0 and each.first_waypoint}
    if len(chains) > 1:
        names = listed([f"{shown(each.handle)} ({shown(point)})" for point, each in chains.items()])
        yield finding(
            "identity-never-checked",
            lane=LaneKind.EPOCH_ENDINGS,
            range_=(0, 0),
            explanation=f"The manifests of epoch 0 name {len(chains):,} different waypoints: {names}. The store holds "
            "backups of different chains.",
            cause="A coordinator was pointed at the store of another network: nothing in the metadata says which "
            "chain it is.",
            next_step=commands.look_at(case, next(iter(chains.values())).handle),
            then="The waypoint of epoch 0 that your network publishes tells which is right. A repair with --veto and "
            "the manifest of another chain leaves that out; the other backups of that chain must go as well.",
            manifests=[each.handle for each in chains.values()],
        )
