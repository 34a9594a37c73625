"""`seamline adapter`: one place told to both tools. A stock command adapter for a store, a location for an adapter."""

from __future__ import annotations

import click

from core.errors import StoreUnreachable, UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_store
from tui.headless.output import put_document, put_text


@click.command(short_help="A stock command adapter for a store, or the location an adapter leads to.")
@takes_store
@click.option("--gzip/--plain", "zipped", default=None, help="How the store's files are kept, without a look at it.")
@json_option
def adapter(store: str, zipped: bool | None, as_json: bool) -> int:
    """Print a stock command adapter (YAML) that leads to STORE, a folder or a bucket; written to a file it is what
    stock takes as --command-adapter-config.

    Where STORE is such a file, print the location of the place that it leads to; none of its commands is run.

    Whether the adapter works with gzip is told by one look at a file of metadata/, unless --gzip or --plain says it.

    Exit code 0: printed. 2: the location is wrong, or it can't be told where the adapter leads. 6: the provider's tool
    can't be given this place. 20: the store can't be looked at.
    """
    from core.storage import folder_of, is_command_adapter

    if not is_command_adapter(store):
        return _written(store, _is_zipped(store) if zipped is None else zipped, as_json)
    if zipped is not None:
        raise UsageError("--gzip and --plain are for an adapter that is to be written", hint="name a store")
    from core.storage.adapter.place import place_of

    path = folder_of(store)
    url = place_of(path)
    if as_json:
        put_document({"schema": 1, "adapter": path, "url": url})
    else:
        put_text(f"{url}\n")
    return ExitCode.OK


def _is_zipped(store: str) -> bool:
    from core.storage import reader_for
    from core.storage.adapter.text import holds_gzip

    try:
        return holds_gzip(reader_for(store))
    except StoreUnreachable as unreachable:
        unreachable.hint = f"{unreachable.hint}; or say how it is kept, without a look: --gzip or --plain"
        raise


def _written(store: str, zipped: bool, as_json: bool) -> int:
    from core.storage.adapter.text import adapter_text

    text = adapter_text(store, zipped=zipped)
    if as_json:
        put_document({"schema": 1, "store": store, "adapter": text})
    else:
        put_text(text)
    return ExitCode.OK
