"""Names that should not be in `metadata/`, and stores that hold nothing (`hazards.md`, "Storage")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.findings import commands
from core.findings.build import finding
from core.findings.cache_hash import cache_hashes
from core.findings.case import ENTRY_LANES, Case
from core.findings.registry import detector
from core.index import MetaFile
from core.model import Claim, Finding, LaneKind, Severity
from core.names import is_safe_name
from core.phrases import count, listed, shown
from core.storage.protocol import Listed, ListedKind
from core.tools import then

#: More names than this of one sort are told by their number.
_MOST_NAMES: Final = 200


def _of_kind(case: Case, kind: ListedKind) -> list[MetaFile]:
    return [file for file in case.index.files if file.listed.kind is kind]


def _whole_files(files: Sequence[MetaFile]) -> list[Claim]:
    return [Claim(file.handle, 0) for file in files]


@detector("list-placeholder")
def folders(case: Case) -> Iterator[Finding]:
    """Folders inside `metadata/`."""
    inside = _of_kind(case, ListedKind.FOLDER)
    if inside:
        yield finding(
            "list-placeholder",
            severity=Severity.CRITICAL,
            explanation=f"{count(len(inside), 'folder lies', 'folders lie')} inside metadata/: "
            f"{listed([shown(file.handle) for file in inside])}. Stock takes each for a metadata file and fails to "
            "read it.",
            cause="A folder made by hand or by a storage console, or a copy that went one level too deep.",
            next_step=commands.folders_aside(case, [file.handle for file in inside]),
            then=_PLACEHOLDER,
            stock_says="Is a directory (os error 21)",
            claims=_whole_files(inside),
        )


_PLACEHOLDER: Final = (
    "In a bucket an object whose name ends in a slash can be deleted; a folder that holds files has to be moved. What "
    "lies inside is not read here: if it is metadata of this store, it belongs into metadata/ itself."
)


@detector("symlink-entry")
def links(case: Case) -> Iterator[Finding]:
    """Links inside `metadata/`."""
    inside = _of_kind(case, ListedKind.LINK)
    if inside:
        yield finding(
            "symlink-entry",
            explanation=f"{count(len(inside), 'link lies', 'links lie')} inside metadata/: "
            f"{listed([shown(file.handle) for file in inside])}. Stock follows them and reads what they lead to; a "
            "link that leads nowhere stops every command. They are not followed here, so what they lead to is not in "
            "the picture.",
            cause="Links made by hand, or a copy that kept links.",
            next_step=commands.listing(case, "metadata"),
            then="Where a link leads to metadata of this store, copy that file into metadata/ under its own name. "
            "Then move every link out of metadata/, also those that lead nowhere, and check again.",
            stock_says="No such file or directory (os error 2)",
            claims=_whole_files(inside),
        )


@detector("non-utf8-name")
def not_utf8(case: Case) -> Iterator[Finding]:
    """Names that are not UTF-8."""
    foreign = (file for file in case.index.files if not file.handle.isascii())
    odd = [file for file in foreign if any("\udc80" <= char <= "\udcff" for char in file.handle)]
    if odd:
        yield finding(
            "non-utf8-name",
            severity=Severity.CRITICAL,
            explanation=f"{count(len(odd), 'name')} in metadata/ {'is' if len(odd) == 1 else 'are'} not UTF-8: "
            f"{listed([shown(file.handle) for file in odd])}. Stock can't even list the store.",
            cause="A foreign file, or one that was unpacked from an archive with another encoding of names.",
            next_step=commands.set_aside(case, [file.handle for file in odd]),
            stock_says=case.load_error.message if case.load_error else None,
            claims=_whole_files(odd),
        )


@detector("list-name-with-space")
def unsafe_names(case: Case) -> Iterator[Finding]:
    """Names that listing filters and move commands can't carry."""
    odd = [
        file
        for file in case.index.files
        if not is_safe_name(file.listed.name) and not file.listed.name.startswith(".") and _has_odd_chars(file)
    ]
    if odd:
        yield finding(
            "list-name-with-space",
            explanation=f"{count(len(odd), 'name')} in metadata/ {'holds' if len(odd) == 1 else 'hold'} characters "
            f"that stock never uses: {listed([shown(file.handle) for file in odd])}. Cloud listing filters cut such "
            "names at blanks, and sample move commands split them.",
            cause="A file that was copied or renamed by hand.",
            next_step=commands.mended_by_compaction(case),
            then="Of a file of backups a compaction by this tool writes the lines under a name that fits, and retires "
            "the file once its grace period is over. Anything else does not belong in metadata/: move it out.",
            claims=_whole_files(odd),
        )


