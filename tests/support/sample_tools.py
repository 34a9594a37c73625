"""Stand-ins for `aws`, `gsutil` and `azcopy` as the adapters in `tests/data/adapters` use them, acting on a folder.

Each is a small script of its own: a bucket or a container is a folder below `CLOUD`. With `CLOUD_REFUSES` the tools
fail as they do without credentials.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.support.data import DATA

SAMPLES: Final = DATA / "adapters"

_HEAD: Final = r"""#!/bin/bash
set -eu
if [ -n "${CLOUD_REFUSES:-}" ]; then echo "fatal: Unable to locate credentials in ${SAS:-nowhere}" >&2; exit 253; fi
take() { mkdir -p "$(dirname "$1")"; cat > "$1.part"; mv "$1.part" "$1"; }
give() { if [ -f "$1" ]; then cat "$1"; else echo "fatal error: An error occurred (404): Not Found" >&2; exit 1; fi; }
move() { mkdir -p "$(dirname "$2")"; mv -f "$1" "$2"; }
"""
_AWS: Final = r"""
if [ "$1" = --endpoint-url ]; then shift 2; fi
[ "$1" = s3 ]
case "$2 $3" in
  "cp -") take "$CLOUD/${4#s3://}" ;;
  "cp s3://"*) [ "$4" = - ]; give "$CLOUD/${3#s3://}" ;;
  "mv s3://"*) [ "$5" = --no-progress ]; move "$CLOUD/${3#s3://}" "$CLOUD/${4#s3://}"; echo "move: $3 to $4" ;;
  "ls s3://"*)
    cd "$CLOUD/${3#s3://}" || exit 1
    for f in *; do
      if [ -d "$f" ]; then echo "      PRE $f/"; else echo "2023-11-14 22:13:20    $(wc -c < "$f") $f"; fi
    done ;;
  *) echo "Unknown options: $*" >&2; exit 252 ;;
esac
"""
_GSUTIL: Final = r"""
if [ "$1" = -q ]; then shift; fi
case "$1 $2" in
  "cp -") take "$CLOUD/${3#gs://}" ;;
  "cp gs://"*) [ "$3" = - ]; give "$CLOUD/${2#gs://}" ;;
  "mv gs://"*) move "$CLOUD/${2#gs://}" "$CLOUD/${3#gs://}"; echo "Operation completed over 1 objects." >&2 ;;
  "ls gs://"*)
    cd "$CLOUD/${2#gs://}" || exit 1
    for f in *; do if [ -d "$f" ]; then echo "$2$f/"; else echo "$2$f"; fi; done ;;
  *) echo "CommandException: $*" >&2; exit 1 ;;
esac
"""
_AZCOPY: Final = r"""
at() { local path="${1#https://*.blob.core.windows.net/}"; echo "$CLOUD/${path%%\?*}"; }
case "$1 $2" in
  "cp --from-to")
    if [ "$3" = PipeBlob ]; then take "$(at "$4")"; echo "INFO: done"; else give "$(at "$4")"; fi ;;
  "sync https://"*) [ "$4" = --move=true ]; move "$(at "$2")" "$(at "$3")" ;;
  "ls https://"*)
    cd "$(at "$2")" || exit 1
    for f in *; do echo "INFO: $f; Content Length: $(wc -c < "$f") B"; done ;;
  *) echo "unknown command: $*" >&2; exit 1 ;;
esac
"""


def install_tools(folder: Path) -> str:
    """Put the stand-ins into a folder; the `PATH` that finds them first."""
    folder.mkdir()
    for name, script in {"aws": _AWS, "gsutil": _GSUTIL, "azcopy": _AZCOPY}.items():
        (folder / name).write_text(_HEAD + script, encoding="utf-8")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def store_in(sample: str, cloud: Path) -> Path:
    """Where the store of a sample lies below `CLOUD`."""
    return cloud / ("mainnet/node-3" if sample == "azure" else "chain-backups/mainnet/node-3")
