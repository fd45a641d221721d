"""What the machine refuses ends in one line and exit code 2; xgaze's own faults keep their traceback."""

import errno
import os

import pytest

from xgaze.cli import main as main_module
from xgaze.cli.main import imported, main
from xgaze.cli.words.faults import fault_in_words
from xgaze.errors import InputError


def nested():
    return nested()


def too_deep():
    try:
        nested()
    except RecursionError as error:
        return error


WRAPPED = (
    "Caught InputError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
    '  File "x.py", line 1, in f\nxgaze.errors.InputError: a.png: not a picture: it is empty\n'
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: No space left on device. The disk is full"),
        (
            OSError(errno.EROFS, "Read-only file system", "a"),
            "a: Read-only file system. It lies on a disk that can only",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: Permission denied. You may not read or write"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a"), "a: File name too long. Give a shorter name"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"),
            "a/b: Not a directory. A file lies where a folder",
        ),
        (IsADirectoryError(errno.EISDIR, "Is a directory", b"b\xff"), "b\\udcff: Is a directory. A folder lies where"),
        (OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"), "a -> b: Invalid cross-device link."),
        (OSError("no such thing"), "no such thing."),
        (MemoryError("Unable to allocate 9 GiB"), "memory ran out (Unable to allocate 9 GiB). Take smaller pictures"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"), "memory ran out (["),
        (too_deep(), "nested too deeply"),
        (EOFError("No data left in file"), "a stored file ends too early (No data left in file)"),
        (UnicodeEncodeError("utf-8", "caf\udce9", 3, 4, "surrogates not allowed"), "is not UTF-8 ('utf-8' codec"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid start byte"), "Rename the file or folder"),
        (InputError(WRAPPED), "a.png: not a picture: it is empty"),
    ],
)
def test_one_line_says_what_and_what_to_do(error, words):
    line = fault_in_words(error)
    assert words in line and "\n" not in line
    line.encode()  # whatever the names, it can be printed


def test_faults_of_our_own_are_not_hidden():
    assert [fault_in_words(one) for one in (KeyError("a"), ValueError("b"), TypeError("c"), RuntimeError("d"))] == [
        None
    ] * 4


@pytest.fixture
def ends(monkeypatch, capsys):
    """Exit code and standard error of `main` where a command raises this."""

    def end(error):
        def command(standalone_mode):
            raise error

        monkeypatch.setattr(main_module, "xgaze", command)
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, capsys.readouterr().err

    return end


def test_the_machine_and_bad_input_exit_with_2_and_ctrl_c_with_130(ends):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.csv")
    assert ends(full) == (
        2,
        "xgaze: a.csv: No space left on device. " + fault_in_words(full).partition("device. ")[2] + "\n",
    )
    assert ends(InputError("wrong")) == (2, "xgaze: wrong\n")
    assert ends(KeyboardInterrupt())[0] == 130


def test_an_empty_array_is_not_taken_for_ctrl_c(monkeypatch, capsys, tmp_path):
    def command(*_, **__):
        raise EOFError("No data left in file")

    monkeypatch.setattr(imported("check"), "invoke", command)
    monkeypatch.setattr("sys.argv", ["xgaze", "check", "multi-eye"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2 and "ends too early (No data left in file)" in capsys.readouterr().err


def test_a_fault_of_our_own_shows_its_traceback(monkeypatch):
    def command(standalone_mode):
        raise KeyError("forgotten")

    monkeypatch.setattr(main_module, "xgaze", command)
    with pytest.raises(KeyError, match="forgotten"):
        main()