def _has_odd_chars(file: MetaFile) -> bool:
    """Whether characters, not only the length, keep a name from being safe."""
    return not all(char.isascii() and (char.isalnum() or char in "._-") for char in file.listed.name)


@detector("foreign-file-in-metadata")
def foreign_files(case: Case) -> Iterator[Finding]:
    """Files of other names than stock gives, and things that are neither file, folder nor link."""
    special = _of_kind(case, ListedKind.OTHER)
    for file in special[:_MOST_NAMES]:
        yield _foreign(case, [file], Severity.CRITICAL, "is no plain file", "Stock opens it all the same.")
    odd = [
        file
        for file, name in zip(case.index.files, case.names, strict=True)
        if name is None and file.listed.kind is ListedKind.FILE and file.fault is None and file.lines
    ]
    broken = [file for file in odd if file.bad_lines and not file.listed.name.endswith(".meta")]
    for file in broken[:_MOST_NAMES]:
        yield _foreign(
            case, [file], Severity.CRITICAL, "is no metadata", "Stock parses it and refuses the whole store."
        )
    readable = [file for file in odd if not file.bad_lines]
    if readable:
        what = "has a name that stock never gives" if len(readable) == 1 else "have names that stock never gives"
        yield _foreign(
            case, readable, Severity.INFO, what, "The lines are metadata all the same, and stock reads them."
        )


def _foreign(case: Case, files: Sequence[MetaFile], severity: Severity, what: str, effect: str) -> Finding:
    handles = [file.handle for file in files]
    those = frozenset(handles)
    problem = next((each for each in case.index.problems if each.claim.file in those), None)
    stock = problem.message if problem else case.load_error.message if case.load_error else None
    harmless = severity is Severity.INFO
    return finding(
        "foreign-file-in-metadata",
        severity=severity,
        explanation=f"{listed([shown(handle) for handle in handles])} {what}. {effect}",
        cause="A file renamed or added by hand."
        if harmless
        else "Notes, an editor's file, a lock or an upload in "
        "progress: stock takes everything in metadata/ for metadata.",
        next_step=commands.look_at(case, handles[0]) if harmless else commands.set_aside(case, handles),
        then="" if harmless else commands.ASIDE,
        stock_says=None if harmless else stock,
        claims=_whole_files(files),
    )


@detector("typo-store")
def nothing_but_identity(case: Case) -> Iterator[Finding]:
    """A folder that holds an identity and no backups."""
    kinds = {name.kind if name else None for name in case.names}
    if kinds and kinds <= {"identity", "timestamps"}:
        yield finding(
            "typo-store",
            severity=Severity.CRITICAL,
            explanation=f"metadata/ holds {count(len(case.names), 'file')} and no backup, only what stock writes by "
            "itself into a folder that it takes for a new store.",
            cause="A mistyped --local-fs-dir, or a file system that was not mounted: even commands that only read "
            "create the folder and give it an identity.",
            next_step=then(commands.listing(case, ""), commands.mounted_at(case)),
            then="If the backups should be here, mount the file system or give the right folder, and check that. If a "
            "new store begins here, nothing is wrong: the first backup fills it.",
            stock_says="No transaction backup found.",
            claims=_whole_files(case.index.files),
        )


@detector("vacuous-verify")
def nothing_to_verify(case: Case) -> Iterator[Finding]:
    """A store that stock verifies with success, as there is nothing to verify."""
    sizes = {kind: len(case.lane(kind)) for kind in ENTRY_LANES}
    if sizes[LaneKind.TRANSACTIONS] or case.load_error is not None:
        return
    rest = sum(sizes.values())
    left = f", only {count(rest, 'entry', 'entries')} of other kinds" if rest else ""
    yield finding(
        "vacuous-verify",
        severity=Severity.CRITICAL,
        explanation=f"There is no transaction backup in this store{left}. Stock's `backup verify` ends with success "
        "all the same; a restore fails.",
        cause="The wrong folder, an index that was moved away, or a store in which nothing was ever backed up.",
        next_step=commands.listing(case, "metadata_backup" if case.retired.files else "metadata"),
        then=_RETIRED if case.retired.files else _NOTHING_YET,
        stock_says="No transaction backup found.",
    )


