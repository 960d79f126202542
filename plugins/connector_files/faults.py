"""Turn what the file system says into our errors, with the file and what to do."""

from __future__ import annotations

import errno
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connector import AccessError, RemoteError, Unavailable

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise AccessError if *path* can't be opened, RemoteError if it is damaged."""
    try:
        yield
    except PermissionError as error:
        raise AccessError(f"{path}: not allowed to read it; give this user access") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RemoteError(f"{path}: damaged gzip file ({error}); export it again") from error
    except FileNotFoundError as error:
        raise RemoteError(f"{path}: has gone while it was being read; run again") from error
    except OSError as error:
        raise RemoteError(f"{path}: can't be read: {error}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise AccessError if *path* can't be written; nothing has been changed then."""
    try:
        yield
    except PermissionError as error:
        raise AccessError(
            f"{path}: not allowed to write it; give this user access to the file and its folder,"
            " and close it in other programs; nothing was changed"
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise no_folder(path) from error
    except OSError as error:
        if error.errno in _FULL:
            raise AccessError(f"{path}: disk full: free space; nothing was changed") from error
        raise RemoteError(f"{path}: can't be written: {error}; nothing was changed") from error


def no_folder(path: Path) -> AccessError:
    """Return the error for a file that stands where the folder of *path* should be."""
    return AccessError(
        f"{path}: {path.parent} is not a folder; remove what is there, or name another folder in"
        " `output`; nothing was changed"
    )


def changed(path: Path) -> Unavailable:
    """Return the error for a file that another program changed while we were at work."""
    return Unavailable(f"{path}: changed by another program meanwhile; nothing was changed")
