"""The command line: arguments to calls, errors to sentences; no logic."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run `coverslip` and return the exit code.

    0: done; 1: `samples check` or `doctor` found something wrong with a single word to say; 2: the input
    or an argument cannot be used, one sentence says why; 130: stopped on request, what was done is saved.
    """
    from coverslip.cli.app import app
    from coverslip.cli.progress import show_progress
    from coverslip.core.errors import CoverslipError, Stopped
    from coverslip.core.progress import reporting

    try:
        with reporting(show_progress):
            result = app(arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Stopped as stopped:
        print(str(stopped), file=sys.stderr)
        return 130
    except CoverslipError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as `head`, had enough
        sys.stderr.close()
        return 0
    except Exception as error:
        code = _usage_error(error)
        if code is None:
            raise
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
