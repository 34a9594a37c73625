"""Puts a patient together and runs every check that applies to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Importing the checks registers them.
from core.doctor import adapter_listings, adapters, folders, listings, reaching, writes
from core.doctor.model import Bars, Examination, Result
from core.doctor.patient import DoctorWatch, Patient, StoreKind, Unwatched
from core.doctor.registry import CHECKS
from core.host import Machine
from core.lease_choice import AS_USUAL, LeaseChoice
from core.operations import operations_for
from core.storage import folder_of, is_command_adapter, is_object_location, reader_for
from core.storage.command.config import load_config

#: The order in which the checks run and are told; in each module as they stand there.
_MODULES: Final = (reaching, adapters, adapter_listings, listings, writes, folders)
_CHAPTERS: Final = tuple(module.__name__ for module in _MODULES)


def patient_for(
    location: str,
    machine: Machine,
    lease: LeaseChoice = AS_USUAL,
    *,
    own_folders: tuple[Path, ...] = (),
    known_names: frozenset[str] = frozenset(),
    watch: DoctorWatch | None = None,
) -> Patient:
    """The store that an operator names. Raises `UsageError`; nothing is sent, run or written yet."""
    is_bucket = is_object_location(location)
    is_adapter = is_command_adapter(location)
    return Patient(
        location,
        StoreKind.BUCKET if is_bucket else StoreKind.ADAPTER if is_adapter else StoreKind.FOLDER,
        lambda: reader_for(location, lease),
        lambda: operations_for(location, machine, lease),
        machine,
        lease,
        path=None if is_bucket else Path(folder_of(location)),
        own_folders=own_folders,
        known_names=known_names,
        environment=frozenset(os.environ),
        watch=watch or Unwatched(),
        config=load_config(folder_of(location)) if is_adapter else None,
    )


def examine(patient: Patient) -> Examination:
    """Everything about a patient. Raises `UsageError`, and `Stopped` when somebody wants no more."""
    return Examination(patient.location, tuple(_results(patient)))


def _results(patient: Patient) -> Iterator[Result]:
    checks = sorted(CHECKS.values(), key=lambda each: _CHAPTERS.index(each.examine.__module__))
    is_store = True
    for each in checks:
        if not each.kinds & patient.kind or (each.needs_listing and not is_store):
            continue
        patient.heed()
        patient.watch.tell(each.topic.title)
        for result in each.examine(patient, each.topic):
            # Nothing is tried in a place that is most likely the wrong one.
            is_store = is_store and not (result.id == "reach" and result.bars is Bars.READING)
            yield result
