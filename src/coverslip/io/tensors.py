"""Named arrays as safetensors: nothing in such a file can run code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from coverslip.core import ModelError
from coverslip.io.atomic import atomic_path
from coverslip.io.reasons import reason


def write_tensors(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write named arrays.

    Parameters
    ----------
    path : str or Path
        The file to write or replace.
    arrays : mapping of str to ndarray
        Numbers or true/false of any shape.
    metadata : mapping of str to str, optional
        Notes kept in the header.

    Returns
    -------
    Path
        The file written. Equal arrays and notes give equal files.
    """
    from safetensors.numpy import save

    # The format stores the bytes as they lie, so views must be made contiguous and big-endian numbers native.
    plain = {name: np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("=")) for name, a in arrays.items()}
    shaped = {name: a.reshape(arrays[name].shape) for name, a in plain.items()}  # contiguous scalars become (1,)
    with atomic_path(path) as temporary:
        # Not by the library: it makes files that only their owner may read, and full disks are errors of its own.
        temporary.write_bytes(_in_order(save(shaped, metadata=dict(metadata or {}))))
    return Path(path)


def _in_order(file: bytes) -> bytes:
    """A safetensors file with its header in order: the library writes notes as they come out of a hash table."""
    length = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + length])
    notes = dict(sorted(header.pop("__metadata__", {}).items()))
    text = json.dumps({"__metadata__": notes, **header}, ensure_ascii=False, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)  # arrays begin at a multiple of 8 bytes
    return b"".join([len(text).to_bytes(8, "little"), text, memoryview(file)[8 + length :]])


def tensors_hash(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of named arrays, as hexadecimal text: of names, types, shapes and values, in the order of the names."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        found.update(json.dumps([name, plain.dtype.str, list(array.shape)]).encode())
        found.update(plain.tobytes())
    return found.hexdigest()


def read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read named arrays and the notes beside them.

    Parameters
    ----------
    path : str or Path
        A file that `write_tensors` wrote.

    Returns
    -------
    arrays : dict of str to ndarray
        Copies in memory.
    metadata : dict of str to str
        The notes.

    Raises
    ------
    ModelError
        If the file is missing, cut short, damaged, or something else, such as a pickle, which is never opened.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path} is missing; restore it, or fit the model again.")
    refuse_pickle(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{path} is cut short or damaged ({reason(error)}); restore it, or fit the model again."
        ) from error


def refuse_pickle(path: Path) -> None:
    """Say so where a file is a pickle, plain or zipped as PyTorch writes them, by its first bytes alone."""
    with open(path, "rb") as file:
        head = file.read(16)
    if head[:1] == b"\x80" and 1 <= int.from_bytes(head[1:2], "little") <= 8 and head[8:9] != b"{":
        kind = "a pickle"
    elif head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        kind = "a zip archive, as PyTorch pickles are"
    else:
        return
    raise ModelError(
        f"{path} is {kind}, not a safetensors file; it could run code and was not opened: "
        "use a model that was saved by Coverslip."
    )