_RETIRED: Final = (
    "If files of transactions lie there, they have to come back into metadata/. If none do, this is not the folder "
    "that is backed up to, or nothing was backed up yet."
)
_NOTHING_YET: Final = (
    "If this is not the folder that is backed up to, check that one. If nothing was backed up yet, nothing is wrong: "
    "the first backup fills it."
)


@detector("cache-hash-collision")
def cache_collisions(case: Case) -> Iterator[Finding]:
    """Files that stock's cache takes for one."""
    handles = [file.handle for file in case.index.files]
    for group in same_hashes(cache_hashes(handles).tolist()):
        same = [handles[number] for number in group]
        yield finding(
            "cache-hash-collision",
            explanation=f"{listed([shown(handle) for handle in same])} have one cache hash: stock loads only one of "
            "them, yet compaction moves both away.",
            cause="By chance that does not happen: somebody chose the names.",
            next_step=commands.listing(case, "metadata"),
            then="Move the one that nobody of yours wrote out of metadata/. If both hold backups, copy one under "
            "another name first: stock then loads its lines as well.",
            claims=[Claim(handle, 0) for handle in same],
        )


def same_hashes(hashes: Sequence[int]) -> list[list[int]]:
    """The places of each number that occurs more than once."""
    values, counts = np.unique(np.array(hashes, dtype=np.uint64), return_counts=True)
    repeated = set(values[counts > 1].tolist())
    groups: dict[int, list[int]] = {}
    for place, value in enumerate(hashes):
        if value in repeated:
            groups.setdefault(value, []).append(place)
    return list(groups.values())


@detector("backup-dir-overwrite")
def same_name_in_both(case: Case) -> Iterator[Finding]:
    """Names in both folders with different content: the next move replaces the retired one."""
    retired = {file.listed.name: number for number, file in enumerate(case.retired.files)}
    both = [
        file.listed
        for number, file in enumerate(case.index.files)
        if file.listed.name in retired and case.index.content(number) != case.retired.content(retired[file.listed.name])
    ]
    for name in both[:_MOST_NAMES]:
        yield _both(case, name, len(both))


def _both(case: Case, name: Listed, total: int) -> Finding:
    others = f" {total:,} names are like that." if total > 1 else ""
    return finding(
        "backup-dir-overwrite",
        explanation=f"{shown(name.handle)} and the retired file of that name hold different lines. When compaction "
        f"retires the first, the second is replaced without a word.{others}",
        cause="The range was backed up again after its first file had been retired, or a file was restored by hand.",
        next_step=commands.tools(case).difference(*(f"{where}/{name.name}" for where in _BOTH_FOLDERS)),
        then="If the retired file has lines that are nowhere else, give it another name inside metadata_backup/ before "
        "stock compacts again. A compaction by this tool replaces nothing there: it keeps both.",
        claims=[Claim(f"{where}/{name.name}", 0) for where in _BOTH_FOLDERS],
    )


_BOTH_FOLDERS: Final = ("metadata", "metadata_backup")


@detector("backup-dir-cross-device")
def other_file_system(case: Case) -> Iterator[Finding]:
    """`metadata_backup/` on another file system."""
    if not case.snapshot.one_device:
        yield finding(
            "backup-dir-cross-device",
            explanation="metadata_backup/ is on another file system than metadata/, so that no file can be moved "
            "there. Compaction fails as soon as the first file expires; restores are not affected.",
            cause="A mount or a link put there.",
            next_step=commands.mounted_at(case, "metadata", "metadata_backup"),
            then="A compaction by this tool copies files there before they go, and works as it is. For stock's, put a "
            "folder of that name, with all that the other holds, on the file system of metadata/.",
            stock_says="Invalid cross-device link (os error 18)",
        )
