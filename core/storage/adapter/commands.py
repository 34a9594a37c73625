"""The six commands of a stock command adapter for each kind of place, as Seamline writes them. Fixed text.

Whatever differs from store to store comes in as a variable (`hazards.md`, `own-shell-values`), every variable stands in
quotes, and a handle is printed and standard output closed before the content is read (`adapter-stdout-open`). A file of
`metadata/` or `metadata_backup/` is never replaced (`cloud-overwrite`, `backup-dir-overwrite`): it is made on the
condition that its name is free, and a name that is taken is right only where the very same content stands there. Lines
that were cut off are not saved, and a listing that fails or is empty is an error (`empty-listing-new-identity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final


class Tool(StrEnum):
    """What the commands are made of."""

    FOLDER = "folder"
    AWS = "aws"
    GSUTIL = "gsutil"
    AZ = "az"


@dataclass(frozen=True, slots=True)
class Commands:
    """The texts of one adapter, named as stock names them."""

    create_backup: str
    create_for_write: str
    open_for_read: str
    save_metadata_line: str
    list_metadata_files: str
    backup_metadata_file: str

    def by_name(self) -> Mapping[str, str]:
        """The texts by their names, in stock's order."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What one tool does with an object of the key `$KEY`, seen from the top of its bucket or folder.

    `key` makes such a key of a handle. `fetch` puts the object into the file `$FILE`, `put_new` makes it of that file
    if there is none, `remove` deletes it, `names` lists what lies in `metadata/`, a name or more a line, and `pick` is
    the sed pattern for what stands before such a name. `upload` and `download` stream, where the tool can. `draft`
    makes the folder that `put_new` may take a file from, `before` readies the folder of what is moved, `begin` that of
    a backup, and `guard` refuses a handle that would lead elsewhere.
    """

    key: str
    fetch: str
    put_new: str
    remove: str
    names: str
    pick: str
    upload: str = ""
    download: str = ""
    draft: str = "mktemp -d"
    before: str = ""
    begin: str = ""
    guard: str = ""


_BUCKET_KEY: Final = '"${PREFIX:+$PREFIX/}%s"'
_PIECES: Final[Mapping[Tool, _Pieces]] = {
    Tool.FOLDER: _Pieces(
        key='"$FOLDER/%s"',
        fetch='cat -- "$KEY" > "$FILE"',
        put_new='ln -- "$FILE" "$KEY"',
        remove='rm -f -- "$KEY"',
        names='cd -- "$FOLDER/metadata"\nfind . -maxdepth 1 ! -type d',
        pick=r"\./",
        download='cat -- "$KEY"',
        # A link can't lead to another file system.
        draft='mktemp -d "$FOLDER/draft.XXXXXXXX"',
        before='mkdir -p -- "$FOLDER/metadata_backup"\n',
        begin='mkdir -- "$FOLDER/$BACKUP_NAME"\n',
        guard='case "/$FILE_HANDLE/" in\n  //* | */../*) exit 1 ;;\nesac\n',
    ),
    Tool.AWS: _Pieces(
        key=_BUCKET_KEY,
        fetch='aws s3 cp --only-show-errors "s3://$BUCKET/$KEY" "$FILE"',
        put_new='aws s3api put-object --bucket "$BUCKET" --key "$KEY" --body "$FILE" --if-none-match "*" > /dev/null',
        remove='aws s3 rm --only-show-errors "s3://$BUCKET/$KEY"',
        names='aws s3 ls "s3://$BUCKET/${PREFIX:+$PREFIX/}metadata/"',
        pick=r"[0-9-]\{10\} [0-9:]\{8\}  *[0-9][0-9]* ",
        upload='aws s3 cp --only-show-errors - "s3://$BUCKET/$KEY"',
        download='aws s3 cp --only-show-errors "s3://$BUCKET/$KEY" -',
    ),
    Tool.GSUTIL: _Pieces(
        key=_BUCKET_KEY,
        fetch='gsutil -q cp "gs://$BUCKET/$KEY" "$FILE"',
        put_new='gsutil -q -h "x-goog-if-generation-match:0" cp "$FILE" "gs://$BUCKET/$KEY"',
        remove='gsutil -q rm "gs://$BUCKET/$KEY"',
        names='gsutil ls "gs://$BUCKET/${PREFIX:+$PREFIX/}metadata/"',
        pick="gs://.*/metadata/",
        upload='gsutil -q cp - "gs://$BUCKET/$KEY"',
        download='gsutil -q cp "gs://$BUCKET/$KEY" - < /dev/null',
    ),
    Tool.AZ: _Pieces(
        key=_BUCKET_KEY,
        fetch='az storage blob download --account-name "$ACCOUNT" --container-name "$CONTAINER" --name "$KEY" \\\n'
        '  --file "$FILE" --no-progress --only-show-errors --output none',
        put_new='az storage blob upload --account-name "$ACCOUNT" --container-name "$CONTAINER" --name "$KEY" \\\n'
        '  --file "$FILE" --overwrite false --no-progress --only-show-errors --output none',
        remove='az storage blob delete --account-name "$ACCOUNT" --container-name "$CONTAINER" --name "$KEY" \\\n'
        "  --only-show-errors --output none",
        names='az storage blob list --account-name "$ACCOUNT" --container-name "$CONTAINER" \\\n'
        '  --prefix "${PREFIX:+$PREFIX/}metadata/" --delimiter "/" --num-results "*" \\\n'
        '  --query "[].name" --output tsv --only-show-errors',
        pick=r"\(.*/\)\{0,1\}metadata/",
    ),
}

_CREATE_BACKUP: Final = """\
{begin}printf '%s\\n' "$BACKUP_NAME"
"""
_STREAMED_WRITE: Final = """\
FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
KEY={key}
printf '%s\\n' "$FILE_HANDLE"
exec 1>&-
{zip_pipe}{upload} > /dev/null
"""
_DRAFT: Final = """\
DRAFT=$({draft})
trap 'rm -f -- "$DRAFT/text" "$DRAFT/file" "$DRAFT/there"; rmdir -- "$DRAFT"' EXIT
"""
_DRAFTED_WRITE: Final = (
    """\
FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
KEY={key}
"""
    + _DRAFT
    + """\
printf '%s\\n' "$FILE_HANDLE"
exec 1>&-
exec 1> /dev/null
FILE="$DRAFT/file"
{zip} > "$FILE"
{put_new}
"""
)
_STREAMED_READ: Final = """\
{guard}KEY={key}
{download}{unzip_pipe}
"""
_DRAFTED_READ: Final = (
    _DRAFT
    + """\
KEY={key}
FILE="$DRAFT/file"
{fetch}
{unzip} < "$FILE"
"""
)
_SAVE: Final = (
    _DRAFT
    + """\
FILE_HANDLE="metadata/$FILE_NAME"
KEY={key}
printf '%s\\n' "$FILE_HANDLE"
exec 1>&-
exec 1> /dev/null
cat > "$DRAFT/text"
# Whole lines and at least one, or the writer was cut off.
test -s "$DRAFT/text"
test -z "$(tail -c 1 "$DRAFT/text")"
FILE="$DRAFT/file"
{zip} < "$DRAFT/text" > "$FILE"
if {put_new}; then exit 0; fi
# The name is taken, or the answer was lost: all is well if the same lines stand there.
FILE="$DRAFT/there"
{fetch}
{unzip} < "$FILE" | cmp -- "$DRAFT/text" - || {
  printf '%s\\n' "$FILE_HANDLE is there with other lines; nothing was replaced" >&2
  exit 1
}
"""
)
_LIST: Final = r"""{names} |
  LC_ALL=C sed -n 's#^{pick}\([A-Za-z0-9][A-Za-z0-9._-]*\.meta\)$#metadata/{group}#p' |
  grep .
"""
_MOVE: Final = (
    _DRAFT
    + """\
{before}FILE_HANDLE="metadata/$FILE_NAME"
KEY={key}
FILE="$DRAFT/file"
{fetch}
FILE_HANDLE="metadata_backup/$FILE_NAME"
KEY={key}
if ! {put_new}; then
  FILE="$DRAFT/there"
  {fetch}
  cmp -- "$DRAFT/file" "$FILE" || {
    printf '%s\\n' "$FILE_HANDLE is there with other content; nothing was replaced or moved" >&2
    exit 1
  }
fi
FILE_HANDLE="metadata/$FILE_NAME"
KEY={key}
{remove}
"""
)


def commands_for(tool: Tool, *, zipped: bool) -> Commands:
    """The commands for a kind of place whose files are gzip, or plain."""
    pieces = _PIECES[tool]
    parts = {
        **{each.name: getattr(pieces, each.name) for each in fields(pieces)},
        "key": pieces.key % "$FILE_HANDLE",
        "zip": "gzip -nc" if zipped else "cat",
        "unzip": "gzip -cd" if zipped else "cat",
        "zip_pipe": "gzip -nc | " if zipped else "",
        "unzip_pipe": " | gzip -cd" if zipped else "",
        # The first group of the pattern is the name, unless what stands before it is one.
        "group": rf"\{1 + pieces.pick.count('(')}",
    }
    return Commands(
        create_backup=_filled(_CREATE_BACKUP, parts),
        create_for_write=_filled(_STREAMED_WRITE if pieces.upload else _DRAFTED_WRITE, parts),
        open_for_read=_filled(_STREAMED_READ if pieces.download else _DRAFTED_READ, parts),
        save_metadata_line=_filled(_SAVE, parts),
        list_metadata_files=_filled(_LIST, parts),
        backup_metadata_file=_filled(_MOVE, parts),
    )


def _filled(template: str, parts: Mapping[str, str]) -> str:
    for name, text in parts.items():
        template = template.replace(f"{{{name}}}", text)
    return template
