"""Stand-ins for `aws`, `gsutil`, `gcloud` and `az` that act on a folder: the words that Seamline writes, no others.

Each is this file under the tool's name. `STAND_IN_ROOT` is the folder of all buckets; `STAND_IN_FAILS` makes every call
fail, and `STAND_IN_LOSES` makes a call of that word fail after it has done its work, as a lost answer does.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

TOOLS = ("aws", "gsutil", "gcloud", "az")


def install(folder: Path) -> Path:
    """A folder with the tools, to be put first on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{__file__}" {name} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)
    return folder


def variables(tools: Path, root: Path) -> Mapping[str, str]:
    """What the environment says so that adapters meet the stand-ins."""
    return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "STAND_IN_ROOT": str(root)}


class Failed(Exception):
    """What the tool complains about."""


def _object(place: str) -> Path:
    return Path(os.environ["STAND_IN_ROOT"]) / place.partition("://")[2]


def _is_url(word: str) -> bool:
    return word.startswith(("s3://", "gs://"))


def _put(target: Path, content: bytes, *, new: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb" if new else "wb") as file:
            file.write(content)
    except FileExistsError:
        raise Failed("An error occurred (PreconditionFailed): 412") from None


def _copy(source: str, target: str, *, new: bool) -> None:
    if source == "-":
        _put(_object(target), sys.stdin.buffer.read(), new=new)
        return
    path = _object(source) if _is_url(source) else Path(source)
    if not path.is_file():
        raise Failed(f"{source}: 404 Not Found")
    if target == "-":
        sys.stdout.buffer.write(path.read_bytes())
    elif _is_url(target):
        _put(_object(target), path.read_bytes(), new=new)
    else:
        shutil.copyfile(path, target)


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def _options(words: list[str], *flags: str) -> tuple[list[str], dict[str, str]]:
    """The plain words, and the options with their values; `flags` have none. Fails for options that are not known."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in flags:
            options[word] = ""
        elif word.startswith("-") and word != "-":
            options[word] = next(rest)
        else:
            plain.append(word)
    return plain, options


def _aws(words: list[str]) -> None:
    plain, options = _options(words, "--only-show-errors")
    match plain:
        case ["s3", "cp", source, target]:
            _copy(source, target, new=False)
        case ["s3", "rm", target]:
            _object(target).unlink(missing_ok=True)
        case ["s3", "ls", folder]:
            found = list(_below(_object(folder)))
            for each in found:
                name = f"PRE {each.name}/" if each.is_dir() else each.name
                print(f"{'':27}{name}" if each.is_dir() else f"2023-11-14 22:13:20 {each.stat().st_size:10} {name}")
            if not found:
                sys.exit(1)
        case ["s3api", "head-object"]:
            if not _object(f"s3://{options['--bucket']}/{options['--key']}").is_file():
                raise Failed("404")
        case ["s3api", "put-object"]:
            if options.pop("--if-none-match") != "*":
                raise Failed("not a condition")
            body = Path(options["--body"]).read_bytes()
            _put(_object(f"s3://{options['--bucket']}/{options['--key']}"), body, new=True)
            print('{"ETag": "x"}')
        case _:
            raise Failed(f"aws: {words}")


def _gsutil(words: list[str]) -> None:
    plain, options = _options(words, "-q")
    new = options.pop("-h", "") == "x-goog-if-generation-match:0"
    match plain:
        case ["cp", source, target]:
            _copy(source, target, new=new)
        case ["rm", target]:
            _object(target).unlink()
        case ["ls", folder]:
            found = list(_below(_object(folder)))
            for each in found:
                print(f"{folder}{each.name}{'/' if each.is_dir() else ''}")
            if not found:
                raise Failed("CommandException: One or more URLs matched no objects.")
        case _:
            raise Failed(f"gsutil: {words}")


def _gcloud(words: list[str]) -> None:
    plain, options = _options(words, "--no-clobber", "--if-generation-match=0", "-l")
    match plain:
        case ["storage", "cat", source]:
            _copy(source, "-", new=False)
        case ["storage", "cp", source, target]:
            _copy(source, target, new="--if-generation-match=0" in options)
        case ["storage", "mv", *sources, folder] if "--no-clobber" in options:
            for source in sources:
                target = f"{folder}{source.rpartition('/')[2]}"
                if not _object(target).exists():
                    _copy(source, target, new=True)
                    _object(source).unlink()
        case ["storage", "ls", folder]:
            for each in _below(_object(folder)):
                print(f"{each.stat().st_size:10}  2023-11-14T22:13:20Z  {folder}{each.name}")
        case ["storage", "objects", "describe", source]:
            print(f"update_time: {_object(source).stat().st_mtime}")
        case _:
            raise Failed(f"gcloud: {words}")


def _az(words: list[str]) -> None:
    plain, options = _options(words, "--only-show-errors", "--no-progress")
    container = _object(f"az://{options.pop('--account-name')}/{options.pop('--container-name')}")
    match plain:
        case ["storage", "blob", "upload"]:
            _put(
                container / options["--name"],
                Path(options["--file"]).read_bytes(),
                new=options["--overwrite"] == "false",
            )
        case ["storage", "blob", "download"]:
            if not (container / options["--name"]).is_file():
                raise Failed("ErrorCode:BlobNotFound")
            if "--file" in options:
                shutil.copyfile(container / options["--name"], options["--file"])
            else:
                sys.stdout.buffer.write((container / options["--name"]).read_bytes())
        case ["storage", "blob", "show"]:
            print((container / options["--name"]).stat().st_mtime)
        case ["storage", "blob", "delete"]:
            (container / options["--name"]).unlink()
        case ["storage", "blob", "list"]:
            for each in _below(container / options["--prefix"]):
                print(f"{options['--prefix']}{each.name}{'/' if each.is_dir() else ''}")
        case _:
            raise Failed(f"az: {words}")


_BY_NAME: Mapping[str, Callable[[list[str]], None]] = {
    "aws": _aws,
    "gsutil": _gsutil,
    "gcloud": _gcloud,
    "az": _az,
}


def main(name: str, words: list[str]) -> int:
    """Do what the tool would, and return its exit code."""
    if os.environ.get("STAND_IN_FAILS"):
        print("Unable to locate credentials", file=sys.stderr)
        return 1
    try:
        _BY_NAME[name](words)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return int(os.environ.get("STAND_IN_LOSES", "nothing") in words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
