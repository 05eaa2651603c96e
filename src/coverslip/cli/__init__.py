"""The command line: arguments to calls, errors to sentences; no logic."""

from __future__ import annotations

import os
import sys

_STOPPED = 130
"""What shells call a command that Ctrl-C ended."""


def main(arguments: list[str] | None = None) -> int:
    """Run `coverslip` and return the exit code.

    0: done; 2: the input or an argument cannot be used, or `samples check` or `doctor` found something to mend, and
    standard error says what; 130: stopped on request, what was done is saved.
    """
    from coverslip.cli.plain import plain_streams
    from coverslip.core.cores import wait_passively

    wait_passively()
    with plain_streams():
        return _run(arguments)


def _run(arguments: list[str] | None) -> int:
    from coverslip.cli.app import app
    from coverslip.cli.flags import declare
    from coverslip.cli.progress import shown_progress
    from coverslip.core.errors import CoverslipError, Stopped

    try:
        words = sys.argv[1:] if arguments is None else arguments
        declare(next((word for word in words if not word.startswith("-")), None))
        with shown_progress():
            result = app(arguments, prog_name="coverslip", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        return _ended("Stopped.", code) if code == _STOPPED else code  # the parser makes this of Ctrl-C
    except Stopped as stopped:
        return _ended(str(stopped), _STOPPED)
    except CoverslipError as error:
        return _ended(f"Error: {error}", 2)
    except MemoryError:
        return _ended("Error: This does not fit into the memory that is free; give fewer or smaller images.", 2)
    except KeyboardInterrupt:
        return _ended("Stopped.", _STOPPED)
    except BrokenPipeError:  # the reader of a pipe, such as `head`, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return 0
    except Exception as error:
        shown = _usage_error(error)
        if shown is None:
            raise
        return shown


def _ended(sentence: str, code: int) -> int:
    """Say why; of several processes of one fit, the first one says it for all."""
    number = os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or "0"
    if number == "0":
        print(sentence, file=sys.stderr)
    elif code != _STOPPED:
        print(f"[process {number}] {sentence}", file=sys.stderr)
    return code


def _usage_error(error: Exception) -> int | None:
    """Show what the argument parser objects to, as it would by itself; None for any other error."""
    show = getattr(error, "show", None)
    code = getattr(error, "exit_code", None)
    if code is None:
        return None
    if show is not None:
        show()
    return int(code)


def script() -> None:
    """Entry point of the installed command."""
    sys.exit(main())
