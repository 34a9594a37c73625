"""The `seamline` command: finds the command, runs it, and turns whatever happens into an answer and an exit code.

No exception leaves here: errors become a message with a hint on stderr, or the JSON error document on stdout.
"""

from __future__ import annotations

import difflib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from core.errors import SeamlineError, UsageError
from tui.headless.adapter import adapter
from tui.headless.check import check
from tui.headless.compact import compact
from tui.headless.demo import demo
from tui.headless.doctor import doctor
from tui.headless.exit_codes import ExitCode
from tui.headless.failures import Failure, report_failure
from tui.headless.guard import guard
from tui.headless.leaving import leave
from tui.headless.lock import lock
from tui.headless.log import log
from tui.headless.open_app import open_store
from tui.headless.options import STORE_VARIABLE
from tui.headless.output import AnswerLost, ReaderGone
from tui.headless.overlay import overlay
from tui.headless.repair import repair
from tui.headless.restore_plan import restore_plan
from tui.headless.resume import resume
from tui.headless.undo import undo

if TYPE_CHECKING:
    from core.host import Machine

_OWN_FLAGS: Final = frozenset({"--help", "-h", "--version"})


class StoreOrCommand(click.Group):
    """A group that opens the app when the first word is a store, or when `SEAMLINE_STORE` names one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `open` where no command stands. Raises `UsageError` when there is neither a command nor a store."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not args and not os.environ.get(STORE_VARIABLE):
            raise UsageError("no store was named", hint="seamline STORE opens a store; seamline demo makes one to try")
        if not args or (args[0] not in self.commands and args[0] not in _OWN_FLAGS):
            if args:
                self._refuse_misspelled(args[0])
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def _refuse_misspelled(self, word: str) -> None:
        close = difflib.get_close_matches(word, self.commands, n=1, cutoff=0.7)
        if close and not Path(word).exists():
            raise UsageError(f"there is no command {word!r}", hint=f"did you mean {close[0]}? A store: ./{word}")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which one meets them."""
        return list(self.commands)


@click.group(
    cls=StoreOrCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="[STORE | COMMAND [ARGS]...]",
    epilog="Exit codes: 0 done or nothing to report, 1 failed, 2 usage, 3 findings but stock restores the latest "
    "version, 4 stock can't restore, or a guarded command did harm, 5 the store changed since the plan, 6 refused, "
    "11 the lease is held by somebody else, 12 it was lost, 20 store unreachable, shrunk, or nothing to check, "
    "130 interrupted.",
)
@click.version_option(package_name="seamline", prog_name="seamline")
def cli() -> None:
    """See, understand, compact and repair Aptos backup stores.

    seamline STORE opens the app on a store; the commands give the same answers to scripts. What compact and repair do
    is previewed, journaled and can be undone; looking changes nothing. SEAMLINE_STORE is the default for STORE.
    """


_COMMANDS: Final = (
    open_store,
    demo,
    check,
    restore_plan,
    overlay,
    compact,
    repair,
    undo,
    resume,
    log,
    lock,
    guard,
    doctor,
    adapter,
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> NoReturn:
    """The console script. Being asked to end is heard as Ctrl-C is, so that no command of an adapter is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    leave(run(sys.argv[1:]))


def run(arguments: Sequence[str], machine: Machine | None = None) -> int:
    """Run one command line on `machine` (by default this one); returns its exit code."""
    try:
        code = cli.main(args=list(arguments), prog_name="seamline", standalone_mode=False, obj=machine)
        return int(code or ExitCode.OK)
    except ReaderGone:
        return ExitCode.FAILED
    except click.ClickException as error:
        return report_failure(_of_click(error), arguments)
    except (click.Abort, KeyboardInterrupt) as error:
        # Click takes the end of anything for the end of what is typed.
        fault = error.__cause__ if isinstance(error.__cause__, EOFError) else None
        return report_failure(_unexpected(fault) if fault else _INTERRUPTED, arguments)
    except SeamlineError as error:
        return report_failure(Failure(error.exit_code, error.kind, error.message, error.hint), arguments)
    except OSError as error:
        return report_failure(_of_system(error), arguments)
    except Exception as error:
        return report_failure(_unexpected(error), arguments)


_INTERRUPTED: Final = Failure(
    ExitCode.INTERRUPTED,
    "interrupted",
    "interrupted: what was read so far is partial, so no answer is given; nothing was written",
    "run it again",
)


def _of_click(error: click.ClickException) -> Failure:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "seamline"
    usage = context.get_usage() if context else ""
    return Failure(ExitCode.USAGE, "usage", error.format_message(), f"{path} --help", usage)


def _of_system(error: OSError) -> Failure:
    if isinstance(error, AnswerLost):
        what = f"the answer could not be written to standard output: {error.strerror}"
        return Failure(ExitCode.FAILED, "failed", what, "seamline log STORE tells what was done, if anything")
    where = f"{error.filename}: " if error.filename else ""
    return Failure(ExitCode.FAILED, "failed", f"{where}{error.strerror or error}", "check the disk and the permissions")


def _unexpected(error: Exception) -> Failure:
    return Failure(
        ExitCode.FAILED,
        "internal",
        f"internal error, {type(error).__name__}: {error}",
        "seamline log STORE tells what was written, if anything; please report this with the command and, if you can, "
        "the metadata/ folder",
    )
