"""What the machine refuses (disk, memory, names, rights) in one line for a person. xgaze's own faults keep their traceback."""

import errno
import os

from xgaze.errors import InputError

REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space, or work in another folder.",
    errno.EDQUOT: "Your share of the disk is full: free some space, or work in another folder.",
    errno.EROFS: "It lies on a disk that can only be read: work in another folder.",
    errno.EACCES: "You may not read or write there: ask for the rights, or work in another folder.",
    errno.EPERM: "You may not do that there: ask for the rights, or work in another folder.",
    errno.ENAMETOOLONG: "Give a shorter name: file systems take at most 255 bytes of one.",
    errno.ENOTDIR: "A file lies where a folder should: move it away, or name another folder.",
    errno.EISDIR: "A folder lies where a file should: move it away, or name another file.",
    errno.EMFILE: "Too many files are open at once: raise `ulimit -n`.",
    errno.EIO: "The disk fails: copy what you need, and work on another one.",
}
NO_MEMORY = "can't allocate memory"  # torch's word for it
STOPPED = "stopped. The same command goes on from the last finished epoch."


def fault_in_words(error: BaseException) -> str | None:
    """The line for a person; None for an error that is xgaze's own, which nobody should hide."""
    if isinstance(error, InputError):
        return _innermost(str(error))
    if (
        type(error).__name__ == "TerminatedWorkerError"
    ):  # joblib's, by name: torch and joblib are not loaded for a message
        return (
            "a worker process was killed, most likely since memory ran out. Take fewer --workers, or smaller batches."
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or NO_MEMORY in str(error):
        return f"memory ran out{_told(error)}. Take smaller pictures or batches, or fewer --workers."
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read: a recipe, a stored file, or a model. Make it flatter."
    if isinstance(error, EOFError):
        return f"a stored file ends too early{_told(error)}. Remove it, or make it again with --force."
    if isinstance(error, UnicodeError):
        return f"a name or text that is not UTF-8{_told(error)}. Rename the file or folder, or save the text as UTF-8."
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> str:
    """The operating system's word, with the file and a remedy."""
    names = [shown(name) for name in (error.filename, error.filename2) if name is not None]
    word = error.strerror or _innermost(str(error)) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0, "")
    return " ".join(part for part in (f"{' -> '.join(names)}: {word}." if names else f"{word}.", remedy) if part)


def shown(name: str | bytes | int) -> str:
    """A file's name as it can be printed, whatever bytes it has."""
    text = os.fsdecode(name) if isinstance(name, str | bytes) else f"file {name}"
    return text.encode("utf-8", "backslashreplace").decode()


def _told(error: BaseException) -> str:
    line = _innermost(str(error))
    return f" ({shown(line)})" if line else ""


def _innermost(text: str) -> str:
    """An error's own words: what a loader's worker raised comes wrapped in its whole traceback."""
    if not text.startswith("Caught ") or "Traceback (most recent call last)" not in text:
        return text
    last = text.strip().splitlines()[-1]
    return last.partition(": ")[2] or last
