"""What a store in a folder rests on: mount, devices, room, rights; and the folders that this tool keeps of its own."""

from __future__ import annotations

import os
import re
import stat as stat_bits
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.doctor.model import Bars, Result
from core.doctor.patient import ANY, Patient, StoreKind
from core.doctor.registry import Topic, check
from core.errors import StoreUnreachable
from core.phrases import command, shown

_MOUNTS: Final = Path("/proc/self/mountinfo")
_OCTAL_RE: Final = re.compile(r"\\([0-7]{3})")
#: File systems whose other end is another machine.
_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "9p", "afs", "lustre", "gpfs", "beegfs")
)
#: Folders that a program makes of a bucket: a rename there is a copy, and nothing is made only once.
_OF_BUCKETS: Final = re.compile(r"fuse(?:\.(?:s3fs|gcsfuse|goofys|geesefs|rclone|blobfuse2?|mountpoint-s3))?")
#: Room that a change needs besides as much again as metadata/ has, in bytes, and names.
_SPARE_BYTES: Final = 64 << 20
_SPARE_NAMES: Final = 1_000
_OTHERS_WRITE: Final = stat_bits.S_IWGRP | stat_bits.S_IWOTH


@check("mount", "mount", StoreKind.FOLDER, needs_listing=False)
def mount(patient: Patient, topic: Topic) -> Iterator[Result]:
    """What kind of file system the store lies on."""
    found = _mount_of(patient.path) if patient.path else None
    if found is None:
        yield topic.untried("this system does not tell its mounts")
        return
    kind, point, is_read_only = found
    seen = f"{kind}, mounted at {shown(point)}"
    if is_read_only:
        yield topic.problem(
            f"{seen}, read-only",
            "nothing can be written",
            command("sudo", "mount", "-o", "remount,rw", point),
            Bars.WRITING,
        )
    elif _OF_BUCKETS.fullmatch(kind):
        yield topic.problem(
            f"{seen}: a bucket that is made to look like a folder",
            "a rename there is a copy and a delete, and two writers can both make the same name",
            "name the bucket itself: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net",
            Bars.WRITING,
        )
    elif kind in _NETWORK:
        yield topic.note(
            f"{seen}: a network mount",
            "other machines see changes late (listing-lag), and the kernel's lock may bind this machine alone",
            command("stat", "-f", "-c", "%T", patient.location),
        )
    else:
        yield topic.ok(seen)


@check("device", "one device", StoreKind.FOLDER)
def device(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Whether stock can move a file from metadata/ to metadata_backup/."""
    try:
        is_one = patient.reader.on_one_device()
    except StoreUnreachable as unreachable:
        yield topic.untried(unreachable.message, next_step=unreachable.hint)
        return
    if is_one:
        yield topic.ok("metadata/ and metadata_backup/ are on one file system")
    else:
        yield topic.problem(
            "metadata_backup/ is on another file system",
            "stock can't rename into it: its compaction ends with `Invalid cross-device link (os error 18)` "
            "(backup-dir-cross-device)",
            command("df", f"{patient.location}/metadata", f"{patient.location}/metadata_backup"),
        )


@check("rights", "rights", StoreKind.FOLDER)
def rights(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Who may change metadata/, as far as its modes tell: it is not tried there."""
    shut = [name for name in ("metadata", "metadata_backup") if not patient.reader.may_change(name)]
    look = command("ls", "-ld", patient.location, f"{patient.location}/metadata")
    if shut:
        named = " and ".join(f"{name}/" for name in shut)
        yield topic.problem(
            f"this user may not change {named}", "nothing can be written or set aside there", look, Bars.WRITING
        )
        return
    mode = _mode(patient.path / "metadata") if patient.path else None
    if mode is not None and mode & stat_bits.S_IWOTH:
        yield topic.note(
            f"every user of this machine may change metadata/ (mode {mode & 0o7777:o})",
            "index lines carry no signature: whoever writes them can shorten or redirect history (metadata-unsigned)",
            command("chmod", "o-w", f"{patient.location}/metadata"),
        )
    else:
        yield topic.ok("this user may change metadata/ and metadata_backup/, by their modes; that was not tried there")


@check("space", "room", StoreKind.FOLDER)
def space(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Whether a change that writes all of the metadata anew would fit."""
    needed = sum(each.size for each in patient.first.files) + _SPARE_BYTES
    try:
        found = os.statvfs(patient.path or patient.location)
    except (OSError, ValueError) as error:
        yield topic.untried(f"this file system does not tell: {error}")
        return
    free, names = found.f_bavail * found.f_frsize, found.f_favail
    seen = f"{free / (1 << 20):,.0f} MiB free, {needed / (1 << 20):,.0f} MiB is ample"
    if free < needed:
        why = "a disk that is full cuts files short"
        yield topic.problem(seen, why, command("df", "-h", patient.location), Bars.WRITING)
    elif found.f_files and names < _SPARE_NAMES:
        why = "no name is left for new files"
        yield topic.problem(f"{names:,} files left", why, command("df", "-i", patient.location), Bars.WRITING)
    else:
        yield topic.ok(seen)


@check("own-folders", "own folders", ANY, needs_listing=False)
def own_folders(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Whether somebody else may alter what this tool remembers (`cache-dir-permissions`)."""
    there = [(folder, mode) for folder in patient.own_folders if (mode := _mode(folder)) is not None]
    open_ = [(folder, mode) for folder, mode in there if mode & _OTHERS_WRITE]
    for folder, mode in open_:
        yield topic.problem(
            f"others may write to {shown(str(folder))} (mode {mode & 0o7777:o})",
            "what an earlier look saw could be altered unseen (cache-dir-permissions)",
            command("chmod", "-R", "go-w", str(folder)),
        )
    mask = _umask()
    if mask is not None and (mask & _OTHERS_WRITE) != _OTHERS_WRITE and patient.kind is StoreKind.FOLDER:
        yield topic.note(
            f"the umask is {mask:04o}: what is made here others may change",
            "files in a store take the umask of whoever writes them, stock's too",
            "umask 022",
        )
    elif not open_:
        yield topic.ok(
            "nobody else may write to what this tool keeps" if there else "this tool keeps nothing on this machine yet"
        )


def _mount_of(path: Path) -> tuple[str, str, bool] | None:
    """Type, place and whether it is read-only, of the mount that a path lies on; None where that is not told."""
    real = os.path.realpath(path)
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    best: tuple[str, str, bool] | None = None
    for line in lines:
        before, _, behind = line.partition(" - ")
        fields, kinds = before.split(" "), behind.split(" ")
        if len(fields) < 6 or not kinds[0]:
            continue
        point = _OCTAL_RE.sub(lambda found: chr(int(found[1], 8)), fields[4])
        inside = real == point or real.startswith(f"{point.rstrip('/')}/")
        # Of two mounts at one place the later one hides the other.
        if inside and (best is None or len(point) >= len(best[1])):
            options = {*fields[5].split(","), *(kinds[2].split(",") if len(kinds) > 2 else ())}
            best = kinds[0], point, "ro" in options
    return best


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def _umask() -> int | None:
    """The mask that new files get, where the system tells it without setting it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^Umask:\s*([0-7]+)$", status, re.MULTILINE)
    return int(found[1], 8) if found else None
